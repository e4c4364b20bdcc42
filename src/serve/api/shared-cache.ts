import type { RedisClientType } from "redis";
import { importOptional } from "../../config/optional-package.ts";
import { within } from "../../wait/timers.ts";
import type { Cursors } from "./cursor.ts";

/** What several servers keep together. Whatever happens to it, an answer is not later for it than by `PATIENCE`. */
export interface SharedCache {
  get(key: string): Promise<Buffer | undefined>;
  set(key: string, value: Buffer): void;
  close(): Promise<void>;
}

/** The longest that one command is waited for, in milliseconds. */
const PATIENCE = 20;
/** So many that fail one after the other, and none is sent for a while; then one, which says whether it is over. */
const MOST_FAILURES = 5;
const OPEN_FOR = 5_000;
/** How long a value is kept there, in seconds: its key has the release, so that it is never wrong, only of no use any more. */
const KEPT_FOR = 3_600;
/** Larger ones are not sent: they would keep the others waiting. */
const MOST_BYTES = 512 * 1024;

export interface RedisOptions {
  /** `redis://…`, `rediss://…` */
  readonly url: string;
  readonly projectDir: string;
  /** Makes the names of this database's values: another database has others. */
  readonly names: Cursors;
  /** Told when it is not used any more, and when it is again. */
  readonly tell: (what: string) => void;
}

/**
 * A Redis beside the server. Nothing is queued while it is not connected; one that is slow, full or gone is passed by.
 * @throws UserError where package `redis` is not installed
 */
export async function openRedis({ url, projectDir, names, tell }: RedisOptions): Promise<SharedCache> {
  const { createClient, RESP_TYPES } = await importOptional<typeof import("redis")>(
    "redis",
    projectDir,
    "a shared cache",
  );
  const client = createClient({
    url,
    disableOfflineQueue: true,
    commandsQueueMaxLength: 1_000,
    socket: { connectTimeout: 2_000, reconnectStrategy: (tries: number) => Math.min(100 * 2 ** tries, 5_000) },
  }).withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }) as unknown as RedisClientType;
  const breaker = new Breaker(tell);
  // Without a listener an error would end the process.
  client.on("error", (error: Error) => breaker.failed(error));
  // It may be there later.
  client.connect().catch((error: Error) => breaker.failed(error));
  const named = (key: string) => `dataform:${names.name(key)}`;
  return {
    async get(key) {
      if (!client.isReady || !breaker.lets()) return undefined;
      try {
        const asked = client.get(named(key)) as unknown as Promise<Buffer | null>;
        const value = await within(PATIENCE, asked, () => Promise.reject(new Error(`no answer within ${PATIENCE} ms`)));
        breaker.succeeded();
        return value ?? undefined;
      } catch (error) {
        breaker.failed(error as Error);
        return undefined;
      }
    },
    set(key, value) {
      if (value.length > MOST_BYTES || !client.isReady || !breaker.isClosed) return;
      // One that is full refuses it: that is nobody's failure.
      client.set(named(key), value, { expiration: { type: "EX", value: KEPT_FOR } }).catch(() => {});
    },
    async close() {
      client.destroy();
    },
  };
}

/** Keeps commands from what fails again and again. */
class Breaker {
  readonly #tell: (what: string) => void;
  #failures = 0;
  #openUntil = 0;

  constructor(tell: (what: string) => void) {
    this.#tell = tell;
  }

  get isClosed(): boolean {
    return this.#failures < MOST_FAILURES;
  }

  /** Whether a command may be sent: of those that come when its time is up, the first. */
  lets(): boolean {
    if (this.isClosed) return true;
    const now = performance.now();
    if (now < this.#openUntil) return false;
    this.#openUntil = now + OPEN_FOR;
    return true;
  }

  failed({ message }: Error): void {
    this.#failures++;
    if (this.#failures === MOST_FAILURES) {
      this.#openUntil = performance.now() + OPEN_FOR;
      this.#tell(`Redis is passed by: ${message || "it does not answer"}`);
    }
  }

  succeeded(): void {
    if (!this.isClosed) this.#tell("Redis is used again");
    this.#failures = 0;
  }
}
