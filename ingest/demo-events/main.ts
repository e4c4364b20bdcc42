import { parseArgs } from "node:util";
import { play } from "./play.ts";

// tsx ingest/demo-events/main.ts --to http://127.0.0.1:3025/events --seed 1 --visitors 60 --speed 1 [--key dfk_…]
const { values } = parseArgs({
  options: {
    to: { type: "string", default: "http://127.0.0.1:3025/events" },
    seed: { type: "string", default: "1" },
    visitors: { type: "string", default: "60" },
    speed: { type: "string", default: "1" },
    key: { type: "string" },
  },
});
const ending = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => ending.abort());
const told = new Map<number, number>();
const timer = setInterval(() => {
  const said = [...told].map(([status, events]) => `${events} events answered ${status}`).join(", ");
  process.stderr.write(`${said || "nobody answers"}\n`);
}, 5_000);
await play({
  to: values.to,
  seed: Number(values.seed),
  from: Date.now(),
  visitorsPerMinute: Number(values.visitors),
  speed: Number(values.speed),
  key: values.key,
  signal: ending.signal,
  onAnswer: (status, events) => told.set(status, (told.get(status) ?? 0) + events),
});
clearInterval(timer);
