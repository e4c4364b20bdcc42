import { expression, relation } from "../../sql/authored.ts";
import { literal } from "../../sql/literals.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import {
  checkKnown,
  columnNames,
  columnsOrNone,
  entriesOf,
  fail,
  keyColumns,
  loadAndRow,
  type TypedColumns,
  typedColumns,
} from "../shared/check-options.ts";
import type { Name } from "../shared/dataform.ts";

/** What a load says about the records that it does not hold. */
export type BatchKind = "full" | "slice" | "partial" | "log";

export interface BatchOptions {
  /** The relation that tells of loads: SQL of it, or a name as in `ref()`. */
  readonly ledger?: Name;
  /** The feed's name in the ledger. */
  readonly table?: string;
  /** What every load is, whatever the ledger says. */
  readonly kind?: BatchKind;
  /** Refuses a full batch that is empty or has lost more than this share, 0 to 1. */
  readonly maxShrink?: number;
  /** A full batch or slice with more rejected records than this deletes nothing. */
  readonly maxRejected?: number;
}

export interface TimelineOptions {
  /** A column, or several, by the names that PostgreSQL has them by. */
  readonly key: string | readonly string[];
  /** The tracked columns and their types. */
  readonly attributes: TypedColumns;
  /** SQL: when a record says that it holds from, a timestamptz. */
  readonly effectiveAt?: string;
  /** SQL: true where a record says that it is gone. */
  readonly deleted?: string;
  /**
   * The columns that name the load and the row.
   * @default ["_load_id", "_row_no"]
   */
  readonly loadOrder?: readonly string[];
  /** The fields of slices, each one of the key or the attributes. */
  readonly by?: readonly string[];
  /** When a tracked column came into being: `{ tier: "2024-03-01" }`. */
  readonly since?: Readonly<Record<string, string>>;
  readonly batches?: BatchOptions;
}

/** The options of a timeline as they were checked. */
export interface Timeline {
  readonly caller: string;
  readonly key: readonly string[];
  readonly attributes: ReadonlyMap<string, Sql>;
  readonly effectiveAt: Sql | undefined;
  readonly deleted: Sql;
  readonly loadOrder: readonly string[];
  readonly by: readonly string[];
  readonly since: ReadonlyMap<string, Sql>;
  readonly batches: BatchOptions | undefined;
}

/** Columns that a history has besides those of its feed. */
const RESULTS = ["version_no", "change_hash", "valid_from", "valid_to", "is_current", "ended_by"];
const OPTIONS = ["key", "attributes", "effectiveAt", "deleted", "loadOrder", "by", "since", "batches"];
const BATCH_OPTIONS = ["ledger", "table", "kind", "maxShrink", "maxRejected"];
const KINDS: readonly unknown[] = ["full", "slice", "partial", "log"];
const RAW_ORDER = ["_load_id", "_row_no"];

/**
 * The options, checked. `more` are options that only the caller knows, `taken` names that only its result has.
 * @throws Error that names the option, what it is and what was expected
 */
export function checked(
  caller: string,
  options: TimelineOptions,
  more: readonly string[] = [],
  taken: readonly string[] = [],
): Timeline {
  checkKnown(caller, options, [...more, ...OPTIONS]);
  const key = keyColumns(caller, options.key);
  const attributes = typedColumns(caller, options.attributes, "attributes");
  const loadOrder = columnNames(caller, options.loadOrder ?? RAW_ORDER, "loadOrder");
  if (options.batches !== undefined) loadAndRow(caller, loadOrder);
  const columns = [...key, ...attributes.keys()];
  checkTaken(caller, columns, loadOrder, [...RESULTS, ...taken]);
  return {
    caller,
    key,
    attributes,
    loadOrder,
    effectiveAt:
      options.effectiveAt === undefined ? undefined : expression(options.effectiveAt, `${caller}: effectiveAt`),
    deleted: options.deleted === undefined ? sql`false` : expression(options.deleted, `${caller}: deleted`),
    by: among(caller, "by", columnsOrNone(caller, options.by, "by"), columns),
    since: sinceOf(caller, options.since, [...attributes.keys()]),
    batches: options.batches === undefined ? undefined : batchesOf(caller, options.batches),
  };
}

function checkTaken(
  caller: string,
  columns: readonly string[],
  loadOrder: readonly string[],
  results: readonly string[],
): void {
  for (const [index, column] of columns.entries()) {
    if (results.includes(column))
      fail(caller, `the column name ${column} is taken by the history's own, rename it in the feed`);
    if (loadOrder.includes(column))
      fail(caller, `${column} is one of loadOrder (${loadOrder.join(", ")}) and cannot be tracked, too`);
    if (columns.indexOf(column) !== index) fail(caller, `${column} is in key and in attributes: one of them is enough`);
  }
  const named = loadOrder.find((column) => results.includes(column));
  if (named !== undefined)
    fail(caller, `the column name ${named} is taken by the history's own, rename it in the feed`);
}

function among(caller: string, option: string, names: readonly string[], known: readonly string[]): readonly string[] {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) fail(caller, `unknown column in ${option} "${unknown}", known: ${known.join(", ")}`);
  return names;
}

function sinceOf(caller: string, since: unknown, attributes: readonly string[]): ReadonlyMap<string, Sql> {
  const entries = entriesOf(caller, since, "since");
  const columns = entries.map(([column]) => column);
  among(caller, "since", columns, attributes);
  return new Map(entries.map(([column, moment]) => [column, momentOf(caller, column, moment)]));
}

/** A moment as it is written, in UTC where it names no zone. */
function momentOf(caller: string, column: string, moment: unknown): Sql {
  if (typeof moment !== "string" || !/^\d{4}-\d\d-\d\d/.test(moment))
    return fail(
      caller,
      `since: ${column}: expected a moment such as "2024-03-01", in UTC unless it names a zone, found ${JSON.stringify(moment)}`,
    );
  const hasZone = /:\d\d.*(?:z|[+-]\d\d(?::?\d\d)?)$/i.test(moment);
  return hasZone ? sql`timestamptz ${literal(moment)}` : sql`(timestamp ${literal(moment)} at time zone 'UTC')`;
}

function batchesOf(caller: string, batches: BatchOptions): BatchOptions {
  checkKnown(caller, batches, BATCH_OPTIONS, "option of batches");
  const { ledger, kind, table, maxShrink, maxRejected } = batches;
  if (ledger !== undefined) relation(ledger, `${caller}: batches: ledger`);
  const wrong = (option: string, expected: string, found: unknown) =>
    fail(caller, `batches: ${option}: expected ${expected}, found ${JSON.stringify(found) ?? String(found)}`);
  if (kind !== undefined && !KINDS.includes(kind)) wrong("kind", KINDS.join(", "), kind);
  if (table !== undefined && (typeof table !== "string" || table === ""))
    wrong("table", "the feed's name in the ledger", table);
  if (maxShrink !== undefined && !(typeof maxShrink === "number" && maxShrink >= 0 && maxShrink <= 1))
    wrong("maxShrink", "a number from 0 to 1", maxShrink);
  if (maxRejected !== undefined && !(Number.isSafeInteger(maxRejected) && maxRejected >= 0))
    wrong("maxRejected", "a whole number from 0 on", maxRejected);
  return batches;
}

/** A number with digits behind the point, exactly as it was written. */
export function decimal(value: number): Sql {
  return sql`${literal(String(value))}::numeric`;
}
