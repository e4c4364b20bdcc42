import type { ConnectionSettings } from "../model/connection-settings.ts";
import { id } from "../sql/identifiers.ts";
import { sql } from "../sql/sql.ts";
import { pause } from "../wait/pause.ts";
import { type Client, type ConnectOptions, connect } from "./client.ts";

/**
 * Hears what is notified on a channel, until the connection ends. A notification is a hint: one may be lost with the
 * connection, or never come through a pooler.
 */
export async function listenTo(client: Client, channel: string, hear: () => void): Promise<void> {
  client.driver.on("notification", (heard) => {
    if (heard.channel === channel) hear();
  });
  await client.query(sql`listen ${id(channel)}`);
}

/** Hears a channel on a connection of its own, which is opened again where it is lost: for who looks now and then anyhow. */
export class Hearing {
  readonly #settings: ConnectionSettings;
  readonly #how: ConnectOptions;
  readonly #channel: string;
  #client: Client | undefined;
  #heard = new AbortController();

  constructor(settings: ConnectionSettings, how: ConnectOptions, channel: string) {
    this.#settings = settings;
    this.#how = how;
    this.#channel = channel;
  }

  /** Until something is heard, so many milliseconds at most. What was heard since the last wait ends it at once. */
  async wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    const isNew = !this.#client;
    this.#client ??= await this.#connected().catch(() => undefined);
    // What was notified before that is unheard.
    if (isNew && this.#client) return;
    await pause(milliseconds, AbortSignal.any([signal, this.#heard.signal])).catch(() => {});
    this.#heard = new AbortController();
  }

  async close(): Promise<void> {
    await this.#client?.close().catch(() => {});
  }

  async #connected(): Promise<Client> {
    const client = await connect(this.#settings, this.#how);
    client.driver.once("end", () => {
      this.#client = undefined;
    });
    await listenTo(client, this.#channel, () => this.#heard.abort());
    return client;
  }
}
