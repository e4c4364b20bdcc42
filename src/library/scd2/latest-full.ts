import { type Cte, cte } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { and, sql } from "../../sql/sql.ts";
import { columnsOf, own } from "../shared/check-options.ts";
import { hasKey, isDeletion, sameKey } from "./expressions.ts";
import { toldKind } from "./kept.ts";
import type { Timeline } from "./options.ts";

/** Marks a row that is there, in a full join. */
export const there = own("there");

/** The latest full batch, and what the history holds at its moment. Keys that other loads tell more of are left out. */
export function latestFullCtes(timeline: Timeline): Cte[] {
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
