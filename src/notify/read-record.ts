import { LOOKING, ledgersIn, rowsOf } from "../catalogue/rows.ts";
import { type Client, withTransaction } from "../postgres/client.ts";
import { id } from "../sql/identifiers.ts";
import { literal } from "../sql/literals.ts";
import { join, type Sql, sql } from "../sql/sql.ts";
import type { EndedRun, LastDue, LastLoad } from "./verdicts.ts";

/** Runs that are read at once. */
export const MOST_RUNS = 50;

/**
 * The first runs that ended since, in their order: one environment has one run at a time, so one with a later fence ended later, whatever
 * the clock said.
 * @param since the fence of the last one that is known; null, of whoever knows none: the last ones
 */
export function readEndedRuns(client: Client, environment: string, since: string | null): Promise<readonly EndedRun[]> {
  const runs = sql`
    select run_id, status, fence, errors
    from _dataform.run
    where environment = ${literal(environment)} and status <> 'running' and fence > coalesce(${literal(since)}::bigint, -1)
    order by fence ${since === null ? sql`desc` : sql`asc`}
    limit ${literal(MOST_RUNS)}`;
  return rowsOf<EndedRun>(
    client,
    sql`
      select
        run.run_id as "runId",
        run.status,
        run.fence::text as fence,
        coalesce((select jsonb_agg(error ->> 'message') from jsonb_array_elements(run.errors) as error), '[]') as errors,
        coalesce(
          (
            select json_agg(
              json_build_object(
                'schema', step.schema_name, 'name', step.name, 'kind', step.kind, 'status', step.status, 'rows', step.rows,
                'reason', step.reason, 'error', step.error ->> 'message'
              ) order by step.schema_name, step.name
            )
            from _dataform.step as step
            where step.run_id = run.run_id
          ),
          '[]'
        ) as steps
      from (${runs}) as run
      order by run.fence`,
  );
}

/** Lines of schedules.yaml as a scheduler read them last, and those that were run by hand where none has. */
const linesOf = (environment: Sql) => sql`
  select name, definition
  from _dataform.schedule
  where environment = ${environment} and removed_at is null
  union all
  (
    select distinct on (due.schedule) due.schedule, due.definition
    from _dataform.schedule_due as due
    where due.environment = ${environment} and not exists (
      select from _dataform.schedule as line where line.environment = ${environment} and line.name = due.schedule
    )
    order by due.schedule, due.due_id desc
  )`;

/** Their names. */
export async function readLines(client: Client, environment: string): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ name: string }>(sql`select name from (${linesOf(sql`$1`)}) as line`, [
    environment,
  ]);
  return new Set(rows.map(({ name }) => name));
}

/** Of each line of schedules.yaml the last due that ended, and was no skip. */
export function readLastDues(client: Client, environment: string): Promise<readonly LastDue[]> {
  return rowsOf<LastDue>(
    client,
    sql`
      select line.name as schedule, last.status, last.reason,
        coalesce(jsonb_path_query_array(line.definition, '$.steps[*].scope'), '[]') as scopes
      from (${linesOf(literal(environment))}) as line
      cross join lateral (
        select due.status, due.reason
        from _dataform.schedule_due as due
        where due.environment = ${literal(environment)} and due.schedule = line.name
          and due.status in ('success', 'failure', 'cancelled') and due.finished_at is not null
        order by due.due_id desc
        limit 1
      ) as last
      order by line.name`,
  );
}

/** Of each stream the last load that ended, with what its fields were. */
export function readLastLoads(client: Client, schemas: readonly string[]): Promise<readonly LastLoad[]> {
  return withTransaction(
    client,
    async () => {
      const ledgers = await ledgersIn(client, schemas);
      if (!ledgers.length) return [];
      const ofEach = ledgers.map(
        ({ schema, _load }) => sql`
          (
            select distinct on (source, stream, table_name) source, stream, status, details ->> 'error' as error,
              ${fields(schema, "unknown")} as unknown, ${fields(schema, "missing")} as missing
            from ${_load} as load
            where replay_of is null and not is_gone and status in ('loaded', 'failed')
            order by source, stream, table_name, load_id desc
          )`,
      );
      return rowsOf<LastLoad>(client, join(ofEach, "\nunion all\n"));
    },
    LOOKING,
  );
}

function fields(schema: string, kind: "unknown" | "missing") {
  return sql`
    coalesce(
      (
        select json_agg(drift.field order by drift.field)
        from ${id(schema, "_drift")} as drift
        where drift.load_id = load.load_id and drift.kind = ${literal(kind)} and drift.filled_at is null
      ),
      '[]'
    )`;
}
