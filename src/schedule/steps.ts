import { hostname } from "node:os";
import { tellEnded } from "../environment/record-end.ts";
import type { UserErrorDetails } from "../model/errors.ts";
import type { DueStatus, ScheduledStep } from "../model/schedule.ts";
import { tryLock } from "../postgres/advisory-lock.ts";
import { type Client, withTransaction } from "../postgres/client.ts";
import { sql } from "../sql/sql.ts";
import { tellFollowers } from "./deciding.ts";

/** One attempt of a step of a due: the key of its row, and of the lock that its process holds. */
export interface StepKey {
  readonly dueId: string;
  readonly step: number;
  readonly attempt: number;
}

export function stepText({ dueId, step, attempt }: StepKey): string {
  return `${dueId}.${step}.${attempt}`;
}

/** Undefined for a text that is none. */
export function stepKeyOf(text: string): StepKey | undefined {
  const [, dueId, step, attempt] = /^(\d{1,18})\.(\d{1,3})\.(\d{1,3})$/.exec(text) ?? [];
  return dueId === undefined ? undefined : { dueId, step: Number(step), attempt: Number(attempt) };
}

const keyIs = sql`due_id = $1 and step_no = $2 and attempt = $3`;
const keyOf = ({ dueId, step, attempt }: StepKey) => [dueId, step, attempt];

/** Says why a due waits, where that is for no turn. */
export async function tellWhyItWaits(client: Client, dueId: string, reason: "blackout" | null): Promise<void> {
  await client.query(
    sql`update _dataform.schedule_due set reason = $2 where due_id = $1 and status = 'queued' and reason is distinct from $2`,
    [dueId, reason],
  );
}

/** Of a due that waits, one begins to run it: whoever is told true. Not where another of its line runs. */
export function beginDue(client: Client, dueId: string, by: string): Promise<boolean> {
  return withTransaction(client, async () => {
    // Who begins another due of the line is waited for, and seen.
    await client.query(
      sql`
        select from _dataform.schedule
        where (environment, name) = (select environment, schedule from _dataform.schedule_due where due_id = $1)
        for update`,
      [dueId],
    );
    const { rowCount } = await client.query(
      sql`
        update _dataform.schedule_due as d
        set status = 'running', reason = null, started_at = clock_timestamp(), claimed_by = $2
        where d.due_id = $1 and d.status = 'queued' and not exists (
          select from _dataform.schedule_due as o
          where o.environment = d.environment and o.schedule = d.schedule and o.status = 'running'
        )`,
      [dueId, by],
    );
    return rowCount > 0;
  });
}

/**
 * Goes on with a due that another began, or left: whoever is told true, and with all its steps from then on. Each step would else wait
 * for the one who is gone.
 * @param from whoever had it as it was read; null where it was left
 */
export async function takeDue(client: Client, dueId: string, from: string | null, by: string): Promise<boolean> {
  const { rowCount } = await client.query(
    sql`
      update _dataform.schedule_due set claimed_by = $3
      where due_id = $1 and status = 'running' and claimed_by is not distinct from $2`,
    [dueId, from, by],
  );
  return rowCount > 0;
}

/** Leaves dues that go on to whoever looks next. */
export async function leaveDues(client: Client, environment: string, by: string): Promise<void> {
  await client.query(
    sql`update _dataform.schedule_due set claimed_by = null where environment = $1 and status = 'running' and claimed_by = $2`,
    [environment, by],
  );
}

/** Ends a due once; false where it had ended. */
export async function endDue(
  client: Client,
  dueId: string,
  status: DueStatus,
  reason: string | null,
): Promise<boolean> {
  const { rowCount } = await client.query(
    sql`
      update _dataform.schedule_due
      set status = $2, reason = $3, finished_at = clock_timestamp()
      where due_id = $1 and status = 'running'`,
    [dueId, status, reason],
  );
  if (rowCount > 0) {
    // What is made up for behind it has its turn.
    await client.query(
      sql`
        update _dataform.schedule as s set start_at = clock_timestamp()
        from _dataform.schedule_due as d
        where d.due_id = $1 and s.environment = d.environment and s.name = d.schedule
          and s.next_due < clock_timestamp() and s.start_at > clock_timestamp()`,
      [dueId],
    );
    await tellFollowers(client);
    await client.query(tellEnded);
  }
  return rowCount > 0;
}

/** Makes the row of an attempt: whoever makes it begins it, and nobody else does. Not of a due that has ended. */
export async function claimStep(
  client: Client,
  key: StepKey,
  { command, arguments: words }: ScheduledStep,
): Promise<boolean> {
  const { rowCount } = await client.query(
    sql`
      insert into _dataform.schedule_step (due_id, step_no, attempt, command, arguments, status, host)
      select due_id, $2, $3, $4, array(select jsonb_array_elements_text($5::jsonb)), 'starting', $6
      from _dataform.schedule_due
      where due_id = $1 and status = 'running'
      on conflict do nothing`,
    [...keyOf(key), command, JSON.stringify(words), hostname()],
  );
  return rowCount > 0;
}

/**
 * What the process of a step does first: it takes the lock by which others know that it lives, and says that it is running. False
 * where somebody has given it up, or it runs already: it must do nothing then.
 */
export async function beginStep(client: Client, key: StepKey): Promise<boolean> {
  if (!(await tryLock(client, lockOf(key), "session"))) return false;
  const { rowCount } = await client.query(
    sql`
      update _dataform.schedule_step
      set status = 'running', started_at = clock_timestamp(), host = $4, process_id = $5
      where ${keyIs} and status = 'starting'`,
    [...keyOf(key), hostname(), process.pid],
  );
  return rowCount > 0;
}

/** Takes the lock again, on a connection that took the place of a lost one. False where the step was given up since. */
export async function holdStep(client: Client, key: StepKey): Promise<boolean> {
  if (!(await tryLock(client, lockOf(key), "session"))) return false;
  const { rows } = await client.query<{ status: string }>(
    sql`select status from _dataform.schedule_step where ${keyIs}`,
    keyOf(key),
  );
  return rows[0]?.status === "running";
}

/** What became of an attempt. */
export interface StepEnd {
  readonly status: "success" | "failure" | "timeout" | "lost" | "cancelled";
  readonly exitCode?: number | null;
  readonly signal?: string | null;
  readonly runIds?: readonly string[];
  readonly loadIds?: readonly string[];
  /** What went wrong, causes first. */
  readonly errors?: readonly UserErrorDetails[];
  readonly output?: string;
}

/** Records it, once; false where it was recorded, or given up. */
export async function endStep(client: Client, key: StepKey, end: StepEnd): Promise<boolean> {
  const { rowCount } = await client.query(
    sql`
      update _dataform.schedule_step
      set
        status = $4, finished_at = clock_timestamp(), exit_code = $5, signal = $6,
        run_ids = array(select jsonb_array_elements_text($7::jsonb)::uuid),
        load_ids = array(select jsonb_array_elements_text($8::jsonb)::bigint),
        errors = $9, output = $10
      where ${keyIs} and status in ('starting', 'running')`,
    [
      ...keyOf(key),
      ...[end.status, end.exitCode ?? null, end.signal ?? null],
      ...[JSON.stringify(end.runIds ?? []), JSON.stringify(end.loadIds ?? [])],
      end.errors?.length ? storable(end.errors) : null,
      end.output === undefined ? null : withoutNul(end.output),
    ],
  );
  if (rowCount > 0) await tellFollowers(client);
  return rowCount > 0;
}

/** As JSON that PostgreSQL takes: it has no NUL, and no half of a pair. */
function storable(value: unknown): string {
  return JSON.stringify(value, (_, one) => (typeof one === "string" ? withoutNul(one).toWellFormed() : one));
}

function withoutNul(text: string): string {
  return text.replaceAll("\0", "");
}

/** Of these steps, those whose process holds its lock: it lives, as far as the server knows. */
export async function heldSteps(client: Client, keys: readonly StepKey[]): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ key: string }>(
    sql`
      select key
      from jsonb_array_elements_text($1::jsonb) as key
      where exists (
        select from pg_locks as l
        where l.locktype = 'advisory' and l.granted and l.database = (select oid from pg_database where datname = current_database())
          and (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended('dataform:step:' || key, 0)
      )`,
    [JSON.stringify(keys.map(stepText))],
  );
  return new Set(rows.map(({ key }) => key));
}

function lockOf(key: StepKey): string {
  return `dataform:step:${stepText(key)}`;
}
