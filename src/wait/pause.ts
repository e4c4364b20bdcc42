import { setTimeout as sleep } from "node:timers/promises";

/** Sleeps for so many milliseconds. The signal ends it at once, with its own reason. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  try {
    await sleep(milliseconds, undefined, signal ? { signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
