import { endSessions } from "../environment/orphaned-sessions.ts";
import { reconnect } from "../environment/reconnect.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { type Client, type ConnectOptions, connect, hangUp } from "../postgres/client.ts";
import { connectionLost } from "../postgres/sqlstate.ts";

/** One connection of the pool, which can be replaced when it is lost. */
export interface Worker {
  readonly client: Client;
  /** Opens another connection, once the session of the lost one has ended. */
  renew(): Promise<void>;
  /** Does work that changes nothing; once more on another connection when the first is lost. */
  retry<T>(work: (client: Client) => Promise<T>): Promise<T>;
  /** Leaves nothing of what a step set, made or locked in the session. */
  reset(): Promise<void>;
}

/** A fixed number of connections that work is handed to, one piece at a time each. */
export interface Pool {
  readonly workers: readonly Worker[];
  /** Runs `work` on every connection at once. */
  each(work: (worker: Worker) => Promise<void>): Promise<void>;
  /** Stops what the connections are doing. */
  cancel(): Promise<void>;
  /** Leaves the connections as they are, where the server does not answer. */
  hangUp(): void;
  close(): Promise<void>;
}

/** How the connections of a pool are made. The signal ends waits for lost ones; what is at work is cancelled by `cancel`. */
type PoolOptions = Pick<ConnectOptions, "applicationName" | "signal" | "onWait"> & { readonly applicationName: string };

export async function openPool(settings: ConnectionSettings, size: number, options: PoolOptions): Promise<Pool> {
  const { applicationName, onWait } = options;
  const how = { applicationName, onWait, duty: "builder" } as const;
  const opened = await Promise.allSettled(Array.from({ length: size }, () => connect(settings, how)));
  const clients = opened.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const refused = opened.find((result) => result.status === "rejected");
  // A server with few free connections still runs, on those it gave.
  if (!clients.length && refused) throw refused.reason;
  const workers = clients.map((client) => new PoolWorker(client, settings, { ...options, duty: "builder" }));
  return {
    workers,
    each: async (work) => {
      await Promise.all(workers.map(work));
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

class PoolWorker implements Worker {
  client: Client;
  /** Whether a connection of this worker was ever lost. */
  lost = false;
  readonly #settings: ConnectionSettings;
  readonly #options: PoolOptions & ConnectOptions;

  constructor(client: Client, settings: ConnectionSettings, options: PoolOptions & ConnectOptions) {
    this.client = client;
    this.#settings = settings;
    this.#options = options;
    this.#watch();
  }

  #watch(): void {
    this.client.driver.on("error", () => {
      this.lost = true;
    });
  }

  async reset(): Promise<void> {
    // Where that fails the session is not what it should be: the next step has another one.
    await this.client.reset().catch(() => this.client.close().catch(() => {}));
  }

  async retry<T>(work: (client: Client) => Promise<T>): Promise<T> {
    try {
      return await work(this.client);
    } catch (error) {
      if (!connectionLost(error)) throw error;
      await this.renew();
      return work(this.client);
    }
  }

  async renew(): Promise<void> {
    const processId = this.client.processId;
    const { applicationName, signal, onWait } = this.#options;
    await this.client.close().catch(() => {});
    // First of all, since the server may be restarting.
    this.client = await reconnect(this.#settings, this.#options);
    await endSessions(this.#settings, [applicationName], { processId, signal, onWait });
    this.#watch();
  }
}
