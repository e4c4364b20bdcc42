import { type Cte, cte } from "../../sql/ctes.ts";
import { id, ids } from "../../sql/identifiers.ts";
import { type Relation, type Sql, sql } from "../../sql/sql.ts";
import { columnsOf, own } from "../shared/check-options.ts";
import { small } from "../shared/small.ts";
import { asType } from "../shared/values.ts";
import { hasKey, heldFrom, isDeletion, moment, sameKey, sliceOf, sourceTime, toldAt } from "./expressions.ts";
import type { Timeline } from "./options.ts";

// From the records received to one record for each key and moment. Columns of ours beside an author's begin with
// _dataform_, and so do the CTEs that hold an author's SQL: they come first, where no name of ours can be taken for a
// relation of the author's.

/** What the feed says: key, attributes as what they are declared to be, load order, source time, deletion. */
export function feedCte({ key, attributes, loadOrder, effectiveAt, deleted }: Timeline, feed: Relation): Cte {
  return cte(
    "_dataform_feed",
    sql`
      select
        ${columnsOf(sql`feed`, key)},
        ${[...attributes].map(([column, type]) => sql`${asType(sql`feed.${id(column)}`, type, column)} as ${id(column)}`)},
        ${columnsOf(sql`feed`, loadOrder)},
        ${effectiveAt ?? sql`null::timestamptz`} as ${sourceTime},
        coalesce(${deleted}, false) as ${isDeletion}
      from ${feed} as feed`,
    { materialized: false },
  );
}

/** Which loads count; `knownAt` leaves out what was loaded later. */
export function batchesCte(batches: Relation, knownAt?: Sql): Cte {
  return cte(
    "_dataform_batches",
    sql`
      select batches.load_id, batches.kind, batches.as_of, batches.loaded_at
      from ${batches} as batches
      where batches.accepted${knownAt ? sql` and batches.loaded_at <= ${knownAt}` : sql``}`,
  );
}

/** The loads in their order. */
export function loadsCte(): Cte {
  const rows = sql`
    select
      load_id,
      kind,
      as_of,
      row_number() over (order by loaded_at, load_id) as load_order
    from _dataform_batches`;
  return cte("loads", small(rows, LOAD_COLUMNS), { materialized: true });
}

export const LOAD_COLUMNS: readonly (readonly [name: Sql, type: Sql])[] = [
  [sql`load_id`, sql`bigint`],
  [sql`kind`, sql`text`],
  [sql`as_of`, sql`timestamptz`],
  [sql`load_order`, sql`bigint`],
];

/** One record per key and moment of a feed whose records each say when they hold from. Last loaded wins. */
export function winnersOfLog(timeline: Timeline): Cte[] {
  const { key, loadOrder } = timeline;
  const lastFirst = loadOrder.map((column) => sql`feed.${id(column)} desc`);
  return [
    cte(
      "winners",
      sql`
        select distinct on (${columnsOf(sql`feed`, key)}, feed.${sourceTime})
          feed.*,
          feed.${sourceTime} as ${moment},
          null::timestamptz as ${own("next_listing")}
        from _dataform_feed as feed
        where ${hasKey(timeline, sql`feed`)} and feed.${sourceTime} is not null
        order by ${[...columnsOf(sql`feed`, key), sql`feed.${sourceTime}`, ...lastFirst]}`,
    ),
  ];
}

/** What a store adds to the records of loads. */
export interface Kept {
  /** A relation with the only keys that are wanted. */
  readonly keysOf?: Relation | undefined;
  /** Records of loads that are gone, with the columns of `records`; undefined where nothing is kept yet. */
  readonly records?: Sql | undefined;
  /** The moments from which on keys were gone, of which the load that said so is gone: key and moment. */
  readonly ends?: Sql | undefined;
}

/**
 * One record per key and moment of a feed in loads, with the first later moment at which a full batch, or a batch of its
 * slice, listed all there is.
 */
export function winnersOfLoads(timeline: Timeline, kept?: Kept): Cte[] {
  return [
    recordsCte(timeline, kept),
    ...(timeline.by.length ? [slicedCte(timeline)] : []),
    listingsCte(timeline),
    ...(kept?.ends ? [cte("kept_ends", kept.ends)] : []),
    cte(
      "standing",
      sql`
        select records.*
        from records
        left join listings on listings.slice = records.${own("slice")} and listings.moment = records.${moment}
        where records.${own("kind")} in ('log', 'partial')
          or records.${own("load_order")} >= listings.load_order${kept?.records ? sql` or listings.load_order is null` : sql``}`,
      { comment: "a listing that is loaded again for the same moment replaces the one before as a whole" },
    ),
    latestCte(timeline),
    ...(timeline.since.size ? [backfilledCte(timeline, kept !== undefined)] : []),
    ...winnersCtes(timeline, kept?.ends !== undefined),
  ];
}

function recordsCte(timeline: Timeline, kept?: Kept): Cte {
  const { key, loadOrder } = timeline;
  const keysOf = kept?.keysOf;
  const ofStore = kept
    ? sql`,
        loads.loaded_at as ${toldAt},
        null::timestamptz as ${heldFrom}`
    : sql``;
  const isWanted = keysOf
    ? sql`and (${columnsOf(sql`feed`, key)}) in (select ${columnsOf(sql`wanted`, key)} from ${keysOf} as wanted)`
    : sql``;
  return cte(
    "records",
    sql`
      select
        feed.*,
        case
          when loads.kind = 'log' then coalesce(feed.${sourceTime}, loads.as_of)
          else loads.as_of
        end as ${moment},
        ${sliceOf(timeline, sql`feed`)} as ${own("slice")},
        loads.kind as ${own("kind")},
        loads.load_order as ${own("load_order")}${ofStore}
      from _dataform_feed as feed
      inner join loads on loads.load_id = feed.${id(loadOrder[0]!)}
      where ${hasKey(timeline, sql`feed`)}
        ${isWanted}
      ${
        kept?.records
          ? sql`
              union all
              ${kept.records}`
          : sql``
      }`,
  );
}

function slicedCte(timeline: Timeline): Cte {
  return cte(
    "sliced",
    sql`
      select distinct ${sliceOf(timeline, sql`feed`)} as slice, loads.as_of as moment, loads.load_order
      from _dataform_feed as feed
      inner join loads on loads.load_id = feed.${id(timeline.loadOrder[0]!)}
      where loads.kind = 'slice'`,
    { comment: "of all keys: a slice says that the others in it are gone" },
  );
}

function listingsCte({ by }: Timeline): Cte {
  const listed = by.length
    ? sql`
        select slice, moment, load_order from sliced
        union all
        select slices.slice, loads.as_of, loads.load_order
        from loads
        cross join (select distinct ${own("slice")} as slice from records) as slices
        where loads.kind = 'full'`
    : sql`select 'all' as slice, as_of as moment, load_order from loads where kind = 'full'`;
  return cte(
    "listings",
    sql`
      select slice, moment, max(load_order) as load_order
      from (
        ${listed}
      ) as listed
      group by slice, moment`,
  );
}

function latestCte({ key, loadOrder }: Timeline): Cte {
  const keys = ids(key);
  return cte(
    "latest",
    sql`
      select distinct on (${keys}, ${moment}) *
      from standing
      order by ${keys}, ${moment}, ${own("load_order")} desc, ${id(loadOrder[1]!)} desc`,
  );
}

/** Records from before a column came into being take its first known value: that it became known is no change. */
function backfilledCte({ key, attributes, since, loadOrder }: Timeline, isStored: boolean): Cte {
  const columns = [...attributes.keys()].map((name) => {
    const column = sql`latest.${id(name)}`;
    const begin = since.get(name);
    if (begin === undefined) return column;
    const isSince = sql`latest.${moment} >= ${begin}`;
    const first = sql`first_value(case when ${isSince} then ${column} end) over (partition by ${columnsOf(sql`latest`, key)} order by not ${isSince}, latest.${moment})`;
    return sql`case when ${isSince} or ${column} is not null or latest.${isDeletion} then ${column} else ${first} end as ${id(name)}`;
  });
  const told = isStored ? [toldAt, heldFrom] : [];
  const ours = [moment, sourceTime, isDeletion, own("slice"), ...told].map((column) => sql`latest.${column}`);
  return cte(
    "backfilled",
    sql`
      select
        ${[...columnsOf(sql`latest`, key), ...columns, ...columnsOf(sql`latest`, loadOrder), ...ours]}
      from latest`,
  );
}

/**
 * Each record with the first later moment at which all there is was listed, `next_listing`: looked up in the sorted moments of
 * its listings.
 */
function winnersCtes(timeline: Timeline, hasEnds: boolean): Cte[] {
  const known = id(timeline.since.size ? "backfilled" : "latest");
  const after = (moments: Sql) => sql`(${moments})[width_bucket(known.${moment}, (${moments})) + 1]`;
  const next = (moments: Sql) =>
    hasEnds ? sql`least(${after(moments)}, ${after(sql`ended.${own("moments")}`)})` : after(moments);
  const keys = ids(timeline.key);
  const ended = hasEnds
    ? sql`
        left join (
          select ${keys}, array_agg(${moment} order by ${moment}) as ${own("moments")} from kept_ends group by ${keys}
        ) as ended on ${sameKey(timeline, sql`ended`, sql`known`)}`
    : sql``;
  if (!timeline.by.length)
    return [
      cte("listed", sql`select array_agg(moment order by moment) as moments from listings`, { materialized: true }),
      cte(
        "winners",
        sql`
          select known.*, ${next(sql`select moments from listed`)} as ${own("next_listing")}
          from ${known} as known
          ${ended}`,
      ),
    ];
  return [
    cte("listed", sql`select slice, array_agg(moment order by moment) as moments from listings group by slice`),
    cte(
      "winners",
      sql`
        select known.*, ${next(sql`listed.moments`)} as ${own("next_listing")}
        from ${known} as known
        left join listed on listed.slice = known.${own("slice")}
        ${ended}`,
    ),
  ];
}
