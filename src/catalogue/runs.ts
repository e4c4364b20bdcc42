import { publishingWaits } from "../library/monitoring/releases.ts";
import { failingAssertions, modelTimes, runSteps, runs } from "../library/monitoring/runs.ts";
import type { CompiledGraph } from "../model/graph.ts";
import type { FailingAssertion, ModelTimes, PublishWait, RunStep, RunSummary, StepCause } from "../model/operations.ts";
import type { JsonText } from "../model/report.ts";
import { type Target, targetKey } from "../model/target.ts";
import type { Client } from "../postgres/client.ts";
import { literal } from "../sql/literals.ts";
import { type Sql, sql } from "../sql/sql.ts";
import { record, rowsOf } from "./rows.ts";

const MOST_RUNS = 50;
const RUNS_WITH_STEPS = 10;
const MOST_FAILING_ROWS = 20;

/** Runs, models' times, failing assertions and waits of an environment. */
export async function readRuns(
  client: Client,
  environment: string,
  { actions, project }: Pick<CompiledGraph, "actions" | "project">,
) {
  const its = sql`environment = ${literal(environment)}`;
  const found = await rowsOf<Omit<RunSummary, "steps"> & { readonly of: number }>(
    client,
    sql`
      select
        runs.run_id as "runId", runs.status, runs.started_at as "startedAt", runs.finished_at as "finishedAt", seconds,
        coalesce(runs.releases, '{}') as releases, built, failed, held, skipped, warned,
        horizon_seconds + lock_seconds as waited, coalesce(told.errors, '[]') as errors, coalesce(told.warnings, '[]') as warnings,
        count(*) over () as of
      from (${runs(record)}) as runs
      inner join _dataform.run as told
        on told.run_id = runs.run_id
      where runs.${its}
      order by told.fence desc, runs.run_id
      limit ${literal(MOST_RUNS)}`,
  );
  const steps = await readSteps(
    client,
    found.slice(0, RUNS_WITH_STEPS).map(({ runId }) => runId),
  );
  const asked = actions.filter(({ kind }) => kind === "assertion" || kind === "dashboard");
  const there = new Set(asked.map(({ target }) => targetKey(target)));
  const keeps = project.retention?.failingRows !== 0;
  return {
    runs: found.map(
      ({ of: _, ...run }, index): RunSummary => ({
        ...run,
        ...(index < RUNS_WITH_STEPS ? { steps: steps.get(run.runId) ?? [] } : {}),
      }),
    ),
    moreRuns: (found[0]?.of ?? 0) - found.length,
    models: await readModels(client, its),
    assertions: (await readAssertions(client, its, keeps)).filter(({ target }) => there.has(targetKey(target))),
    waits: await readWaits(client, its),
  };
}

type Named<Row> = Omit<Row, "target"> & { readonly schema: string; readonly name: string };

/** What a row tells of the target that it names. */
function targeted<Row extends { readonly schema: string; readonly name: string }>({ schema, name, ...row }: Row) {
  return { target: { schema, name } satisfies Target, ...row };
}

interface Step extends Named<Omit<RunStep, "after">> {
  readonly runId: string;
  readonly after_schema: string | null;
  readonly after_name: string;
  readonly after_because: StepCause["because"];
}

async function readSteps(client: Client, runIds: readonly string[]): Promise<ReadonlyMap<string, readonly RunStep[]>> {
  const byRun = new Map<string, RunStep[]>(runIds.map((runId) => [runId, []]));
  if (!runIds.length) return byRun;
  const found = await rowsOf<Step>(
    client,
    sql`
      select
        steps.run_id as "runId", steps.schema_name as schema, steps.name, steps.kind, steps.status, steps.start_seconds as start,
        steps.seconds, steps.rows, steps.bytes, steps.connection, steps.is_critical as "isCritical", steps.reason, told.error,
        steps.after_schema, steps.after_name, steps.after_because
      from (${runSteps(record)}) as steps
      inner join _dataform.step as told
        on told.run_id = steps.run_id and told.schema_name = steps.schema_name and told.name = steps.name
      where steps.run_id in (${runIds.map((runId) => literal(runId))})
      order by steps.start_seconds nulls last, steps.schema_name, steps.name`,
  );
  for (const { runId, after_schema, after_name, after_because, ...step } of found) {
    const after =
      after_schema === null
        ? {}
        : { after: { target: { schema: after_schema, name: after_name }, because: after_because } };
    byRun.get(runId)!.push({ ...targeted(step), ...after } as RunStep);
  }
  return byRun;
}

async function readModels(client: Client, its: Sql): Promise<readonly ModelTimes[]> {
  const times = await rowsOf<Named<Omit<ModelTimes, "history">>>(
    client,
    sql`
      select
        times.schema_name as schema, times.name, kind, runs, last_seconds as last, median_seconds as median, slowest_seconds as slowest,
        last_rows as "lastRows", last_bytes as "lastBytes"
      from (${modelTimes(record)}) as times
      where ${its}
      order by times.schema_name, times.name`,
  );
  const past = await readPast(client, its);
  return times.map((one) => ({ ...targeted(one), history: past.get(targetKey(one)) ?? [] })) as readonly ModelTimes[];
}

/** Of each model its last runs. Apart from the rest: the planner knows nothing of a young record, and compared each model with each. */
async function readPast(client: Client, its: Sql): Promise<ReadonlyMap<string, ModelTimes["history"]>> {
  const found = await rowsOf<Named<Pick<ModelTimes, "history">>>(
    client,
    sql`
      with

      recent as (
        select run_id, started_at, fence
        from _dataform.run
        where ${its}
        order by fence desc
        limit ${literal(MOST_RUNS)}
      )

      select
        step.schema_name as schema,
        step.name,
        jsonb_agg(
          jsonb_build_object('runId', recent.run_id, 'at', recent.started_at, 'seconds', step.seconds) order by recent.fence
        ) as history
      from _dataform.step as step
      inner join recent
        on recent.run_id = step.run_id
      where step.kind not in ('assertion', 'dashboard') and step.status in ('ok', 'waiting', 'held')
      group by step.schema_name, step.name`,
  );
  return new Map(found.map((one) => [targetKey(one), one.history]));
}

/** Rows as the server wrote them: their numbers keep all digits. */
async function readAssertions(client: Client, its: Sql, withRows: boolean): Promise<readonly FailingAssertion[]> {
  const rows = sql`
    select jsonb_agg(kept.content::text order by kept.row_no)
    from _dataform.failing_row as kept
    where kept.run_id = failing.run_id
      and kept.assertion_schema = failing.schema_name
      and kept.assertion_name = failing.name
      and kept.row_no <= ${literal(MOST_FAILING_ROWS)}`;
  const found = await rowsOf<Named<FailingAssertion> & { readonly failingRows: readonly JsonText[] }>(
    client,
    sql`
      select
        failing.schema_name as schema, failing.name, failing.kind, failing.status, failing.run_id as "runId", failing.started_at as at,
        failing.rows, failing.reason, told.error, failing.failing_since as since,
        coalesce(${withRows ? sql`(${rows})` : sql`null`}, '[]'::jsonb) as "failingRows"
      from (${failingAssertions(record)}) as failing
      inner join _dataform.step as told
        on told.run_id = failing.run_id and told.schema_name = failing.schema_name and told.name = failing.name
      where ${its}
      order by failing.status, failing.schema_name, failing.name`,
  );
  return found.map(targeted) as unknown as readonly FailingAssertion[];
}

function readWaits(client: Client, its: Sql): Promise<readonly PublishWait[]> {
  return rowsOf<PublishWait>(
    client,
    sql`
      select
        release_id as release, run_id as "runId", started_at as at, outcome, start_seconds as start, seconds,
        horizon_seconds as "horizonSeconds", lock_seconds as "lockSeconds", attempts
      from (${publishingWaits(record)}) as waits
      where ${its}
      order by started_at desc, release_id desc
      limit ${literal(MOST_RUNS)}`,
  );
}
