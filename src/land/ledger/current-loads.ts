import { CURRENT_LOADS } from "../../model/declarations.ts";
import { commentOn } from "../../sql/ddl.ts";
import { id } from "../../sql/identifiers.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";

/**
 * The view of the loads whose rows count now: of each file what it held when it landed last; of batches that are all there is, the last
 * one; all others; and the replays of what these had rejected.
 */
export function currentLoads(schema: string): Sql {
  const view = id(schema, CURRENT_LOADS);
  const made = sql`
    create or replace view ${view} as
    with

    loads as (
      select * from ${id(schema, "_load")} as loads where status = 'loaded' and not is_gone
    ),

    contents as (
      select
        *,
        row_number() over (
          partition by source, stream, table_name, file
          order by load_id desc
        ) as place
      from loads
      where replay_of is null
    ),

    newest as (
      select
        *,
        row_number() over (
          partition by source, stream, table_name, batch
          order by as_of desc nulls last, load_id desc
        ) as batch_place
      from contents
      where file is null or place = 1
    ),

    counting as (
      select * from newest where batch <> 'full' or batch_place = 1
    )

    select
      load_id,
      source,
      stream,
      table_name,
      batch,
      as_of,
      file,
      version,
      finished_at as loaded_at,
      rows,
      load_id as batch_id
    from counting

    union all

    select
      r.load_id,
      r.source,
      r.stream,
      r.table_name,
      r.batch,
      c.as_of,
      c.file,
      c.version,
      r.finished_at,
      r.rows,
      r.replay_of
    from loads as r
    join counting as c
      on c.load_id = r.replay_of`;
  const text = "The loads whose rows count now; batch_id is the load itself, or the one whose rejects it landed";
  return join([made, commentOn("view", view, text)], ";\n");
}
