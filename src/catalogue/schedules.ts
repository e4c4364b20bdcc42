import { scheduleDues, schedules } from "../library/monitoring/schedules.ts";
import type { OperationsData, ScheduledDue, ScheduledLine } from "../model/operations.ts";
import type { ScheduleLine } from "../model/schedule.ts";
import type { Client } from "../postgres/client.ts";
import { literal } from "../sql/literals.ts";
import { type Sql, sql } from "../sql/sql.ts";
import { record, rowsOf } from "./rows.ts";

/** A line of schedules.yaml as it is now, and when it is due next by what it says: ISO 8601; null where by no clock. */
export interface DeclaredLine {
  readonly line: ScheduleLine;
  readonly nextDue: string | null;
}

/** Dues that are told of each line, and of all. */
const MOST_OF_A_LINE = 10;
const MOST_DUES = 200;

/** The declared lines, and what the record says of them: when each is due, what came of its dues. */
export async function readSchedules(
  client: Client,
  environment: string,
  declared: readonly DeclaredLine[],
): Promise<Pick<OperationsData, "schedules" | "dues">> {
  const known = new Map((await readLines(client, environment)).map((one) => [one.name, one]));
  return {
    schedules: declared.map((one) => lineOf(one, known.get(one.line.name))),
    dues: await readDues(client, environment),
  };
}

/** What is told of every declared line where there is no record. */
export const notBegun = (declared: readonly DeclaredLine[]): readonly ScheduledLine[] =>
  declared.map((one) => lineOf(one, undefined));

interface RecordedLine
  extends Pick<ScheduledLine, "name" | "nextDue" | "startAt" | "lag" | "pausedAt" | "pausedBy" | "last"> {
  readonly version: string;
  readonly isEnabled: boolean;
}

function lineOf({ line, nextDue }: DeclaredLine, recorded: RecordedLine | undefined): ScheduledLine {
  const { name, text, trigger, zone, steps, enabled } = line;
  const isCurrent = recorded?.version === line.version && recorded.isEnabled === enabled;
  const { pausedAt = null, pausedBy = null, last = null } = recorded ?? {};
  const isPaused = pausedAt !== null;
  return {
    ...{ name, trigger, zone, steps },
    ...(text === undefined ? {} : { text }),
    state: enabled ? (isPaused ? "paused" : isCurrent ? "on" : "not begun") : "disabled",
    nextDue: isCurrent ? recorded.nextDue : nextDue,
    startAt: isCurrent ? recorded.startAt : null,
    lag: isCurrent ? recorded.lag : 0,
    ...{ pausedAt, pausedBy, last },
  };
}

const told = (due: Sql) => sql`
  ${due}.due_id::text as id, ${due}.schedule, ${due}.due, ${due}.last_due as "lastDue", ${due}.dues, ${due}.cause, ${due}.status,
  ${due}.reason, ${due}.started_at as "startedAt", ${due}.finished_at as "finishedAt", ${due}.seconds, ${due}.delay_seconds as delay`;

function readLines(client: Client, environment: string): Promise<readonly RecordedLine[]> {
  return rowsOf<RecordedLine>(
    client,
    sql`
      select
        lines.schedule as name, line.version, lines.is_enabled as "isEnabled", lines.next_due as "nextDue", lines.next_start_at as "startAt", lines.lag_seconds as lag,
        lines.paused_at as "pausedAt", lines.paused_by as "pausedBy", case when last.id is not null then to_jsonb(last) end as last
      from (${schedules(record)}) as lines
      inner join _dataform.schedule as line
        on line.environment = lines.environment and line.name = lines.schedule
      left join lateral (
        select ${told(sql`due`)} from (${scheduleDues(record)}) as due where due.due_id = lines.last_due_id
      ) as last
        on true
      where lines.environment = ${literal(environment)}`,
  );
}

/** Without the end of what the steps said, where values of rows may stand. */
function readDues(client: Client, environment: string): Promise<readonly ScheduledDue[]> {
  return rowsOf<ScheduledDue>(
    client,
    sql`
      select
        ${told(sql`due`)},
        coalesce(
          (
            select jsonb_agg(
              jsonb_build_object(
                'step', step.step_no, 'attempt', step.attempt, 'command', step.command, 'arguments', to_jsonb(step.arguments),
                'status', step.status, 'exitCode', step.exit_code, 'signal', step.signal, 'error', step.errors #>> '{0,message}',
                'seconds', round(extract(epoch from coalesce(step.finished_at, now()) - step.started_at), 3),
                'runIds', coalesce(to_jsonb(step.run_ids), '[]'), 'loadIds', coalesce(to_jsonb(step.load_ids::text[]), '[]')
              )
              order by step.step_no, step.attempt
            )
            from _dataform.schedule_step as step
            where step.due_id = due.due_id
          ),
          '[]'
        ) as steps
      from _dataform.schedule as line
      cross join lateral (
        select *
        from (${scheduleDues(record)}) as due
        where due.environment = line.environment and due.schedule = line.name
        order by due.due_id desc
        limit ${literal(MOST_OF_A_LINE)}
      ) as due
      where line.environment = ${literal(environment)}
      order by due.due desc, due.due_id desc
      limit ${literal(MOST_DUES)}`,
  );
}
