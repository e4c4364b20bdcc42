import { type Cte, cte } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { type Relation, type Sql, sql } from "../../sql/sql.ts";
import { columnsOf, own } from "../shared/check-options.ts";
import { small } from "../shared/small.ts";
import { asType } from "../shared/values.ts";
import { hasKey, sameKey, sliceOf, toldAt } from "./expressions.ts";
import type { Timeline } from "./options.ts";
import { type Kept, LOAD_COLUMNS } from "./records.ts";

// What a store knows of loads whose rows are gone from the feed: a truncated raw table, partitions that were dropped, a load
// that was deleted. Its versions are taken as given: they are records like others, of the load that they came from, and where
// such a load said that a key is gone, it is gone from then on. A load that the ledger has with another status was undone by a
// person, and leaves nothing behind.

export const rowKind = own("row_kind");
export const runNo = own("run_no");
/** Of the row of a load in the store: its kind. */
export const toldKind = own("told_kind");
/** Of the row of a load in the store: the latest time of the source among its records, `-infinity` where none has one. */
export const sourceUntil = own("source_until");

/** The rows of the batches, also those that do not count; what was loaded later than `known` left out. */
export function toldCte(batches: Relation, known?: Sql): Cte {
  return cte(
    "_dataform_batches",
    sql`
      select batches.load_id, batches.kind, batches.as_of, batches.loaded_at, batches.accepted, batches.has_rows
      from ${batches} as batches
      ${known ? sql`where batches.loaded_at <= ${known}` : sql``}`,
  );
}

/**
 * `worked_in`: the loads that the store knows, and whether they are gone; `loads`: those that count, in their order, with what
 * they mean; `gone_loads`: those of which only the store knows, with their place among the others.
 * @param meaning a fingerprint of all that decides what a load means, over kind, as_of and loaded_at
 */
export function loadsOfStore(meaning: Sql, known?: Sql): Cte[] {
  return [
    cte("worked_in", workedIn(meaning, known), { materialized: true }),
    cte("placed", small(placed(meaning), PLACED), { materialized: true }),
    cte("gone_loads", sql`select * from placed where is_gone`, { materialized: true }),
    cte("loads", countedLoads, {
      materialized: true,
      comment: "what lists all there is, but comes late and behind such a load that is gone, ends nothing by lack",
    }),
  ];
}

/** As many loads have one number as there were ledgers: when a load was loaded tells them apart. */
export function isSameLoad(load: Sql, held: Sql): Sql {
  return sql`${load}.load_id = ${held}.load_id and (${held}.loaded_at is null or ${held}.loaded_at = ${load}.loaded_at)`;
}

function workedIn(meaning: Sql, known?: Sql): Sql {
  return sql`
    select
      held.*,
      not exists (
        select
        from _dataform_batches as batches
        where ${isSameLoad(sql`batches`, sql`held`)} and batches.has_rows
      ) as is_gone,
      case when kind is not null then ${meaning} end as means_now
    from (
      select
        store.version_no,
        abs(store.version_no) as load_id,
        store.change_hash as meaning,
        store.valid_from as as_of,
        store.${toldAt} as loaded_at,
        store.${toldKind} as kind,
        store.${sourceUntil},
        store.is_current is not distinct from false as is_known_gone
      from _dataform_store as store
      where store.${rowKind} = 'load'${known ? sql` and store.${toldAt} <= ${known}` : sql``}
    ) as held`;
}

const PLACED: readonly (readonly [name: Sql, type: Sql])[] = [
  ...LOAD_COLUMNS,
  [sql`loaded_at`, sql`timestamptz`],
  [sql`meaning`, sql`text`],
  [sql`is_gone`, sql`boolean`],
];

function placed(meaning: Sql): Sql {
  return sql`
    select all_loads.*, row_number() over (order by loaded_at nulls first, load_id) as load_order
    from (
      select load_id, kind, as_of, loaded_at, ${meaning} as meaning, false as is_gone
      from _dataform_batches
      where accepted
      union all
      select load_id, kind, as_of, loaded_at, meaning, true
      from worked_in
      where is_gone
    ) as all_loads`;
}

const countedLoads = sql`
  select
    load_id,
    case
      when kind in ('full', 'slice') and exists (
        select
        from gone_loads as gone
        where gone.kind in ('full', 'slice') and gone.as_of > placed.as_of and gone.loaded_at < placed.loaded_at
          and not exists (
            select from placed as again where not again.is_gone and again.kind = gone.kind and again.as_of = gone.as_of
          )
      ) then 'partial'
      else kind
    end as kind,
    as_of,
    load_order,
    loaded_at,
    meaning,
    kind as told_kind
  from placed
  where not is_gone`;

const anyIsGone = sql`(select count(*) > 0 from gone_loads)`;

/** `held_rows`: the versions in the store of the wanted keys, where a load is gone; none otherwise. */
export function heldRowsCte(
  timeline: Timeline,
  { keysOf, known }: { keysOf?: Relation; known?: Sql | undefined },
): Cte {
  const { key, attributes, loadOrder } = timeline;
  const columns = columnsOf(sql`store`, [
    ...key,
    ...attributes.keys(),
    "valid_from",
    "valid_to",
    "ended_by",
    ...loadOrder,
  ]);
  const held = sql`
    select
      ${[...columns, sql`store.${toldAt}`]}
    from _dataform_store as store
    where store.${rowKind} = 'version' and ${known ? sql`(store.${toldAt} <= ${known}) is not false and ` : sql``}`;
  return cte(
    "held_rows",
    keysOf
      ? sql`
          select held.*
          from ${keysOf} as touched
          -- offset 0: key by key, by the index
          cross join lateral (
            ${held}${sameKey(timeline, sql`store`, sql`touched`)}
            offset 0
          ) as held
          where ${anyIsGone}`
      : sql`${held}${anyIsGone}`,
    { materialized: true },
  );
}

/** What is kept of loads that are gone, out of `held_rows`. */
export function kept(timeline: Timeline, keysOf?: Relation): Kept {
  return { keysOf, records: keptRecords(timeline), ends: keptEnds(timeline) };
}

function keptRecords(timeline: Timeline): Sql {
  const { key, attributes, loadOrder } = timeline;
  const version = sql`
    select
      ${columnsOf(sql`held`, key)},
      ${[...attributes].map(([column, type]) => sql`${asType(sql`held.${id(column)}`, type, column)} as ${id(column)}`)},
      ${columnsOf(sql`held`, [...loadOrder, "valid_from"])},
      held.${toldAt}
    from held_rows as held`;
  const isOfLoad = (load: Sql) =>
    sql`${load}.load_id = versions.${id(loadOrder[0]!)} and (versions.${toldAt} is null or ${load}.loaded_at is null or versions.${toldAt} = ${load}.loaded_at)`;
  return sql`
    select
      ${columnsOf(sql`versions`, [...key, ...attributes.keys(), ...loadOrder, "valid_from"])},
      false,
      case when gone.kind <> 'log' then greatest(gone.as_of, versions.valid_from) else versions.valid_from end,
      ${sliceOf(timeline, sql`versions`)},
      coalesce(gone.kind, 'log'),
      coalesce(gone.load_order, 0),
      versions.${toldAt},
      versions.valid_from
    from (
      ${version}
    ) as versions
    left join gone_loads as gone on ${isOfLoad(sql`gone`)}
    where ${hasKey(timeline, sql`versions`)}
      and not exists (select from _dataform_batches as batches where ${isOfLoad(sql`batches`)} and batches.has_rows)`;
}

/** A deletion is kept where a load that is gone may have told of it, and none that is there lists what there was then. */
function keptEnds(timeline: Timeline): Sql {
  const { key } = timeline;
  return sql`
    select ${columnsOf(sql`held`, key)}, held.valid_to as ${own("moment")}
    from held_rows as held
    where held.ended_by = 'delete'
      and exists (
        select from gone_loads as gone where gone.kind is null or gone.kind = 'log' or gone.as_of = held.valid_to
      )
      and not exists (
        select from listings where listings.slice = ${sliceOf(timeline, sql`held`)} and listings.moment = held.valid_to
      )`;
}
