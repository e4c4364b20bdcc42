import type { BuiltObject, Column, ManifestEntry } from "./catalog.ts";
import type { UserErrorDetails } from "./errors.ts";
import type { Model } from "./graph.ts";
import type { Target } from "./target.ts";

/** What a run will do, as a value: the statements that are printed are the statements that are sent. */
export interface Plan {
  readonly version: 1;
  readonly environment: string;
  /** The release this plan was made upon; publishing it upon another one is refused. */
  readonly baseRelease: number | null;
  /** Schemas that `preparation` makes. */
  readonly schemas: readonly string[];
  /** Sent once, before anything is built. */
  readonly preparation: readonly Statement[];
  /** One release each. Operations that read models split a run into several. */
  readonly segments: readonly Segment[];
  /** Published models that the project no longer has, by `schema.name`. */
  readonly removed: readonly string[];
  /** Of the selected actions, how many are as they were built last and are not built again; absent where that was not asked. */
  readonly unchanged?: number;
  /** What a person should know before it happens. */
  readonly notes: readonly string[];
}

export interface Segment {
  readonly release: number;
  readonly steps: readonly (BuildStep | OperationsStep)[];
  readonly audits: readonly AuditStep[];
}

/** What a statement is for. Nobody finds it out of its text. */
export type StatementRole =
  | "begin"
  | "commit"
  | "savepoint"
  /** A setting of the transaction, or the role that it acts as. */
  | "setting"
  /** How long the transaction may wait for locks, and how long it may hold readers. */
  | "limit"
  /** Makes a table of the rows of a query. */
  | "rows"
  /** Makes, alters or drops a relation without reading a row: a view, a storage, a schema. */
  | "shape"
  | "index"
  | "analyze"
  /** Comments and grants. */
  | "label"
  /** Changes rows of a storage, at publishing. */
  | "delta"
  /** Only reads: an assertion, what fills caches. */
  | "read"
  /** Turns a release into the published one. */
  | "publish"
  /** The author's own, in operations, pre_operations and post_operations. */
  | "author";

/** One statement. Made by sql/statement.ts only. */
export interface Statement {
  readonly sql: string;
  readonly role: StatementRole;
  /** Absent: it may run in a transaction. "outside": PostgreSQL refuses it there. "control": it begins or ends one. */
  readonly transaction?: "outside" | "control";
  /** Where the author's own texts stand in it. */
  readonly origins?: readonly Origin[];
}

export interface Origin {
  readonly file: string;
  /** The author's text, as compiled. */
  readonly text: string;
  /** Its offset in the statement, in characters. */
  readonly start: number;
}

interface StepBase {
  readonly target: Target;
  readonly file: string;
  /** Why this step is there, for a person. */
  readonly reason: string;
  /** Keys of the steps of the same run that must have succeeded before. */
  readonly waitsFor: readonly string[];
}

/** Builds one private object, in one transaction, sent as one message. */
export interface BuildStep extends StepBase {
  readonly step: "build";
  readonly kind: Model["kind"];
  readonly statements: readonly Statement[];
  /** The manifest entry it will have; columns are known once it is built. */
  readonly entry: Omit<ManifestEntry, "columns">;
  readonly publishing: PublishOptions;
  /** The columns that it must have, and no others. */
  readonly contract?: Contract;
  /** Why the model cannot be built as it is written. */
  readonly refused?: UserErrorDetails;
  /** Incremental runs: the table of new rows. The step has a second half, planned once their columns are known. */
  readonly newRows?: NewRows;
  /** What only runs to come will send of what the author wrote, as they can be planned over the empty object. */
  readonly later?: readonly Statement[];
  /** Incremental runs only: how the delta is applied when the release is published. */
  readonly delta?: DeltaStep;
}

/** Types by the names of columns, as `format_type` spells them. */
export type Contract = Readonly<Record<string, string>>;

/** The private table of an incremental run's new rows. */
export interface NewRows {
  readonly table: string;
  readonly uniqueKey: readonly string[];
  /** The table of the rows that the author's own statements delete, where there are any. */
  readonly gone?: string;
  /** The private view of the rows that are there: self() in the query. */
  readonly self: string;
}

/** What is known of new rows once they are computed. */
export interface NewRowsShape {
  readonly columns: readonly Column[];
  /** For each way in which rows have NULLs in their key: the columns that are NULL. */
  readonly nullKeys: readonly (readonly string[])[];
}

export interface DeltaStep {
  /** The private table that holds the new rows; dropped after the release. */
  readonly table: string;
  /** The private table of the rows that the author's own statements deleted; dropped after the release. */
  readonly gone?: string;
  /** The private table of what is known of rows that are adopted; dropped after the release. */
  readonly note?: string;
  /** Sent first, as the publisher: nobody changes the rows that are adopted until the transaction ends. */
  readonly locks?: readonly Statement[];
  /** Sent then, as the builder: they are still those that were copied. */
  readonly checks?: readonly Statement[];
  /** Sent in the publishing transaction, before any public view is touched. */
  readonly statements: readonly Statement[];
  /** Sent with the public views: keeps the release before readable as it was. */
  readonly history: readonly Statement[];
}

/** A number of rows, or a share of all rows: 0.005 is half a percent. */
export type Threshold = { readonly rows: number } | { readonly share: number };

/** The author's statements, in one transaction where PostgreSQL allows it. */
export interface OperationsStep extends StepBase {
  readonly step: "operations";
  readonly kind: "operations";
  /** Before all else of the run, or behind it. */
  readonly runs?: "start" | "end";
  readonly statements: readonly Statement[];
}

export interface AuditStep extends StepBase {
  readonly step: "audit";
  readonly kind: "assertion" | "dashboard" | "api";
  /** Of an assertion: counts the rows that fail. Of a dashboard or an API: `explain`, which finds names and types that are wrong and reads nothing. */
  readonly statement: Statement;
  readonly severity: "warn" | "error";
  /** Failing rows that are let pass. */
  readonly threshold: Threshold;
  /** Keys of the models it reads. */
  readonly reads: readonly string[];
  /** The key of a model's config that asks for it, where the statement has nothing of the author's. */
  readonly askedBy?: string;
  /** Of a guard: what it means that it fails, and how it is let pass. */
  readonly guards?: { readonly message: string; readonly hint: string };
}

export type Step = BuildStep | OperationsStep | AuditStep;

/** What a model's own config says about its public view. */
export interface PublishOptions {
  /** Privilege → roles. */
  readonly grants: Readonly<Record<string, readonly string[]>>;
  /** Drop and make again, in the publishing transaction, what others built on columns that change. */
  readonly rebuildDependents: boolean;
  /** Take over a relation of the public name that this project did not make. */
  readonly adopt: boolean;
  /** With what others built on it, which is made again on the model. */
  readonly adoptDependents?: boolean;
}

/** One model that waits to be published: all that is known of it without its source. JSON, kept with the release. */
export interface PublishItem {
  readonly target: Target;
  readonly file: string;
  readonly entry: Omit<ManifestEntry, "columns">;
  readonly object: BuiltObject;
  readonly publishing: PublishOptions;
  readonly delta?: DeltaStep;
  /** Why its row-level security would not do what it says. */
  readonly unheld?: string;
}

/** Time limits of publishing, in milliseconds. */
export interface Bounds {
  /** The longest that an attempt waits for a lock. */
  readonly lockMs: number;
  /** The longest that an attempt holds readers. */
  readonly holdMs: number;
  /** Up to here `holdMs` is doubled, attempt by attempt, on a machine that is too slow for it. */
  readonly longestHoldMs: number;
}

/** The statements that make one release visible. */
export interface PublishPlan {
  readonly release: number;
  readonly targets: readonly Target[];
  /** Under roles: sent by the publisher before, so that the transaction can be the builder's. */
  readonly offer: readonly Statement[];
  /** Sent by the publisher afterwards. */
  readonly withdraw: readonly Statement[];
  /** Read once before the transaction, so that the server's caches are filled before any lock is held. */
  readonly warmUp: readonly Statement[];
  /** First, without a lock that readers feel: `begin`, the deltas of incremental models, a savepoint to go back to. */
  readonly deltas: readonly Statement[];
  /** Then, in one message that ends with the commit: the limits, the compare-and-swap, the public views, the release row. */
  readonly views: readonly Statement[];
  readonly bounds: Bounds;
  /** What a person should know: columns that are served in their old shape, relations that are taken over. */
  readonly warnings: readonly string[];
}
