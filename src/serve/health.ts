import type { FastifyInstance } from "fastify";
import { hasMetadata } from "../environment/layout.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { type Client, hangUp } from "../postgres/client.ts";
import { ReadPool } from "../postgres/read-pool.ts";
import { readNamedRelease } from "../release/store.ts";
import { within } from "../wait/timers.ts";

/** The longest that the database may take, and for so long an answer of it is given again. In milliseconds. */
const PATIENCE = 2_000;
const KEPT = 1_000;

export type Verdict =
  | { readonly ready: true; readonly release?: number }
  | { readonly ready: false; readonly why: string };

/** Whether a server can answer: the database does, and readers have a release. However often it is asked, the database is once a second. */
export class Readiness {
  readonly #pool: ReadPool;
  readonly #environment: string;
  #kept: { readonly at: number; readonly verdict: Promise<Verdict> } | undefined;

  constructor(settings: ConnectionSettings, environment: string) {
    const how = { applicationName: "dataform-ready", size: 1, queue: 1, statementTimeout: PATIENCE };
    this.#pool = new ReadPool(settings, how);
    this.#environment = environment;
  }

  read(): Promise<Verdict> {
    const now = performance.now();
    if (this.#kept && now - this.#kept.at < KEPT) return this.#kept.verdict;
    const verdict = this.#look();
    this.#kept = { at: now, verdict };
    return verdict;
  }

  async #look(): Promise<Verdict> {
    let used: Client | undefined;
    const work = this.#pool.use(async (client) => {
      used = client;
      return (await hasMetadata(client)) ? readNamedRelease(client, this.#environment) : null;
    });
    try {
      const release = await within(PATIENCE, work, () => {
        work.catch(() => {});
        if (used) hangUp(used);
        throw new Error("late");
      });
      return release === null ? { ready: false, why: "nothing is published yet" } : { ready: true, release };
    } catch {
      // Nothing of the database's is said to whoever asks.
      return { ready: false, why: "the database does not answer" };
    }
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}

/** `/healthz`: the process answers; `/readyz`: it can answer what it is asked for. */
export function addHealth(server: FastifyInstance, readiness: Pick<Readiness, "read">): void {
  server.get("/healthz", { config: { kind: "health" } }, async (_, reply) =>
    reply.header("cache-control", "no-store").send({ status: "alive" }),
  );
  server.get("/readyz", { config: { kind: "health" } }, async (_, reply) => {
    const verdict = await readiness.read();
    const { ready, ...more } = verdict;
    return reply
      .code(ready ? 200 : 503)
      .headers({ "cache-control": "no-store", ...(ready ? {} : { "retry-after": "5" }) })
      .send({ status: ready ? "ready" : "not ready", ...more });
  });
}
