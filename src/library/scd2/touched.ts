import { type Cte, cte, withCtes } from "../../sql/ctes.ts";
import { id, ids } from "../../sql/identifiers.ts";
import { type Relation, type Sql, sql } from "../../sql/sql.ts";
import { columnsOf, own } from "../shared/check-options.ts";
import { changeHash, hasKey, isDeletion, sameKey, sliceOf } from "./expressions.ts";
import { rowKind } from "./kept.ts";
import type { Timeline } from "./options.ts";
import { hasLostLoad, newsCtes, type StoreParts } from "./store-loads.ts";

const newHash = own("new_hash");
const loadOf = own("load_id");
const kind = own("kind");
const asOf = own("as_of");

/**
 * The select of the keys that new loads can have changed in the store `self`. A listing that is late or means something
 * else than before, a load that was undone and other options can change any key: then it is all of them.
 */
export function touchedKeys(parts: StoreParts, self: Relation): Sql {
  const { timeline } = parts;
  const ctes = [
    ...newsCtes(parts, self),
    scopeCte(),
    cte("current_versions", sql`select * from _dataform_store where ${rowKind} = 'version'`, { materialized: false }),
    newRecordsCte(timeline),
    newListingsCte(timeline),
  ];
  return withCtes(
    ctes,
    sql`
      ${toldByNewRecords(timeline)}
      union
      ${lackedByNewListings(timeline)}
      union
      select ${ids(timeline.key)}
      from _dataform_feed as feed
      where (select is_everything from scope) and ${hasKey(timeline, sql`feed`)}
      union
      select ${ids(timeline.key)}
      from current_versions
      where (select is_everything from scope)`,
  );
}

/** Whether all keys can have changed; else the moment of the latest load that was worked in. */
export function scopeCte(): Cte {
  const latest = sql`
    select max(known.as_of)
    from (
      select loads.as_of
      from loads
      inner join worked_in on worked_in.load_id = loads.load_id and worked_in.meaning = loads.meaning
      where loads.kind <> 'log'
      union all
      select as_of from gone_loads where kind <> 'log'
    ) as known`;
  return cte(
    "scope",
    sql`
      select
        ${hasLostLoad} or exists (
          select
          from new_loads
          where kind in ('full', 'slice') and as_of <= (
            ${latest}
          )
        ) as is_everything,
        (
          ${latest}
        ) as latest`,
    { materialized: true },
  );
}

function newRecordsCte(timeline: Timeline): Cte {
  const loadId = sql`feed.${id(timeline.loadOrder[0]!)}`;
  return cte(
    "new_records",
    sql`
      select
        ${columnsOf(sql`feed`, timeline.key)},
        ${changeHash(timeline, sql`feed`)} as ${newHash},
        feed.${isDeletion},
        new_loads.load_id as ${loadOf},
        new_loads.kind as ${kind},
        new_loads.as_of as ${asOf}
      from _dataform_feed as feed
      inner join new_loads on new_loads.load_id = ${loadId}
      -- new loads are at the end, where an index on their numbers finds them
      where ${loadId} >= (select min(load_id) from new_loads)
        and ${hasKey(timeline, sql`feed`)}
        and not (select is_everything from scope)`,
    { materialized: true },
  );
}

/** A state that goes on as it was changes nothing. */
function toldByNewRecords(timeline: Timeline): Sql {
  return sql`
    select ${columnsOf(sql`new_records`, timeline.key)}
    from new_records
    -- offset 0: key by key, by the index
    left join lateral (
      select current_versions.version_no, current_versions.change_hash, current_versions.valid_from
      from current_versions
      where ${sameKey(timeline, sql`current_versions`, sql`new_records`)} and current_versions.is_current
      offset 0
    ) as held on held.change_hash = new_records.${newHash} and held.valid_from < new_records.${asOf}
    where held.version_no is null
      or new_records.${kind} = 'log'
      or new_records.${isDeletion}
      or new_records.${asOf} <= (select latest from scope)`;
}

/** Keys that are not in a listing of all there is. */
function lackedByNewListings(timeline: Timeline): Sql {
  const isInSlice = timeline.by.length
    ? sql`and (listings.slice is null or listings.slice = ${sliceOf(timeline, sql`current_versions`)})`
    : sql``;
  return sql`
    select ${columnsOf(sql`current_versions`, timeline.key)}
    from current_versions
    inner join new_listings as listings
      on current_versions.valid_from <= listings.as_of
      and (current_versions.valid_to is null or current_versions.valid_to > listings.as_of)
      ${isInSlice}
    left join new_records
      on ${sameKey(timeline, sql`new_records`, sql`current_versions`)} and new_records.${loadOf} = listings.load_id
    where (select count(*) > 0 from new_loads where kind in ('full', 'slice'))
      and new_records.${loadOf} is null`;
}

function newListingsCte(timeline: Timeline): Cte {
  const fulls = sql`select load_id, as_of, null::text as slice from new_loads where kind = 'full'`;
  const slices = sql`
    select distinct new_loads.load_id, new_loads.as_of, ${sliceOf(timeline, sql`feed`)}
    from _dataform_feed as feed
    inner join new_loads on new_loads.load_id = feed.${id(timeline.loadOrder[0]!)}
    where new_loads.kind = 'slice'`;
  return cte(
    "new_listings",
    timeline.by.length
      ? sql`
          ${fulls}
          union all
          ${slices}`
      : fulls,
  );
}
