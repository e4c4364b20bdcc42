import { relation } from "../../sql/authored.ts";
import type { Sql } from "../../sql/sql.ts";
import {
  checkFree,
  checkKnown,
  checkModel,
  fail,
  foundOf,
  isText,
  keyColumns,
  loadAndRow,
  optionsOf,
  type TypedColumns,
  typedColumns,
} from "../shared/check-options.ts";
import { type Name, namedTarget } from "../shared/dataform.ts";

export interface LoadsOptions {
  /**
   * Where the loads are told: a relation with its columns.
   * @default raw._load
   */
  readonly ledger?: Name;
  /** The names of the raw tables. */
  readonly tables: readonly string[];
}

export interface PublishOptions {
  /** The rows of all loads, as in `ref()`. */
  readonly from: Name;
  /** Which loads count. */
  readonly loads: LoadsOptions;
  /** The columns that name a row, none of them NULL. */
  readonly key: string | readonly string[];
  /** The one of them that holds the day: a date. */
  readonly day: string;
  /** What the report says of a row, `{ column: type }`. */
  readonly values: TypedColumns;
  /** The columns of `from` that name load and row, unless `["_load_id", "_row_no"]`. Of rows with one key the last counts. */
  readonly loadOrder?: readonly [load: string, row: string];
  /** What the view of the versions is called, unless as the call: where a model of that name adds what the report leaves out. */
  readonly versions?: string;
  readonly schema?: string;
  readonly tags?: readonly string[];
  readonly description?: string;
  /** Descriptions of the key's columns and the values, as in a `columns` block. */
  readonly columns?: Readonly<Record<string, string>>;
}

/** A report, as its versions are computed. */
export interface Report {
  readonly key: readonly string[];
  readonly day: string;
  readonly values: ReadonlyMap<string, Sql>;
  readonly loadOrder: readonly [load: string, row: string];
  /** The options as one text: with others, all loads are worked in anew. */
  readonly definition: string;
}

const KNOWN = [
  "from",
  "loads",
  "key",
  "day",
  "values",
  "loadOrder",
  "versions",
  "schema",
  "tags",
  "description",
  "columns",
];

/** Columns that readers of the versions see beside the report's. */
const TAKEN = ["feed", "load_id", "known_from", "known_to", "is_current", "ended_by"];

/** @throws Error that names what is wrong with the options */
export function reportOf(caller: string, options: PublishOptions): Report {
  checkKnown(caller, options, KNOWN);
  checkModel(caller, options);
  namedTarget(caller, options.from, "from, the name of the rows");
  if (options.versions !== undefined && !isText(options.versions))
    fail(caller, `versions: expected the name of a view, found ${foundOf(options.versions)}`);
  const key = keyColumns(caller, options.key);
  const values = typedColumns(caller, options.values, "values");
  if (!key.includes(options.day))
    fail(caller, `day is one of the key's columns (${key.join(", ")}), found ${JSON.stringify(options.day)}`);
  const twice = key.find((column) => values.has(column));
  if (twice !== undefined) fail(caller, `${twice} is in key and in values, name it in one of them`);
  checkFree(caller, [...key, ...values.keys()], TAKEN);
  const order = loadAndRow(caller, options.loadOrder);
  return {
    key,
    day: options.day,
    values,
    loadOrder: order,
    // How rows are compared is a part of it: a store that compared them otherwise is computed anew, once.
    definition: JSON.stringify({
      key,
      day: options.day,
      values: [...values].map(([name, type]) => [name, String(type)]),
      loadOrder: order,
      compared: "by the types' own equality",
    }),
  };
}

/** @throws Error that names what is wrong with the options */
export function tablesOf(caller: string, options: LoadsOptions | undefined): readonly string[] {
  const given = optionsOf(caller, options, "the loads");
  checkKnown(caller, given, ["ledger", "tables"]);
  const { ledger, tables } = given;
  if (ledger !== undefined) relation(ledger, `${caller}: ledger`);
  if (!Array.isArray(tables) || !tables.length || tables.some((table) => typeof table !== "string" || !table))
    fail(caller, `needs tables: [name, …], found ${foundOf(tables)}`);
  return tables as readonly string[];
}
