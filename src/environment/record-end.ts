import type { Known } from "../model/ground.ts";
import type { StepCause } from "../model/operations.ts";
import type { JsonText, RunReport } from "../model/report.ts";
import { targetKey } from "../model/target.ts";
import { type Client, withTransaction } from "../postgres/client.ts";
import { undoSavepoint } from "../postgres/savepoint.ts";
import { connectionLost, postgresError } from "../postgres/sqlstate.ts";
import { literal } from "../sql/literals.ts";
import { join, type Sql, sql } from "../sql/sql.ts";
import { json } from "./metadata.ts";
import type { Publishing } from "./publishing.ts";

/** Notified with what ended: a run, or a due of the schedule. */
export const ENDED = "dataform_ended";

/** Who follows the record hears it when the transaction commits. */
export const tellEnded = sql`select pg_catalog.pg_notify(${literal(ENDED)}, '')`;

/** What is recorded of a run besides its report. */
export interface RunDetails {
  /** By key, of steps that did not begin at once: what each waited for last. */
  readonly causes: ReadonlyMap<string, StepCause>;
  /** Keys of the steps without which the run would have been shorter. */
  readonly critical: ReadonlySet<string>;
  /** By key, the private tables that hold a step's rows. */
  readonly stored: ReadonlyMap<string, readonly string[]>;
  readonly publishings: readonly Publishing[];
  /** By key, of each action that was done: of what, or null where it did not go well. */
  readonly known: ReadonlyMap<string, Known | null>;
}

/** Records how a run without steps ended. */
export async function recordFinish(
  client: Client,
  runId: string,
  status: RunReport["status"],
  published: { readonly releases?: readonly number[]; readonly publishings?: readonly Publishing[] } = {},
): Promise<void> {
  const { releases = [], publishings = [] } = published;
  await client.script(
    join(
      [
        ...recordPublishings(runId, publishings),
        sql`
        update _dataform.run
        set status = ${literal(status)}, finished_at = clock_timestamp(), releases = ${numbers(releases)}
        where run_id = ${literal(runId)}`,
        tellEnded,
      ],
      ";\n",
    ),
  );
}

function numbers(all: readonly number[]): Sql {
  return sql`${literal(`{${all.join(",")}}`)}::bigint[]`;
}

/** Records how the run ended, each step and the rows that assertions rejected. */
export async function recordEnd(client: Client, report: RunReport, details: RunDetails): Promise<void> {
  const rows = report.steps.flatMap((step) =>
    (step.failingRows ?? []).map((content, index) => ({
      assertion_schema: step.target.schema,
      assertion_name: step.target.name,
      row_no: index + 1,
      content,
    })),
  );
  const first = [
    recordSteps(report, details),
    ...recordPublishings(report.runId, details.publishings),
    ...recordKnown(report, details.known),
  ];
  const recordRun = sql`
    update _dataform.run
    set status = ${literal(report.status)}, finished_at = clock_timestamp(), releases = ${numbers(report.releases)},
      errors = ${json(report.errors)}, warnings = ${json(report.warnings)}
    where run_id = ${literal(report.runId)}`;
  if (!rows.length) return void (await client.script(join([...first, recordRun, tellEnded], ";\n")));
  await withTransaction(client, async () => {
    await client.script(join(first, ";\n"));
    await recordFailingRows(client, report.runId, rows);
    await client.query(recordRun);
    await client.query(tellEnded);
  });
}

/**
 * What a small table and its indexes take, the catalog knows since `analyze`: to ask each of a thousand takes the session half a
 * second, to open it. One that somebody holds for himself is not asked: the question would wait for him.
 */
function recordSteps(report: RunReport, { causes, critical, stored }: RunDetails): Sql {
  const steps = report.steps.map((step) => {
    const key = targetKey(step.target);
    const cause = causes.get(key);
    return {
      schema_name: step.target.schema,
      name: step.target.name,
      kind: step.kind,
      status: step.status,
      seconds: step.duration,
      rows: step.rows,
      reason: step.reason,
      error: step.error,
      start_seconds: step.start,
      connection: step.connection,
      after_schema: cause?.target.schema,
      after_name: cause?.target.name,
      after_because: cause?.because,
      is_critical: critical.has(key),
      stored: stored.get(key),
    };
  });
  return sql`
    insert into _dataform.step (
      run_id, schema_name, name, kind, status, seconds, rows, reason, error,
      start_seconds, connection, after_schema, after_name, after_because, is_critical, bytes
    )
    with

    held as materialized (
      select relation from pg_locks where mode = 'AccessExclusiveLock' and relation is not null
    ),

    steps as materialized (
      select s.*
      from jsonb_to_recordset(${json(steps)}) as s(
        schema_name text, name text, kind text, status text, seconds numeric, rows bigint, reason text, error jsonb,
        start_seconds numeric, connection integer, after_schema text, after_name text, after_because text,
        is_critical boolean, stored jsonb
      )
    ),

    -- all at once: the planner goes through the whole catalog for each step that asks
    sizes as materialized (
      select
        steps.schema_name,
        steps.name,
        sum(
          case
            when c.reltuples between 0 and 100 and c.relpages < 8 then ${pages} * current_setting('block_size')::bigint
            else pg_total_relation_size(c.oid)
          end
        ) as bytes
      from steps
      cross join lateral jsonb_array_elements_text(steps.stored) as stored (name)
      join pg_class as c
        on c.relname = stored.name and c.relnamespace = '_dataform'::regnamespace
      where c.oid not in (select relation from held)
      group by steps.schema_name, steps.name
    )

    select
      ${literal(report.runId)}::uuid, s.schema_name, s.name, s.kind, s.status, round(s.seconds, 6), s.rows, s.reason, s.error,
      round(s.start_seconds, 6), s.connection, s.after_schema, s.after_name, s.after_because, s.is_critical, sizes.bytes
    from steps as s
    left join sizes on sizes.schema_name = s.schema_name and sizes.name = s.name
    on conflict do nothing`;
}

/** What did not go well is done again by the next run, whatever is as it was. */
function recordKnown({ environment, steps }: RunReport, known: RunDetails["known"]): readonly Sql[] {
  const rows = steps.flatMap(({ target: { schema, name } }) => {
    const content = known.get(targetKey({ schema, name }));
    return content === undefined ? [] : [{ schema_name: schema, name, content }];
  });
  if (!rows.length) return [];
  const all = sql`jsonb_to_recordset(${json(rows)}) as k(schema_name text, name text, content jsonb)`;
  return [
    sql`
      insert into _dataform.state (environment, schema_name, name, content)
      select ${literal(environment)}, schema_name, name, content from ${all} where content is not null
      on conflict (environment, schema_name, name) do update set content = excluded.content`,
    sql`
      delete from _dataform.state as s using ${all}
      where s.environment = ${literal(environment)} and s.schema_name = k.schema_name and s.name = k.name and k.content is null`,
  ];
}

const pages = sql`(
  c.relpages + coalesce((select sum(i.relpages) from pg_index join pg_class as i on i.oid = indexrelid where indrelid = c.oid), 0)
)`;

function recordPublishings(runId: string, publishings: readonly Publishing[]): readonly Sql[] {
  if (!publishings.length) return [];
  const rows = publishings.map((one) => ({
    release_id: one.release,
    outcome: one.outcome,
    start_seconds: one.start,
    seconds: one.seconds,
    horizon_seconds: one.horizonSeconds,
    lock_seconds: one.lockSeconds,
    attempts: one.attempts,
  }));
  return [
    sql`
      insert into _dataform.publishing (
        run_id, release_id, outcome, start_seconds, seconds, horizon_seconds, lock_seconds, attempts
      )
      select
        ${literal(runId)}::uuid, release_id, outcome, round(start_seconds, 6), round(seconds, 6), round(horizon_seconds, 6),
        round(lock_seconds, 6), attempts
      from jsonb_to_recordset(${json(rows)}) as p(
        release_id bigint, outcome text, start_seconds numeric, seconds numeric, horizon_seconds numeric, lock_seconds numeric,
        attempts integer
      )
      on conflict do nothing`,
  ];
}

interface FailingRow {
  readonly assertion_schema: string;
  readonly assertion_name: string;
  readonly row_no: number;
  readonly content: JsonText;
}

/**
 * Numbers go from text to jsonb on the server, where they keep their digits. What jsonb cannot hold, such as U+0000 in a
 * value of type json, must not cost the record of the run: the rows are kept as their texts then.
 */
async function recordFailingRows(client: Client, runId: string, rows: readonly FailingRow[]): Promise<void> {
  const insert = (content: Sql) =>
    client.query(
      sql`
        insert into _dataform.failing_row (run_id, assertion_schema, assertion_name, row_no, content)
        select $1::uuid, line.assertion_schema, line.assertion_name, line.row_no, ${content}
        from json_to_recordset($2::json) as line(assertion_schema text, assertion_name text, row_no integer, content text)
        on conflict do nothing`,
      [runId, JSON.stringify(rows)],
    );
  await client.query(sql`savepoint failing_rows`);
  try {
    await insert(sql`line.content::jsonb`);
    await client.query(sql`release savepoint failing_rows`);
  } catch (error) {
    if (!postgresError(error) || connectionLost(error)) throw error;
    await undoSavepoint(client, "failing_rows");
    await insert(sql`to_jsonb(line.content)`);
  }
}
