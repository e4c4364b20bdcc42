import type { RunningServer } from "../../serve/server.ts";
import type { Collectors } from "../collect/collectors.ts";

interface Answering {
  /** What takes events beside the answers. */
  readonly collectors: Collectors | undefined;
  /** Milliseconds in which what waits may land. */
  readonly drainTime: number;
}

/** Lets a server answer, and its collectors land what comes, until one of these ends; then drains both. */
export async function answering(
  running: RunningServer,
  { collectors, drainTime }: Answering,
  until: readonly Promise<unknown>[],
): Promise<void> {
  const drained = new AbortController();
  const collecting = collectors?.run(drained.signal, drainTime);
  try {
    await Promise.race([...until, ...(collecting ? [collecting] : [])]);
  } finally {
    await running.close();
    // First whoever waits for an answer has it.
    drained.abort();
    await collecting;
  }
}
