import type { ConnectionSettings } from "../model/connection-settings.ts";
import { type Client, type ConnectOptions, connect } from "../postgres/client.ts";
import { until } from "../wait/until.ts";

/** Milliseconds in which a server that restarts is there again. */
const PATIENCE = 60_000;

/** The server may be restarting: tries for a minute. */
export async function reconnect(settings: ConnectionSettings, options: ConnectOptions): Promise<Client> {
  let wait = 25;
  let failure: unknown;
  const client = await until({
    look: async () => {
      try {
        return await connect(settings, { duty: "publisher", ...options });
      } catch (error) {
        failure = error;
        return undefined;
      }
    },
    every: () => {
      wait = Math.min(wait * 2, 2_000);
      return wait;
    },
    deadline: PATIENCE,
    signal: options.signal,
    describe: () => `for PostgreSQL, ${(failure as Error).message}`,
    tell: options.onWait,
  });
  if (!client) throw failure;
  return client;
}
