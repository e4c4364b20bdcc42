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
 * Tells of each release of an environment that is published, and of each run that ends, until the signal comes. The record is
 * looked at once a second, on the connection that also hears the notifications, so that a lost one costs a second at most. A
 * lost connection is opened again.
 */
export async function followPublished(
  settings: ConnectionSettings,
  environment: string,
  { signal, onChange, onLost }: Follower,
): Promise<void> {
  let known: Recorded | undefined;
  while (!signal.aborted) {
    try {
      await withClient(settings, { applicationName: "dataform-follow", duty: "publisher", signal }, async (client) => {
        let wake = () => {};
        await listenTo(client, "dataform_release", () => wake());
        for (;;) {
          const now = await recorded(client, environment);
          if (known && (now.release !== known.release || now.ended !== known.ended))
            await onChange(now.release !== known.release);
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
  /** @param isPublished whether readers have another release; or else a run ended that published none */
  readonly onChange: (isPublished: boolean) => Promise<void>;
  /** Told of each connection that was lost, or could not be opened. */
  readonly onLost: (error: Error) => void;
}

interface Recorded {
  /** What readers have. */
  readonly release: string | null;
  /** When the last run ended. */
  readonly ended: string | null;
}

async function recorded(client: Client, environment: string): Promise<Recorded> {
  if (!(await hasMetadata(client))) return { release: null, ended: null };
  const { rows } = await client.query<{ release: string | null; ended: string | null }>(
    sql`
      select
        (select release_id from _dataform.environment where name = $1) as release,
        (select max(finished_at) from _dataform.run where environment = $1) as ended`,
    [environment],
  );
  return rows[0]!;
}
