import { keysMark } from "../environment/api-keys.ts";
import { hasMetadata } from "../environment/layout.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { type Client, hangUp, withClient } from "../postgres/client.ts";
import { listenTo } from "../postgres/listen.ts";
import { sql } from "../sql/sql.ts";
import { pause } from "../wait/pause.ts";
import { within } from "../wait/timers.ts";

/** Between two looks at the record, in milliseconds: as late as a release can be noticed whose notification was lost. */
export const LOOK_EVERY = 1_000;
/** The longest that a look may take: a connection that says nothing may hear nothing either. */
const PATIENCE = 1_000;
/** Before a connection that was lost is opened again. */
const AGAIN = 2_000;

/** What an environment's record says. */
export interface Recorded {
  /** What readers have; null before the first. */
  readonly release: string | null;
  /** The fence of the last run that ended. */
  readonly ended: string | null;
  /** Another one where keys for `dataform serve` were made, revoked or changed. */
  readonly keys: string | null;
}

interface Watcher {
  /** Who looks. */
  readonly duty: "publisher" | "server";
  readonly signal: AbortSignal;
  /**
   * Told of each look, the first of each connection included, of when it was begun, as `performance.now()` has it, and with
   * which connection. What it throws is as a lost connection.
   */
  readonly onLook: (recorded: Recorded, begun: number, client: Client) => void | Promise<void>;
  /** Told why the record cannot be looked at: once for each reason, until it can. */
  readonly onLost: (error: Error) => void;
  /** Told that it can again. */
  readonly onFound: () => void;
}

/**
 * Looks at the record of an environment until the signal comes: once a second, and at once when a release is notified. It listens
 * first and looks then, on one connection, so that a lost notification costs a second at most, and a connection that no
 * longer answers is known to be one. A lost connection is opened again.
 */
export async function watchRecord(settings: ConnectionSettings, environment: string, watcher: Watcher): Promise<void> {
  const { signal, duty, onLook, onLost, onFound } = watcher;
  let lost: string | undefined;
  while (!signal.aborted) {
    try {
      const how = { applicationName: "dataform-follow", duty, signal } as const;
      await withClient(settings, how, async (client) => {
        let wake = () => {};
        await listenTo(client, "dataform_release", () => wake());
        for (;;) {
          const heard = new AbortController();
          // Heard while it looks: it looks again.
          wake = () => heard.abort();
          const begun = performance.now();
          const looked = await within(PATIENCE, recordedOf(client, environment), () => {
            hangUp(client);
            throw new Error(`no answer within ${PATIENCE} ms`);
          });
          await onLook(looked, begun, client);
          if (lost !== undefined) onFound();
          lost = undefined;
          await pause(LOOK_EVERY, AbortSignal.any([signal, heard.signal])).catch(() => signal.throwIfAborted());
        }
      });
    } catch (error) {
      if (signal.aborted) return;
      const { message } = error as Error;
      if (message !== lost) onLost(error as Error);
      lost = message;
      await pause(AGAIN, signal).catch(() => {});
    }
  }
}

interface Follower extends Pick<Watcher, "signal" | "onLost" | "onFound"> {
  /** @param isPublished whether readers have another release; or else a run ended that published none */
  readonly onChange: (isPublished: boolean) => Promise<void>;
}

/** Tells of each release of an environment that is published, and of each run that ends, until the signal comes. */
export async function followPublished(
  settings: ConnectionSettings,
  environment: string,
  { signal, onChange, ...tell }: Follower,
): Promise<void> {
  let known: Recorded | undefined;
  const onLook = async (now: Recorded) => {
    const isPublished = known !== undefined && now.release !== known.release;
    const hasChanged = isPublished || (known !== undefined && now.ended !== known.ended);
    known = now;
    if (hasChanged) await onChange(isPublished);
  };
  await watchRecord(settings, environment, { signal, duty: "publisher", onLook, ...tell });
}

async function recordedOf(client: Client, environment: string): Promise<Recorded> {
  if (!(await hasMetadata(client))) return { release: null, ended: null, keys: null };
  const { rows } = await client.query<{ release: string | null; ended: string | null; keys: string }>(
    sql`
      select
        (select release_id from _dataform.environment where name = $1) as release,
        (select max(fence) from _dataform.run where environment = $1 and finished_at is not null) as ended,
        (${keysMark}) as keys`,
    [environment],
  );
  return rows[0]!;
}
