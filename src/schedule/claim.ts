import type { ScheduleLine, SkipReason } from "../model/schedule.ts";
import { type Client, withTransaction } from "../postgres/client.ts";
import { literal } from "../sql/literals.ts";
import { type Sql, sql } from "../sql/sql.ts";
import { blackoutAt, type Decision, decide, type LineState, overlaps } from "./decide.ts";
import { clockOf, type Deciding, milliseconds, tellFollowers } from "./deciding.ts";
import { addDues, moveLines } from "./record-dues.ts";
import { beginLine, takeDeclaration } from "./register-lines.ts";

/** Lines that are decided in one transaction. */
const AT_ONCE = 200;

interface LineRow {
  readonly version: string;
  /** As it was declared last, by whichever scheduler: its rules hold. */
  readonly line: ScheduleLine;
  readonly nextDue: number | null;
  readonly decidedUntil: number;
  readonly isPaused: boolean;
  readonly seen: unknown;
  readonly running: number;
  readonly queued: number;
  readonly catchingUp: number;
}

/** Lines as they are recorded, with how many dues of each go on. What another scheduler holds right now is left to it. */
async function lockLines(client: Client, environment: string, which: Sql): Promise<readonly LineRow[]> {
  const held = await client.query<{ name: string }>(
    sql`
      select name from _dataform.schedule
      where environment = $1 and removed_at is null and ${which}
      order by start_at, name
      limit ${literal(AT_ONCE)}
      for update skip locked`,
    [environment],
  );
  if (!held.rows.length) return [];
  // A statement of its own: it sees what whoever held them before has committed.
  const { rows } = await client.query<{ lines: string }>(
    sql`
      select jsonb_agg(jsonb_build_object(
        'version', s.version,
        'line', s.definition,
        'nextDue', ${milliseconds(sql`s.next_due`)},
        'decidedUntil', ${milliseconds(sql`s.decided_until`)},
        'isPaused', s.paused_at is not null,
        'seen', s.seen,
        'running', o.running,
        'queued', o.queued,
        'catchingUp', o.catching_up
      ) order by s.start_at, s.name) as lines
      from _dataform.schedule as s
      cross join lateral (
        select
          count(*) filter (where d.status = 'running') as running,
          count(*) filter (where d.status = 'queued') as queued,
          count(*) filter (where d.cause = 'catch-up') as catching_up
        from _dataform.schedule_due as d
        where d.environment = $1 and d.schedule = s.name and d.status in ('queued', 'running')
      ) as o
      where s.environment = $1 and s.name = any (array(select jsonb_array_elements_text($2::jsonb)))`,
    [environment, JSON.stringify(held.rows.map(({ name }) => name))],
  );
  return JSON.parse(rows[0]!.lines) as LineRow[];
}

/**
 * Decides what is due: each due becomes a row, and in the same transaction its line moves on. Two who decide at once are one: the
 * line is held by one of them, and the key (line, version, due) is there once.
 * @returns whether more is left to decide
 */
export function decideDues(client: Client, deciding: Deciding): Promise<boolean> {
  return withTransaction(client, async () => {
    // Another scheduler was started later, with another declaration of a line: it decides, and its lines take the place of none of these.
    const own = JSON.stringify(Object.fromEntries([...deciding.lines].map(([name, { version }]) => [name, version])));
    const isOwn = sql`start_at <= clock_timestamp() and version = ${literal(own)}::jsonb ->> name`;
    const rows = await lockLines(client, deciding.environment, isOwn);
    if (!rows.length) return false;
    const now = await clockOf(client);
    const decided = rows.map((row) => ({ line: row.line, decision: decide(stateOf(row), now) }));
    await record(client, deciding, decided);
    await tellFollowers(client);
    return decided.some(({ decision: { startAt } }) => startAt !== null && startAt <= now) || rows.length === AT_ONCE;
  });
}

function stateOf({ line, nextDue, decidedUntil, isPaused, running, queued, catchingUp }: LineRow): LineState {
  return {
    line,
    nextDue: nextDue === null ? null : new Date(nextDue),
    decidedUntil: new Date(decidedUntil),
    isPaused,
    open: { running, queued, catchingUp },
  };
}

interface Decided {
  readonly line: ScheduleLine;
  readonly decision: Decision;
}

/** However many lines they are, two statements. */
async function record(client: Client, deciding: Deciding, decided: readonly Decided[]): Promise<void> {
  const dues = decided.map(({ line, decision: { skips, claims } }) => ({
    line,
    dues: [...skips.map((skip) => ({ ...skip, cause: "clock" as const })), ...claims],
  }));
  if (dues.some((one) => one.dues.length)) await addDues(client, deciding, dues);
  await moveLines(
    client,
    deciding.environment,
    decided.map(({ line, decision }) => ({ name: line.name, to: decision })),
  );
}

/** What a line that follows loads or files has seen, and what came since. Undefined: nothing. */
export type LookForMore = (seen: unknown) => Promise<{ readonly seen: unknown; readonly came: unknown } | undefined>;

/**
 * Looks whether something came for a line that follows loads or files. What came and what is seen are recorded together: it starts
 * nothing twice. Several that came since the last look are one due. What is there at the first look is no arrival.
 */
export async function claimArrival(
  client: Client,
  deciding: Deciding,
  { name, version }: ScheduleLine,
  look: LookForMore,
): Promise<void> {
  await withTransaction(client, async () => {
    const [row] = await lockLines(client, deciding.environment, sql`name = ${literal(name)}`);
    if (row?.version !== version) return;
    const { line } = row;
    const found = await look(row.seen);
    if (!found) return;
    const now = await clockOf(client);
    const due = new Date(Math.max(now.getTime(), row.decidedUntil + 1));
    const { kind } = line.trigger;
    if (row.seen !== null && found.came !== undefined && line.enabled && kind !== "clock") {
      const reason = whyNot(stateOf(row), due);
      const arrived = { due, cause: kind, causedBy: found.came, ...(reason === undefined ? {} : { reason }) };
      await addDues(client, deciding, [{ line, dues: [arrived] }]);
      const to = { nextDue: null, startAt: null, decidedUntil: due };
      await moveLines(client, deciding.environment, [{ name, to }]);
    }
    await client.query(sql`update _dataform.schedule set seen = $3::jsonb where environment = $1 and name = $2`, [
      deciding.environment,
      name,
      JSON.stringify(found.seen),
    ]);
    await tellFollowers(client);
  });
}

/** Why what came does not run; undefined: it does. */
function whyNot({ line, isPaused, open }: LineState, due: Date): SkipReason | undefined {
  if (isPaused) return "paused";
  if (blackoutAt(line, due)) return "blackout";
  return overlaps(line, open) ? "overlap" : undefined;
}

/** One line, as whoever held it has left it. */
async function waitForLine(client: Client, environment: string, name: string): Promise<LineRow | undefined> {
  await client.query(sql`select from _dataform.schedule where environment = $1 and name = $2 for update`, [
    environment,
    name,
  ]);
  const [row] = await lockLines(client, environment, sql`name = ${literal(name)}`);
  return row;
}

/**
 * Adds a due that a person asked for; undefined where one goes on, and this one has no place beside it. It moves nothing of the line,
 * which may be declared otherwise where schedulers run it, or not at all.
 * @returns its number
 */
export function claimByHand(client: Client, deciding: Deciding, line: ScheduleLine): Promise<string | undefined> {
  const { environment } = deciding;
  return withTransaction(client, async () => {
    // One at a time, also of a line that has no row.
    await takeDeclaration(client, environment);
    await waitForLine(client, environment, line.name);
    const open = await client.query(
      sql`select from _dataform.schedule_due where environment = $1 and schedule = $2 and status in ('queued', 'running') limit 1`,
      [environment, line.name],
    );
    if (open.rowCount > 0) return undefined;
    for (let due = await clockOf(client); ; due = new Date(due.getTime() + 1)) {
      const [dueId] = await addDues(client, deciding, [{ line, dues: [{ due, cause: "hand" }] }]);
      if (dueId !== undefined) return dueId;
    }
  });
}

/**
 * Pauses a line, or lets it go on: as it is recorded, whatever is declared here. What was due before it was paused and has its row runs;
 * going on records the dues that came in between as skipped: none of them is made up for.
 * @param line as it is declared here, for one that no scheduler has recorded
 * @param by who paused it; undefined: it goes on
 * @returns false where it was so already
 */
export function pauseLine(
  client: Client,
  deciding: Deciding,
  line: ScheduleLine,
  by: string | undefined,
): Promise<boolean> {
  const { environment } = deciding;
  const { name } = line;
  return withTransaction(client, async () => {
    await takeDeclaration(client, environment);
    if (by !== undefined) await beginLine(client, environment, line);
    const row = await waitForLine(client, environment, name);
    if (!row || row.isPaused === (by !== undefined)) return false;
    // What was due before is told by what was then.
    for (let more = true; more; ) {
      const [found] = await lockLines(client, environment, sql`name = ${literal(name)}`);
      const now = await clockOf(client);
      const decision = decide(stateOf(found!), now);
      await record(client, deciding, [{ line: found!.line, decision }]);
      more = decision.startAt !== null && decision.startAt <= now;
    }
    await client.query(
      sql`
        update _dataform.schedule
        set paused_by = $3, paused_at = case when $3::text is not null then clock_timestamp() end
        where environment = $1 and name = $2`,
      [environment, name, by ?? null],
    );
    await tellFollowers(client);
    return true;
  });
}
