import { hasMetadata } from "../environment/layout.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { type Client, withClient } from "../postgres/client.ts";
import { listenTo } from "../postgres/listen.ts";
import { sql } from "../sql/sql.ts";
import { pause } from "../wait/pause.ts";

/** Between two looks at the record, in milliseconds: as late as a release can be noticed whose notification was lost. */
const EVERY = 1_000;
/** Before a connection that was lost is opened again. */
const AGAIN = 2_000;

/**
 * Tells of each release of an environment that is published, until the signal comes. The record is looked at once a second,
 * on the connection that also hears the notifications, so that a lost one costs a second at most. A lost connection is opened again.
 * @param publish called with the number of the release that readers have now
 */
export async function followPublished(
  settings: ConnectionSettings,
  environment: string,
  { signal, publish, onLost }: Follower,
): Promise<void> {
  let known: string | undefined;
  while (!signal.aborted) {
    try {
      await withClient(settings, { applicationName: "dataform-follow", duty: "publisher", signal }, async (client) => {
        let wake = () => {};
        await listenTo(client, "dataform_release", () => wake());
        for (;;) {
          const now = await published(client, environment);
          if (known !== undefined && now !== known) await publish();
          known = now;
          const heard = new AbortController();
          wake = () => heard.abort();
          await pause(EVERY, AbortSignal.any([signal, heard.signal])).catch(() => signal.throwIfAborted());
        }
      });
    } catch (error) {
      if (signal.aborted) return;
      onLost(error as Error);
      await pause(AGAIN, signal).catch(() => {});
    }
  }
}

interface Follower {
  readonly signal: AbortSignal;
  readonly publish: () => Promise<void>;
  /** Told of each connection that was lost, or could not be opened. */
  readonly onLost: (error: Error) => void;
}

/** What readers have: the release, and the fence of the run that published last. */
async function published(client: Client, environment: string): Promise<string> {
  if (!(await hasMetadata(client))) return "";
  const { rows } = await client.query<{ state: string }>(
    sql`select concat(release_id, '/', fence) as state from _dataform.environment where name = $1`,
    [environment],
  );
  return rows[0]?.state ?? "";
}
