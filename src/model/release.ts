/** The environment of whoever names none. */
export const DEFAULT_ENVIRONMENT = "main";

/** SQLSTATE of a publish that comes too late: another run has taken over. */
export const FENCED = "DF001";
/** Code of a release that readers keep from being published. */
export const STARVED = "DF002";
/** Code of a release that was given up because older transactions were open. */
export const GIVEN_UP = "DF003";

/** What `dataform publish` and `dataform rollback` did. */
export interface ReleaseReport {
  readonly version: 1;
  readonly runId: string;
  readonly environment: string;
  /** The release that readers had before. */
  readonly from: number | null;
  /** The release that readers have now. */
  readonly release: number;
  /** For a rollback: the release whose content it has. */
  readonly contentOf?: number;
  /** For a rollback: whether the environment is held from now on. */
  readonly held?: boolean;
  /** Models whose public view changed. */
  readonly models: readonly string[];
  /** Seconds from the lock to the commit. */
  readonly duration: number;
  readonly warnings: readonly string[];
}

/** What `dataform retire` did. */
export interface RetireReport {
  readonly version: 1;
  readonly runId: string;
  readonly environment: string;
  /** What is no longer in the database. */
  readonly models: readonly string[];
  readonly warnings: readonly string[];
}

/** How one release differs from another, model by model; models that are the same object in both are left out. */
export interface ReleaseDiff {
  readonly version: 1;
  readonly environment: string;
  readonly from: number;
  readonly to: number;
  readonly models: readonly ModelDiff[];
}

export interface ModelDiff {
  /** `schema.name`. */
  readonly model: string;
  readonly change: "added" | "removed" | "rebuilt";
  /** What a row is told by; without it rows are compared whole, and a changed row counts as removed and added. */
  readonly key?: readonly string[];
  readonly rowsAdded: number;
  readonly rowsRemoved: number;
  readonly rowsChanged: number;
  readonly columnsAdded: readonly string[];
  readonly columnsRemoved: readonly string[];
  /** `name: old type → new type`. */
  readonly columnsRetyped: readonly string[];
}
