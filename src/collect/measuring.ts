import type { Outcome } from "./arrived.ts";

/** Told by a collector of what it does. */
export interface CollectMeasuring {
  /** What became of events that were committed together. */
  landed(source: string, outcomes: readonly Outcome[]): void;
  /** @param isMade whether it was made; or else nothing of it has landed, or nobody knows */
  committed(source: string, isMade: boolean, seconds: number): void;
  /** A request was answered with a problem. */
  refused(source: string, why: string): void;
}
