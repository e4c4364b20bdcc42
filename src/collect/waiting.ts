import type { Arrived, Outcome } from "./arrived.ts";
import { MOST_EVENTS } from "./request.ts";

/** Events of a request that wait for their commit. */
export interface Waiting {
  readonly events: readonly Arrived[];
  readonly bytes: number;
  /** Milliseconds, of a clock that only goes on. */
  readonly since: number;
  readonly done: (outcomes: readonly Outcome[]) => void;
  readonly failed: (error: Error) => void;
}

/** What goes into one commit at most, besides the first request. */
const MOST_BYTES = 16 * 1024 * 1024;

/** Of an event: what is kept of it besides its text. */
const AROUND = 500;

/** Bytes that events take: their text, and their cells. */
export function sizeOf(events: readonly Arrived[]): number {
  return events.reduce((sum, { size }) => sum + 2 * size + AROUND, 0);
}

/** Takes what goes into one commit from the front of the queue. */
export function takeBatch(queue: Waiting[]): readonly Waiting[] {
  let events = 0;
  let bytes = 0;
  let count = 0;
  for (const one of queue) {
    if (count && (events + one.events.length > MOST_EVENTS || bytes + one.bytes > MOST_BYTES)) break;
    events += one.events.length;
    bytes += one.bytes;
    count++;
  }
  return queue.splice(0, count);
}
