import { LOOKING, rowsOf } from "../catalogue/rows.ts";
import { hasMetadata } from "../environment/layout.ts";
import { schedulersLock } from "../environment/schedulers.ts";
import { lagSeconds } from "../library/monitoring/schedules.ts";
import { holdersOf } from "../postgres/advisory-lock.ts";
import { type Client, withTransaction } from "../postgres/client.ts";
import { literal } from "../sql/literals.ts";
import { type Sql, sql } from "../sql/sql.ts";

// What the records of a database say, for figures: moments as seconds since 1970, durations in seconds, sizes in bytes.

/** What a project has, by the names in the record: what it has no more is not told for ever. */
export interface NamesOfProject {
  /** `schema.name`. */
  readonly actions: ReadonlySet<string>;
  /** `source.stream`, and `source` where its streams are not known. */
  readonly streams: readonly string[];
  /** When it was read, in seconds since 1970: what is recorded later is of the project, too. */
  readonly since: number;
}

/** Of runs and releases of one environment. */
export interface RecordedRuns {
  /** Null where no run ever began. */
  readonly environment: {
    readonly release: number | null;
    readonly publishedAt: number | null;
    readonly waiting: number;
    readonly held: number;
  } | null;
  /** Of the last day, by how they ended. */
  readonly lastDay: readonly { readonly status: string; readonly runs: number; readonly endedAt: number | null }[];
  /** The last run that ended. */
  readonly last: {
    readonly succeeded: number;
    readonly endedAt: number;
    readonly seconds: number;
    readonly rows: number;
    readonly bytes: number;
    readonly snapshot: number;
    readonly lock: number;
  } | null;
  /** Since when a run goes on; null where none does. */
  readonly runningSince: number | null;
  /** Of the last run that ended. */
  readonly steps: readonly { readonly kind: string; readonly status: string; readonly steps: number }[];
  /** Of each action of the project its last verdict in the last 50 runs: those that are not good. */
  readonly bad: readonly { readonly name: string; readonly status: string; readonly begun: number }[];
  /** Models of the last run that built any, those that took longest. */
  readonly models: readonly {
    readonly model: string;
    readonly seconds: number;
    readonly rows: number | null;
    readonly bytes: number | null;
  }[];
  /** Lines of schedules.yaml, by their names. */
  readonly schedules: readonly {
    readonly schedule: string;
    /** Seconds since it should have begun; 0 where nothing is due, waits for its turn or a blackout's end, or somebody paused it. */
    readonly lag: number;
    readonly paused: number;
    readonly failing: number;
    /** Of the last one that began: seconds from its due to its begin. */
    readonly late: number | null;
  }[];
  /** Processes that begin what is due; null where nothing ever is. */
  readonly schedulers: number | null;
  /** What is wrong and not over, by what it is. */
  readonly incidents: readonly { readonly kind: string; readonly open: number }[];
  /** Messages that wait to be told, by channel, and for how long the first has. */
  readonly deliveries: readonly {
    readonly channel: string;
    readonly waiting: number;
    readonly oldest: number;
    readonly failed: number;
  }[];
  /** Runs that ended since the last look. */
  readonly ended: readonly { readonly fence: string; readonly status: string; readonly seconds: number }[];
  /** Steps of those. */
  readonly endedSteps: readonly { readonly kind: string; readonly status: string; readonly seconds: number }[];
}

/** Runs that are told of at once: a process that was not asked for long goes on with the next look. */
const MOST_RUNS = 50;

/** Since 1970. */
export const seconds = (moment: Sql) => sql`extract(epoch from ${moment})::double precision`;

/** In one snapshot. The connection may read the record's runs and steps. */
export function readRuns(client: Client, environment: string, which: WhichRuns): Promise<RecordedRuns | undefined> {
  return withTransaction(client, () => runsOf(client, environment, which), LOOKING);
}

interface WhichRuns {
  /** The fence of the last run that ended and is known; null: no run is new. */
  readonly since: string | null;
  /** So many are told one by one. */
  readonly models: number;
  readonly project: Pick<NamesOfProject, "actions" | "since">;
}

async function runsOf(client: Client, environment: string, { since, models, project }: WhichRuns) {
  if (!(await hasMetadata(client))) return undefined;
  const its = literal(environment);
  const lastEnded = sql`
    select run_id from _dataform.run
    where environment = ${its} and finished_at is not null
    order by fence desc, run_id
    limit 1`;
  const [environmentRow] = await rowsOf<NonNullable<RecordedRuns["environment"]>>(
    client,
    sql`
      select
        e.release_id as release,
        ${seconds(sql`r.published_at`)} as "publishedAt",
        (select count(*) from _dataform.release where environment = e.name and status = 'waiting') as waiting,
        (e.held_at is not null)::int as held
      from _dataform.environment as e
      left join _dataform.release as r
        on r.environment = e.name and r.release_id = e.release_id
      where e.name = ${its}`,
  );
  const lastDay = await rowsOf<RecordedRuns["lastDay"][number]>(
    client,
    sql`
      select
        status,
        count(*) filter (where finished_at > now() - interval '1 day') as runs,
        ${seconds(sql`max(finished_at)`)} as "endedAt"
      from _dataform.run
      where environment = ${its} and status <> 'running'
      group by status`,
  );
  const [last] = await rowsOf<NonNullable<RecordedRuns["last"]>>(
    client,
    sql`
      select
        (run.status = 'success')::int as succeeded,
        ${seconds(sql`run.finished_at`)} as "endedAt",
        ${seconds(sql`run.finished_at - run.started_at`)} as seconds,
        coalesce((select sum(rows) from _dataform.step where run_id = run.run_id and kind not in ('assertion', 'dashboard', 'api')), 0) as rows,
        coalesce((select sum(bytes) from _dataform.step where run_id = run.run_id), 0) as bytes,
        coalesce((select sum(horizon_seconds) from _dataform.publishing where run_id = run.run_id), 0) as snapshot,
        coalesce((select sum(lock_seconds) from _dataform.publishing where run_id = run.run_id), 0) as lock
      from _dataform.run as run
      where run.run_id in (${lastEnded})`,
  );
  const [running] = await rowsOf<{ since: number | null }>(
    client,
    sql`
      select ${seconds(sql`min(started_at)`)} as since
      from _dataform.run
      where environment = ${its} and status = 'running'`,
  );
  const steps = await rowsOf<RecordedRuns["steps"][number]>(
    client,
    sql`select kind, status, count(*) as steps from _dataform.step where run_id in (${lastEnded}) group by kind, status`,
  );
  const bad = await rowsOf<RecordedRuns["bad"][number]>(client, lastVerdicts(its));
  const found = await rowsOf<RecordedRuns["models"][number]>(
    client,
    sql`
      select schema_name || '.' || name as model, seconds, rows, bytes
      from _dataform.step
      where kind in ('view', 'table', 'incremental') and status in ('ok', 'waiting', 'held') and run_id = (
        select run.run_id
        from _dataform.run as run
        where run.environment = ${its} and run.finished_at is not null and exists (
          select from _dataform.step as built
          where built.run_id = run.run_id and built.kind in ('view', 'table', 'incremental') and built.status in ('ok', 'waiting', 'held')
        )
        order by run.fence desc, run.run_id
        limit 1
      )
      order by seconds desc, model
      limit ${literal(models)}`,
  );
  const news = sql`
    select run_id, fence, status, ${seconds(sql`finished_at - started_at`)} as seconds
    from _dataform.run
    where environment = ${its} and finished_at is not null and fence > ${literal(since)}::bigint
    order by fence
    limit ${literal(MOST_RUNS)}`;
  const [scheduled] = await rowsOf<{ readonly schedulers: number | null }>(
    client,
    sql`
      select (${holdersOf(schedulersLock(its))})::int as schedulers
      where exists (
        select from _dataform.schedule where environment = ${its} and removed_at is null and paused_at is null
      )`,
  );
  return {
    environment: environmentRow ?? null,
    lastDay,
    last: last ?? null,
    runningSince: running?.since ?? null,
    steps,
    bad: bad.filter(({ name, begun }) => project.actions.has(name) || begun >= project.since),
    models: found,
    schedulers: scheduled?.schedulers ?? null,
    schedules: await rowsOf<RecordedRuns["schedules"][number]>(client, schedulesNow(its)),
    incidents: await rowsOf<RecordedRuns["incidents"][number]>(
      client,
      sql`
        select kind, count(*) as open
        from _dataform.incident
        where environment = ${its} and closed_at is null
        group by kind`,
    ),
    deliveries: await rowsOf<RecordedRuns["deliveries"][number]>(
      client,
      sql`
        select
          channel,
          count(*) filter (where status = 'waiting') as waiting,
          coalesce(${seconds(sql`now() - min(made_at) filter (where status = 'waiting')`)}, 0) as oldest,
          count(*) filter (where status = 'failed' and made_at > now() - interval '2 days') as failed
        from _dataform.delivery
        where environment = ${its}
        group by channel
        order by channel
        limit 100`,
    ),
    ended: await rowsOf<RecordedRuns["ended"][number]>(
      client,
      sql`select fence::text as fence, status, seconds from (${news}) as news order by news.fence`,
    ),
    endedSteps: await rowsOf<RecordedRuns["endedSteps"][number]>(
      client,
      sql`
        select step.kind, step.status, step.seconds
        from (${news}) as news
        inner join _dataform.step as step
          on step.run_id = news.run_id`,
    ),
  } satisfies RecordedRuns;
}

/** Lines that are told one by one. */
const MOST_LINES = 500;

function schedulesNow(environment: Sql): Sql {
  return sql`
    select
      line.name as schedule,
      ${lagSeconds(sql`line`, sql`_dataform.schedule_due`)}::double precision as lag,
      (line.paused_at is not null)::int as paused,
      coalesce(ended.status not in ('success', 'skipped'), false)::int as failing,
      ${seconds(sql`begun.started_at - begun.due`)} as late
    from _dataform.schedule as line
    left join lateral (
      select due.status
      from _dataform.schedule_due as due
      where due.environment = line.environment and due.schedule = line.name and due.finished_at is not null and due.status <> 'skipped'
      order by due.due_id desc
      limit 1
    ) as ended
      on true
    left join lateral (
      select due.started_at, due.due
      from _dataform.schedule_due as due
      where due.environment = line.environment and due.schedule = line.name and due.started_at is not null
      order by due.due_id desc
      limit 1
    ) as begun
      on true
    where line.environment = ${environment} and line.removed_at is null
    order by line.name
    limit ${literal(MOST_LINES)}`;
}

/** What was not tried says nothing of an action: its verdict of before holds. */
function lastVerdicts(environment: Sql): Sql {
  return sql`
    select name, status, begun
    from (
      select distinct on (step.schema_name, step.name)
        step.schema_name || '.' || step.name as name, step.status, ${seconds(sql`run.started_at`)} as begun
      from (
        select run_id, fence, started_at from _dataform.run
        where environment = ${environment} and finished_at is not null
        order by fence desc
        limit 50
      ) as run
      inner join _dataform.step as step
        on step.run_id = run.run_id
      where step.status <> 'skipped'
      order by step.schema_name, step.name, run.fence desc, run.run_id
    ) as latest
    where status in ('failed', 'held', 'warned')`;
}

/** The fence after which runs are new. */
export async function readLastFence(client: Client, environment: string): Promise<string | null> {
  if (!(await hasMetadata(client))) return null;
  const { rows } = await client.query<{ last: string }>(
    sql`select coalesce(max(fence), 0) as last from _dataform.run where environment = $1 and finished_at is not null`,
    [environment],
  );
  return rows[0]!.last;
}
