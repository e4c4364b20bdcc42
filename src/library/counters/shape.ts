import { suffixed } from "../../sql/identifiers.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import { ownName } from "../shared/check-options.ts";
import { spelling } from "../shared/values.ts";
import type { Moment } from "./moments.ts";

/** What the readings of some counters are made of: options as checked. All names are of columns. */
export interface Shape {
  /** How loads are read: `log`, reports of readings in any order, or `full`, snapshots of all series. */
  readonly kind: "log" | "full";
  readonly series: ReadonlyMap<string, Sql>;
  readonly takenAt: Moment;
  /** The day a reading closes; the same column as `takenAt` where that is called so. */
  readonly day: string;
  /** Whether each reading says by whose clocks: those of one moment are of several days then, and one may come to be of another. */
  readonly daysMove: boolean;
  readonly counters: ReadonlyMap<string, Sql>;
  readonly leading: string | undefined;
  /** Those of `series` that name what several of them belong to; none where nobody says so. */
  readonly entity: readonly string[];
  readonly keep: ReadonlyMap<string, Sql>;
  readonly reportedAt: Moment | undefined;
  readonly nonNull: readonly string[];
  readonly unit: string | undefined;
  /** The counters that a reading need not have. */
  readonly optional: ReadonlySet<string>;
  /** The counters that are of the unit, where readings go on in another one; none where no reading may have another. */
  readonly ofUnit: ReadonlySet<string>;
  readonly loadOrder: readonly [load: string, row: string];
}

// Columns of ours in a store. Beside a reading's own they have names that no author can have.
export const ROW_KIND = ownName("row_kind");
export const LOAD_NO = ownName("load_no");
export const RUN_AT = ownName("run_at");
export const BUILT_AT = ownName("built_at");
export const PREVIOUS_AT = ownName("previous_at");
export const BEGAN_AFTER = ownName("began_after");
export const FIRST_REPORTED_AT = ownName("first_reported_at");
export const IS_WHOLE = ownName("is_whole");
export const LOADED_AT = ownName("loaded_at");
export const LEFT_DAY = ownName("left_day");

export const deltaOf = (counter: string) => suffixed(counter, "_delta");
export const toDateOf = (counter: string) => suffixed(counter, "_to_date");
/** What a counter that is not in every reading stood on when it was told last; 0 where all have restarted since. */
export const knownOf = (counter: string) => ownName(`known_${counter}`);
export const beforeFeedOf = (counter: string) => suffixed(counter, "_before_feed");

/** The type of sums of a counter: the largest of the types like its own, which sums may outgrow where no reading does. */
export function totalType(type: Sql): Sql {
  const spelled = spelling(type);
  if (/^(?:smallint|int2|integer|int|int4)$/.test(spelled)) return sql`bigint`;
  return /^(?:numeric|decimal|dec)(?: \(|$)/.test(spelled) ? sql`numeric` : type;
}

/** The columns by which a reading is known. */
export function keyOf({ series, takenAt }: Shape): string[] {
  return [...series.keys(), takenAt.name];
}

/** The columns that a reading comes with, and their types. */
export function readingColumns(shape: Shape): ReadonlyMap<string, Sql> {
  const { takenAt, reportedAt } = shape;
  return new Map([
    ...shape.series,
    [takenAt.name, takenAt.type],
    [shape.day, sql`date`],
    ...shape.keep,
    ...shape.counters,
    ...(reportedAt ? [[reportedAt.name, reportedAt.type] as const, [FIRST_REPORTED_AT, reportedAt.type] as const] : []),
    ...shape.loadOrder.map((column): [string, Sql] => [column, sql`bigint`]),
  ]);
}

/** The columns that are computed of a reading and the one before. */
export function computedColumns({ takenAt, counters, entity, optional }: Shape): ReadonlyMap<string, Sql> {
  return new Map([
    [PREVIOUS_AT, takenAt.type],
    ...(entity.length ? ([[BEGAN_AFTER, takenAt.type]] as const) : []),
    ...[...counters].map(([counter, type]) => [deltaOf(counter), type] as const),
    ...[...counters].map(([counter, type]) => [toDateOf(counter), totalType(type)] as const),
    ...[...optional].map((counter) => [knownOf(counter), counters.get(counter)!] as const),
    ["days_covered", sql`integer`],
    ["is_baseline", sql`boolean`],
    ["is_reset", sql`boolean`],
    ["is_correction", sql`boolean`],
  ]);
}

/** All columns of the store. */
export function storeColumns(shape: Shape): ReadonlyMap<string, Sql> {
  return new Map([
    [ROW_KIND, sql`text`],
    [LOAD_NO, sql`bigint`],
    [RUN_AT, sql`timestamptz`],
    [BUILT_AT, sql`timestamptz`],
    ...(shape.daysMove ? ([[LEFT_DAY, sql`date`]] as const) : []),
    ...readingColumns(shape),
    ...computedColumns(shape),
    ...(shape.kind === "full"
      ? ([
          [IS_WHOLE, sql`boolean`],
          [LOADED_AT, sql`timestamptz`],
        ] as const)
      : []),
  ]);
}
