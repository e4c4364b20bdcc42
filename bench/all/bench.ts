import type { Server } from "../server.ts";

/** What all lines are measured with. */
export interface Bench {
  readonly root: string;
  readonly cache: string;
  readonly server: Server;
  readonly rounds: number;
  /** Rounds of dbt and SQLMesh, which take minutes; 0 leaves them out. */
  readonly peerRounds: number;
  /** The larger of the two projects. */
  readonly models: number;
  /** Versions of the histories. */
  readonly versions: readonly number[];
  /** Megabytes of the larger file that lands. */
  readonly mb: number;
  say(text: string): void;
  /** What was left out, and why. */
  note(text: string): void;
}
