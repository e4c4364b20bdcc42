import { rowsOf } from "../catalogue/rows.ts";
import type { RuleSettings, Trouble, Verdict } from "../model/notifying.ts";
import { type Client, withTransactionIf } from "../postgres/client.ts";
import { literal } from "../sql/literals.ts";
import { sql } from "../sql/sql.ts";
import type { Belongings } from "./belongings.ts";
import { changesOf, channelsFor } from "./incidents.ts";
import { MOST_RUNS, readEndedRuns } from "./read-record.ts";
import { verdictsOfRun } from "./verdicts.ts";

/** Who looks for incidents, among those who follow the record. */
const LOOKER = "incidents";

interface Looking {
  readonly environment: string;
  readonly rules: readonly RuleSettings[];
  readonly belongings: Belongings;
  /** What was found out of loads, freshness and schedules at this moment. */
  readonly now: readonly Verdict[];
  /** Whether the project still has what is wrong. */
  readonly isThere: (trouble: Trouble) => boolean;
  /** False: only says what would come of it. */
  readonly really: boolean;
}

export interface Looked {
  readonly opened: readonly Trouble[];
  readonly closed: readonly Trouble[];
  readonly goingOn: readonly Trouble[];
}

/**
 * Looks at what ended since the last look, and keeps what began and what is over, with whom to tell: in one transaction, one process
 * at a time, so that it is found once.
 */
export async function look(client: Client, looking: Looking): Promise<Looked> {
  return withTransactionIf(
    client,
    () => looking.really,
    () => lookWithin(client, looking),
  );
}

async function lookWithin(client: Client, looking: Looking): Promise<Looked> {
  const { environment, belongings, now } = looking;
  await client.query(sql`insert into _dataform.follower (environment, name) values ($1, $2) on conflict do nothing`, [
    environment,
    LOOKER,
  ]);
  const { rows } = await client.query<{ seen: string | null }>(
    sql`select seen_fence as seen from _dataform.follower where environment = $1 and name = $2 for update`,
    [environment, LOOKER],
  );
  const since = rows[0]!.seen;
  let looked: Looked = { opened: [], closed: [], goingOn: [] };
  let seen = since;
  for (let more = true; more; ) {
    const runs = await readEndedRuns(client, environment, seen);
    const all = runs.map((run) => verdictsOfRun(run, belongings));
    // Whoever looks for the first time is not told of what is over already.
    for (const verdicts of since === null ? [all.flat()] : all) looked = await keep(client, looking, verdicts, looked);
    seen = runs.at(-1)?.fence ?? seen ?? "0";
    more = since !== null && runs.length === MOST_RUNS;
  }
  looked = await keep(client, looking, now, looked);
  await client.query(sql`update _dataform.follower set seen_fence = $3::bigint where environment = $1 and name = $2`, [
    environment,
    LOOKER,
    seen,
  ]);
  return looked;
}

/** Keeps what changes by these verdicts. @param before what changed by those before them */
async function keep(
  client: Client,
  { environment, rules, isThere }: Looking,
  verdicts: readonly Verdict[],
  before: Looked,
): Promise<Looked> {
  const { opened, closed, goingOn } = changesOf(await readOpen(client, environment), verdicts, isThere);
  for (const { key, trouble } of opened)
    await open(client, environment, { key, trouble, channels: channelsFor(rules, trouble, false) });
  for (const { key, trouble, isTold } of closed)
    await close(client, environment, key, isTold ? channelsFor(rules, trouble, true) : []);
  const troubles = (all: readonly { readonly trouble: Trouble }[]) => all.map(({ trouble }) => trouble);
  return {
    opened: [...before.opened, ...troubles(opened)],
    closed: [...before.closed, ...troubles(closed)],
    goingOn: troubles(goingOn),
  };
}

function readOpen(client: Client, environment: string) {
  return rowsOf<{ readonly key: string; readonly trouble: Trouble }>(
    client,
    sql`
      select key, content as trouble
      from _dataform.incident
      where environment = ${literal(environment)} and closed_at is null
      order by incident_id`,
  );
}

interface Opened {
  readonly key: string;
  readonly trouble: Trouble;
  readonly channels: readonly string[];
}

async function open(client: Client, environment: string, { key, trouble, channels }: Opened): Promise<void> {
  await client.query(
    sql`
      with opened as (
        insert into _dataform.incident (environment, key, kind, subject, content)
        values ($1, $2, $3, $4, $5::jsonb)
        on conflict (environment, key) where closed_at is null do nothing
        returning incident_id
      )
      insert into _dataform.delivery (incident_id, channel, event, environment, status)
      select incident_id, channel, 'opened', $1, 'waiting'
      from opened
      cross join unnest($6::text[]) as channel`,
    [environment, key, trouble.kind, trouble.subject, JSON.stringify(trouble), channels],
  );
}

/** Told by the channels that were to tell of its beginning, and once. */
async function close(client: Client, environment: string, key: string, channels: readonly string[]): Promise<void> {
  await client.query(
    sql`
      with closed as (
        update _dataform.incident set closed_at = clock_timestamp()
        where environment = $1 and key = $2 and closed_at is null
        returning incident_id
      )
      insert into _dataform.delivery (incident_id, channel, event, environment, status)
      select delivery.incident_id, delivery.channel, 'closed', $1, 'waiting'
      from _dataform.delivery as delivery
      inner join closed
        on closed.incident_id = delivery.incident_id
      where delivery.event = 'opened' and delivery.channel = any($3::text[])
      on conflict do nothing`,
    [environment, key, channels],
  );
}
