import { createHash } from "node:crypto";
import { type Cte, cte } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { type Relation, type Sql, sql } from "../../sql/sql.ts";
import { hasKey, sourceTime } from "./expressions.ts";
import { loadsOfStore, toldCte } from "./kept.ts";
import type { Timeline } from "./options.ts";
import { feedCte } from "./records.ts";
import { storeCte } from "./store-rows.ts";

/** What the store is made of. `definition` is all that decides what a version is, besides the loads. */
export interface StoreParts {
  readonly timeline: Timeline;
  readonly feed: Relation;
  readonly batches: Relation;
  readonly definition: string;
}

/** The loads that count, those that the store has worked in, and those that it has not. */
export function newsCtes({ timeline, feed, batches, definition }: StoreParts, self: Relation): Cte[] {
  return [
    feedCte(timeline, feed),
    toldCte(batches),
    storeCte(timeline, self),
    ...loadsOfStore(meaningOf(definition)),
    cte(
      "new_loads",
      sql`
        select loads.*
        from loads
        left join worked_in on worked_in.load_id = loads.load_id and worked_in.meaning = loads.meaning
        where worked_in.load_id is null`,
      { materialized: true },
    ),
  ];
}

/** Whether a load that was worked in was undone, or means something else, as all do under other options. */
export const hasLostLoad = sql`
  exists (
    select
    from worked_in
    left join loads on loads.load_id = worked_in.load_id and loads.meaning = worked_in.meaning
    where case when worked_in.is_gone then worked_in.means_now <> worked_in.meaning else loads.load_id is null end
  )`;

export const OF_STORE: readonly (readonly [name: Sql, type: Sql])[] = [
  [sql`loaded_at`, sql`timestamptz`],
  [sql`meaning`, sql`text`],
];

export function allLoads(meaning: Sql): Sql {
  return sql`
    select
      load_id,
      kind,
      as_of,
      row_number() over (order by loaded_at, load_id) as load_order,
      loaded_at,
      ${meaning} as meaning
    from _dataform_batches
    where accepted`;
}

/**
 * `told_until`: the latest time of the source among the records of each load in `of`, a relation with `load_id`. Where a later
 * record is told, no record of its key need be looked for that could hold from the same time.
 */
export function toldUntilCte(timeline: Timeline, of: Sql): Cte {
  const loadId = sql`feed.${id(timeline.loadOrder[0]!)}`;
  return cte(
    "told_until",
    sql`
      select ${loadId} as load_id, max(feed.${sourceTime}) as until
      from _dataform_feed as feed
      where ${loadId} in (select load_id from ${of} as wanted)
        and ${loadId} >= (select min(load_id) from ${of} as wanted)
        and ${hasKey(timeline, sql`feed`)}
      group by ${loadId}`,
  );
}

export function untilOf({ effectiveAt }: Timeline, load: Sql): Sql {
  if (!effectiveAt) return sql`null::timestamptz`;
  return sql`coalesce((select until from told_until where told_until.load_id = ${load}.load_id), '-infinity')`;
}

/** A fingerprint of all that decides what a load means. */
export function meaningOf(definition: string): Sql {
  const options = createHash("sha256").update(definition).digest("hex").slice(0, 32);
  return sql`md5(jsonb_build_array(kind, as_of at time zone 'UTC', loaded_at at time zone 'UTC', ${literal(options)})::text)`;
}
