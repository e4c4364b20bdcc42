import { loadOf, type Order } from "./proof-load.ts";

/** Loads one source in a process of its own, which dies by itself at one event. */
const { dieAt, ...order } = JSON.parse(process.argv[2]!) as Order & { readonly dieAt: number };
let seen = 0;
process.exitCode = await loadOf(order, () => {
  if (++seen === dieAt) process.kill(process.pid, "SIGKILL");
});
