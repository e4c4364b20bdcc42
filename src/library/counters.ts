import { expression, relation } from "../sql/authored.ts";
import { withCtes } from "../sql/ctes.ts";
import { deltasOf } from "./counters/deltas.ts";
import { type CounterOptions, checked, checkName } from "./counters/options.ts";
import { publishAll } from "./counters/publish.ts";
import { changedRows } from "./counters/scopes.ts";
import { deltaOf, toDateOf } from "./counters/shape.ts";
import {
  callerOf,
  checkFree,
  checkKnown,
  columnName,
  columnNames,
  columnsOrNone,
  fail,
  type TypedColumns,
  typedColumns,
} from "./shared/check-options.ts";

export type { BirthOptions, TimeZoneOption } from "./counters/log-options.ts";
export type { CounterOptions, RollupOptions, TotalsOptions } from "./counters/options.ts";

// Counters that only say how much there has been so far: what happened between two readings. docs/counters.md has the rules.

/**
 * One call for running totals, from a file in definitions/, with everything around them:
 *
 * - `<name>_snapshots`: the readings that count; `<name>_deltas`: what each adds to the one before, and the totals to date;
 * - `<name>_store`: the incremental table under both; of kind `full` also `<name>_calendar`: the snapshots that count;
 * - each of `rollups`, and `<name>_totals`: sums that follow the readings that change;
 * - assertions that hold wrong figures back: `<name>_is_sound`, `<name>_snapshots_agree_with_records`,
 *   `<name>_deltas_agree_with_snapshots`, `<name>_keeps_its_unit`, `<rollup>_agrees_with_<name>_deltas`.
 *
 * @throws Error for a mistake in the options
 */
export function publish(name: string, options: CounterOptions): void {
  const caller = callerOf("counters.publish", name);
  checkName(caller, name);
  publishAll({ name, caller, options, checked: checked(caller, options) });
}

export interface ChangedOptions {
  /** The store of the counters: `ref("history", "stat_store")`. */
  readonly store: string;
  /**
   * The column with the day.
   * @default "day"
   */
  readonly day?: string;
}

/**
 * For an audit of a relation that follows counters: its rows on days with a reading that the last run changed; after a
 * computation of everything, all. A select in parentheses, to stand after `from`.
 * @throws Error for a mistake in the options
 */
export function changed(rows: string, options: ChangedOptions): string {
  const caller = "counters.changed";
  checkKnown(caller, options, ["store", "day"]);
  const day = columnName(caller, options.day ?? "day", "day");
  return changedRows(relation(rows, `${caller}: rows`), day, relation(options.store, `${caller}: store`)).toString();
}

export interface FromTotalsOptions {
  /** The readings: a relation, or a select in parentheses. */
  readonly readings: string;
  readonly series: string | readonly string[];
  /** When a reading was taken; the day that it closes. They may be the same column. */
  readonly takenAt: string;
  readonly day: string;
  readonly counters: TypedColumns;
  /** The counter with which all others restart. */
  readonly leading?: string;
  /** SQL, true where what a series belongs to began inside the feed: its first reading counts from zero. */
  readonly isBorn: string;
  /** SQL, the day that it began, for the days that its first reading covers. */
  readonly bornDay: string;
  readonly keep?: readonly string[];
  /** A name for the `takenAt` of the reading before, to have it as a column. */
  readonly previous?: string;
  /**
   * For a model of one's own that goes on where it was: a relation with the last state of each series before its first of
   * `readings`, the columns of series, `takenAt`, day and counters, and `<counter>_to_date`. It gives no rows.
   */
  readonly before?: string;
}

const RESULTS = ["days_covered", "is_baseline", "is_reset", "is_correction"];

/**
 * The arithmetic alone, as a select: what each reading adds to the one before. One row a reading: series, `keep`, day,
 * `takenAt`, [`previous`], `<counter>_delta`, `<counter>_to_date`, days_covered, is_baseline, is_reset and is_correction.
 * @throws Error for a mistake in the options
 */
export function fromTotals(options: FromTotalsOptions): string {
  const caller = "counters.fromTotals";
  const known: readonly (keyof FromTotalsOptions)[] = [
    "readings",
    "series",
    "takenAt",
    "day",
    "counters",
    "leading",
    "isBorn",
    "bornDay",
    "keep",
    "previous",
    "before",
  ];
  checkKnown(caller, options, known);
  for (const name of ["readings", "isBorn", "bornDay"] as const) if (!options[name]) fail(caller, `needs ${name}`);
  const counters = typedColumns(caller, options.counters, "counters");
  if (options.leading !== undefined && !counters.has(options.leading))
    fail(caller, `leading "${options.leading}" is none of the counters (${[...counters.keys()].join(", ")})`);
  const totals = {
    readings: relation(options.readings, `${caller}: readings`),
    series: columnNames(caller, options.series, "series"),
    takenAt: columnName(caller, options.takenAt, "takenAt"),
    day: columnName(caller, options.day, "day"),
    counters,
    leading: options.leading,
    keep: columnsOrNone(caller, options.keep, "keep"),
    isBorn: expression(options.isBorn, `${caller}: isBorn`),
    bornDay: expression(options.bornDay, `${caller}: bornDay`),
    previous: options.previous === undefined ? undefined : columnName(caller, options.previous, "previous"),
    before: options.before === undefined ? undefined : relation(options.before, `${caller}: before`),
  };
  const results = [...RESULTS, ...[...counters.keys()].flatMap((name) => [deltaOf(name), toDateOf(name)])];
  const theirs = [...totals.series, totals.takenAt, totals.day, ...totals.keep, ...counters.keys()];
  checkFree(caller, theirs, [...results, ...(totals.previous === undefined ? [] : [totals.previous])]);
  const { ctes, query } = deltasOf(totals);
  return withCtes(ctes, query).toString();
}
