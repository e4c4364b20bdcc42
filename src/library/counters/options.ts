import { expression } from "../../sql/authored.ts";
import { LONGEST_NAME } from "../../sql/identifiers.ts";
import type { Sql } from "../../sql/sql.ts";
import {
  checkFree,
  checkKnown,
  checkModel,
  checkOption,
  columnName,
  columnNames,
  columnsOrNone,
  entriesOf,
  fail,
  foundOf,
  loadAndRow,
  type TypedColumns,
  typedColumns,
} from "../shared/check-options.ts";
import { type Name, namedTarget } from "../shared/dataform.ts";
import { isPlain, spelling } from "../shared/values.ts";
import { type BirthOptions, birthsOf, entityOf, type TimeZoneOption, zoneOf } from "./log-options.ts";
import { type Moment, momentOf, type Zone } from "./moments.ts";
import type { Period, Rollup } from "./rollups.ts";
import { beforeFeedOf, deltaOf, readingColumns, type Shape, toDateOf } from "./shape.ts";

/** What counters are read from, and what is made of them: docs/counters.md. */
export interface CounterOptions {
  /** The readings as received: the columns of `series`, `takenAt`, `counters`, `keep`, `reportedAt` and `loadOrder`. */
  readonly from: Name;
  /** `log`: reports of readings in any order, the last one counts. `full`: each load is a snapshot of all series. */
  readonly kind: "log" | "full";
  /**
   * The loads that count: a relation with `load_id`; of kind `full` also the column of `takenAt`, `loaded_at` and `is_whole`.
   * @default landing's ledger
   */
  readonly loads?: Name;
  /** The columns of `from` that say which load brought a row, and its place in it. */
  readonly loadOrder?: readonly [load: string, row: string];
  /** The columns that name one counter. */
  readonly series: TypedColumns;
  /** When a reading was taken: one column, a date or timestamp. */
  readonly takenAt: TypedColumns;
  /** The running totals. */
  readonly counters: TypedColumns;
  /** The counter with which all others restart. */
  readonly leading?: string;
  /** Other columns of a reading. */
  readonly keep?: TypedColumns;
  /** Columns of `keep` that every reading has. */
  readonly nonNull?: string | readonly string[];
  /** Counters that a reading need not have. */
  readonly optional?: string | readonly string[];
  /**
   * The column of `keep` that all readings of a series share: a currency, say. With `of`, the counters that are of it, a
   * series goes on in another unit: what of these counters the first reading in it adds is not known.
   */
  readonly unit?: string | UnitOptions;
  /** Of kind `log`: when a reading was reported. Of several reports of one reading the latest counts. */
  readonly reportedAt?: TypedColumns;
  /**
   * The time zone whose days are counted; of kind `log` also a column of `keep` that says it of each reading.
   * @default "UTC"
   */
  readonly timeZone?: TimeZoneOption;
  /** Of kind `log`: what a series belongs to, and when that began. */
  readonly births?: BirthOptions;
  /** What is true of every reading: SQL conditions. */
  readonly rowConditions?: readonly string[];
  /** Models with sums by day, week, month or reading, by their names. */
  readonly rollups?: Readonly<Record<string, RollupOptions>>;
  /** Makes `<name>_totals`: each series to date. */
  readonly totals?: boolean | TotalsOptions;
  readonly schema?: string;
  readonly tags?: readonly string[];
  /** What the columns are, for the descriptions of all models: a counter's is told of its delta and its total, too. */
  readonly columns?: Readonly<Record<string, string>>;
}

interface UnitOptions {
  readonly column: string;
  readonly of: string | readonly string[];
}

export interface RollupOptions {
  /** Columns of `series`, and of `keep` where they are `nonNull`. */
  readonly by?: readonly string[];
  readonly every: Period;
  /** Further columns: aggregates over readings, in SQL. */
  readonly measures?: Readonly<Record<string, string>>;
  readonly description?: string;
  readonly columns?: Readonly<Record<string, string>>;
}

export interface TotalsOptions {
  readonly description?: string;
  /** Indexes, as in a config's `postgres: { indexes }`. */
  readonly indexes?: readonly object[];
}

const OPTIONS: readonly (keyof CounterOptions)[] = [
  "from",
  "kind",
  "loads",
  "loadOrder",
  "series",
  "takenAt",
  "counters",
  "leading",
  "keep",
  "nonNull",
  "optional",
  "unit",
  "reportedAt",
  "timeZone",
  "births",
  "rowConditions",
  "rollups",
  "totals",
  "schema",
  "tags",
  "columns",
];
const KINDS = ["log", "full"];
const PERIODS: readonly Period[] = ["day", "week", "month", "reading"];
const OF_VIEWS = ["day", "days_covered", "is_first", "is_baseline", "is_reset", "is_correction", "is_restated"];
const OF_ROLLUPS = [
  "week",
  "month",
  "readings",
  "differences",
  "first_day",
  "last_day",
  "days_covered",
  "has_reset",
  "has_correction",
  "computed_from",
];

const OF_LOADS = ["load_id", "loaded_at", "is_whole", "whole_before"];

/** Options as checked. */
export interface Checked {
  readonly shape: Shape;
  readonly timeZone: Zone;
  readonly births: { readonly from: Name; readonly key: readonly string[]; readonly at: Moment } | undefined;
  readonly conditions: readonly Sql[];
  readonly rollups: ReadonlyMap<string, Rollup & Pick<RollupOptions, "description" | "columns">>;
  readonly totals: TotalsOptions | undefined;
}

/** @throws Error for a mistake in the options, with what to do instead */
export function checked(caller: string, options: CounterOptions): Checked {
  checkKnown(caller, options, OPTIONS);
  checkModel(caller, options);
  namedTarget(caller, options.from, "from, the relation of the readings");
  if (options.loads !== undefined) namedTarget(caller, options.loads, "loads");
  if (!KINDS.includes(options.kind))
    fail(caller, `kind is one of ${KINDS.join(", ")}, found ${JSON.stringify(options.kind)}`);
  const shape = shapeOf(caller, options);
  checkPublicNames(caller, shape, options);
  if (options.births !== undefined && options.kind === "full")
    fail(caller, "births is for kind log: what a whole snapshot lacks began after it");
  return {
    shape,
    timeZone: zoneOf(caller, shape, options.timeZone ?? "UTC"),
    births: birthsOf(caller, shape, options.births),
    conditions: conditionsOf(caller, options.rowConditions ?? []),
    rollups: new Map(
      entriesOf(caller, options.rollups, "rollups").map(([name, one]) => [
        name,
        rollupOf(caller, shape, name, one as RollupOptions),
      ]),
    ),
    totals: totalsOf(caller, options.totals),
  };
}

function conditionsOf(caller: string, given: unknown): Sql[] {
  if (!Array.isArray(given)) return fail(caller, `rowConditions: expected a list, found ${foundOf(given)}`);
  return given.map((text) => expression(text, `${caller}: rowConditions`));
}

function shapeOf(caller: string, options: CounterOptions): Shape {
  const optional = (given: TypedColumns | undefined, where: string) =>
    given === undefined ? new Map<string, Sql>() : typedColumns(caller, given, where);
  const series = typedColumns(caller, options.series, "series");
  const takenAt = momentOf(caller, options.takenAt, "takenAt");
  const counters = typedColumns(caller, options.counters, "counters");
  for (const [name, type] of counters)
    if (!mayBeNumber(type)) fail(caller, `counters: ${name} is a number, found ${type}`);
  const keep = optional(options.keep, "keep");
  const reportedAt = options.reportedAt === undefined ? undefined : momentOf(caller, options.reportedAt, "reportedAt");
  if (reportedAt && options.kind === "full")
    fail(caller, "reportedAt is for kind log: of several snapshots of one moment the last loaded counts");
  const nonNull = options.nonNull === undefined ? [] : columnNames(caller, options.nonNull, "nonNull");
  const loadOrder = loadAndRow(caller, options.loadOrder);
  const oneOf = (name: string | undefined, all: ReadonlyMap<string, Sql>, where: string, what: string) => {
    if (name !== undefined && !all.has(name))
      fail(caller, `${where} "${name}" is none of ${what} (${[...all.keys()].join(", ")})`);
  };
  oneOf(options.leading, counters, "leading", "the counters");
  const { unit, ofUnit } = unitOf(caller, counters, options);
  oneOf(unit, keep, "unit", "keep");
  for (const name of nonNull) oneOf(name, keep, "nonNull", "keep");
  return {
    kind: options.kind,
    series,
    takenAt,
    day: "day",
    daysMove: typeof options.timeZone === "object",
    counters,
    leading: options.leading,
    entity: options.births === undefined ? [] : entityOf(caller, series, options.births),
    keep,
    reportedAt,
    nonNull,
    unit,
    optional: goingOn(caller, counters, options, "optional", options.optional),
    ofUnit,
    loadOrder,
  };
}

/** Counters of which a reading may not say what they add: what restarts and what does not is told by the leading one. */
function goingOn(
  caller: string,
  counters: ReadonlyMap<string, Sql>,
  { leading, totals }: CounterOptions,
  where: string,
  given: string | readonly string[] | undefined,
): ReadonlySet<string> {
  if (given === undefined) return new Set();
  const names = columnNames(caller, given, where);
  for (const name of names)
    if (!counters.has(name))
      fail(caller, `${where} "${name}" is none of the counters (${[...counters.keys()].join(", ")})`);
  if (leading === undefined) fail(caller, `${where} needs leading: another counter, which every reading has`);
  if (names.includes(leading)) fail(caller, `${where} has "${leading}", which is leading: every reading has it`);
  if (totals)
    fail(caller, `totals is for counters whose every difference is known, and not for ${where}: ${names.join(", ")}`);
  return new Set(names);
}

function unitOf(
  caller: string,
  counters: ReadonlyMap<string, Sql>,
  options: CounterOptions,
): Pick<Shape, "unit" | "ofUnit"> {
  const { unit } = options;
  if (unit === undefined || typeof unit === "string") return { unit, ofUnit: new Set() };
  checkKnown(caller, unit, ["column", "of"], "option of unit");
  if (unit.of === undefined) fail(caller, "unit: needs of, the counters that are of it: a column, or several");
  return {
    unit: columnName(caller, unit.column, "unit: column"),
    ofUnit: goingOn(caller, counters, options, "unit: of", unit.of),
  };
}

const NUMBER =
  /^(?:smallint|int|integer|bigint|int[248]|numeric|decimal|dec|real|float[48]?|double precision)(?: \([^)]*\))?$/;

/** What a type of the project's own is made of, only the server knows. */
function mayBeNumber(type: Sql): boolean {
  return NUMBER.test(spelling(type)) || !isPlain(spelling(type));
}

/** Every column of the models has a name for itself. */
function checkPublicNames(caller: string, shape: Shape, { rollups, totals }: CounterOptions): void {
  const { series, takenAt, counters, keep, reportedAt, loadOrder } = shape;
  const isDay = takenAt.name === "day" && takenAt.kind === "date";
  const theirs = [
    ...series.keys(),
    ...(isDay ? [] : [takenAt.name]),
    ...keep.keys(),
    ...counters.keys(),
    ...(reportedAt ? [reportedAt.name] : []),
    ...loadOrder,
  ];
  const hasSums = totals || Object.keys(rollups ?? {}).length > 0;
  const ours = [
    ...OF_VIEWS,
    ...(hasSums ? OF_ROLLUPS : []),
    ...[...counters.keys()].flatMap((name) => [
      deltaOf(name),
      toDateOf(name),
      ...(hasSums ? [beforeFeedOf(name)] : []),
    ]),
  ];
  checkFree(caller, theirs, ours);
  // they stand beside the moment of a snapshot, in what says which loads count
  if (shape.kind === "full") checkFree(caller, [takenAt.name], OF_LOADS);
  const twice = theirs.find((name, index) => theirs.indexOf(name) !== index);
  if (twice !== undefined)
    fail(caller, `${twice} is named twice, among series, takenAt, keep, counters, reportedAt and loadOrder`);
}

function rollupOf(caller: string, shape: Shape, name: string, given: RollupOptions) {
  const where = `rollups: ${name}`;
  checkKnown(caller, given, ["by", "every", "measures", "description", "columns"], `option of ${where}`);
  if (!PERIODS.includes(given.every))
    fail(caller, `${where}: every is one of ${PERIODS.join(", ")}, found ${JSON.stringify(given.every)}`);
  checkModel(caller, { description: given.description, columns: given.columns }, `${where}: `);
  const by = columnsOrNone(caller, given.by, `${where}: by`);
  for (const column of by) {
    if (shape.series.has(column) || shape.nonNull.includes(column)) continue;
    if (!shape.keep.has(column)) fail(caller, `${where}: by has "${column}", which is in neither series nor keep`);
    fail(caller, `${where}: by has "${column}", which may be NULL: name it in nonNull`);
  }
  const measures = new Map<string, Sql>();
  const known = [...readingColumns(shape).keys(), ...OF_ROLLUPS];
  for (const [measure, text] of entriesOf(caller, given.measures, `${where}: measures`)) {
    columnName(caller, measure, `${where}: measures`);
    if (measures.has(measure)) fail(caller, `${where}: measures: ${measure} is named twice`);
    if (known.includes(measure)) fail(caller, `${where}: the column name ${measure} is taken, rename the measure`);
    measures.set(measure, expression(text as string, `${caller}: ${where}: ${measure}`));
  }
  return { shape, by, every: given.every, measures, description: given.description, columns: given.columns };
}

function totalsOf(caller: string, given: boolean | TotalsOptions | undefined): TotalsOptions | undefined {
  if (given === undefined || given === false) return undefined;
  if (given === true) return {};
  checkKnown(caller, given, ["description", "indexes"], "option of totals");
  checkModel(caller, { description: given.description }, "totals: ");
  checkOption(caller, "totals: indexes", given.indexes, Array.isArray, "a list of indexes");
  return given;
}

/** @throws Error for a name that leaves no room for those made of it */
export function checkName(caller: string, name: string): void {
  if (Buffer.byteLength(name) > LONGEST_NAME - "_snapshots".length)
    fail(caller, `the name has up to ${LONGEST_NAME - "_snapshots".length} bytes, so that _snapshots can be added`);
}
