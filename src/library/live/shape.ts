import type { Sql } from "../../sql/sql.ts";
import { ownName } from "../shared/check-options.ts";
import type { Measure } from "./measures.ts";

/** What is counted of events, and by what: options as checked. */
export interface Shape {
  /** The columns of a group with their expressions over an event; without its period. */
  readonly by: ReadonlyMap<string, Sql>;
  readonly period: Period | undefined;
  /** Expressions over an event: a condition, and when it happened. */
  readonly where: Sql | undefined;
  readonly measures: ReadonlyMap<string, Measure>;
  /** Of each column that counts distinct values: what is counted. */
  readonly distinct: ReadonlyMap<string, Distinct>;
}

export interface Period {
  /** Its name is also that of its column. */
  readonly every: Every;
  readonly time: Sql;
  readonly timeZone: string;
}

export type Every = "minute" | "hour" | "day" | "week" | "month";

export interface Distinct {
  readonly value: Sql;
  /** True: about so many, by the extension hll. */
  readonly isApproximate: boolean;
}

// Columns of ours in a store. Beside an author's own they have names that no author can have.
export const ROW_KIND = ownName("row_kind");
/** What a row is of, beside its group: a column of distinct values, a stream; an empty text for a group. Never NULL. */
export const ROW_OF = ownName("row_of");
/** Of the run that wrote the row; NULL where everything was computed. */
export const RUN_AT = ownName("run_at");
export const BUILT_AT = ownName("built_at");
/** Events of a group, so that it is known when one is empty; of a value 1, or 0 where it is no more. */
export const ROWS = ownName("events");
/** The first load that an event of the group came with. */
export const FIRST_LOAD = ownName("first_load");
/** Of a stream: every load up to it is in the store, but for those left out; and those beyond it that are. */
export const ROLLED_TO = ownName("rolled_to");
export const ROLLED_BEYOND = ownName("rolled_beyond");
export const LEFT_OUT = ownName("left_out");
/** Of a stream: the loads that the run took in; NULL where it computed everything. */
export const TAKEN_IN = ownName("taken_in");
/** The load of an event. */
export const LOAD = ownName("load");

export const valueColumn = (distinct: string) => ownName(`value_${distinct}`);
export const sketchOf = (distinct: string) => ownName(`sketch_${distinct}`);

/** The columns that name a group. */
export function keyOf({ by, period }: Pick<Shape, "by" | "period">): string[] {
  return [...by.keys(), ...(period ? [period.every] : [])];
}

export const exactOf = ({ distinct }: Shape) =>
  [...distinct].flatMap(([name, { isApproximate }]) => (isApproximate ? [] : [name]));
export const approximateOf = ({ distinct }: Shape) =>
  [...distinct].flatMap(([name, { isApproximate }]) => (isApproximate ? [name] : []));
