import type { DueCause, ScheduleLine } from "../model/schedule.ts";
import type { Client } from "../postgres/client.ts";
import { sql } from "../sql/sql.ts";
import type { Upcoming } from "./decide.ts";
import { type Deciding, momentOf } from "./deciding.ts";

/** A due as it is to be recorded. */
interface NewDue {
  readonly due: Date;
  readonly lastDue?: Date;
  readonly dues?: number;
  readonly cause: DueCause;
  readonly causedBy?: unknown;
  readonly reason?: string;
}

export interface DuesOfLine {
  readonly line: ScheduleLine;
  readonly dues: readonly NewDue[];
}

/** Adds rows: queued, or skipped where there is a reason. One that is there already stays as it is. Returns their numbers. */
export async function addDues(
  client: Client,
  { environment, by }: Deciding,
  lines: readonly DuesOfLine[],
): Promise<readonly string[]> {
  const { rows } = await client.query<{ due_id: string }>(
    sql`
      insert into _dataform.schedule_due (
        environment, schedule, version, due, last_due, dues, cause, caused_by, definition, status, reason, claimed_by, finished_at
      )
      select
        $1, l.definition ->> 'name', l.definition ->> 'version', ${momentOf(sql`d.due`)}, ${momentOf(sql`coalesce(d.last_due, d.due)`)},
        coalesce(d.dues, 1), d.cause, d.caused_by, l.definition,
        case when d.reason is null then 'queued' else 'skipped' end, d.reason, $2,
        case when d.reason is not null then clock_timestamp() end
      from jsonb_to_recordset($3::jsonb) as l(definition jsonb, dues jsonb)
      cross join lateral jsonb_to_recordset(l.dues) as d(
        due numeric, last_due numeric, dues bigint, cause text, caused_by jsonb, reason text
      )
      order by d.due, 2
      on conflict (environment, schedule, version, due) do nothing
      returning due_id`,
    [
      ...[environment, by],
      JSON.stringify(
        lines.map(({ line, dues }) => ({
          definition: line,
          dues: dues.map(({ due, lastDue, dues, cause, causedBy, reason }) => ({
            due: due.getTime(),
            last_due: lastDue?.getTime(),
            ...{ dues, cause, caused_by: causedBy, reason },
          })),
        })),
      ),
    ],
  );
  return rows.map(({ due_id }) => due_id);
}

interface Move {
  /** Of the line. */
  readonly name: string;
  readonly to: Upcoming;
}

export async function moveLines(client: Client, environment: string, moves: readonly Move[]): Promise<void> {
  await client.query(
    sql`
      update _dataform.schedule as s
      set next_due = ${momentOf(sql`m.next_due`)}, start_at = ${momentOf(sql`m.start_at`)},
        decided_until = greatest(s.decided_until, ${momentOf(sql`m.decided_until`)})
      from jsonb_to_recordset($2::jsonb) as m(name text, next_due numeric, start_at numeric, decided_until numeric)
      where s.environment = $1 and s.name = m.name`,
    [
      environment,
      JSON.stringify(
        moves.map(({ name, to: { nextDue, startAt, decidedUntil } }) => ({
          name,
          next_due: nextDue?.getTime(),
          start_at: startAt?.getTime(),
          decided_until: decidedUntil.getTime(),
        })),
      ),
    ],
  );
}
