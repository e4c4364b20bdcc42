import { setTimeout as pause } from "node:timers/promises";
import type { ConnectionSettings } from "../model/connection.ts";
import { type Client, connect } from "../postgres/client.ts";

/** One connection of the pool, which can be replaced when it is lost. */
export interface Worker {
  readonly client: Client;
  /** Opens another connection, once the session of the lost one has ended. */
  renew(): Promise<void>;
}

/** A fixed number of connections that work is handed to, one piece at a time each. */
export interface Pool {
  readonly workers: readonly Worker[];
  /** Runs `work` on every connection at once. */
  each(work: (worker: Worker) => Promise<void>): Promise<void>;
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
  const workers = clients.map((client) => new PoolWorker(client, settings, applicationName));
  return {
    workers,
    each: async (work) => {
      await Promise.all(workers.map(work));
    },
    cancel: async () => {
      await Promise.allSettled(workers.map(({ client }) => client.cancel()));
    },
    close: async () => {
      await Promise.allSettled(workers.map(({ client }) => client.close()));
    },
  };
}

class PoolWorker implements Worker {
  client: Client;
  readonly #settings: ConnectionSettings;
  readonly #applicationName: string;

  constructor(client: Client, settings: ConnectionSettings, applicationName: string) {
    this.client = client;
    this.#settings = settings;
    this.#applicationName = applicationName;
  }

  async renew(): Promise<void> {
    const lost = this.client.processId;
    await this.client.close().catch(() => {});
    this.client = await connect(this.#settings, { applicationName: this.#applicationName });
    // A session without a client may go on with its statement; what it made is known once it has ended.
    for (;;) {
      const { rows } = await this.client.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where pid = $1 and application_name = $2",
        [lost, this.#applicationName],
      );
      if (!rows.length) return;
      await pause(20);
    }
  }
}
