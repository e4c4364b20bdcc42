import { type Cte, cte } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import { columnsOf, own } from "../shared/check-options.ts";
import { hadNoRows, hasCome, hasRows, unlessLost } from "../shared/loads.ts";
import { small } from "../shared/small.ts";
import { asDay, asType, refused } from "../shared/values.ts";
import type { StoreInput } from "./input.ts";

// What new loads bring: their rows, the days they say all of, and which later load replaces each of these days.

/** The common table expressions up to `slices`, for those that make versions of them. */
export function incoming(input: StoreInput): Cte[] {
  return [
    cte("worked_in", workedIn(input), { materialized: true }),
    cte("loads", loads(input), { materialized: true }),
    cte("late_loads", lateLoads, { materialized: true }),
    cte("scope", scope(input), { materialized: true }),
    cte("told_loads", toldLoads, { materialized: true }),
    cte("records", records(input), {
      materialized: true,
      comment: "the number of the first new load lets the raw tables be entered by their indexes",
    }),
    cte("new_loads", newLoads(input), { materialized: true }),
    cte("covered", covered(input), { materialized: true }),
    cte("slices", slices, {
      materialized: true,
      comment: "the first later load that says all there is of the day",
    }),
  ];
}

const isOf =
  ({ report, feed }: StoreInput) =>
  (loadId: Sql): Sql =>
    hasRows(feed, (alias) => sql`${alias}.${id(report.loadOrder[0])}`, loadId);

/** All loads that count, each with its place in its feed, and what it means. Whether it has come is asked where it matters. */
function loads(input: StoreInput): Sql {
  const { loads, report } = input;
  const ledger = sql`
    select
      loads.load_id,
      loads.feed,
      loads.loaded_at,
      loads.first_day,
      loads.last_day,
      loads.is_whole,
      loads.replay_of,
      row_number() over (partition by loads.feed order by loads.loaded_at, loads.load_id) as place,
      md5(
        jsonb_build_array(
          loads.feed, loads.loaded_at at time zone 'UTC', loads.first_day, loads.last_day, loads.is_whole,
          ${literal(report.definition)}
        )::text
      ) as meaning,
      (to_jsonb(loads.*) ->> 'rows')::bigint as rows
    from ${loads} as loads
    where loads.counts
      and ${unlessElsewhere(input)}`;
  return small(ledger, [
    [sql`load_id`, sql`bigint`],
    [sql`feed`, sql`text`],
    [sql`loaded_at`, sql`timestamptz`],
    [sql`first_day`, sql`date`],
    [sql`last_day`, sql`date`],
    [sql`is_whole`, sql`boolean`],
    [sql`replay_of`, sql`bigint`],
    [sql`place`, sql`bigint`],
    [sql`meaning`, sql`text`],
    [sql`rows`, sql`bigint`],
  ]);
}

const ELSEWHERE =
  "loads: the ledger has none of the tables that loads: { tables } names, and from has rows: name the tables that it reads; found rows of load ";

/** True, or an error where the rows are of no table that is named: they would be left out without a word. Asked once. */
function unlessElsewhere({ report, feed, loads }: StoreInput): Sql {
  const load = id(report.loadOrder[0]);
  const known = sql`exists (select from ${loads} as loads) or exists (select from worked_in)`;
  const found = sql`(select report.${load}::text from ${feed} as report where report.${load} is not null limit 1)`;
  return sql`
    case
      when ${known} then true
      when ${found} is not null then ${refused(ELSEWHERE, found)}::boolean
      else true
    end`;
}

/** The loads that the store knows. One that is gone from the ledger and the feed is kept, as what there is of it. */
function workedIn(input: StoreInput): Sql {
  const { self, columns, loads } = input;
  if (!self) return sql`select null as feed, null::bigint as load_id, null as meaning, false as is_gone where false`;
  return sql`
    select
      store.feed,
      store.load_id,
      store.${columns.meaning} as meaning,
      not exists (select from ${loads} as loads where loads.load_id = store.load_id)
        and not ${isOf(input)(sql`store.load_id`)} as is_gone
    from ${self} as store
    where store.${columns.kind} = 'load'`;
}

/** Loads that the store does not know, before one of their feed that it knows. */
const lateLoads = sql`
  select loads.*
  from loads
  left join worked_in on worked_in.load_id = loads.load_id and worked_in.meaning = loads.meaning
  where worked_in.load_id is null
    and loads.place < (
      select max(known.place)
      from loads as known
      inner join worked_in as before on before.load_id = known.load_id and before.meaning = known.meaning
      where known.feed = loads.feed
    )`;

/** A load that was undone, means something else, or comes before one of its feed that was worked in: everything anew. */
function scope(input: StoreInput): Sql {
  const isEverything = sql`
    exists (
      select
      from worked_in
      left join loads on loads.load_id = worked_in.load_id and loads.meaning = worked_in.meaning
      where loads.load_id is null and not worked_in.is_gone
    )
    or exists (select from late_loads where ${hasCome(sql`late_loads`, isOf(input)(sql`late_loads.load_id`))})`;
  return sql`select case when ${isEverything} then ${unlessLost(lostLoads(input))} else false end as is_everything`;
}

/**
 * Loads that were worked in and not undone, and of which the feed has no rows any more: also those that said what another one
 * had said, or ended rows, and so own no version.
 */
function lostLoads(input: StoreInput): Sql {
  const { self, columns, loads } = input;
  if (!self) return sql`null::text`;
  return sql`(
    select string_agg(lost.load_id::text, ', ' order by lost.load_id)
    from (
      select known.load_id
      from worked_in as known
      where not ${isOf(input)(sql`known.load_id`)}
        and not exists (
          select from ${loads} as loads where loads.load_id = known.load_id and ${hadNoRows(sql`loads`)}
        )
      union
      -- a number that was given again is another load
      select versions.load_id
      from (
        select distinct store.load_id, store.known_from from ${self} as store where store.${columns.kind} = 'version'
      ) as versions
      where not ${isOf(input)(sql`versions.load_id`)}
        or not exists (select from loads where loads.load_id = versions.load_id and loads.loaded_at = versions.known_from)
    ) as lost
    where not exists (select from ${loads} as loads where loads.load_id = lost.load_id and not loads.counts)
  )`;
}

/** What the ledger tells of and the store does not know. Where a late one has come, it is everything: otherwise none has. */
const toldLoads = sql`
  select loads.*
  from loads
  left join worked_in on worked_in.load_id = loads.load_id and worked_in.meaning = loads.meaning
  where (select scope.is_everything from scope)
    or (worked_in.load_id is null and loads.load_id not in (select late_loads.load_id from late_loads))`;

/** Of these the ones that have come. The feed is asked only of a load without records: all of its rows may be of other days. */
function newLoads(input: StoreInput): Sql {
  const isThere = sql`
    told_loads.load_id in (select records.load_id from records)
    or told_loads.load_id in (select worked_in.load_id from worked_in)
    or ${isOf(input)(sql`told_loads.load_id`)}`;
  return sql`
    select told_loads.*
    from told_loads
    where ${hasCome(sql`told_loads`, isThere)}`;
}

/** The rows of new loads, one a key and load, each with its load's place. */
function records(input: StoreInput): Sql {
  const { report, feed } = input;
  const [load, row] = report.loadOrder.map((column) => sql`report.${id(column)}`) as [Sql, Sql];
  const key = columnsOf(sql`report`, report.key);
  const day = asDay(sql`report.${id(report.day)}`, report.day);
  const values = [...report.values].map(
    ([column, type]) => sql`${asType(sql`report.${id(column)}`, type, column)} as ${id(column)}`,
  );
  const named = report.key.map((column) =>
    column === report.day ? sql`${day} as ${id(column)}` : sql`report.${id(column)}`,
  );
  return sql`
    select distinct on (told_loads.load_id, ${key})
      told_loads.feed,
      ${[...named, ...values]},
      told_loads.load_id,
      told_loads.place as ${own("place")},
      told_loads.loaded_at as known_from
    from ${feed} as report
    inner join told_loads on told_loads.load_id = ${load}
    where ${load} >= (select min(told_loads.load_id) from told_loads)
      -- what was not asked for is not known to be all of its day
      and (told_loads.first_day is null or ${day} between told_loads.first_day and told_loads.last_day)
      and (told_loads.replay_of is null or ${stillHolds(input, day)})
    order by told_loads.load_id, ${key}, ${row} desc`;
}

/**
 * Whether a row of a replay is more of what its load said: inside of what that was asked for, and of a day that no load between
 * them has told anew.
 */
function stillHolds(input: StoreInput, day: Sql): Sql {
  const { report, feed } = input;
  const told = sql`told.${id(report.day)}`;
  const isThere = sql`other.load_id in (select worked_in.load_id from worked_in) or ${isOf(input)(sql`other.load_id`)}`;
  return sql`not exists (
        select
        from loads as other
        left join loads as slice on slice.load_id = told_loads.replay_of
        where other.feed = told_loads.feed
          and other.replay_of is null
          and case
            when other.load_id = slice.load_id then ${day} not between slice.first_day and slice.last_day
            when other.place >= told_loads.place or other.place < slice.place then false
            when other.first_day is not null then
              ${day} between other.first_day and other.last_day and ${hasCome(sql`other`, isThere)}
            else exists (
              select
              from ${feed} as told
              where told.${id(report.loadOrder[0])} = other.load_id and ${asDay(told, report.day)} = ${day}
            )
          end
      )`;
}

/** The days that each new load says all of: what it was asked for, else those of its rows. */
function covered({ report }: StoreInput): Sql {
  // In no time zone: where the clock goes forward at midnight, a series of moments would lose its last day.
  return sql`
    select new_loads.feed, days.day::date as day, new_loads.place, new_loads.is_whole
    from new_loads
    cross join generate_series(
      new_loads.first_day::timestamp, new_loads.last_day::timestamp, interval '1 day'
    ) as days (day)
    union
    select new_loads.feed, records.${id(report.day)}, new_loads.place, new_loads.is_whole
    from new_loads
    inner join records on records.feed = new_loads.feed and records.load_id = new_loads.load_id
    where new_loads.first_day is null`;
}

const slices = sql`
  select
    places.*,
    min(case when places.is_whole then places.place end) over (
      partition by places.feed, places.day
      order by places.place
      rows between 1 following and unbounded following
    ) as next_place
  from (
    select covered.* from covered
    union all
    -- place 0: what the store holds open
    select distinct covered.feed, covered.day, 0::bigint, false from covered
  ) as places`;
