import type { StepStatus } from "./report.ts";

/** A selection that has a name: words as behind `--select` and `--exclude`. */
interface NamedSelection {
  readonly select?: readonly string[];
  readonly exclude?: readonly string[];
}

export type NamedSelections = ReadonlyMap<string, NamedSelection>;

/** What words such as `state:new` and `result:error` are asked of. */
export interface Past {
  /** By `schema.name`, the hash of the code: of models as they are published, of others as they went well last. */
  readonly code: Readonly<Record<string, string>>;
  /** By `schema.name`, what came of it in the last run that ended. */
  readonly results: Readonly<Record<string, Result>>;
  /** By `schema.name`, the hash that `code` is compared with, where that is not the one of the compiled action. */
  readonly now?: Readonly<Record<string, string>>;
}

/** What files of an earlier run tell (`--state`), by names without suffix and prefix. */
export type KeptPast = Pick<Past, "code" | "results">;

/** `error`: it ended so, and not by rows that an assertion found. */
export interface Result {
  readonly status: StepStatus;
  readonly error: boolean;
}
