import type { ConnectionSettings } from "../model/connection.ts";
import { type Client, connect } from "../postgres/client.ts";

/** A fixed number of connections that work is handed to, one piece at a time each. */
export interface Pool {
  readonly clients: readonly Client[];
  /** Runs `work` on every connection at once. */
  each<T>(work: (client: Client) => Promise<T>): Promise<T[]>;
  /** Stops what the connections are doing. */
  cancel(): Promise<void>;
  close(): Promise<void>;
}

export async function openPool(settings: ConnectionSettings, size: number, applicationName: string): Promise<Pool> {
  const opened = await Promise.allSettled(Array.from({ length: size }, () => connect(settings, { applicationName })));
  const clients = opened.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const refused = opened.find((result) => result.status === "rejected");
  // A server with few free connections still runs, on those it gave.
  if (!clients.length && refused) throw refused.reason;
  return {
    clients,
    each: (work) => Promise.all(clients.map(work)),
    cancel: async () => {
      await Promise.allSettled(clients.map((client) => client.cancel()));
    },
    close: async () => {
      await Promise.allSettled(clients.map((client) => client.close()));
    },
  };
}
