import { type Cte, cte } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { empty, join, type Sql, sql } from "../../sql/sql.ts";
import { LEFT_OUT, ROLLED_BEYOND, ROLLED_TO, ROW_KIND, ROW_OF } from "./shape.ts";

// Which loads a store holds, and which are the tail.
//
// The loads of one stream become visible in the order of their numbers, and an open one (`loading`) before its rows. So of each
// stream all loads up to a number are known, `rolled_to`; only those beyond it are asked of the ledger, by an index. A load is
// in the store or in the tail, in every snapshot: what is in the store is said by rows of the store itself.

/** A raw table whose loads count. */
export interface RawTable {
  readonly name: string;
  readonly relation: Sql;
}

/** What everything about loads is asked of. */
export interface Ledger {
  readonly ledger: Sql;
  readonly tables: readonly string[];
}

/** What a store is made of. */
export interface Inputs extends Ledger {
  readonly feed: Sql;
  readonly raw: readonly RawTable[];
  /** The store as it is; undefined where it is made. */
  readonly self: Sql | undefined;
}

const NAMES = [sql`table_name`, sql`source`, sql`stream`];
/** Between a row of the ledger and a stream, `known`. */
export const sameStream = sql`
  ledger.table_name = known.table_name and ledger.source = known.source and ledger.stream = known.stream`;

/**
 * For a view over a store: all of them, and the planner expects a tenth. Of streams, which it cannot count, it expects a hundred, of their
 * loads two hundred, and a server compiles for tens of milliseconds (`jit`) what then reads one load in five.
 */
export const FEW = sql`limit (select 9223372036854775807)`;

/** A load that a person said counts not. One that failed has no rows. */
export const isStruck = sql`ledger.status not in ('loaded', 'loading', 'failed')`;

/**
 * `streams`, which must be recursive, and `known`: what the store holds of each.
 * @param store undefined where it is made
 * @param expected how many the planner expects
 */
export function streams({ ledger, tables }: Ledger, store: Sql | undefined, expected: Sql = empty): Cte[] {
  const names = join(
    tables.map((name) => sql`(${literal(name)})`),
    ", ",
  );
  const columns = NAMES.map((name) => sql`ledger.${name}::text`);
  const each = sql`
    select first.*
    from (values ${names}) as tables (table_name)
    cross join lateral (
      select
        ${columns}
      from ${ledger} as ledger
      where ledger.table_name = tables.table_name
      order by ledger.source, ledger.stream
      limit 1
    ) as first
    union all
    select next.*
    from streams
    cross join lateral (
      select
        ${columns}
      from ${ledger} as ledger
      where ledger.table_name = streams.table_name
        and (ledger.source, ledger.stream) > (streams.source, streams.stream)
      order by ledger.source, ledger.stream
      limit 1
    ) as next`;
  const known = sql`
    select
      streams.*,
      ${streamKey} as ${id(ROW_OF)},
      ${store ? sql`coalesce(store.${id(ROLLED_TO)}, 0)` : sql`0::bigint`} as rolled_to,
      ${store ? sql`coalesce(store.${id(ROLLED_BEYOND)}, '{}')` : sql`'{}'::bigint[]`} as rolled_beyond,
      ${store ? sql`coalesce(store.${id(LEFT_OUT)}, '{}')` : sql`'{}'::bigint[]`} as left_out,
      ${store ? sql`store.${id(ROW_KIND)} is null` : sql`true`} as is_new
    from streams
    ${store ? sql`left join ${store} as store on store.${id(ROW_KIND)} = 'stream' and store.${id(ROW_OF)} = ${streamKey}` : empty}
    ${expected}`;
  return [
    cte("streams", each, { comment: "one after the other, by the ledger's index" }),
    cte("known", known, { materialized: true }),
  ];
}

const streamKey = sql`jsonb_build_array(streams.table_name, streams.source, streams.stream)::text`;

/** `tail_loads`: those that count, open ones too, and are not in the store. */
export function tailLoads({ ledger }: Ledger, expected: Sql = empty): Cte {
  const columns = sql`ledger.load_id, ledger.status, ledger.rows`;
  const counts = sql`${sameStream} and ledger.status in ('loading', 'loaded')`;
  return cte(
    "tail_loads",
    sql`
      select
        known.table_name,
        known.${id(ROW_OF)},
        loads.*
      from known
      cross join lateral (
        select ${columns}
        from ${ledger} as ledger
        where ${counts}
          and ledger.load_id > known.rolled_to
          and ledger.load_id <> all (known.rolled_beyond)
        union all
        -- struck once, and counting again
        select ${columns}
        from ${ledger} as ledger
        where ${counts} and ledger.load_id = any (known.left_out)
        offset 0
      ) as loads
      ${expected}`,
    { materialized: true },
  );
}

/**
 * The events of some loads, load by load: whatever the planner thinks of their number, or of how many rows one has, it never
 * reads all of the raw table. Of a range that is not known it expects few rows, also where statistics know one load only.
 * @param loads a relation with load_id
 */
export function eventsOf(feed: Sql, loads: Sql): Sql {
  return sql`
    select found.*
    from ${loads} as loads
    cross join lateral (
      select events.*
      from ${feed} as events
      where events._load_id between loads.load_id and loads.load_id
      offset 0
    ) as found`;
}

/** Whether a load has rows in its raw table; `alias` has its table_name and load_id. */
export function hasRaw(tables: readonly RawTable[], alias: string): Sql {
  const load = id(alias, "load_id");
  const each = tables.map(
    ({ name, relation }) => sql`
      when ${literal(name)} then exists (
        select from ${relation} as arrived where arrived._load_id between ${load} and ${load}
      )`,
  );
  return sql`
    case ${id(alias, "table_name")}
      ${join(each, "\n")}
    end`;
}

/** Closed loads of the tail that should have rows, and have none in raw. They stay in the tail, until they do or are struck. */
export function missing(tables: readonly RawTable[], alias: string): Sql {
  return sql`${id(alias, "status")} = 'loaded' and ${id(alias, "rows")} > 0 and not ${hasRaw(tables, alias)}`;
}

/** `new_loads`: closed ones of the tail. */
export function newLoads(tables: readonly RawTable[]): Cte {
  return cte(
    "new_loads",
    sql`
      select loads.*
      from tail_loads as loads
      where loads.status = 'loaded' and not coalesce(${missing(tables, "loads")}, false)`,
    { materialized: true },
  );
}

/** `struck_loads`: those in the store that do not count any more. */
export function struckLoads({ ledger }: Ledger): Cte {
  return cte(
    "struck_loads",
    sql`
      select known.table_name, known.${id(ROW_OF)}, ledger.load_id, ledger.rows
      from ${ledger} as ledger
      inner join known on ${sameStream}
      where ${isStruck} and ${isRolled(sql`ledger.load_id`)}`,
    { materialized: true },
  );
}

/** Whether a load of a stream, `known`, is in the store. */
export function isRolled(load: Sql): Sql {
  return sql`(
    (${load} <= known.rolled_to and ${load} <> all (known.left_out)) or ${load} = any (known.rolled_beyond)
  )`;
}
