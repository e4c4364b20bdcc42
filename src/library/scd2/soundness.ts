import { type Cte, cte, withCtes } from "../../sql/ctes.ts";
import { id, ids } from "../../sql/identifiers.ts";
import { type Relation, type Sql, sql } from "../../sql/sql.ts";
import { columnsOf, own } from "../shared/check-options.ts";
import { comparable } from "../shared/values.ts";
import { brokenChainsQuery, overlapsQuery } from "./checks.ts";
import { changeHash, hasKey, idOf, sameKey } from "./expressions.ts";
import { toldKind } from "./kept.ts";
import { latestFullCtes, there } from "./latest-full.ts";
import type { Timeline } from "./options.ts";
import { batchesCte, feedCte } from "./records.ts";
import { RESULTS, stored } from "./store-rows.ts";

/** What a published history is made of. */
export interface Published {
  readonly timeline: Timeline;
  readonly feed: Relation;
  readonly batches: Relation;
  readonly history: Relation;
  readonly store: Relation;
}

/**
 * Every fault of a published history, one row each: it overlaps, has a gap or two equal neighbours, more than one current
 * version, a hash that is not that of its columns, or differs from the latest full batch at that batch's moment.
 *
 * Looked at are the keys that the last run wrote rows of, or all after a computation of all: the others were looked at when
 * they were written. The full batch is one of the last run, too.
 */
export function soundnessQuery(published: Published): Sql {
  const { timeline } = published;
  return withCtes([...writtenCtes(published), ...latestFullCtes(timeline)], faults(timeline));
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
