import type { Target } from "./target.ts";

/** What the planner must know of the database, read once at the start of a run. */
export interface Catalog {
  readonly version: 1;
  /** As `server_version_num`: 150004, 180001. */
  readonly serverVersion: number;
  readonly environment: string;
  /** The project whose environment this is; absent where none of that name has run yet. */
  readonly project?: string;
  /** Set while no run may publish. */
  readonly hold?: Hold;
  /** The published release, or null before the first one. */
  readonly releaseId: number | null;
  /** Grows with each run; a run whose fence is no longer this one publishes nothing. */
  readonly fence: number;
  /** The number the next release gets. */
  readonly nextRelease: number;
  /** What the published release consists of, by `schema.name`. */
  readonly manifest: Manifest;
  /** What stands now under the public names of the project, by `schema.name`. */
  readonly relations: Readonly<Record<string, PublicRelation>>;
  /** Schemas that exist. */
  readonly schemas: readonly string[];
}

/** An environment that somebody holds: runs publish nothing until it is lifted. */
export interface Hold {
  /** When, as PostgreSQL's clock has it. */
  readonly since: string;
  readonly by: string;
  readonly reason?: string;
}

/** A release: every published model and the private objects that hold it. */
export type Manifest = Readonly<Record<string, ManifestEntry>>;

export interface ManifestEntry {
  readonly target: Target;
  readonly kind: "table" | "view" | "incremental";
  /** The object in schema `_dataform` that other models read. */
  readonly object: string;
  /** Incremental models only: the tables behind `object`. */
  readonly storage?: Storage;
  /** The release that built `object`. */
  readonly release: number;
  /** Hash of the model as it was compiled: another one means that its code changed. */
  readonly fingerprint: string;
  readonly columns: readonly Column[];
  /** Columns that name a row, where the project says so. */
  readonly key?: readonly string[];
  readonly description?: string;
  readonly columnDescriptions: Readonly<Record<string, string>>;
}

/**
 * Where an incremental model's rows are. Each row knows the release that wrote it, and a row that a later release
 * replaced is kept with that release's number, so that every kept release can be read and gone back to.
 */
export interface Storage {
  /** Current rows, with the release that wrote each. */
  readonly table: string;
  /** Rows that are gone, with the release that wrote them and the release that took them away. */
  readonly undo: string;
  /** What the table was made with; absent where an earlier version of this program made it. */
  readonly made?: StorageShape;
}

/** What of a model's config stands in its table: where it changes, the table is made again, of the same rows. */
export interface StorageShape {
  readonly uniqueKey: readonly string[];
  /** As the config has them, as JSON. */
  readonly indexes: readonly string[];
  /** Indexes and constraints of post_operations, word by word. */
  readonly statements: readonly string[];
}

export interface Column {
  readonly name: string;
  /** As format_type prints it, precision included: `numeric(18,6)`. */
  readonly type: string;
  /** Set when it is not the type's default. */
  readonly collation?: string;
}

export interface PublicRelation {
  readonly target: Target;
  readonly kind: "view" | "table" | "materialized view" | "foreign table" | "partitioned table" | "other";
  readonly owner: string;
  /** Whether it reads a private object: some environment of this tool publishes it. */
  readonly published: boolean;
  readonly columns: readonly Column[];
  /** `security_barrier=true` and the like. */
  readonly options: readonly string[];
  readonly grants: readonly Grant[];
  /** What others built upon it, nearest first. */
  readonly dependents: readonly Dependent[];
}

/** A view or materialized view that reads a public relation, directly or through others. */
export interface Dependent {
  readonly target: Target;
  readonly kind: "view" | "materialized view" | "other";
  /** 1 for a direct reader. */
  readonly depth: number;
  /** Columns of the public relation that it reads itself. */
  readonly columns: readonly string[];
  readonly owner: string;
  /** Its query, as pg_get_viewdef prints it. */
  readonly definition: string;
  readonly options: readonly string[];
  readonly grants: readonly Grant[];
  /** `comment on …` statements without the leading words: column name ("" for the whole) → text. */
  readonly comments: Readonly<Record<string, string>>;
  readonly indexes: readonly string[];
  /** Bytes on disk; 0 for a view. */
  readonly size: number;
  /** Rules or triggers of its own, which a rebuild would lose. */
  readonly hasRules: boolean;
}

export interface Grant {
  /** Role name; "PUBLIC" for everybody. */
  readonly grantee: string;
  readonly privilege: string;
  readonly grantable: boolean;
}

/** A private object as it came out of its build. */
export interface BuiltObject {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly grants: readonly Grant[];
}
