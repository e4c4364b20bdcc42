import type pg from "pg";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { literal } from "../sql/literals.ts";
import { join, type Sql, sql } from "../sql/sql.ts";
import { type Client, connect, hangUp } from "./client.ts";
import { connectionLost } from "./sqlstate.ts";

/** A statement that is sent again and again with other values. */
export interface Prepared {
  /** Of up to 63 bytes; two statements of one name are one text. */
  readonly name: string;
  readonly text: string;
}

export interface Question extends Prepared {
  /** As texts, a list for each list. */
  readonly values: readonly (string | null | readonly (string | null)[])[];
}

export type Cells = readonly (readonly (string | null)[])[];

interface PoolOptions {
  readonly applicationName: string;
  /** Connections at most. They are opened when they are needed, and stay. */
  readonly size: number;
  /** Questions that may wait for one. */
  readonly queue: number;
  /** Milliseconds that a question may take in the server. */
  readonly statementTimeout: number;
}

/** There are more questions than connections and places to wait. */
export class PoolIsFull extends Error {}

/** Whoever waits for a connection: gets it and gives it back by settling. */
interface Waiting {
  work(client: Client): Promise<void>;
  fail(error: unknown): void;
}

/**
 * Connections that only read, for many short questions. A connection that was lost is replaced by the next question; what
 * was asked on it is asked once more, since nothing that reads does harm.
 */
export class ReadPool {
  readonly #settings: ConnectionSettings;
  readonly #options: PoolOptions;
  readonly #idle: Client[] = [];
  readonly #waiting: Waiting[] = [];
  readonly #open = new Set<Client>();
  /** Their statements were prepared for what is asked no more. */
  readonly #stale = new WeakSet<Client>();
  #opening = 0;
  #closed = false;

  constructor(settings: ConnectionSettings, options: PoolOptions) {
    this.#settings = settings;
    this.#options = options;
  }

  /**
   * @param question is called when there is a connection for it
   * @throws PoolIsFull; the server's error
   */
  ask(question: () => Question): Promise<Cells> {
    return this.#lent(async ({ driver }) => {
      const { name, text, values } = question();
      const asked = { name, text, values: [...values], rowMode: "array" } as pg.QueryArrayConfig;
      return (await driver.query(asked)).rows as Cells;
    });
  }

  /** A connection for as long as the work takes. Its end is a rollback. */
  use<T>(work: (client: Client) => Promise<T>): Promise<T> {
    return this.#lent(async (client) => {
      try {
        return await work(client);
      } finally {
        await client.query(sql`rollback`).catch(() => {});
      }
    }, false);
  }

  /** No question of before is asked again: statements that were prepared for it are forgotten, connection by connection. */
  forget(): void {
    for (const client of this.#open) this.#stale.add(client);
  }

  /** Its connections, those of them that nobody has, and who waits for one. */
  get load(): { readonly open: number; readonly idle: number; readonly waiting: number } {
    return { open: this.#open.size, idle: this.#idle.length, waiting: this.#waiting.length };
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const waiting of this.#waiting.splice(0)) waiting.fail(new Error("the server is closing"));
    await Promise.all([...this.#open].map((client) => client.close().catch(() => {})));
  }

  #lent<T>(work: (client: Client) => Promise<T>, again = true): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const waiting: Waiting = {
        work: async (client) => {
          try {
            resolve(await work(client));
          } catch (error) {
            if (again && connectionLost(error) && !this.#closed) {
              this.#lent(work, false).then(resolve, reject);
            } else reject(error);
            if (connectionLost(error)) this.#drop(client);
          }
        },
        fail: reject,
      };
      const client = this.#idle.pop();
      if (client) return void this.#give(client, waiting);
      const { queue, size } = this.#options;
      // Those that are not open yet will each take one.
      if (this.#waiting.length >= queue + size - this.#open.size)
        return reject(new PoolIsFull("too many questions wait"));
      this.#waiting.push(waiting);
      if (this.#open.size + this.#opening < size) void this.#openOne();
    });
  }

  async #give(client: Client, waiting: Waiting): Promise<void> {
    if (this.#stale.delete(client)) await forgetPrepared(client).catch(() => this.#drop(client));
    await waiting.work(client);
    if (!this.#open.has(client)) return void (this.#waiting.length && this.#openOne());
    const next = this.#waiting.shift();
    if (next) return void this.#give(client, next);
    this.#idle.push(client);
  }

  #drop(client: Client): void {
    this.#open.delete(client);
    const at = this.#idle.indexOf(client);
    if (at >= 0) this.#idle.splice(at, 1);
    hangUp(client);
  }

  async #openOne(): Promise<void> {
    this.#opening++;
    try {
      const client = await connect(this.#settings, {
        applicationName: this.#options.applicationName,
        duty: "server",
        names: "theirs",
      });
      client.driver.on("end", () => this.#drop(client));
      await client.script(join(this.#session(), ";\n"));
      this.#open.add(client);
      const next = this.#waiting.shift();
      if (next) void this.#give(client, next);
      else this.#idle.push(client);
    } catch (error) {
      // Who waits for a connection of those that are there goes on waiting.
      if (this.#open.size === 0) for (const waiting of this.#waiting.splice(0)) waiting.fail(error);
    } finally {
      this.#opening--;
    }
  }

  /** Nothing is written; times, bytes and floating-point numbers come as everybody reads them. */
  #session(): Sql[] {
    return [
      sql`set default_transaction_read_only = on`,
      sql`select pg_catalog.set_config('statement_timeout', ${literal(`${this.#options.statementTimeout}ms`)}, false)`,
      sql`set datestyle = 'ISO, YMD'`,
      sql`set timezone = 'UTC'`,
      sql`set intervalstyle = 'postgres'`,
      sql`set bytea_output = 'hex'`,
      sql`set extra_float_digits = 1`,
    ];
  }
}

/** The driver knows which statements it has prepared on a connection, and would send no text again. */
async function forgetPrepared(client: Client): Promise<void> {
  await client.query(sql`deallocate all`);
  const { connection } = client.driver as unknown as { readonly connection: { parsedStatements: object } };
  connection.parsedStatements = {};
}
