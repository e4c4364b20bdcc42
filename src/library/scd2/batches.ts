import { relation } from "../../sql/authored.ts";
import { type Cte, cte, withCtes } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { type Relation, type Sql, sql } from "../../sql/sql.ts";
import { utc } from "./expressions.ts";
import { decimal, type Timeline } from "./options.ts";

/**
 * The loads of a table, from the ledger: load_id, kind, as_of, loaded_at, rows, accepted, has_rows, note. `has_rows` is false
 * where the feed has none of the rows that it should: they are not there yet, or are gone.
 * Only an accepted load counts, and only one that is surely whole says what is gone: with rejected records, or as a
 * slice by unknown fields, it counts as partial. Whether a load has shrunk too much is judged as of its arrival,
 * against the accepted one before it, so that later loads never change the verdict.
 */
export function batchesQuery(timeline: Timeline, feed: Relation, ledger: Relation): Sql {
  const { maxShrink } = timeline.batches!;
  const ctes = [
    ledgerCte(timeline, ledger),
    cte("_dataform_feed", sql`select feed.${id(timeline.loadOrder[0]!)} as load_id from ${feed} as feed`, {
      materialized: false,
    }),
    cte(
      "loads",
      sql`select *, row_number() over (order by loaded_at, load_id) as place from _dataform_ledger where is_loaded`,
    ),
    cte(
      "arrived",
      sql`
        select loads.load_id
        from loads
        where exists (select from _dataform_feed as feed where feed.load_id = loads.load_id)`,
      {
        comment:
          "a feed that was built before the load landed has none of its rows, and must not look like an empty load",
      },
    ),
    ...(maxShrink === undefined ? [] : guardedCtes(maxShrink)),
    judgedCte(timeline, maxShrink !== undefined),
  ];
  return withCtes(ctes, verdict(timeline.by.length > 0));
}

/** The ledger's relation: an author's SQL, or a name as in `ref()`. */
export function ledgerOf({ caller, batches }: Timeline): Relation {
  return relation(batches!.ledger as string, `${caller}: batches: ledger`);
}

function ledgerCte({ batches }: Timeline, ledger: Relation): Cte {
  const { kind, table } = batches!;
  return cte(
    "_dataform_ledger",
    sql`
      select
        ledger.load_id,
        ${kind === undefined ? sql`ledger.batch` : literal(kind)} as kind,
        case when ledger.status = 'loaded' then coalesce(${utc(sql`ledger.as_of`)}, ledger.finished_at) end as as_of,
        ledger.finished_at as loaded_at,
        ledger.rows,
        coalesce((to_jsonb(ledger.*) ->> 'rejected')::bigint, 0) as rejected,
        coalesce(to_jsonb(ledger.*) -> 'details' ->> 'forced', 'false') = 'true' as forced,
        ledger.status = 'loaded' as is_loaded
      from ${ledger} as ledger
      where ledger.table_name = ${literal(table ?? "")}`,
  );
}

/** Walks through the full loads as they came, each against the last one that was accepted. */
function guardedCtes(maxShrink: number): Cte[] {
  return [
    cte(
      "fulls",
      sql`
        select load_id, rows, forced, row_number() over (order by place) as place
        from loads
        where kind = 'full'`,
    ),
    cte(
      "guarded",
      sql`
        with recursive walked as (
          select 0::bigint as place, null::bigint as load_id, true as accepted, 0::bigint as before, 0::bigint as standard
          union all
          select
            fulls.place,
            fulls.load_id,
            verdict.accepted,
            walked.standard,
            case when verdict.accepted then fulls.rows else walked.standard end
          from walked
          inner join fulls on fulls.place = walked.place + 1
          cross join lateral (
            select fulls.forced or (fulls.rows > 0 and fulls.rows >= walked.standard * (1 - ${decimal(maxShrink)})) as accepted
          ) as verdict
        )

        select load_id, accepted, before from walked`,
    ),
  ];
}

function judgedCte({ batches }: Timeline, isGuarded: boolean): Cte {
  return cte(
    "judged",
    sql`
      select
        loads.*,
        ${isGuarded ? sql`coalesce(guarded.accepted, true)` : sql`true`} as is_large_enough,
        ${isGuarded ? sql`guarded.before` : sql`null::bigint`} as before,
        loads.rows = 0 or arrived.load_id is not null as has_arrived,
        loads.rejected > ${literal(batches!.maxRejected ?? 0)} as has_rejects
      from loads
      ${isGuarded ? sql`left join guarded on guarded.load_id = loads.load_id` : sql``}
      left join arrived on arrived.load_id = loads.load_id`,
  );
}

function verdict(knowsSlices: boolean): Sql {
  const isUnknownSlice = knowsSlices ? sql`` : sql`when kind = 'slice' then 'partial'`;
  const slicesAreUnknown = knowsSlices
    ? sql``
    : sql`when kind = 'slice' then 'deletes nothing: the fields of its slices are not known (by)'`;
  return sql`
    select
      load_id,
      case
        ${isUnknownSlice}
        when kind in ('full', 'slice') and has_rejects then 'partial'
        else kind
      end as kind,
      as_of,
      loaded_at,
      rows,
      is_large_enough and has_arrived and kind in ('full', 'slice', 'partial', 'log') as accepted,
      has_arrived as has_rows,
      case
        when kind not in ('full', 'slice', 'partial', 'log') then 'refused: no such kind of batch'
        when not is_large_enough then 'refused: rows: ' || rows || ', in the full batch before: ' || before
        when not has_arrived then 'has none of its rows in the feed: they are not there yet, or are gone'
        when kind in ('full', 'slice') and has_rejects then 'deletes nothing: records rejected: ' || rejected
        ${slicesAreUnknown}
      end as note
    from judged
    union all
    -- what no longer counts, or never did: not the same as rows that are gone
    select load_id, kind, as_of, loaded_at, rows, false, true, null
    from _dataform_ledger
    where not is_loaded`;
}
