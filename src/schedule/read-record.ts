import type { RecordedDue, RecordedSchedule, ScheduleLine } from "../model/schedule.ts";
import type { Client } from "../postgres/client.ts";
import { literal } from "../sql/literals.ts";
import { type Sql, sql } from "../sql/sql.ts";

/** Of what went wrong in a step, so much is told with its due. */
const FIRST_ERRORS = 3;

const step = sql`jsonb_build_object(
  'step', p.step_no,
  'attempt', p.attempt,
  'command', p.command,
  'arguments', to_jsonb(p.arguments),
  'status', p.status,
  'madeAt', p.made_at,
  'startedAt', p.started_at,
  'finishedAt', p.finished_at,
  'exitCode', p.exit_code,
  'signal', p.signal,
  'runIds', coalesce(to_jsonb(p.run_ids), '[]'),
  'loadIds', coalesce(to_jsonb(p.load_ids::text[]), '[]'),
  'error', (
    select string_agg(e.value ->> 'message', '; ' order by e.place) filter (where e.place <= ${literal(FIRST_ERRORS)})
      || case when count(*) > ${literal(FIRST_ERRORS)} then '; and ' || count(*) - ${literal(FIRST_ERRORS)} || ' more' else '' end
    from jsonb_array_elements(p.errors) with ordinality as e (value, place)
  ),
  'output', p.output
)`;

/** A row `d` of the dues. */
const due = sql`jsonb_build_object(
  'id', d.due_id::text,
  'schedule', d.schedule,
  'due', d.due,
  'lastDue', d.last_due,
  'dues', d.dues,
  'cause', d.cause,
  'causedBy', d.caused_by,
  'status', d.status,
  'reason', d.reason,
  'startedAt', d.started_at,
  'finishedAt', d.finished_at,
  'steps', coalesce((
    select jsonb_agg(${step} order by p.step_no, p.attempt) from _dataform.schedule_step as p where p.due_id = d.due_id
  ), '[]')
)`;

/** What a due runs is as it was then; when it may begin is as it is declared now. */
const itsLine = sql`
  d.definition || coalesce(
    (
      select jsonb_build_object('blackout', s.definition -> 'blackout', 'zone', s.definition -> 'zone')
      from _dataform.schedule as s
      where s.environment = d.environment and s.name = d.schedule and s.removed_at is null
    ),
    '{}'
  )`;

/** A due that goes on or waits to, with what it runs. */
export interface OpenDue extends RecordedDue {
  readonly line: ScheduleLine;
  /** The scheduler that began it; null where it left it to others. */
  readonly claimedBy: string | null;
}

/** What there is to do, as it was read at a moment of the database's clock. */
export interface Work {
  readonly now: Date;
  /** When the next line is to be decided; null where none is. */
  readonly nextStart: Date | null;
  /** In the order in which they were due. */
  readonly dues: readonly OpenDue[];
}

export async function readWork(client: Client, environment: string): Promise<Work> {
  const { rows } = await client.query<{ dues: string; now: string; next: string | null }>(
    sql`
      select
        floor(extract(epoch from clock_timestamp()) * 1000) as now,
        (select ceil(extract(epoch from min(start_at)) * 1000) from _dataform.schedule where environment = $1 and removed_at is null) as next,
        coalesce(jsonb_agg(${due} || jsonb_build_object('line', ${itsLine}, 'claimedBy', d.claimed_by) order by d.due, d.due_id), '[]') as dues
      from _dataform.schedule_due as d
      where d.environment = $1 and d.status in ('queued', 'running')`,
    [environment],
  );
  const { now, next, dues } = rows[0]!;
  return {
    now: new Date(Number(now)),
    nextStart: next === null ? null : new Date(Number(next)),
    dues: JSON.parse(dues) as OpenDue[],
  };
}

/** The newest dues first: of one line in the order in which they were made. @param schedule of this line; of all where it is undefined */
export function readHistory(
  client: Client,
  environment: string,
  schedule: string | undefined,
  most: number,
): Promise<readonly RecordedDue[]> {
  const [which, order] =
    schedule === undefined
      ? [sql`true`, sql`d.due desc, d.due_id desc`]
      : [sql`d.schedule = ${literal(schedule)}`, sql`d.due_id desc`];
  return list<RecordedDue>(
    client,
    sql`
      select ${due} as one, row_number() over (order by ${order}) as place
      from _dataform.schedule_due as d
      where d.environment = $1 and ${which}
      order by ${order}
      limit $2`,
    [environment, most],
  );
}

export async function readDue(client: Client, dueId: string): Promise<RecordedDue | undefined> {
  const [found] = await list<RecordedDue>(
    client,
    sql`select ${due} as one, 1 as place from _dataform.schedule_due as d where d.due_id = $1`,
    [dueId],
  );
  return found;
}

/** The lines as they are recorded, by name. */
export function readRecorded(client: Client, environment: string): Promise<readonly RecordedSchedule[]> {
  return list<RecordedSchedule>(
    client,
    sql`
      select
        jsonb_build_object(
          'name', s.name,
          'definition', s.definition,
          'nextDue', s.next_due,
          'startAt', s.start_at,
          'pausedAt', s.paused_at,
          'pausedBy', s.paused_by,
          'removedAt', s.removed_at,
          'last', (
            select ${due} from _dataform.schedule_due as d
            where d.environment = s.environment and d.schedule = s.name
            order by d.due_id desc
            limit 1
          )
        ) as one,
        row_number() over (order by s.name) as place
      from _dataform.schedule as s
      where s.environment = $1`,
    [environment],
  );
}

async function list<T>(client: Client, rows: Sql, parameters: readonly unknown[]): Promise<readonly T[]> {
  const found = await client.query<{ all: string }>(
    sql`select coalesce(jsonb_agg(one order by place), '[]') as all from (${rows}) as found`,
    parameters,
  );
  return JSON.parse(found.rows[0]!.all) as T[];
}
