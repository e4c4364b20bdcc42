import { hasMetadata } from "../environment/layout.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { LONGEST_ASKED } from "../notify/channels/post.ts";
import { NotTold } from "../notify/channels/told.ts";
import { isFree } from "../notify/free.ts";
import { type Client, withClient } from "../postgres/client.ts";
import { sql } from "../sql/sql.ts";
import type { Events } from "./events.ts";
import { type RecordedRun, readRecordedRuns } from "./read-runs.ts";
import { type Receiver, type Refused, send, setAside } from "./send.ts";

/** Who tells of runs, among those who follow the record. */
const FOLLOWER = "openlineage";
/** For so long it belongs to whoever claimed it. */
const CLAIM = "5 minutes";
/** Before the first try that follows a failure, and at most between two. In milliseconds. */
const FIRST_WAIT = 5_000;
const LONGEST_WAIT = 15 * 60_000;

interface EmitOptions extends Receiver {
  readonly settings: ConnectionSettings;
  readonly environment: string;
  /** Made where there is something to tell: to read the lineage may take a while. */
  readonly events: () => Promise<Events>;
}

export interface Emitted {
  readonly runs: number;
  readonly events: number;
  /** Events that will never be taken, and are set aside. */
  readonly refused: number;
  /** What the first of them was answered. */
  readonly answer?: string;
  /** Why it did not go on. */
  readonly error?: string;
}

const NOTHING: Emitted = { runs: 0, events: 0, refused: 0 };

/**
 * Tells of runs that ended since the last time, in their order. One that was not taken is told again, with the same ids: whoever gets it twice
 * can tell. An event that will never be taken is set aside, and holds up none behind it.
 */
export async function emitRuns(options: EmitOptions): Promise<Emitted> {
  const { settings, environment } = options;
  const how = { applicationName: "dataform-openlineage", duty: "publisher" } as const;
  return withClient(settings, how, async (client) => {
    if (!(await hasMetadata(client))) return NOTHING;
    const since = await claim(client, environment);
    if (since === undefined) return NOTHING;
    let told = NOTHING;
    try {
      const runs = await readRecordedRuns(client, environment, since.seen);
      const events = runs.length ? await options.events() : undefined;
      for (const run of runs) {
        const all = events!.of(run);
        const refused = await send(options, all);
        await setAside(options, refused);
        await advance(client, environment, run);
        told = more(told, all.length, refused);
      }
    } catch (error) {
      const { message } = error as Error;
      const asked = error instanceof NotTold ? error.retryAfter : undefined;
      await release(client, environment, {
        error: message,
        wait: asked ?? Math.min(FIRST_WAIT * 2 ** Math.min(since.attempts, 20), LONGEST_WAIT),
      });
      return { ...told, error: message };
    }
    await release(client, environment);
    return told;
  });
}

function more(told: Emitted, sent: number, refused: readonly Refused[]): Emitted {
  const answer = told.answer ?? refused[0]?.answer;
  return {
    runs: told.runs + 1,
    events: told.events + sent - refused.length,
    refused: told.refused + refused.length,
    ...(answer === undefined ? {} : { answer }),
  };
}

async function claim(
  client: Client,
  environment: string,
): Promise<{ readonly seen: string | null; readonly attempts: number } | undefined> {
  await client.query(sql`insert into _dataform.follower (environment, name) values ($1, $2) on conflict do nothing`, [
    environment,
    FOLLOWER,
  ]);
  const { rows } = await client.query<{ seen: string | null; attempts: string }>(
    sql`
      update _dataform.follower set claimed_until = clock_timestamp() + $3::interval
      where environment = $1 and name = $2
        and ${isFree(sql`$3::interval`, sql`$4::interval`)}
      returning seen_fence as seen, attempts`,
    [environment, FOLLOWER, CLAIM, `${LONGEST_ASKED} milliseconds`],
  );
  return rows[0] && { seen: rows[0].seen, attempts: Number(rows[0].attempts) };
}

async function advance(client: Client, environment: string, { fence }: RecordedRun): Promise<void> {
  await client.query(
    sql`
      update _dataform.follower set seen_fence = $3::bigint, claimed_until = clock_timestamp() + $4::interval
      where environment = $1 and name = $2`,
    [environment, FOLLOWER, fence, CLAIM],
  );
}

async function release(
  client: Client,
  environment: string,
  failed?: { readonly error: string; readonly wait: number },
): Promise<void> {
  await client.query(
    sql`
      update _dataform.follower
      set claimed_until = null, error = $3, attempts = case when $3::text is null then 0 else attempts + 1 end,
        next_at = clock_timestamp() + $4::interval
      where environment = $1 and name = $2`,
    [environment, FOLLOWER, failed?.error ?? null, `${failed?.wait ?? 0} milliseconds`],
  );
}
