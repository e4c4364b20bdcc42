import { id } from "./identifiers.ts";
import { dollarQuoted, literal } from "./literals.ts";
import { type Sql, sql } from "./sql.ts";

/**
 * Lets a role read what `dataform serve` needs of the record: which release readers have, what it consists of, and the keys.
 * Besides, the figures of runs, schedules and notifications, for /metrics. Nothing where it is not there yet. Rows of models (`failing_row`) and what
 * went wrong in runs are not among it.
 */
export function serverReadsRecord(role: string): Sql {
  const name = id(role);
  const body = sql`
    begin
      if pg_catalog.to_regrole(${literal(name.toString())}) is not null and pg_catalog.to_regclass('_dataform.api_key') is not null then
        grant select on _dataform.metadata, _dataform.environment, _dataform.release, _dataform.api_key to ${name};
        grant select (run_id, environment, fence, status, started_at, finished_at, releases) on _dataform.run to ${name};
        grant select (run_id, schema_name, name, kind, status, seconds, rows, start_seconds, bytes) on _dataform.step to ${name};
        grant select on _dataform.publishing to ${name};
      end if;
      if pg_catalog.to_regrole(${literal(name.toString())}) is not null and pg_catalog.to_regclass('_dataform.follower') is not null then
        grant select (environment, name, next_due, start_at, paused_at, removed_at) on _dataform.schedule to ${name};
        grant select (due_id, environment, schedule, due, status, started_at, finished_at) on _dataform.schedule_due to ${name};
        grant select (incident_id, environment, kind, opened_at, closed_at) on _dataform.incident to ${name};
        grant select (environment, channel, event, status, made_at) on _dataform.delivery to ${name};
      end if;
    end`;
  return sql`do ${dollarQuoted(body)}`;
}
