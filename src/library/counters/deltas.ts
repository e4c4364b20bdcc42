import { type Cte, cte } from "../../sql/ctes.ts";
import { id, ids } from "../../sql/identifiers.ts";
import { join, or, type Sql, sql } from "../../sql/sql.ts";
import { own } from "../shared/check-options.ts";
import { knownFell, knownSteps, NONE, nowOf, type Special, UNIT_RUN } from "./known.ts";
import { deltaOf, knownOf, toDateOf, totalType } from "./shape.ts";

/** Readings in the order they were taken, and what is known of each series before them. */
export interface Totals {
  readonly readings: Sql;
  readonly series: readonly string[];
  readonly takenAt: string;
  readonly day: string;
  readonly counters: ReadonlyMap<string, Sql>;
  readonly leading: string | undefined;
  /** Counters of which a reading may not say what they add; they need `leading`. */
  readonly special?: Special;
  /** Columns to pass on. */
  readonly keep: readonly string[];
  /** Of a first reading: whether the entity began inside the feed, and on which day. */
  readonly isBorn: Sql;
  readonly bornDay: Sql;
  /** The name for the `takenAt` of the reading before, to have it as a column. */
  readonly previous: string | undefined;
  /** The last state of each series before its first of these readings: series, takenAt, day, counters and to-date totals; the
   * unit, and what is known of optional counters. */
  readonly before: Sql | undefined;
}

const LAST_AT = own("last_at");
const LAST_DAY = own("last_day");
const IS_BEFORE = own("is_before");
const IS_FIRST = own("is_first");
const FELL = own("fell");
const lastOf = (counter: string) => own(`last_${counter}`);
const beforeOf = (counter: string) => own(`before_${counter}`);

/** What each reading adds to the one before, one row a reading: the arithmetic of running totals. */
export function deltasOf(totals: Totals): { readonly ctes: readonly Cte[]; readonly query: Sql } {
  const { series, takenAt, day, keep, counters, previous, before } = totals;
  const names = [...counters.keys()];
  const special = totals.special ?? NONE;
  const known = knownSteps(special, { series, takenAt, counters, isContinued: before !== undefined });
  const passed = [...new Set([...series, ...keep, day, takenAt])];
  const results = [
    ...(previous ? [previous] : []),
    ...names.map(deltaOf),
    ...names.map(toDateOf),
    ...[...special.optional].map(knownOf),
  ];
  const columns = ids([...passed, ...results, "days_covered", "is_baseline", "is_reset", "is_correction"]);
  return {
    ctes: [
      cte("in_order", inOrder(totals)),
      cte("paired", paired(totals)),
      cte("judged", judged(totals)),
      ...known,
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
  const { optional, unit, ofUnit } = totals.special ?? NONE;
  const held = [...counters.keys(), ...(ofUnit.size ? [unit!] : [])];
  const columns = [...new Set([...totals.series, totals.day, totals.takenAt, ...held])];
  const known = [...optional];
  const passed = totals.keep.filter((column) => !columns.includes(column));
  const given = sql`
    select
      ${ids([...columns, ...passed]).map((column) => sql`readings.${column}`)},
      ${isBorn} as ${own("is_born")},
      ${bornDay} as ${own("born_day")}${before ? sql`,` : sql``}
      ${before ? [...counters].map(([name, type]) => sql`null::${totalType(type)} as ${beforeOf(name)}`) : sql``}${before ? sql`,` : sql``}
      ${before ? known.map((name) => sql`null::${counters.get(name)!} as ${id(knownOf(name))}`) : sql``}${before && known.length ? sql`,` : sql``}
      ${before ? sql`false as ${IS_BEFORE}` : sql``}
    from ${readings} as readings`;
  if (!before) return given;
  return sql`
    ${given}
    union all
    select
      ${ids(columns).map((column) => sql`states.${column}`)},
      ${[...passed.map(() => sql`null`), sql`null`, sql`null`]},
      ${[...[...counters.keys()].map(toDateOf), ...known.map(knownOf)].map((name) => sql`states.${id(name)}`)},
      true
    from ${before} as states`;
}

/** Those of the counters that every reading has, in one unit. */
function plain({ counters, special = NONE }: Totals): string[] {
  return [...counters.keys()].filter((name) => !special.optional.has(name) && !special.ofUnit.has(name));
}

const isSpecial = (totals: Totals) => plain(totals).length < totals.counters.size;

function paired(totals: Totals): Sql {
  const { series, takenAt, day } = totals;
  return sql`
    select
      in_order.*,
      lag(${id(takenAt)}) over series as ${LAST_AT},
      lag(${id(day)}) over series as ${LAST_DAY},
      ${plain(totals).map((name) => sql`lag(${id(name)}) over series as ${lastOf(name)}`)}
    from in_order
    window series as (partition by ${join(ids(series), ", ")} order by ${id(takenAt)})`;
}

/** True where a reading is lower than the one before. */
function fell(counter: string): Sql {
  return sql`${id(counter)} < ${lastOf(counter)}`;
}

/** With a leading counter that falls, all have started again from zero; where only others fall, they were corrected. */
function judged(totals: Totals): Sql {
  const { leading } = totals;
  const others = plain(totals).filter((name) => name !== leading);
  const restarted = or(leading === undefined ? others.map(fell) : [fell(leading)]);
  const corrected =
    leading === undefined || !others.length ? sql`false` : sql`not ${fell(leading)} and (${or(others.map(fell))})`;
  return sql`
    select
      paired.*,
      ${LAST_AT} is null as ${IS_FIRST},
      ${LAST_AT} is null and not coalesce(${own("is_born")}, false) as is_baseline,
      ${LAST_AT} is not null and (${restarted}) as is_reset,
      ${LAST_AT} is not null and ${corrected} as ${isSpecial(totals) ? FELL : sql`is_correction`}
    from paired`;
}

function measured(totals: Totals): Sql {
  const { day, counters, leading, special = NONE } = totals;
  const from = isSpecial(totals) ? sql`known_before` : sql`judged`;
  const corrected = sql`${FELL} or (not is_reset and (${knownFell(special)})) as is_correction`;
  const delta = (name: string) => sql`
    case
      when is_baseline then null
      when ${IS_FIRST} or ${fell(leading ?? name)} then ${id(name)}
      else ${id(name)} - ${lastOf(name)}
    end as ${id(deltaOf(name))}`;
  return sql`
    select
      ${[sql`${from}.*`, ...(isSpecial(totals) ? [corrected] : [])]},
      -- a missing day is never filled in: the next delta says how many days it covers
      case
        when is_baseline then null
        when ${IS_FIRST} then greatest(${id(day)} - ${own("born_day")} + 1, 1)
        -- by the clocks of another account the day may be an earlier one
        else greatest(${id(day)} - ${LAST_DAY}, 0)
      end as days_covered,
      ${[...counters.keys()].map(delta)}
    from ${from}`;
}

function summed(totals: Totals, passed: readonly string[]): Sql {
  const { series, takenAt, counters, previous, before, special = NONE } = totals;
  const isPlain = (name: string) => plain(totals).includes(name);
  // a baseline counts in the total to date, though it is no delta
  const added = (name: string) => {
    const its = isPlain(name)
      ? sql`coalesce(${id(deltaOf(name))}, ${id(name)})`
      : sql`case when is_baseline then ${id(name)} else ${id(deltaOf(name))} end`;
    return before ? sql`case when ${IS_BEFORE} then ${beforeOf(name)} else ${its} end` : its;
  };
  // in another unit it begins anew, at none
  const toDate = ([name, type]: [string, Sql]) => {
    const sum = sql`sum(${added(name)}) over ${special.ofUnit.has(name) ? sql`of_unit` : sql`series`}`;
    const total = special.ofUnit.has(name) && !special.optional.has(name) ? sql`coalesce(${sum}, 0)` : sql`(${sum})`;
    return sql`${total}::${totalType(type)} as ${id(toDateOf(name))}`;
  };
  const ofUnit = sql`,
      of_unit as (partition by ${join([...ids(series), UNIT_RUN], ", ")} order by ${id(takenAt)})`;
  const known = [...special.optional].map((name) => sql`${nowOf(name)} as ${id(knownOf(name))}`);
  return sql`
    select
      ${ids(passed)},
      ${previous ? sql`${LAST_AT} as ${id(previous)},` : sql``}
      ${[...counters.keys()].map((name) => id(deltaOf(name)))},
      ${[...[...counters].map(toDate), ...known]},
      days_covered,
      is_baseline,
      is_reset,
      is_correction${before ? sql`,` : sql``}
      ${before ? IS_BEFORE : sql``}
    from measured
    window series as (partition by ${join(ids(series), ", ")} order by ${id(takenAt)})${special.ofUnit.size ? ofUnit : sql``}`;
}
