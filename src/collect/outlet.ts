import type { Arrived, Outcome } from "./arrived.ts";
import type { EventStreams } from "./event-streams.ts";

/** Where a collector's events go, one commit after the other: into PostgreSQL, or into a queue before it. */
export interface Outlet {
  readonly streams: EventStreams;
  /** Seconds since the oldest of its loads began; undefined where none is open. */
  readonly openFor: number | undefined;
  /** Bytes that wait on the disk; undefined where none would. */
  readonly spooled?: number;
  /**
   * Keeps events, all of them or none. What became of each is known once it has resolved.
   * @throws where none of them is kept and it goes on (`goesOn`), or nobody knows
   */
  write(events: readonly Arrived[]): Promise<readonly Outcome[]>;
  /** Whether what failed may be of one event, so that others can be tried without it. */
  goesOn(error: unknown): boolean;
  /** Ends what it is doing, which throws then. */
  cancel(): void;
  /** Ends what has been open for long enough. */
  endDue(): Promise<void>;
  /** Tells who looks at what lands that rows came. */
  notify(): Promise<void>;
  close(): Promise<void>;
  /** Hangs up, and leaves open what is. */
  abandon(): Promise<void>;
}
