import { type Cte, cte } from "../../sql/ctes.ts";
import { id, ids } from "../../sql/identifiers.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import { hadNoRows, hasRows, unlessLost } from "../shared/loads.ts";
import { asType } from "../shared/values.ts";
import { dotted, isKind, sameColumns } from "./changes.ts";
import { feedBegin } from "./feed-begin.ts";
import { beganJoin, lateSeries, seriesThatBeganElsewhen } from "./late-series.ts";
import { dayClosedBy, dayOf, type Moment, type Zone } from "./moments.ts";
import { readingsThatCount, seriesOf } from "./readings.ts";
import { BEGAN_AFTER, FIRST_REPORTED_AT, keyOf, PREVIOUS_AT, readingColumns, type Shape } from "./shape.ts";
import { BORN_AT, BORN_DAY, IS_BORN } from "./store.ts";

// Kind `log`: reports of readings in any order. Of several reports of one reading one counts.

interface Births {
  readonly relation: Sql;
  readonly key: readonly string[];
  readonly at: Moment;
}

export interface Log {
  readonly shape: Shape;
  readonly feed: Sql;
  /** Those that count, with their `load_id`. */
  readonly loads: Sql;
  readonly timeZone: Zone;
  readonly births: Births | undefined;
  readonly self: Sql | undefined;
}

/** Which readings there are, and which of them have to be computed again: `new_readings` and `touched`. */
export function newsOfLog(log: Log): Cte[] {
  return [
    cte("scope", scope(log), {
      materialized: true,
      comment: "what a load that is gone had replaced is only in the raw table: then all of it is read again",
    }),
    cte(
      "loads_to_read",
      sql`
        select load_no from new_loads
        union
        select load_no from loads where (select is_everything from scope)`,
      { materialized: true },
    ),
    cte(
      "known",
      sql`select store.* from store where ${isKind("store", "reading")} and not (select is_everything from scope)`,
      { materialized: false },
    ),
    cte("reports", reports(log), { materialized: true }),
    cte("new_readings", newReadings(log), {
      materialized: true,
      comment: "of several reports of one reading the latest counts, then the last loaded",
    }),
    ...births(log),
    ...lateSeries(log.shape),
    cte("touched", touched(log), { materialized: true }),
  ];
}

function scope({ shape, feed, loads, self }: Log): Sql {
  const load = (alias: Sql) => sql`${alias}.${id(shape.loadOrder[0])}`;
  // a load none of whose reports counted may own no reading, and is needed once the others are undone
  const lost = sql`(
    select string_agg(lost.load_no::text, ', ' order by lost.load_no)
    from (
      select known.load_no
      from worked_in as known
      where not exists (select from ${loads} as loads where loads.load_id = known.load_no and ${hadNoRows(sql`loads`)})
      union
      select ${load(sql`store`)} from store where ${isKind("store", "reading")}
    ) as lost
    where lost.load_no not in (select load_no from gone_loads) and not ${hasRows(feed, load, sql`lost.load_no`)}
  )`;
  const isEverything = sql`exists (select from gone_loads)`;
  return self
    ? sql`select case when ${isEverything} then ${unlessLost(lost)} else false end as is_everything`
    : sql`select false as is_everything`;
}

/** The columns of a report as the feed has them, each as its type; the day is told by the moment. */
export function typedReports({ shape, feed, timeZone }: Pick<Log, "shape" | "feed" | "timeZone">, where: Sql): Sql {
  const { takenAt, day, reportedAt } = shape;
  const given = [...readingColumns(shape)].filter(
    ([name]) => name !== FIRST_REPORTED_AT && (name !== day || day === takenAt.name),
  );
  const columns = [
    ...given.map(([name]) => id("told", name)),
    ...(day === takenAt.name ? [] : [sql`${dayClosedBy(takenAt, timeZone, "told")} as ${id(day)}`]),
    ...(reportedAt ? [sql`${id("told", reportedAt.name)} as ${id(FIRST_REPORTED_AT)}`] : []),
  ];
  return sql`
    select
      ${columns}
    from (
      select
        ${given.map(([name, type]) => sql`${asType(id("feed", name), type, name)} as ${id(name)}`)}
      from ${feed} as feed
      ${where}
    ) as told`;
}

function reports(log: Log): Sql {
  const load = id("feed", log.shape.loadOrder[0]);
  // an array is looked up in the index of the raw table, whatever the planner thinks of the number of loads
  const looked = sql`where ${load} = any (array(select load_no from loads_to_read))`;
  return typedReports(
    log,
    sql`
      inner join loads_to_read on loads_to_read.load_no = ${load}
      ${log.self ? looked : sql``}`,
  );
}

/** Of several reports of one reading: the one that counts comes first. */
export function lastReportFirst({ reportedAt, loadOrder }: Shape, alias: string): Sql {
  const [load, row] = loadOrder;
  const latest = reportedAt ? sql`${id(alias, reportedAt.name)} desc nulls last, ` : sql``;
  return sql`${latest}${id(alias, load)} desc, ${id(alias, row)} desc`;
}

function newReadings({ shape, self }: Log): Sql {
  const key = keyOf(shape);
  const columns = [...readingColumns(shape).keys()];
  const all = ids(columns);
  const first = sql`min(reports.${id(FIRST_REPORTED_AT)}) over reports_of_it as ${id(FIRST_REPORTED_AT)}`;
  const known = sql`
    union all
    -- looked up, not searched for: offset 0
    select
      ${columns.map((name) => id("held", name))}
    from (select distinct ${dotted("reports", key)} from reports) as reports
    cross join lateral (
      select
        ${columns.map((name) => id("known", name))}
      from known
      where ${sameColumns("known", "reports", key)}
      offset 0
    ) as held`;
  return sql`
    select distinct on (${dotted("reports", key)})
      ${columns.map((name) => (name === FIRST_REPORTED_AT ? first : id("reports", name)))}
    from (
      select
        ${all}
      from reports
      ${self ? known : sql``}
    ) as reports
    ${
      shape.reportedAt
        ? sql`
            window reports_of_it as (
              partition by ${dotted("reports", key)}
              order by ${lastReportFirst(shape, "reports")}
              rows between unbounded preceding and unbounded following
            )`
        : sql``
    }
    order by ${dotted("reports", key)}, ${lastReportFirst(shape, "reports")}`;
}

/** `births`: when each entity began, and `feed`: the day on which the feed began. */
function births({ shape, births, timeZone }: Log): Cte[] {
  if (!births) return [];
  const { relation, key, at } = births;
  const born = asType(id("births", at.name), at.type, at.name);
  return [
    cte(
      "births",
      sql`
        select
          ${key.map((name) => sql`births.${id(name)}`)},
          min(${born}) as ${BORN_AT}
        from ${relation} as births
        group by ${dotted("births", key)}`,
      { materialized: true },
    ),
    ...feedBegin(shape, births.key, birthDay({ births, timeZone }, "opening")),
  ];
}

/** The day on which the entity of a reading began. */
function birthDay({ births, timeZone }: Pick<Log, "births" | "timeZone">, reading: string): Sql {
  return births ? dayOf(sql`births.${BORN_AT}`, births.at, timeZone, reading) : sql`null::date`;
}

function touched({ shape, births, timeZone }: Log): Sql {
  const born = birthDay({ births, timeZone }, "store");
  const key = keyOf(shape);
  const day = id("store", shape.day);
  const otherBirths =
    births &&
    sql`
    union all
    -- its entity's birth, or the first day of the feed, is another than was known
    select ${dotted("store", key)}
    from store
    cross join feed
    left join births on ${sameColumns("births", "store", births.key)}
    where ${isKind("store", "reading")} and store.${id(PREVIOUS_AT)} is null
      ${shape.entity.length ? sql`and store.${id(BEGAN_AFTER)} is null` : sql``}
      and store.days_covered is distinct from
        case when ${born} >= feed.first_day then greatest(${day} - ${born} + 1, 1) end`;
  const changes = sql`
    select ${dotted("new_readings", key)} from new_readings
    ${otherBirths ?? sql``}
    ${shape.entity.length ? sql`union all ${seriesThatBeganElsewhen(shape)}` : sql``}
    union all
    select ${dotted("store", key)} from store where ${isKind("store", "reading")} and (select is_everything from scope)`;
  return seriesOf(shape, changes);
}

/** `readings`: the new ones, and those of `outdated` that still count. */
export function readingsOfLog({ shape, births, timeZone }: Log): Cte {
  const key = keyOf(shape);
  const stillCount = sql`
    not (select is_everything from scope)
      and (${dotted("outdated", key)}) not in (select ${dotted("new_readings", key)} from new_readings)`;
  const bornDay = birthDay({ births, timeZone }, "readings");
  const isBirth = births ? sql`${bornDay} >= feed.first_day` : sql`false`;
  const began = sql`began.${id(shape.takenAt.name)}`;
  const born = shape.entity.length
    ? [
        sql`coalesce(${dayClosedBy(shape.takenAt, timeZone, "began", "readings")} + 1, ${bornDay}) as ${BORN_DAY}`,
        sql`${began} is not null or ${isBirth} as ${IS_BORN}`,
        sql`${began} as ${id(BEGAN_AFTER)}`,
      ]
    : [sql`${bornDay} as ${BORN_DAY}`, sql`${isBirth} as ${IS_BORN}`];
  const joined =
    births &&
    sql`
    cross join feed
    left join births on ${sameColumns("births", "readings", births.key)}`;
  const query = sql`
    select
      readings.*,
      ${born}
    from (
      ${readingsThatCount(shape, stillCount)}
    ) as readings
    ${joined ?? sql``}
    ${shape.entity.length ? beganJoin(shape) : sql``}`;
  return cte("readings", query);
}
