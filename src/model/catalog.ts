import type { Model } from "./graph.ts";
import type { Ground } from "./ground.ts";
import type { Target } from "./target.ts";

/** What the planner must know of the database, read once at the start of a run. */
export interface Catalog {
  readonly version: 1;
  /** As `server_version_num`: 150004, 180001. */
  readonly serverVersion: number;
  readonly environment: string;
  /** The project whose environment this is; absent where none of that name has run yet. */
  readonly project?: string;
  /** The folder of a project without a name that ran last. */
  readonly folder?: string;
  /** Set while no run may publish. */
  readonly hold?: Hold;
  /** Schemas that runs of this environment made and that this session owns, each with the roles that may look into it. */
  readonly madeSchemas?: Readonly<Record<string, readonly string[]>>;
  /** The published release, or null before the first one. */
  readonly releaseId: number | null;
  /** Grows with each run; a run whose fence is no longer this one publishes nothing. */
  readonly fence: number;
  /** The number the next release gets. */
  readonly nextRelease: number;
  /** What the published release consists of, by `schema.name`. */
  readonly manifest: Manifest;
  /** What somebody did by hand to private objects of that release, in words, by their name. */
  readonly damage?: Readonly<Record<string, string>>;
  /** What stands now under the public names of the project, by `schema.name`. */
  readonly relations: Readonly<Record<string, PublicRelation>>;
  /** Schemas that exist. */
  readonly schemas: readonly string[];
  /** Those of them in which this session may not make anything. */
  readonly closedSchemas?: readonly string[];
  /** Roles that exist. */
  readonly roles?: readonly string[];
  /** The role that publishes, where there are roles for each duty: it evaluates nothing that others wrote. */
  readonly publisher?: string;
  /** With such roles: what is built could not be read by the role that publishes, so that readers would be refused. */
  readonly buildsUnread?: true;
  /** By `schema.name`, what is read in place of a model of which nothing is published: that of another environment. */
  readonly deferred?: Readonly<Record<string, Target>>;
  /** What stands under the models; absent where nobody asks what is as it was. */
  readonly ground?: Ground;
}

/** What of the catalog others may change while a run goes on: it is read again before a release is published. */
export type Surroundings = Pick<
  Catalog,
  "relations" | "schemas" | "closedSchemas" | "roles" | "publisher" | "buildsUnread"
>;

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
  readonly kind: Model["kind"];
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
  /** Its rows depend on who reads: its tables have row-level security, or its view reads with the rights of the reader. */
  readonly perReader?: true;
  /** Rights that the model gives on its view, for one that comes back. */
  readonly grants?: readonly Grant[];
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
  /** The view of the table without the columns that are ours, where post_operations read self(). */
  readonly rows?: string;
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
  /** The private objects of other models that those name, as foreign keys and policies do. */
  readonly refersTo?: readonly string[];
  /** What the rows mean, as `postgres: { version }` has it. */
  readonly version?: string;
}

export interface Column {
  readonly name: string;
  /** As format_type prints it, precision included: `numeric(18,6)`. */
  readonly type: string;
  /** Set when it is not the type's default. */
  readonly collation?: string;
  /** The schema of the type's equality, where it is not PostgreSQL's own: that of citext's. */
  readonly equality?: string;
}

/** What others put on a relation. One that takes its place has it again. */
export interface Attachments {
  readonly owner: string;
  /** True: only its owner may change it, and this session has not that role's rights. */
  readonly outOfReach?: boolean;
  /** `security_barrier=true` and the like. */
  readonly options: readonly string[];
  /** Rights of others than the owner. */
  readonly grants: readonly Grant[];
  /** Rights that every owner has by itself and that were taken from this one. */
  readonly ownerLacks: readonly string[];
  /** Whom default privileges would give rights on a new relation beside it. */
  readonly grantedByDefault: readonly string[];
  /** Column ("" for the whole) → text. */
  readonly comments: Readonly<Record<string, string>>;
  /** Column → expression. */
  readonly defaults: Readonly<Record<string, string>>;
  /** Its triggers and rules. */
  readonly parts: readonly Part[];
  /** What could not be put on another relation, in words: it goes with this one. */
  readonly fixed: readonly string[];
}

export interface Part {
  readonly kind: "trigger" | "rule";
  readonly name: string;
  /** The statement that makes it, as the server prints it. */
  readonly definition: string;
  /** Columns of the relation that it needs. */
  readonly columns: readonly string[];
  readonly comment?: string;
}

/** What is no relation with rows, and has a name that no view can have beside it. */
type TakenName = "sequence" | "index" | "composite type" | "type";

export interface PublicRelation extends Attachments {
  readonly target: Target;
  readonly kind: "view" | "table" | "materialized view" | "foreign table" | "partitioned table" | TakenName;
  /** Whether it reads a private object: some environment of this tool publishes it. */
  readonly published: boolean;
  /** Of one that is published: whose private object it reads. */
  readonly environment?: string;
  /** It reads an object that the record of no environment has: somebody altered the record by hand. */
  readonly unrecorded?: true;
  /** Whether the owner may read what a run builds only if that is granted: it is no superuser, and not the user of this run. */
  readonly ownerIsOther: boolean;
  /** Where there are roles for each duty: the one that builds may not read it. */
  readonly unreadable?: true;
  /** A table's: its policies bind whoever reads it. */
  readonly rowSecurity: boolean;
  readonly columns: readonly Column[];
  /** What others built upon it, nearest first. */
  readonly dependents: readonly Dependent[];
}

/** What refers to a public relation or to its row type, directly or through views: it keeps that from being dropped. */
export interface Dependent extends Attachments {
  readonly target: Target;
  /** What a person calls it: `bi.by_day`, `function bi.f()`. */
  readonly what: string;
  /** "private": a view in schema `_dataform`. "other": neither a view nor a materialized view. */
  readonly kind: "view" | "materialized view" | "private" | "other";
  /** Key of the relation that it is a part of, where it is "other" and a part: a constraint, a policy, a column. */
  readonly on?: string;
  /** 1 for what refers to it itself. */
  readonly depth: number;
  /** Whether it gets more columns when the public relation does. */
  readonly usesRowType: boolean;
  /** Whether it itself may read any column: it takes the row as a whole, or nobody looks into it. */
  readonly wholeRow: boolean;
  /** Columns of the public relation that it reads itself. */
  readonly columns: readonly string[];
  /** Its query, as pg_get_viewdef prints it. */
  readonly definition: string;
  readonly indexes: readonly string[];
  /** Bytes on disk; 0 for a view. */
  readonly size: number;
}

export interface Grant {
  /** Role name; "PUBLIC" for everybody. */
  readonly grantee: string;
  readonly privilege: string;
  readonly grantable: boolean;
  /** Absent: on the whole relation. */
  readonly column?: string;
  /** Who gave it, if not the owner. */
  readonly by?: string;
}

/** A private object as it came out of its build. */
export interface BuiltObject {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly grants: readonly Grant[];
  /** A table with row-level security, or a view with the rights of its reader. */
  readonly perReader?: boolean;
  /** Its policies, in words; "" where it has none. */
  readonly policies?: string;
  /** Whom row-level security binds that is forced, though this role builds what reads the table. */
  readonly forcedOn?: string;
}
