import { type Cte, cte, withCtes } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { or, type Sql, sql } from "../../sql/sql.ts";
import { columnsOf, own } from "../shared/check-options.ts";
import { comparable } from "../shared/values.ts";
import { idOf, isDeletion } from "./expressions.ts";
import type { Timeline } from "./options.ts";
import { feedCte } from "./records.ts";
import type { Published } from "./soundness.ts";

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
