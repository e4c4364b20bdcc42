import { expression } from "../../sql/authored.ts";
import { id, LONGEST_NAME } from "../../sql/identifiers.ts";
import { MOST_COLUMNS } from "../../sql/index-columns.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import {
  checkKnown,
  checkModel,
  columnName,
  entriesOf,
  fail,
  foundOf,
  isText,
  optionsOf,
} from "../shared/check-options.ts";
import { type Name, namedTarget } from "../shared/dataform.ts";
import { measureOf } from "./measures.ts";
import type { Audit } from "./rows.ts";
import { type Distinct, type Every, exactOf, keyOf, type Period, type Shape } from "./shape.ts";

/** What is read, and how what is made is called: of every function here. */
export interface SourceOptions {
  /** The events: a raw table, or a view over raw tables, with their `_load_id`. In expressions a row is called `events`. */
  readonly from: Name;
  /**
   * The raw tables that `from` reads: their loads count.
   * @default from, where it is one
   */
  readonly of?: Name | readonly Name[];
  /**
   * Landing's ledger of these tables.
   * @default ["raw", "_load"]
   */
  readonly ledger?: Name;
  /** SQL: the events that count. */
  readonly where?: string;
  /** Aggregates over events that can be merged: `{ revenue: "sum(amount) filter (where currency = 'EUR')" }`. */
  readonly measures?: Readonly<Record<string, string>>;
  /**
   * When `<name>_agrees_with_events` compares: `changed`, after each run what it changed; `refresh`, only after all was computed.
   * @default "changed"
   */
  readonly audit?: Audit;
  readonly schema?: string;
  readonly tags?: readonly string[];
  readonly description?: string;
  /** What the columns are. */
  readonly columns?: Readonly<Record<string, string>>;
}

/** What is counted, and by what: docs/live.md. */
export interface PublishOptions extends SourceOptions {
  /** The columns of a group, each a column of `from` or an expression: `["path"]`, `{ host: "lower(host)" }`. */
  readonly by?: readonly string[] | Readonly<Record<string, string>>;
  /** When an event happened: a column of `from`, or an expression; a timestamptz. Needs `every`. */
  readonly time?: string;
  /** The period of a group, whose name is that of its column. */
  readonly every?: Every | "none";
  /**
   * Whose days, weeks and months are counted.
   * @default "UTC"
   */
  readonly timeZone?: string;
  /** Columns that count different values, and what of: `{ visitors: "visitor" }`. */
  readonly distinct?: Readonly<Record<string, string | DistinctOptions>>;
}

export interface DistinctOptions {
  readonly of: string;
  /** About so many, by the extension hll, which must be there. */
  readonly approximate: "hll";
}

const SOURCE: readonly (keyof SourceOptions)[] = [
  "from",
  "of",
  "ledger",
  "where",
  "measures",
  "audit",
  "schema",
  "tags",
  "description",
  "columns",
];
const OPTIONS: readonly (keyof PublishOptions)[] = [...SOURCE, "by", "time", "every", "timeZone", "distinct"];
const EVERY: readonly (Every | "none")[] = ["minute", "hour", "day", "week", "month", "none"];
const AUDITS: readonly Audit[] = ["changed", "refresh"];

/** Longest of what is added to the name. */
const SUFFIX = "_agrees_with_events";

/** @throws Error for a mistake in what every function here takes */
export function checkSource(caller: string, name: string, options: SourceOptions, more: readonly string[]): void {
  if (Buffer.byteLength(name) > LONGEST_NAME - SUFFIX.length)
    fail(caller, `the name has up to ${LONGEST_NAME - SUFFIX.length} bytes, so that ${SUFFIX} can be added`);
  checkKnown(caller, options, [...SOURCE, ...more]);
  checkModel(caller, options);
  namedTarget(caller, options.from, "from, the relation of the events");
  if (options.ledger !== undefined) namedTarget(caller, options.ledger, "ledger");
  if (options.audit !== undefined && !AUDITS.includes(options.audit))
    fail(caller, `audit is one of ${AUDITS.join(", ")}, found ${foundOf(options.audit)}`);
}

/** The raw tables whose loads count: one, or a list of names. */
export function tablesOf(caller: string, { from, of }: SourceOptions): readonly Name[] {
  // A pair of texts is schema and name, as everywhere.
  const isPair = Array.isArray(of) && of.length === 2 && of.every(isText);
  const names = of === undefined ? [from] : Array.isArray(of) && !isPair ? (of as readonly Name[]) : [of as Name];
  if (!names.length) fail(caller, "needs of: a raw table, or several");
  const tables = names.map((name) => namedTarget(caller, name, "of, raw tables").name);
  const twice = tables.find((table, index) => tables.indexOf(table) !== index);
  if (twice !== undefined) fail(caller, `of: ${twice} is named twice, and the ledger knows tables by their names`);
  return names;
}

/** @throws Error for a mistake in the options, with what to do instead */
export function shapeOf(caller: string, options: PublishOptions): Shape {
  const shape: Shape = {
    by: groupOf(caller, options.by),
    period: periodOf(caller, options),
    where: options.where === undefined ? undefined : expression(options.where, `${caller}: where`),
    measures: measuresOf(caller, options.measures),
    distinct: new Map(
      entriesOf(caller, options.distinct, "distinct").map(([name, given]) => distinctOf(caller, name, given)),
    ),
  };
  checkNames(caller, [...keyOf(shape), ...shape.measures.keys(), ...shape.distinct.keys()]);
  if (!shape.measures.size && !shape.distinct.size) fail(caller, 'needs measures or distinct: { views: "count(*)" }');
  const most = MOST_COLUMNS - 2 - exactOf(shape).length;
  if (keyOf(shape).length > most)
    fail(caller, `by has too many columns for an index: expected at most ${most}, found ${keyOf(shape).length}`);
  return shape;
}

export const PUBLISH_OPTIONS = OPTIONS;

/** @throws Error for a column that is named twice */
export function checkNames(caller: string, names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) fail(caller, `two columns are called ${twice}: rename one of them`);
}

export function measuresOf(caller: string, given: unknown): Shape["measures"] {
  return new Map(
    entriesOf(caller, given, "measures").map(([name, text]) => [
      columnName(caller, name, "measures"),
      measureOf(caller, `measures: ${name}`, text),
    ]),
  );
}

/** A column of `from` by its name, or an expression over a row of it. */
export function readOf(caller: string, given: unknown, where: string): Sql {
  if (!isText(given)) return fail(caller, `${where}: expected a column or an expression, found ${foundOf(given)}`);
  return expression(given, `${caller}: ${where}`);
}

function groupOf(caller: string, given: PublishOptions["by"]): ReadonlyMap<string, Sql> {
  const entries: readonly (readonly [string, Sql])[] =
    Array.isArray(given) && given.every((one) => typeof one === "string")
      ? given.map((name) => [columnName(caller, name, "by"), sql`events.${id(name)}`])
      : entriesOf(caller, given, "by").map(([name, text]) => [
          columnName(caller, name, "by"),
          readOf(caller, text, `by: ${name}`),
        ]);
  checkNames(
    caller,
    entries.map(([name]) => name),
  );
  return new Map(entries);
}

function periodOf(caller: string, { every, time, timeZone }: PublishOptions): Period | undefined {
  if (every !== undefined && !EVERY.includes(every))
    fail(caller, `every is one of ${EVERY.join(", ")}, found ${foundOf(every)}`);
  const isNone = every === undefined || every === "none";
  if (isNone && time !== undefined) fail(caller, "time needs every: the period whose events are a group");
  if (isNone && timeZone !== undefined) fail(caller, "timeZone needs every: the period that it is for");
  if (isNone) return undefined;
  if (time === undefined) fail(caller, `every ${every} needs time: when an event happened`);
  if (timeZone !== undefined && !isText(timeZone))
    fail(caller, `timeZone: expected the name of a time zone, found ${foundOf(timeZone)}`);
  return { every, time: readOf(caller, time, "time"), timeZone: timeZone ?? "UTC" };
}

function distinctOf(caller: string, name: string, given: unknown): readonly [string, Distinct] {
  columnName(caller, name, "distinct");
  const where = `distinct: ${name}`;
  if (typeof given === "string") return [name, { value: readOf(caller, given, where), isApproximate: false }];
  const options = optionsOf(caller, given as DistinctOptions | undefined, where);
  checkKnown(caller, options, ["of", "approximate"], `option of ${where}`);
  if (options.approximate !== "hll")
    fail(
      caller,
      `${where}: approximate: expected "hll", the extension that counts so, found ${foundOf(options.approximate)}`,
    );
  return [name, { value: readOf(caller, options.of, `${where}: of`), isApproximate: true }];
}
