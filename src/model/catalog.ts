import type { Target } from "./target.ts";

/** What the planner must know of the database, read once at the start of a run. */
export interface Catalog {
  readonly version: 1;
  /** As `server_version_num`: 150004, 180001. */
  readonly serverVersion: number;
  readonly environment: string;
  /** The published release, or null before the first one. */
  readonly releaseId: number | null;
  /** The number the next release gets. */
  readonly nextRelease: number;
  /** What the published release consists of, by `schema.name`. */
  readonly manifest: Manifest;
  /** What stands now under the public names of the project, by `schema.name`. */
  readonly relations: Readonly<Record<string, PublicRelation>>;
  /** Schemas that exist. */
  readonly schemas: readonly string[];
}

/** A release: every published model and the private objects that hold it. */
export type Manifest = Readonly<Record<string, ManifestEntry>>;

export interface ManifestEntry {
  readonly target: Target;
  readonly kind: "table" | "view" | "incremental";
  /** The object in schema `_dataform` that other models read. */
  readonly object: string;
  /** Incremental models only: the table that holds the rows and receives each delta. */
  readonly storage?: string;
  /** The release that built `object`. */
  readonly release: number;
  readonly columns: readonly Column[];
  readonly description?: string;
  readonly columnDescriptions: Readonly<Record<string, string>>;
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
  readonly columns: readonly Column[];
  /** `security_barrier=true` and the like. */
  readonly options: readonly string[];
  readonly grants: readonly Grant[];
  /** Views and other objects that read it, as `schema.name`. */
  readonly dependents: readonly string[];
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
