import type { ActionKind } from "./graph.ts";
import type { Target } from "./target.ts";

/**
 * Which columns come from which, as PostgreSQL itself has analysed the queries: of the project's actions, of what they read
 * in the end, and of the views that others built on them. JSON, with every name as the catalog has it.
 */
export interface Lineage {
  readonly version: 1;
  readonly environment: string;
  /** What a relation reads stands before it, where no circle is in the way. */
  readonly relations: readonly LineageRelation[];
}

/** One relation, or an action that makes none and reads others: an assertion, operations. */
export interface LineageRelation {
  readonly target: Target;
  /** What the project says of it; "foreign": nothing, it is somebody else's. */
  readonly kind: ActionKind | "foreign";
  /** What it is in the database, where it is not the project that makes it and it is there. */
  readonly relation?: ForeignKind;
  /** The source file of an action. */
  readonly file?: string;
  /** In their order. None: it has none, or nobody could tell them (`untold`). */
  readonly columns: readonly LineageColumn[];
  /** Columns that decide which rows there are, whichever column is asked for: join, where, group, distinct, limit. */
  readonly rowsBy: readonly LineageSource[];
  /** Columns that are named and reach no column and no row. Dropping one of them is refused all the same. */
  readonly unused: readonly ColumnName[];
  /** The relations it reads, by `schema.name`, also those of which it takes no column. */
  readonly reads: readonly string[];
  /** What no tree can tell of it. */
  readonly untold: readonly Untold[];
}

export type ForeignKind = "table" | "view" | "materialized view" | "foreign table" | "partitioned table";

export interface LineageColumn {
  readonly name: string;
  /** As format_type prints it; "" where nobody says it. */
  readonly type: string;
  readonly from: readonly LineageSource[];
}

/** A column of a relation of the lineage, by `schema.name`. */
export interface ColumnName {
  readonly relation: string;
  readonly column: string;
}

export interface LineageSource extends ColumnName {
  /** All that it is on some way: one branch of a union may copy what another computes with. Sorted as they stand here. */
  readonly kinds: readonly FlowKind[];
  /** The row was taken as a whole (`to_jsonb(orders)`), which the server does not record: a dropped column just is not in it. */
  readonly wholeRow?: true;
  /** Of an incremental model whose two queries differ: the one that has it. */
  readonly only?: "first" | "increment";
}

/** "copied": its value; "computed": something of its value; "rows": it only decides which value or which row it is. */
export type FlowKind = "copied" | "computed" | "rows";

export interface Untold {
  /** What cannot be told, and why, in words. */
  readonly why: string;
  /** The statement, where it is one of several. */
  readonly statement?: string;
}
