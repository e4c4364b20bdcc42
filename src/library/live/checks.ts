import { cte, withCtes } from "../../sql/ctes.ts";
import { id, ids, suffixed } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { join, or, type Sql, sql } from "../../sql/sql.ts";
import { own } from "../shared/check-options.ts";
import { countedOf, places } from "./counted.ts";
import { aggregated } from "./measures.ts";
import { hasAged, rolledLoads } from "./rolled.ts";
import { type Audit, isAll, lastRun, same, writtenRows } from "./rows.ts";
import {
  approximateOf,
  exactOf,
  FIRST_LOAD,
  keyOf,
  LEFT_OUT,
  LOAD,
  ROLLED_BEYOND,
  ROLLED_TO,
  ROW_KIND,
  ROW_OF,
  ROWS,
  RUN_AT,
  type Shape,
  sketchOf,
  TAKEN_IN,
  valueColumn,
} from "./shape.ts";
import { eventsOf, isRolled, type Ledger, missing, type RawTable, streams, tailLoads } from "./streams.ts";

// What a store promises, as queries for the rows that break it. They look at what the last run changed, and at everything after
// everything was computed.

/** What an audit reads. */
export interface Audited extends Ledger {
  readonly feed: Sql;
  readonly raw: readonly RawTable[];
  readonly store: Sql;
  readonly audit: Audit;
}

const all = isAll(sql`store`);
const storeOf = ({ store }: Audited) =>
  cte("store", sql`select store.* from ${store} as store`, { materialized: false });

/** Groups that are not what their events give; missing and made-up ones. */
export function groupsThatDisagree(shape: Shape, audited: Audited): Sql {
  const key = keyOf(shape);
  const told = [ROWS, ...shape.measures.keys(), ...exactOf(shape), ...approximateOf(shape).map(sketchOf)];
  const pairs = told.flatMap((name) =>
    (["expected", "actual"] as const).map((side) => sql`${id(side, name)} as ${id(named(side, name))}`),
  );
  const differ = or(told.map((name) => sql`${id("expected", name)} is distinct from ${id("actual", name)}`));
  const isEmpty = sql`coalesce(actual.${id(ROWS)}, 0) = 0 and expected.${id(ROWS)} is null`;
  return withCtes(
    [...eventsAgain(shape, audited, "group"), cte("expected", expectedGroups(shape), { materialized: true })],
    sql`
      select
        ${[...key.map((name) => sql`coalesce(${id("expected", name)}, ${id("actual", name)}) as ${id(name)}`), ...pairs]}
      from expected
      full join (select changed.* from changed where changed.${id(ROW_OF)} = '') as actual on ${same("expected", "actual", key)}
      where (actual.${id(ROWS)} is not null or expected.${own("is_new")} or ${all})
        and not (${isEmpty})
        and (${differ})
        and not (coalesce(expected.${id(ROWS)}, 0) < actual.${id(ROWS)} and (select aged.has_aged from aged))`,
    { recursive: true },
  );
}

function expectedGroups(shape: Shape): Sql {
  const key = keyOf(shape);
  const distinct = exactOf(shape).map((name) => sql`count(distinct counted.${id(valueColumn(name))}) as ${id(name)}`);
  const sketches = approximateOf(shape).map(
    (name) => sql`hll_add_agg(hll_hash_any(counted.${id(valueColumn(name))})) as ${id(sketchOf(name))}`,
  );
  return sql`
    select
      ${[
        ...ids(key).map((name) => sql`counted.${name}`),
        sql`count(*) as ${id(ROWS)}`,
        ...aggregated(shape.measures, "counted"),
        ...distinct,
        ...sketches,
        sql`bool_or(counted.${id(LOAD)} = any (array(select taken.load_id from taken))) as ${own("is_new")}`,
      ]}
    from counted
    ${places(key.length)}`;
}

/**
 * `changed`: the rows of groups that the last run wrote. `counted`: the events of these, and of the loads that it took in. Only
 * loads are read that may have one: from the first on that a group has.
 */
export function eventsAgain(
  shape: Pick<Shape, "by" | "period" | "where" | "measures" | "distinct">,
  audited: Audited,
  kind: "group" | "session",
) {
  const { feed, audit } = audited;
  const isLast = sql`store.${id(ROW_KIND)} = 'stream' and store.${id(RUN_AT)} = ${lastRun(sql`store`)}`;
  const taken = sql`
    select taken.load_id
    from store
    cross join unnest(store.${id(TAKEN_IN)}) as taken (load_id)
    where ${isLast} and ${audit === "changed" ? sql`not ${all}` : sql`false`}`;
  const from = sql`
    coalesce(
      case when ${all} then 0 end,
      least((select min(changed.${id(FIRST_LOAD)}) from changed), (select min(taken.load_id) from taken)),
      9223372036854775807
    )`;
  const events = sql`
    select found.* from (${eventsOf(feed, sql`(select rolled_loads.* from rolled_loads where not ${all})`)}) as found
    union all
    select events.*
    from ${feed} as events
    inner join rolled_loads on rolled_loads.load_id = events._load_id
    where ${all}`;
  return [
    storeOf(audited),
    ...streams(audited, sql`store`),
    cte("changed", writtenRows(sql`store`, literal(kind), audit), { materialized: true }),
    cte("taken", taken, { materialized: true }),
    rolledLoads(audited, from),
    cte("counted", countedOf(shape, events)),
    cte("aged", hasAged(audited, audited.raw), { materialized: true }),
  ];
}

/** What a store cannot be: counts of values that are not there, loads that are in it and not closed. */
export function unsound(shape: Shape | undefined, audited: Audited): Sql {
  const streamFaults = sql`
    select 'loads' as fault, store.${id(ROW_OF)} as found
    from store
    where store.${id(ROW_KIND)} = 'stream'
      and (
        store.${id(ROLLED_TO)} >= any (store.${id(ROLLED_BEYOND)}) or store.${id(ROLLED_TO)} < any (store.${id(LEFT_OUT)})
      )`;
  const open = sql`
    select 'open load', ledger.load_id::text
    from ${audited.ledger} as ledger
    inner join known
      on known.table_name = ledger.table_name and known.source = ledger.source and known.stream = ledger.stream
    where ledger.status = 'loading' and ${isRolled(sql`ledger.load_id`)}`;
  const values = shape ? exactOf(shape).map((name) => miscounted(shape, name)) : [];
  return withCtes(
    [
      storeOf(audited),
      ...streams(audited, sql`store`),
      cte("changed", writtenRows(sql`store`, sql`'group'`, audited.audit)),
    ],
    join([streamFaults, open, ...values], "\nunion all\n"),
    { recursive: true },
  );
}

/** Groups that count another number of values than the store has of them. */
function miscounted(shape: Shape, name: string): Sql {
  const key = keyOf(shape);
  return sql`
    select ${literal(`values of ${name}`)}, jsonb_build_array(${ids(key).map((column) => sql`changed.${column}`)})::text
    from changed
    cross join lateral (
      select count(*) as values
      from store
      where store.${id(ROW_KIND)} = 'value' and store.${id(ROW_OF)} = ${literal(name)} and store.${id(ROWS)} > 0
        and ${same("store", "changed", key)}
    ) as held
    where changed.${id(ROW_OF)} = '' and changed.${id(name)} <> held.values`;
}

/** Loads of the tail whose rows are gone from raw, so that nobody can count them. */
export function lostLoads(audited: Audited): Sql {
  return withCtes(
    [storeOf(audited), ...streams(audited, sql`store`), tailLoads(audited)],
    sql`
      select tail_loads.table_name, tail_loads.load_id, tail_loads.rows
      from tail_loads
      where ${missing(audited.raw, "tail_loads")}`,
    { recursive: true },
  );
}

const named = (side: string, name: string) => suffixed(`${side}_${name}`, "");
