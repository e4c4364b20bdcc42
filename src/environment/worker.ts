import type { ConnectionSettings } from "../model/connection-settings.ts";
import type { Client, ConnectOptions } from "../postgres/client.ts";
import { connectionLost } from "../postgres/sqlstate.ts";
import { endSessions } from "./orphaned-sessions.ts";
import { reconnect } from "./reconnect.ts";

/** A connection of the builder's, which can be replaced when it is lost. */
export interface Worker {
  readonly client: Client;
  /** Whether a connection of this worker was ever lost. */
  readonly lost: boolean;
  /** Opens another connection, once the session of the lost one has ended: what it did is known only then. */
  renew(): Promise<void>;
  /** Does work that changes nothing; once more on another connection when the first is lost. */
  retry<T>(work: (client: Client) => Promise<T>): Promise<T>;
  /** Leaves nothing of what a step set, made or locked in the session. */
  reset(): Promise<void>;
}

/** How a worker's connections are made. */
export type WorkerOptions = ConnectOptions & { readonly applicationName: string };

/** @param client a connection that was made with these settings and options */
export function workerOn(client: Client, settings: ConnectionSettings, options: WorkerOptions): Worker {
  return new RenewableWorker(client, settings, options);
}

class RenewableWorker implements Worker {
  client: Client;
  lost = false;
  readonly #settings: ConnectionSettings;
  readonly #options: WorkerOptions;

  constructor(client: Client, settings: ConnectionSettings, options: WorkerOptions) {
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
