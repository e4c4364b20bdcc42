import { cte, withCtes } from "../../sql/ctes.ts";
import { literal } from "../../sql/literals.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import type { Ledger } from "./tables.ts";

/** The rows of a table of each ledger, with the schema of each. */
function ofAll(ledgers: readonly Ledger[], table: keyof Omit<Ledger, "schema">, columns: Sql): Sql {
  return join(
    ledgers.map((ledger) => sql`select ${literal(ledger.schema)} as raw_schema, ${columns} from ${ledger[table]}`),
    "\nunion all\n",
  );
}

const LOAD = sql`
  load_id, source, stream, table_name, status, started_at, finished_at, rows, rejected, details, file, version, replay_of, is_gone`;

/** One row a load of a stream, failed and struck ones too. */
export function loads(ledgers: readonly Ledger[]): Sql {
  const files = sql`
    select raw_schema, load_id, max(bytes) as bytes
    from landed_files
    group by raw_schema, load_id`;
  return withCtes(
    [
      cte("loads", ofAll(ledgers, "_load", LOAD)),
      cte("landed_files", ofAll(ledgers, "_file", sql`load_id, bytes`)),
      cte("files", files),
    ],
    sql`
      select
        loads.raw_schema,
        loads.load_id,
        loads.source,
        loads.stream,
        loads.table_name,
        loads.status,
        loads.started_at,
        loads.finished_at,
        round(extract(epoch from loads.finished_at - loads.started_at), 3) as seconds,
        loads.rows,
        loads.rejected,
        loads.file,
        files.bytes as file_bytes,
        (loads.details ->> 'table_bytes')::bigint as table_bytes,
        loads.replay_of,
        loads.details ->> 'error' as error
      from loads
      left join files
        on files.raw_schema = loads.raw_schema and files.load_id = loads.load_id`,
  );
}

/** What stands in quotes, and words with a digit: values that a source sent. */
const masked = sql`
  regexp_replace(
    regexp_replace(rejected.reason, '["«»“”„].*["«»“”„]', '"…"'),
    '[^[:space:]"();:,…]*[0-9][^[:space:]"();:,…]*', '…', 'g'
  )`;

/** One row a stream and reason of rejects that are open: that neither landed later nor were dismissed. Values are left out of reasons. */
export function rejectsByReason(ledgers: readonly Ledger[]): Sql {
  const rejected = sql`load_id, source, stream, reason, rejected_at, replayed_by, dismissed_at`;
  return withCtes(
    [
      cte("loads", ofAll(ledgers, "_load", sql`load_id, table_name, status`)),
      cte("rejected", ofAll(ledgers, "_rejected", rejected)),
    ],
    sql`
      select
        rejected.raw_schema,
        rejected.source,
        rejected.stream,
        loads.table_name,
        ${masked} as reason,
        count(*) as rejects,
        min(rejected.rejected_at) as first_at,
        max(rejected.rejected_at) as last_at
      from rejected
      inner join loads
        on loads.raw_schema = rejected.raw_schema and loads.load_id = rejected.load_id
      where rejected.replayed_by is null and rejected.dismissed_at is null and loads.status <> 'struck'
      group by rejected.raw_schema, rejected.source, rejected.stream, loads.table_name, ${masked}`,
  );
}

/**
 * One row a stream that was ever loaded: how long ago, and whether that is as new as its declaration wants, which is recorded with
 * each load. By a column of the data only `dataform freshness` judges.
 */
export function sourceFreshness(ledgers: readonly Ledger[]): Sql {
  const loads = sql`
    select
      *,
      coalesce((details ->> 'asked_at')::timestamptz, finished_at) as asked_at,
      row_number() over (partition by raw_schema, source, stream, table_name, status order by load_id desc) as place
    from all_loads
    where replay_of is null and not is_gone and status in ('loaded', 'failed')`;
  const aged = sql`
    select
      loaded.raw_schema,
      loaded.source,
      loaded.stream,
      loaded.table_name,
      loaded.asked_at as last_load_at,
      loaded.finished_at as last_landed_at,
      extract(epoch from now() - loaded.asked_at) as age_seconds,
      (loaded.details #>> '{freshness,warn}')::numeric as warn_seconds,
      (loaded.details #>> '{freshness,error}')::numeric as error_seconds,
      loaded.details #>> '{freshness,by}' as judged_by,
      failed.finished_at as failed_at,
      failed.details ->> 'error' as failure
    from loads as loaded
    left join loads as failed
      on failed.raw_schema = loaded.raw_schema
      and failed.source = loaded.source
      and failed.stream = loaded.stream
      and failed.table_name = loaded.table_name
      and failed.status = 'failed'
      and failed.place = 1
      and failed.finished_at > loaded.asked_at
    where loaded.status = 'loaded' and loaded.place = 1`;
  return withCtes(
    [cte("all_loads", ofAll(ledgers, "_load", LOAD)), cte("loads", loads), cte("aged", aged)],
    sql`
      select
        raw_schema,
        source,
        stream,
        table_name,
        last_load_at,
        last_landed_at,
        round(age_seconds, 3) as age_seconds,
        warn_seconds,
        error_seconds,
        judged_by,
        case
          when warn_seconds is null and error_seconds is null then 'undeclared'
          when judged_by is not null then 'by column'
          when age_seconds > error_seconds then 'error'
          when age_seconds > warn_seconds then 'warn'
          else 'fresh'
        end as state,
        failed_at,
        failure
      from aged`,
  );
}
