import { endSessions } from "../environment/orphaned-sessions.ts";
import { type Worker, workerOn } from "../environment/worker.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { type ConnectOptions, connect, hangUp } from "../postgres/client.ts";

/** A fixed number of connections that work is handed to, one piece at a time each. */
export interface Pool {
  readonly workers: readonly Worker[];
  /** Runs `work` on every connection at once; they are counted from 1. */
  each(work: (worker: Worker, connection: number) => Promise<void>): Promise<void>;
  /** Stops what the connections are doing. */
  cancel(): Promise<void>;
  /** Leaves the connections as they are, where the server does not answer. */
  hangUp(): void;
  close(): Promise<void>;
}

/** How the connections of a pool are made. The signal ends waits for lost ones; what is at work is cancelled by `cancel`. */
type PoolOptions = Pick<ConnectOptions, "signal" | "onWait" | "lockTimeout"> & { readonly applicationName: string };

export async function openPool(settings: ConnectionSettings, size: number, options: PoolOptions): Promise<Pool> {
  const { signal: _, ...rest } = options;
  const how = { ...rest, duty: "builder" } as const;
  const opened = await Promise.allSettled(Array.from({ length: size }, () => connect(settings, how)));
  const clients = opened.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const refused = opened.find((result) => result.status === "rejected");
  // A server with few free connections still runs, on those it gave.
  if (!clients.length && refused) throw refused.reason;
  const workers = clients.map((client) => workerOn(client, settings, { ...options, duty: "builder" }));
  return {
    workers,
    each: async (work) => {
      await Promise.all(workers.map((worker, index) => work(worker, index + 1)));
    },
    cancel: async () => {
      await Promise.allSettled(workers.map(({ client }) => client.cancel()));
    },
    hangUp: () => {
      for (const { client } of workers) hangUp(client);
    },
    close: async () => {
      const lost = workers.some((worker) => worker.lost);
      await Promise.allSettled(workers.map(({ client }) => client.close()));
      // The server may not have noticed yet.
      if (lost) await endSessions(settings, [options.applicationName], options).catch(() => {});
    },
  };
}
