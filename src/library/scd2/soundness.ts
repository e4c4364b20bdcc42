import { type Cte, cte, withCtes } from "../../sql/ctes.ts";
import { id, ids } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { and, or, type Relation, type Sql, sql } from "../../sql/sql.ts";
import { columnsOf, own } from "../shared/check-options.ts";
import { comparable } from "../shared/values.ts";
import { brokenChainsQuery, overlapsQuery } from "./checks.ts";
import { changeHash, hasKey, idOf, isDeletion, sameKey } from "./expressions.ts";
import { toldKind } from "./kept.ts";
import type { Timeline } from "./options.ts";
import { batchesCte, feedCte } from "./records.ts";
import { stored } from "./store.ts";

/** What a published history is made of. */
export interface Published {
  readonly timeline: Timeline;
  readonly feed: Relation;
  readonly batches: Relation;
  readonly history: Relation;
  readonly store: Relation;
}

const there = own("there");
const RESULTS = ["version_no", "change_hash", "valid_from", "valid_to", "is_current", "ended_by"];

/**
 * Every fault of a published history, one row each: it overlaps, has a gap or two equal neighbours, more than one current
 * version, a hash that is not that of its columns, or differs from the latest full batch at that batch's moment.
 *
 * Looked at are the keys that the last run wrote rows of, or all after a computation of all: the others were looked at when
 * they were written. The full batch is one of the last run, too.
 */
export function soundnessQuery(published: Published): Sql {
  const { timeline } = published;
  return withCtes([...writtenCtes(published), ...latestFullCtes(published)], faults(timeline));
}

function writtenCtes({ timeline, feed, batches, history, store }: Published): Cte[] {
  const { key, attributes } = timeline;
  const columns = [...key, ...attributes.keys(), ...RESULTS];
  return [
    feedCte(timeline, feed),
    batchesCte(batches),
    cte(
      "_dataform_history",
      sql`
        select
          ${columnsOf(sql`history`, columns)}
        from ${history} as history`,
      { materialized: false },
    ),
    cte(
      "_dataform_store",
      sql`
        select
          ${key.map((column) => sql`store.${id(stored(column))} as ${id(column)}`)},
          store.version_no,
          store.row_kind as ${own("row_kind")},
          store.run_no as ${own("run_no")},
          store.valid_from as ${own("as_of")},
          store.is_current is not distinct from false as ${own("is_gone")},
          store.${toldKind}
        from ${store} as store`,
      { materialized: false },
    ),
    cte(
      "last_run",
      sql`select max(${own("run_no")}) as run_no from _dataform_store where ${own("row_kind")} <> 'version'`,
      {
        materialized: true,
      },
    ),
    cte(
      "touched",
      sql`
        select distinct ${ids(key)}
        from _dataform_store as store
        where store.${own("run_no")} = (select run_no from last_run) and ${hasKey(timeline, sql`store`)}`,
      { materialized: true },
    ),
    cte(
      "versions",
      sql`
        select *
        from _dataform_history
        where (select run_no is null from last_run)
        union all
        -- offset 0: key by key, by the index
        select held.*
        from touched
        cross join lateral (
          select history.*
          from _dataform_history as history
          where ${sameKey(timeline, sql`history`, sql`touched`)}
          offset 0
        ) as held`,
    ),
  ];
}

/** The latest full batch, and what the history holds at its moment. Keys that other loads tell more of are left out. */
function latestFullCtes({ timeline }: Published): Cte[] {
  const loadId = sql`feed.${id(timeline.loadOrder[0]!)}`;
  return [
    cte(
      "loads",
      sql`
        select *
        from _dataform_batches
        where load_id in (select abs(version_no) from _dataform_store where ${own("row_kind")} = 'load')`,
    ),
    latestCte(timeline),
    cte(
      "told_elsewhere",
      sql`
        select distinct ${columnsOf(sql`feed`, timeline.key)}
        from _dataform_feed as feed
        inner join loads on loads.load_id = ${loadId}
        cross join latest
        where (select count(*) > 0 from latest)
          and loads.load_id <> latest.load_id
          and (loads.kind = 'log' or loads.as_of >= latest.as_of)`,
    ),
    ...batchVersionsCtes(timeline),
    heldCte(timeline),
  ];
}

function latestCte({ since }: Timeline): Cte {
  // Before a column came into being the history has its first value, the batch has none.
  const isAfterAll = [...since.values()].map((begin) => sql`as_of >= ${begin}`);
  return cte(
    "latest",
    sql`
      select load_id, as_of
      from (
        select load_id, as_of
        from loads
        where ${and([sql`kind = 'full'`, ...isAfterAll])}
        order by as_of desc, loaded_at desc, load_id desc
        limit 1
      ) as newest
      where load_id in (
          select abs(store.version_no)
          from _dataform_store as store
          where store.${own("row_kind")} = 'load'
            and store.${own("run_no")} is not distinct from (select run_no from last_run)
        )
        -- a load that is gone may have told more
        and not exists (
          select
          from _dataform_store as store
          where store.${own("row_kind")} = 'load' and store.${own("is_gone")}
            and (coalesce(store.${toldKind}, 'log') = 'log' or store.${own("as_of")} >= newest.as_of)
        )
        -- a slice of that moment or later says of keys it lacks that they are gone
        and not exists (select from loads as slices where slices.kind = 'slice' and slices.as_of >= newest.as_of)`,
    { materialized: true },
  );
}

function batchVersionsCtes(timeline: Timeline): Cte[] {
  const { key, attributes, loadOrder } = timeline;
  const [loadId, rowNo] = loadOrder.map((column) => sql`feed.${id(column)}`);
  const keys = columnsOf(sql`feed`, key);
  return [
    cte(
      "batch_rows",
      sql`
        select distinct on (${keys})
          ${[...keys, ...columnsOf(sql`feed`, attributes.keys()), sql`feed.${isDeletion}`]}
        from _dataform_feed as feed
        where (select count(*) > 0 from latest)
          and ${loadId!} = (select load_id from latest)
          and ${hasKey(timeline, sql`feed`)}
        order by ${keys}, ${rowNo!} desc`,
    ),
    cte(
      "batch_versions",
      sql`
        select batch_rows.*, true as ${there}
        from batch_rows
        where not batch_rows.${isDeletion}
          and not exists (select from told_elsewhere where ${sameKey(timeline, sql`told_elsewhere`, sql`batch_rows`)})`,
    ),
  ];
}

function heldCte(timeline: Timeline): Cte {
  return cte(
    "held",
    sql`
      select history.*, true as ${there}
      from _dataform_history as history
      cross join latest
      where (select count(*) > 0 from latest)
        and history.valid_from <= latest.as_of
        and (history.valid_to is null or latest.as_of < history.valid_to)
        and not exists (select from told_elsewhere where ${sameKey(timeline, sql`told_elsewhere`, sql`history`)})`,
  );
}

function faults(timeline: Timeline): Sql {
  const key = ids(timeline.key);
  const versions = id("versions");
  const values = (relation: Sql) => [
    sql`${relation}.${there}`,
    ...comparable(timeline.attributes, (column) => sql`${relation}.${id(column)}`),
  ];
  return sql`
    select 'overlap' as fault, id, valid_from, valid_to
    from (
      ${overlapsQuery(versions, timeline)}
    ) as overlapping
    union all
    select 'gap, or equal neighbours', id, valid_from, valid_to
    from (
      ${brokenChainsQuery(versions, timeline)}
    ) as gaps
    union all
    select 'empty or backward', ${idOf(timeline, sql`versions`)}, versions.valid_from, versions.valid_to
    from versions
    where versions.valid_to <= versions.valid_from
    union all
    select 'several current', ${idOf(timeline, sql`versions`)}, null, null
    from versions
    where versions.is_current
    group by ${columnsOf(sql`versions`, timeline.key)}
    having count(*) > 1
    union all
    select 'hash', ${idOf(timeline, sql`versions`)}, versions.valid_from, versions.valid_to
    from versions
    where versions.change_hash is distinct from ${changeHash(timeline, sql`versions`)}
    union all
    select 'not as in the latest full batch', ${idOf(timeline, sql`compared`)}, compared.valid_from, compared.valid_to
    from (
      select ${key}, held.valid_from, held.valid_to
      from batch_versions
      full join held using (${key})
      where (
        ${values(sql`held`)}
      ) is distinct from (
        ${values(sql`batch_versions`)}
      )
    ) as compared`;
}

const GONE = "its rows are gone from the feed: versions that came of them are kept as they are";

/** What is odd about the loads of the last day of the feed: the source should be asked. */
export function sourceQuery({ timeline, feed, batches, store }: Omit<Published, "history">): Sql {
  const ctes = [
    feedCte(timeline, feed),
    cte("_dataform_batches", sql`select batches.* from ${batches} as batches`, { materialized: false }),
    cte(
      "loads",
      sql`
        select *
        from _dataform_batches
        where loaded_at > (select max(loaded_at) from _dataform_batches) - interval '1 day'`,
    ),
    recentCte(timeline),
    cte(
      "gone",
      sql`
        select abs(store.version_no) as load_id
        from ${store} as store
        where store.row_kind = 'load' and store.is_current = false
          and store.run_no = (select max(run_no) from ${store} as store where store.row_kind <> 'version')`,
    ),
  ];
  return withCtes(
    ctes,
    sql`
      select load_id, null::bigint as row_no, null::text as id, ${literal(GONE)} as fault from gone
      union all
      select load_id, null, null, note from loads where note is not null and load_id not in (select load_id from gone)
      union all
      select load_id, row_no, id, 'no key, or a blank one' from records where is_blank
      union all
      select load_id, row_no, id, 'holds from a moment after it was loaded' from records where is_ahead
      union all
      select load_id, max(row_no), id, 'told in ' || count(distinct content) || ' ways by one load'
      from records
      where not is_blank
      group by load_id, id, moment
      having count(distinct content) > 1`,
  );
}

function recentCte(timeline: Timeline): Cte {
  const [loadId, rowNo] = timeline.loadOrder.map((column) => sql`feed.${id(column)}`);
  const isBlank = or(columnsOf(sql`feed`, timeline.key).map((column) => sql`coalesce(${column}::text, '') ~ '^\s*$'`));
  const sourceTime = sql`feed.${own("source_time")}`;
  const content = [...comparable(timeline.attributes, (column) => sql`feed.${id(column)}`), sql`feed.${isDeletion}`];
  return cte(
    "records",
    sql`
      select
        loads.load_id,
        ${rowNo!} as row_no,
        ${idOf(timeline, sql`feed`)} as id,
        ${isBlank} as is_blank,
        case when loads.kind = 'log' then ${sourceTime} end as moment,
        ${sourceTime} > loads.loaded_at as is_ahead,
        row(${content}) as content
      from _dataform_feed as feed
      inner join loads on loads.load_id = ${loadId!}
      -- they are at the end, where an index on their numbers finds them
      where loads.accepted and ${loadId!} >= (select min(load_id) from loads)`,
  );
}
