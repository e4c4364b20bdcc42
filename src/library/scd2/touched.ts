import { type Cte, cte, withCtes } from "../../sql/ctes.ts";
import { id, ids } from "../../sql/identifiers.ts";
import { empty, type Relation, type Sql, sql } from "../../sql/sql.ts";
import { columnsOf, own } from "../shared/check-options.ts";
import { canGoOn, continuedRows, decidedCtes, otherKeys } from "./continued.ts";
import { changeHash, hasKey, isDeletion, sameKey, sliceOf, sourceTime } from "./expressions.ts";
import { rowKind } from "./kept.ts";
import type { Timeline } from "./options.ts";
import { hasLostLoad, newsCtes, type StoreParts } from "./store-loads.ts";
import { changedColumns, stored } from "./store-rows.ts";

const loadOf = own("load_id");
const kind = own("kind");
const asOf = own("as_of");

/**
 * The select of what new loads can have changed in the store `self`. Of keys that go on the rows of the store, without
 * `run_no`; of the others the key, `row_kind` is NULL. A listing that is late or means something else than before, a load that
 * was undone and other options can change any key: then it is all of them. Where no key goes on (`canGoOn`), the keys alone.
 */
export function touchedRows(parts: StoreParts, self: Relation): Sql {
  const { timeline } = parts;
  const goOn = canGoOn(timeline);
  const ctes = [
    ...newsCtes(parts, self),
    scopeCte,
    cte("current_versions", sql`select * from _dataform_store where ${rowKind} = 'version'`, { materialized: false }),
    newRecordsCte(timeline),
    newListingsCte(timeline),
    ...(goOn ? decidedCtes(timeline) : []),
  ];
  const keys = touchedKeys(timeline, goOn);
  if (!goOn) return withCtes(ctes, keys);
  const { key } = timeline;
  const none = changedColumns(timeline)
    .slice(key.length)
    .map(() => sql`null`);
  return withCtes(
    ctes,
    sql`
      ${continuedRows(timeline)}
      union all
      select ${[...columnsOf(sql`touched`, key), ...none, sql`null`]}
      from (
        ${keys}
      ) as touched`,
  );
}

/** Of the rows of `touched`: the keys that are computed from all their records. */
export function keysOfTouched({ key }: Timeline, touched: Relation): Cte {
  const keys = key.map((column) => sql`noted.${id(stored(column))} as ${id(column)}`);
  return cte("touched", sql`select ${keys} from ${touched} as noted where noted.row_kind is null`, {
    materialized: false,
  });
}

function touchedKeys(timeline: Timeline, goOn: boolean): Sql {
  const decided = goOn
    ? sql`
        union
        ${otherKeys(timeline)}`
    : empty;
  return sql`
    ${toldByNewRecords(timeline, goOn)}
    union
    ${lackedByNewListings(timeline)}
    ${decided}
    union
    select ${ids(timeline.key)}
    from _dataform_feed as feed
    where (select is_everything from scope) and ${hasKey(timeline, sql`feed`)}
    union
    select ${ids(timeline.key)}
    from current_versions
    where (select is_everything from scope)`;
}

/** Whether all keys can have changed; else the moment of the latest load that was worked in. */
const scopeCte = scope();

function scope(): Cte {
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
  const { key, attributes, loadOrder } = timeline;
  const loadId = sql`feed.${id(loadOrder[0]!)}`;
  return cte(
    "new_records",
    sql`
      select
        ${[...columnsOf(sql`feed`, [...key, ...attributes.keys(), ...loadOrder]), sql`feed.${sourceTime}`, sql`feed.${isDeletion}`]},
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

/** A state that goes on as it was changes nothing. The keys of a next load are decided apart. */
function toldByNewRecords(timeline: Timeline, goOn: boolean): Sql {
  return sql`
    select ${columnsOf(sql`new_records`, timeline.key)}
    from new_records
    -- offset 0: key by key, by the index
    left join lateral (
      select current_versions.version_no, current_versions.change_hash, current_versions.valid_from
      from current_versions
      where ${sameKey(timeline, sql`current_versions`, sql`new_records`)} and current_versions.is_current
      offset 0
    ) as held on held.change_hash = ${changeHash(timeline, sql`new_records`)} and held.valid_from < new_records.${asOf}
    where ${goOn ? sql`(select count(*) = 0 from next_load) and ` : empty}(
        held.version_no is null
        or new_records.${kind} = 'log'
        or new_records.${isDeletion}
        or new_records.${asOf} <= (select latest from scope)
      )`;
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
