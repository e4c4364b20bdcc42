import type { Shell } from "./shell.ts";

/** Runs `work` with a signal that Ctrl-C and SIGTERM abort. A second Ctrl-C ends the process at once. */
export async function untilInterrupted<T>(shell: Shell, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(130);
    shell.say(`${name}: cancelling and rolling back; once more to end at once`);
    controller.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  try {
    return await work(controller.signal);
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
}
