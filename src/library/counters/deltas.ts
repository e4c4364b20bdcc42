import { type Cte, cte } from "../../sql/ctes.ts";
import { id, ids } from "../../sql/identifiers.ts";
import { join, or, type Sql, sql } from "../../sql/sql.ts";
import { own } from "../shared/check-options.ts";
import { deltaOf, toDateOf, totalType } from "./shape.ts";

/** Readings in the order they were taken, and what is known of each series before them. */
export interface Totals {
  readonly readings: Sql;
  readonly series: readonly string[];
  readonly takenAt: string;
  readonly day: string;
  readonly counters: ReadonlyMap<string, Sql>;
  readonly leading: string | undefined;
  /** Columns to pass on. */
  readonly keep: readonly string[];
  /** Of a first reading: whether the entity began inside the feed, and on which day. */
  readonly isBorn: Sql;
  readonly bornDay: Sql;
  /** The name for the `takenAt` of the reading before, to have it as a column. */
  readonly previous: string | undefined;
  /** The last state of each series before its first of these readings: series, takenAt, day, counters and to-date totals. */
  readonly before: Sql | undefined;
}

const LAST_AT = own("last_at");
const LAST_DAY = own("last_day");
const IS_BEFORE = own("is_before");
const IS_FIRST = own("is_first");
const lastOf = (counter: string) => own(`last_${counter}`);
const beforeOf = (counter: string) => own(`before_${counter}`);

/** What each reading adds to the one before, one row a reading: the arithmetic of running totals. */
export function deltasOf(totals: Totals): { readonly ctes: readonly Cte[]; readonly query: Sql } {
  const { series, takenAt, day, keep, counters, previous, before } = totals;
  const names = [...counters.keys()];
  const passed = [...new Set([...series, ...keep, day, takenAt])];
  const results = [...(previous ? [previous] : []), ...names.map(deltaOf), ...names.map(toDateOf)];
  const columns = ids([...passed, ...results, "days_covered", "is_baseline", "is_reset", "is_correction"]);
  return {
    ctes: [
      cte("in_order", inOrder(totals)),
      cte("paired", paired(totals)),
      cte("judged", judged(totals)),
      cte("measured", measured(totals)),
      cte("summed", summed(totals, passed)),
    ],
    query: sql`
      select
        ${columns}
      from summed
      ${before ? sql`where not ${IS_BEFORE}` : sql``}`,
  };
}

/** The readings, behind the state that each series was in before. */
function inOrder(totals: Totals): Sql {
  const { readings, before, counters, isBorn, bornDay } = totals;
  const columns = [...new Set([...totals.series, totals.day, totals.takenAt, ...counters.keys()])];
  const passed = totals.keep.filter((column) => !columns.includes(column));
  const given = sql`
    select
      ${ids([...columns, ...passed]).map((column) => sql`readings.${column}`)},
      ${isBorn} as ${own("is_born")},
      ${bornDay} as ${own("born_day")}${before ? sql`,` : sql``}
      ${before ? [...counters].map(([name, type]) => sql`null::${totalType(type)} as ${beforeOf(name)}`) : sql``}${before ? sql`,` : sql``}
      ${before ? sql`false as ${IS_BEFORE}` : sql``}
    from ${readings} as readings`;
  if (!before) return given;
  return sql`
    ${given}
    union all
    select
      ${ids(columns).map((column) => sql`states.${column}`)},
      ${[...passed.map(() => sql`null`), sql`null`, sql`null`]},
      ${[...counters.keys()].map((name) => sql`states.${id(toDateOf(name))}`)},
      true
    from ${before} as states`;
}

function paired({ series, takenAt, day, counters }: Totals): Sql {
  return sql`
    select
      in_order.*,
      lag(${id(takenAt)}) over series as ${LAST_AT},
      lag(${id(day)}) over series as ${LAST_DAY},
      ${[...counters.keys()].map((name) => sql`lag(${id(name)}) over series as ${lastOf(name)}`)}
    from in_order
    window series as (partition by ${join(ids(series), ", ")} order by ${id(takenAt)})`;
}

/** True where a reading is lower than the one before. */
function fell(counter: string): Sql {
  return sql`${id(counter)} < ${lastOf(counter)}`;
}

/** With a leading counter that falls, all have started again from zero; where only others fall, they were corrected. */
function judged({ counters, leading }: Totals): Sql {
  const others = [...counters.keys()].filter((name) => name !== leading);
  const restarted = or(leading === undefined ? others.map(fell) : [fell(leading)]);
  const corrected =
    leading === undefined || !others.length ? sql`false` : sql`not ${fell(leading)} and (${or(others.map(fell))})`;
  return sql`
    select
      paired.*,
      ${LAST_AT} is null as ${IS_FIRST},
      ${LAST_AT} is null and not coalesce(${own("is_born")}, false) as is_baseline,
      ${LAST_AT} is not null and (${restarted}) as is_reset,
      ${LAST_AT} is not null and ${corrected} as is_correction
    from paired`;
}

function measured({ day, counters, leading }: Totals): Sql {
  const delta = (name: string) => sql`
    case
      when is_baseline then null
      when ${IS_FIRST} or ${fell(leading ?? name)} then ${id(name)}
      else ${id(name)} - ${lastOf(name)}
    end as ${id(deltaOf(name))}`;
  return sql`
    select
      judged.*,
      -- a missing day is never filled in: the next delta says how many days it covers
      case
        when is_baseline then null
        when ${IS_FIRST} then greatest(${id(day)} - ${own("born_day")} + 1, 1)
        -- by the clocks of another account the day may be an earlier one
        else greatest(${id(day)} - ${LAST_DAY}, 0)
      end as days_covered,
      ${[...counters.keys()].map(delta)}
    from judged`;
}

function summed(totals: Totals, passed: readonly string[]): Sql {
  const { series, takenAt, counters, previous, before } = totals;
  // a baseline counts in the total to date, though it is no delta
  const added = (name: string) => {
    const its = sql`coalesce(${id(deltaOf(name))}, ${id(name)})`;
    return before ? sql`case when ${IS_BEFORE} then ${beforeOf(name)} else ${its} end` : its;
  };
  return sql`
    select
      ${ids(passed)},
      ${previous ? sql`${LAST_AT} as ${id(previous)},` : sql``}
      ${[...counters.keys()].map((name) => id(deltaOf(name)))},
      ${[...counters].map(([name, type]) => sql`(sum(${added(name)}) over series)::${totalType(type)} as ${id(toDateOf(name))}`)},
      days_covered,
      is_baseline,
      is_reset,
      is_correction${before ? sql`,` : sql``}
      ${before ? IS_BEFORE : sql``}
    from measured
    window series as (partition by ${join(ids(series), ", ")} order by ${id(takenAt)})`;
}
