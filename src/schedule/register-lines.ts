import type { ScheduleLine } from "../model/schedule.ts";
import { takeLock } from "../postgres/advisory-lock.ts";
import { type Client, withTransaction } from "../postgres/client.ts";
import { sql } from "../sql/sql.ts";
import { type Foreseen, firstDue, leftBehind, type Upcoming } from "./decide.ts";
import { clockOf, type Deciding, milliseconds, momentOf, tellFollowers } from "./deciding.ts";
import { addDues } from "./record-dues.ts";

/**
 * Records the lines as they are declared now. A new one, and one whose time is another, is due first after now: nothing is made up
 * for. What is as it was goes on where it was, also after days. What is no longer declared has no dues.
 * @param foreseen dues that somebody has computed, by the names of the lines
 * @returns what tells this declaration from others
 */
export async function registerLines(
  client: Client,
  deciding: Deciding,
  foreseen: ReadonlyMap<string, Foreseen> = new Map(),
): Promise<string> {
  return await withTransaction(client, async () => {
    const { environment, lines } = deciding;
    await takeDeclaration(client, environment);
    const now = await clockOf(client);
    const before = await recorded(client, environment);
    const [same, others] = [[] as ScheduleLine[], [] as ScheduleLine[]];
    for (const line of lines.values()) {
      const known = before.get(line.name);
      const goesOn = known && known.version === line.version && known.isEnabled === line.enabled && !known.isRemoved;
      (goesOn ? same : others).push(line);
    }
    const kept = new Set(same.map(({ name }) => name));
    const gone = [...before].flatMap(([name, line]) => (kept.has(name) ? [] : [line]));
    await recordLeft(client, deciding, gone, now);
    await keepLines(client, environment, same);
    await beginLines(
      client,
      environment,
      others.map((line) => ({ line, first: firstDue(line, before.get(line.name), now, foreseen.get(line.name)) })),
    );
    await client.query(
      sql`
        update _dataform.schedule
        set removed_at = clock_timestamp(), next_due = null, start_at = null, seen = null
        where environment = $1 and removed_at is null and not name = any (array(select jsonb_array_elements_text($2::jsonb)))`,
      [environment, JSON.stringify([...lines.keys()])],
    );
    await tellFollowers(client);
    const { rows } = await client.query<{ declared: string }>(sql`select ${declarationOf} as declared`, [environment]);
    return rows[0]!.declared;
  });
}

/** Of the lines that are declared in the environment `$1`, what tells them from others. */
export const declarationOf = sql`(
  select md5(coalesce(string_agg(definition::text, ' ' order by name), ''))
  from _dataform.schedule
  where environment = $1 and removed_at is null
)`;

/**
 * One at a time, the later one last: its declaration is the one that is decided by. A lock of the table would be one too many beside
 * those of its rows.
 */
export function takeDeclaration(client: Client, environment: string): Promise<void> {
  return takeLock(client, `dataform:schedules:${environment}`, {
    reach: "transaction",
    deadline: 60_000,
    taken: "another scheduler records its lines",
    hint: "try again when it has ended, or end it",
  });
}

/** Records one line where none of its name is declared: no other is touched. */
export async function beginLine(client: Client, environment: string, line: ScheduleLine): Promise<void> {
  const known = (await recorded(client, environment)).get(line.name);
  if (known && !known.isRemoved) return;
  await beginLines(client, environment, [{ line, first: firstDue(line, known, await clockOf(client)) }]);
}

/** Of each line that was due by now, and is due at other times or not at all from now on: none goes without a row. */
async function recordLeft(client: Client, deciding: Deciding, gone: readonly Before[], now: Date): Promise<void> {
  const left = gone.flatMap((before) => {
    if (before.isRemoved) return [];
    const skips = leftBehind({ ...before, line: before.definition }, now);
    return skips.length
      ? [{ line: before.definition, dues: skips.map((skip) => ({ ...skip, cause: "clock" as const })) }]
      : [];
  });
  if (left.length) await addDues(client, deciding, left);
}

/** Those that go on where they were, with other steps or other rules: those say anew when they begin. */
async function keepLines(client: Client, environment: string, lines: readonly ScheduleLine[]): Promise<void> {
  await client.query(
    sql`
      update _dataform.schedule as s
      set definition = d.definition, start_at = case when s.next_due is not null then least(s.start_at, greatest(s.next_due, clock_timestamp())) end
      from jsonb_array_elements($2::jsonb) as d(definition)
      where s.environment = $1 and s.name = d.definition ->> 'name' and s.definition <> d.definition`,
    [environment, JSON.stringify(lines)],
  );
}

interface BegunLine {
  readonly line: ScheduleLine;
  readonly first: Upcoming;
}

/** Those that are new, or due at other times: they have seen nothing yet. */
async function beginLines(client: Client, environment: string, lines: readonly BegunLine[]): Promise<void> {
  await client.query(
    sql`
      insert into _dataform.schedule (environment, name, version, definition, next_due, start_at, decided_until)
      select
        $1, d.definition ->> 'name', d.definition ->> 'version', d.definition,
        ${momentOf(sql`d.next_due`)}, ${momentOf(sql`d.start_at`)}, ${momentOf(sql`d.decided_until`)}
      from jsonb_to_recordset($2::jsonb) as d(definition jsonb, next_due numeric, start_at numeric, decided_until numeric)
      order by 2
      on conflict (environment, name) do update
      set version = excluded.version, definition = excluded.definition, removed_at = null,
        next_due = excluded.next_due, start_at = excluded.start_at, decided_until = excluded.decided_until,
        seen = null, registered_at = clock_timestamp()`,
    [
      environment,
      JSON.stringify(
        lines.map(({ line, first: { nextDue, startAt, decidedUntil } }) => ({
          definition: line,
          next_due: nextDue?.getTime(),
          start_at: startAt?.getTime(),
          decided_until: decidedUntil.getTime(),
        })),
      ),
    ],
  );
}

interface Before {
  readonly version: string;
  readonly definition: ScheduleLine;
  readonly nextDue: Date | null;
  readonly decidedUntil: Date;
  readonly isEnabled: boolean;
  readonly isRemoved: boolean;
}

/** As whoever decides by them right now has left them. */
async function recorded(client: Client, environment: string): Promise<ReadonlyMap<string, Before>> {
  const { rows } = await client.query<
    Record<"name" | "version" | "definition" | "decided" | "removed", string> & { next: string | null }
  >(
    sql`
      select name, version, definition::text, ${milliseconds(sql`next_due`)} as next, ${milliseconds(sql`decided_until`)} as decided,
        removed_at is not null as removed
      from _dataform.schedule
      where environment = $1
      order by name
      for update`,
    [environment],
  );
  return new Map(
    rows.map(({ name, version, definition: text, next, decided, removed }) => {
      const definition = JSON.parse(text) as ScheduleLine;
      const nextDue = next === null ? null : new Date(Number(next));
      const rest = { isEnabled: definition.enabled, isRemoved: removed === "t" };
      return [name, { version, definition, nextDue, decidedUntil: new Date(Number(decided)), ...rest }];
    }),
  );
}
