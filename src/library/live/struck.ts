import { type Cte, cte } from "../../sql/ctes.ts";
import { id, ids } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import { unlessLost } from "../shared/loads.ts";
import { countedOf, places } from "./counted.ts";
import { same } from "./rows.ts";
import { keyOf, LOAD, ROW_KIND, ROW_OF, ROWS, type Shape } from "./shape.ts";
import { eventsOf, hasRaw, type Inputs, type RawTable } from "./streams.ts";

// Groups of loads that were struck are made anew from raw: what a load added to a largest or a distinct value cannot be taken
// away from it. Where raw has not all of their events any more they cannot be, and that is said.

/** That there is something to make anew: asked once, so that raw is not read where there is not. */
const IS_STRUCK = sql`(select count(*) from struck_loads) > 0`;

/**
 * `counted`: the events of new loads, and all events of the groups that are made anew, `struck_groups`. `held`: the store
 * without these.
 */
export function remade(shape: Shape, { feed, ledger, tables }: Inputs, key = keyOf(shape)): Cte[] {
  const isAmong = (alias: string) => sql`exists (select from struck_groups where ${same("struck_groups", alias, key)})`;
  const again = sql`
    select events.*
    from ${feed} as events
    inner join ${ledger} as loads on loads.load_id = events._load_id
    where ${IS_STRUCK} and loads.status = 'loaded' and loads.table_name in (${tables.map((name) => literal(name))})`;
  return [
    cte("struck", countedOf(shape, eventsOf(feed, sql`struck_loads`))),
    cte(
      "struck_groups",
      sql`
        select
          ${[...ids(key).map((name) => sql`struck.${name}`), sql`count(*) as ${id(ROWS)}`]}
        from struck
        ${places(key.length)}`,
      { materialized: true },
    ),
    cte("arrived", countedOf(shape, eventsOf(feed, sql`new_loads`))),
    cte("again", countedOf(shape, again), { materialized: false }),
    cte(
      "counted",
      sql`
        select arrived.* from arrived where not ${isAmong("arrived")}
        union all
        select again.* from again where ${isAmong("again")}`,
      { materialized: true },
    ),
    cte("held", sql`select store.* from store where not ${isAmong("store")}`, { materialized: false }),
  ];
}

/**
 * True, or an error where events of groups that are made anew are gone from raw.
 * @param kind of the store's rows that have them
 */
export function lostGroups(kind: "group" | "session", key: readonly string[], raw: readonly RawTable[]): Sql {
  const now = sql`(
    select count(*)
    from counted
    where ${same("counted", "struck_groups", key)}
      and counted.${id(LOAD)} not in (select new_loads.load_id from new_loads)
  )`;
  const before = sql`(
    select coalesce(sum(store.${id(ROWS)}), 0)
    from store
    where store.${id(ROW_KIND)} = ${literal(kind)} and store.${id(ROW_OF)} = '' and ${same("store", "struck_groups", key)}
  )`;
  const isGone = sql`
    exists (select from struck_groups where ${now} + struck_groups.${id(ROWS)} <> ${before})
      or exists (
        select
        from struck_loads
        where coalesce(struck_loads.rows, 0) > 0
          and not ${hasRaw(raw, "struck_loads")}
      )`;
  const loads = sql`string_agg(struck_loads.load_id::text, ', ' order by struck_loads.load_id)`;
  const lost = sql`'some that the rows of load ' || ${loads} || ' were counted with'`;
  return unlessLost(sql`(select ${lost} from struck_loads where ${isGone})`);
}
