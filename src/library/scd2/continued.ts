import { cte, withCtes } from "../../sql/ctes.ts";
import { id, ids } from "../../sql/identifiers.ts";
import { and, empty, type Relation, type Sql, sql } from "../../sql/sql.ts";
import { columnsOf, own } from "../shared/check-options.ts";
import { asType, comparable } from "../shared/values.ts";
import { changeHash, isDeletion, sameKey, sourceTime, toldAt } from "./expressions.ts";
import { rowKind } from "./kept.ts";
import type { Timeline } from "./options.ts";
import { newsCtes, type StoreParts } from "./store-loads.ts";
import { stored, storedAs } from "./store-rows.ts";
import { scopeCte } from "./touched.ts";

// Most keys of most loads go on: their current version ends, another one begins, and nothing before it changes. That much
// is known without their earlier records, so these are not computed again.

const asOf = own("as_of");
const startsAt = own("starts_at");

/**
 * Whether keys of such a history can go on at all: a value that is filled for the time before changes earlier versions, and
 * a slice says of keys by what they were.
 */
export function canGoOn({ by, since }: Timeline): boolean {
  return !by.length && !since.size;
}

/**
 * The select of the rows of the store, without `run_no`, of the keys in `keysOf` that go on: the version that ends and the one
 * that begins. One load is new, it is later than all before it, none of those is a log or is gone, and the key is there before
 * and after it.
 */
export function continuedVersions(parts: StoreParts, self: Relation, keysOf: Relation): Sql {
  const { timeline } = parts;
  return withCtes(
    [
      ...newsCtes(parts, self),
      scopeCte(),
      cte("next_load", nextLoad, { materialized: true }),
      cte("newest", newestRecords(timeline, keysOf), { materialized: true }),
      cte("ending", endingVersions(timeline), { materialized: true }),
    ],
    sql`
      select
        ${endedVersion(timeline)}
      from ending
      union all
      select
        ${begunVersion(timeline)}
      from ending
      inner join newest using (${ids(timeline.key)})`,
  );
}

/** The statement that leaves in `keysOf` the keys that do not go on. */
export function withoutContinued({ key }: Timeline, keysOf: Relation, continued: Relation): Sql {
  const same = and(key.map((column) => sql`touched.${id(column)} = continued.${id(stored(column))}`));
  return sql`delete from ${keysOf} as touched using ${continued} as continued where ${same}`;
}

const nextLoad = sql`
  select load_id, as_of, loaded_at
  from new_loads
  where (select count(*) = 1 from new_loads)
    and kind in ('full', 'partial')
    and as_of > (select latest from scope)
    and not (select is_everything from scope)
    and (select count(*) = 0 from gone_loads)
    and (select count(*) = 0 from loads where kind = 'log')`;

/** The record of each key that counts in that load. */
function newestRecords(timeline: Timeline, keysOf: Relation): Sql {
  const [loadId, rowNo] = timeline.loadOrder.map((column) => sql`feed.${id(column)}`);
  const keys = columnsOf(sql`feed`, timeline.key);
  return sql`
    select distinct on (${keys})
      feed.*,
      next_load.as_of as ${asOf},
      next_load.loaded_at as ${toldAt}
    from ${keysOf} as touched
    inner join _dataform_feed as feed on ${sameKey(timeline, sql`feed`, sql`touched`)}
    inner join next_load on next_load.load_id = ${loadId!}
    order by ${keys}, ${rowNo!} desc`;
}

/** The current versions that end by it, and when. */
function endingVersions(timeline: Timeline): Sql {
  const { key, attributes, loadOrder, effectiveAt } = timeline;
  const typed = (column: string) => asType(sql`store.${id(column)}`, attributes.get(column)!, column);
  const columns = [
    ...columnsOf(sql`store`, key),
    ...[...attributes.keys()].map((column) => sql`${typed(column)} as ${id(column)}`),
    ...columnsOf(sql`store`, ["version_no", "change_hash", "valid_from", ...loadOrder]),
    sql`store.${toldAt}`,
  ];
  const told = sql`least(newest.${sourceTime}, newest.${asOf})`;
  const begin = effectiveAt
    ? sql`case when ${told} > held.valid_from then ${told} else newest.${asOf} end`
    : sql`newest.${asOf}`;
  return sql`
    select held.*, ${begin} as ${startsAt}
    from newest
    -- offset 0: key by key, by the index
    cross join lateral (
      select
        ${columns}
      from _dataform_store as store
      where ${sameKey(timeline, sql`store`, sql`newest`)} and store.${rowKind} = 'version' and store.is_current
      offset 0
    ) as held
    where not newest.${isDeletion}
      and held.valid_from < newest.${asOf}
      and held.${toldAt} is not null
      and (
        ${comparable(attributes, (column) => sql`newest.${id(column)}`)}
      ) is distinct from (
        ${comparable(attributes, (column) => sql`held.${id(column)}`)}
      )
      ${effectiveAt ? clockMovesOn(timeline) : empty}`;
}

/** No other record says that it holds from the same time or a later one. */
function clockMovesOn(timeline: Timeline): Sql {
  const loadId = id(timeline.loadOrder[0]!);
  return sql`
    and not exists (
      select
      from _dataform_feed as feed
      where ${sameKey(timeline, sql`feed`, sql`newest`)}
        and feed.${loadId} <> newest.${loadId}
        and feed.${sourceTime} >= newest.${sourceTime}
    )`;
}

function versionOf(timeline: Timeline, from: Sql, results: readonly Sql[]): Sql {
  const columns = [...timeline.key, ...timeline.attributes.keys()];
  return sql`
    ${[
      ...columns.map((column) => storedAs(column, sql`${from}.${id(column)}`)),
      ...results,
      ...columnsOf(from, timeline.loadOrder),
      sql`'version' as row_kind`,
      sql`${from}.${toldAt}`,
    ]}`;
}

function endedVersion(timeline: Timeline): Sql {
  return versionOf(timeline, sql`ending`, [
    ...columnsOf(sql`ending`, ["version_no", "change_hash", "valid_from"]),
    sql`ending.${startsAt} as valid_to`,
    sql`false as is_current`,
    sql`'change' as ended_by`,
  ]);
}

function begunVersion(timeline: Timeline): Sql {
  return versionOf(timeline, sql`newest`, [
    sql`ending.version_no + 1`,
    changeHash(timeline, sql`newest`),
    sql`ending.${startsAt}`,
    sql`null`,
    sql`true`,
    sql`null`,
  ]);
}
