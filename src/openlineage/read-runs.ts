import { rowsOf } from "../catalogue/rows.ts";
import type { Client } from "../postgres/client.ts";
import { literal } from "../sql/literals.ts";
import { type Sql, sql } from "../sql/sql.ts";

/** A run that ended; moments are ISO 8601 in UTC. */
export interface RecordedRun {
  readonly runId: string;
  readonly status: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  /** Which one of its environment it is: it grows from each to the next. */
  readonly fence: string;
  /** When a schedule said that it was due; null where none did. */
  readonly due: string | null;
  readonly errors: readonly string[];
  readonly steps: readonly RecordedStep[];
}

export interface RecordedStep {
  readonly schema: string;
  readonly name: string;
  readonly kind: string;
  readonly status: string;
  readonly rows: number | null;
  readonly bytes: number | null;
  readonly error: string | null;
  /** Null where it was not tried. */
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}

/** Runs that are told at once. */
const MOST = 20;

const utc = (moment: Sql) => sql`to_char((${moment}) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** Runs that ended since, in their order. @param since the fence of the last one that is known; null: only the last one */
export function readRecordedRuns(
  client: Client,
  environment: string,
  since: string | null,
): Promise<readonly RecordedRun[]> {
  const its = literal(environment);
  const after =
    since === null
      ? sql`(select max(fence) - 1 from _dataform.run where environment = ${its} and status <> 'running')`
      : sql`${literal(since)}::bigint`;
  const began = sql`run.started_at + step.start_seconds * interval '1 second'`;
  return rowsOf<RecordedRun>(
    client,
    sql`
      select
        run.run_id as "runId",
        run.status,
        ${utc(sql`run.started_at`)} as "startedAt",
        ${utc(sql`run.finished_at`)} as "finishedAt",
        run.fence::text as fence,
        (
          select ${utc(sql`min(due.due)`)}
          from _dataform.schedule_step as scheduled
          inner join _dataform.schedule_due as due
            on due.due_id = scheduled.due_id
          where run.run_id = any(scheduled.run_ids) and due.cause in ('clock', 'catch-up')
        ) as due,
        coalesce((select jsonb_agg(error ->> 'message') from jsonb_array_elements(run.errors) as error), '[]') as errors,
        coalesce(
          (
            select json_agg(
              json_build_object(
                'schema', step.schema_name, 'name', step.name, 'kind', step.kind, 'status', step.status, 'rows', step.rows,
                'bytes', step.bytes, 'error', step.error ->> 'message', 'startedAt', ${utc(began)},
                'endedAt', ${utc(sql`${began} + step.seconds * interval '1 second'`)}
              ) order by step.start_seconds, step.schema_name, step.name
            )
            from _dataform.step as step
            where step.run_id = run.run_id
          ),
          '[]'
        ) as steps
      from _dataform.run as run
      where run.environment = ${its} and run.status <> 'running' and run.fence > ${after}
      order by run.fence
      limit ${literal(MOST)}`,
  );
}
