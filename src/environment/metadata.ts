import { UserError } from "../model/errors.ts";
import type { JsonText, RunReport } from "../model/report.ts";
import { type Client, withTransaction } from "../postgres/client.ts";
import { connectionLost, postgresError } from "../postgres/sqlstate.ts";
import { createSchemaOnce } from "../sql/ddl.ts";
import { literal } from "../sql/literals.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { type Sql, sql } from "../sql/sql.ts";

/** The oldest server that has what the release protocol needs (security_invoker, NULLS NOT DISTINCT). */
const OLDEST_SERVER = 150_000;
const VERSION = 1;

// One writer at a time: `create … if not exists` of two sessions can collide.
const definition = sql`
${createSchemaOnce(PRIVATE_SCHEMA)};
create table if not exists _dataform.metadata (version integer not null);
insert into _dataform.metadata select ${literal(VERSION)} where not exists (select from _dataform.metadata);
create table if not exists _dataform.environment (
  name text primary key,
  release_id bigint,
  next_release bigint not null default 1,
  fence bigint not null default 0
);
create table if not exists _dataform.release (
  environment text not null references _dataform.environment (name),
  release_id bigint not null,
  base_release_id bigint,
  content_of bigint,
  run_id uuid not null,
  status text not null check (status in ('waiting', 'published', 'discarded')),
  built_at timestamptz not null default clock_timestamp(),
  published_at timestamptz,
  collected_at timestamptz,
  manifest jsonb,
  items jsonb,
  primary key (environment, release_id)
);
create table if not exists _dataform.run (
  run_id uuid primary key,
  environment text not null references _dataform.environment (name),
  fence bigint not null,
  status text not null check (status in ('running', 'success', 'failure', 'cancelled', 'abandoned')),
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  releases bigint[],
  core_version text,
  warnings jsonb,
  errors jsonb
);
create table if not exists _dataform.step (
  run_id uuid not null references _dataform.run (run_id),
  schema_name text not null,
  name text not null,
  kind text not null,
  status text not null,
  seconds numeric not null,
  rows bigint,
  reason text,
  error jsonb,
  primary key (run_id, schema_name, name)
);
create table if not exists _dataform.failing_row (
  run_id uuid not null references _dataform.run (run_id),
  assertion_schema text not null,
  assertion_name text not null,
  row_no integer not null,
  content jsonb not null,
  primary key (run_id, assertion_schema, assertion_name, row_no)
);
comment on schema _dataform is 'Private: releases, run history and the objects behind the public views. Read the public views instead.';
comment on table _dataform.environment is 'The published release of each environment; the fence grows with each run and stops late ones.';
comment on table _dataform.release is 'Every release that can still be read or rolled back to, with the private objects it consists of.';
comment on table _dataform.run is 'Every run, its outcome and the releases it published.';
comment on table _dataform.step is 'What each run did to each model, operation and assertion.';
comment on table _dataform.failing_row is 'Up to 100 rows per assertion and run that should not exist.';
`;

/** Makes schema `_dataform` ready, the first time; afterwards only checks its version. */
export async function prepareMetadata(client: Client): Promise<void> {
  const { rows } = await client.query<{ server: string; ready: string; encoding: string }>(
    sql`select current_setting('server_version_num') as server, to_regclass('_dataform.failing_row') is not null as ready,
       current_setting('server_encoding') as encoding`,
  );
  const { server, ready, encoding } = rows[0]!;
  if (Number(server) < OLDEST_SERVER) throw tooOld(Number(server));
  if (encoding !== "UTF8") throw notUtf8(encoding);
  if (ready !== "t") {
    await withTransaction(client, async () => {
      await client.query(sql`select pg_advisory_xact_lock(hashtextextended('dataform:metadata', 0))`);
      await client.script(definition);
    });
  }
  const { rows: versions } = await client.query<{ version: string }>(sql`select version from _dataform.metadata`);
  if (Number(versions[0]?.version) === VERSION) return;
  throw new UserError({
    message: "schema _dataform was made by another version of dataform-postgres",
    expected: `layout ${VERSION}`,
    found: `layout ${versions[0]?.version ?? "none"}`,
    hint: "use the newest dataform-postgres for this database",
  });
}

function tooOld(server: number): UserError {
  return new UserError({
    message: "this PostgreSQL is too old",
    expected: "version 15 or newer",
    found: `version ${Math.floor(server / 10_000)}.${server % 10_000}`,
    hint: "upgrade the server, or unset DATABASE_URL to use the embedded one",
  });
}

function notUtf8(encoding: string): UserError {
  return new UserError({
    message: "the database does not hold Unicode text",
    expected: "encoding UTF8",
    found: encoding,
    hint: "create the database with: create database … encoding 'UTF8' template template0",
  });
}

/** Takes the next fence: from now on every earlier run of this environment is too late to publish. */
export async function claimFence(client: Client, environment: string): Promise<number> {
  const { rows } = await client.query<{ fence: string }>(
    sql`insert into _dataform.environment (name, fence) values ($1, 1)
     on conflict (name) do update set fence = _dataform.environment.fence + 1 returning fence`,
    [environment],
  );
  return Number(rows[0]!.fence);
}

export async function readFence(client: Client, environment: string): Promise<number> {
  const { rows } = await client.query<{ fence: string }>(sql`select fence from _dataform.environment where name = $1`, [
    environment,
  ]);
  return Number(rows[0]!.fence);
}

/** Runs of the environment that began and never ended. */
export async function unendedRuns(client: Client, environment: string): Promise<string[]> {
  const { rows } = await client.query<{ run_id: string }>(
    sql`select run_id from _dataform.run where environment = $1 and status = 'running'`,
    [environment],
  );
  return rows.map(({ run_id }) => run_id);
}

export interface RunStart {
  readonly runId: string;
  readonly environment: string;
  readonly fence: number;
  /** Release numbers the run may use. */
  readonly releases: number;
  readonly coreVersion: string | null;
  readonly notes: readonly string[];
}

/** Records that a run began, reserves its release numbers, and marks runs that never ended. */
export async function recordStart(client: Client, start: RunStart): Promise<void> {
  await withTransaction(client, async () => {
    await client.query(
      sql`update _dataform.run set status = 'abandoned', finished_at = clock_timestamp() where environment = $1 and status = 'running'`,
      [start.environment],
    );
    await client.query(sql`update _dataform.environment set next_release = next_release + $2 where name = $1`, [
      start.environment,
      start.releases,
    ]);
    await client.query(
      sql`insert into _dataform.run (run_id, environment, fence, status, core_version, warnings) values ($1, $2, $3, 'running', $4, $5)`,
      [start.runId, start.environment, start.fence, start.coreVersion, JSON.stringify(start.notes)],
    );
  });
}

/** Records how a run without steps ended. */
export async function recordFinish(
  client: Client,
  runId: string,
  status: RunReport["status"],
  releases: readonly number[],
): Promise<void> {
  await client.query(
    sql`update _dataform.run set status = $2, finished_at = clock_timestamp(), releases = $3::bigint[] where run_id = $1`,
    [runId, status, `{${releases.join(",")}}`],
  );
}

/** Records how the run ended, each step and the rows that assertions rejected. */
export async function recordEnd(client: Client, report: RunReport): Promise<void> {
  const steps = report.steps.map((step) => ({
    schema_name: step.target.schema,
    name: step.target.name,
    kind: step.kind,
    status: step.status,
    seconds: step.duration,
    rows: step.rows ?? null,
    reason: step.reason ?? null,
    error: step.error ?? null,
  }));
  const rows = report.steps.flatMap((step) =>
    (step.failingRows ?? []).map((content, index) => ({
      assertion_schema: step.target.schema,
      assertion_name: step.target.name,
      row_no: index + 1,
      content,
    })),
  );
  await withTransaction(client, async () => {
    await client.query(
      sql`insert into _dataform.step select $1::uuid, s.* from jsonb_to_recordset($2::jsonb) as s(schema_name text, name text,
         kind text, status text, seconds numeric, rows bigint, reason text, error jsonb) on conflict do nothing`,
      [report.runId, JSON.stringify(steps)],
    );
    if (rows.length) await recordFailingRows(client, report.runId, rows);
    await client.query(
      sql`update _dataform.run set status = $2, finished_at = clock_timestamp(), releases = $3::bigint[], errors = $4, warnings = $5 where run_id = $1`,
      [
        report.runId,
        report.status,
        `{${report.releases.join(",")}}`,
        JSON.stringify(report.errors),
        JSON.stringify(report.warnings),
      ],
    );
  });
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
  } catch (error) {
    if (!postgresError(error) || connectionLost(error)) throw error;
    await client.query(sql`rollback to failing_rows`);
    await insert(sql`to_jsonb(line.content)`);
  }
}
