import type { ConnectionSettings } from "../model/connection-settings.ts";
import type { Duty } from "../model/roles.ts";
import { type Client, hangUp, withClient } from "../postgres/client.ts";
import { sql } from "../sql/sql.ts";
import { within } from "../wait/timers.ts";
import { type RecordedLoads, type RecordedStorage, readLoads, readStorage } from "./recorded-loads.ts";
import { type NamesOfProject, type RecordedRuns, readLastFence, readRuns } from "./recorded-runs.ts";

export interface SnapshotOptions {
  readonly environment: string;
  /** Who reads the record of runs, and as what. */
  readonly record: Login;
  /** Who reads what landed. */
  readonly landed: Login;
  readonly rawSchemas: readonly string[];
  /** What is of no stream or action of the project any more is left out. */
  readonly project: NamesOfProject;
  /** Told one by one, at most. */
  readonly models: number;
  readonly streams: number;
  /** Told once of a part that cannot be read, until it could. */
  readonly log: (line: string) => void;
}

export interface Login {
  readonly settings: ConnectionSettings;
  readonly duty: Duty;
}

/** What is known of a part: whether it could be read, and what there is of it. */
export interface Part<T> {
  readonly isUp: boolean;
  readonly read?: T | undefined;
}

export interface Snapshot {
  readonly runs: Part<RecordedRuns>;
  readonly loads: Part<RecordedLoads>;
  readonly storage: Part<RecordedStorage>;
}

/** For so long it is given again, in milliseconds: several who ask cost the database what one does. */
const KEPT = 5_000;
/** The same of sizes. */
const SIZES_KEPT = 60_000;
/** In all, for one look: a database that is slow holds nobody up. */
const PATIENCE = 2_000;

/** Looks at the records when somebody asks, and not more often than it has to. */
export class Snapshots {
  readonly #options: SnapshotOptions;
  readonly #told = new Set<string>();
  #kept: { readonly at: number; readonly snapshot: Promise<Snapshot> } | undefined;
  #sizes: { readonly at: number; readonly part: Part<RecordedStorage> } | undefined;
  /** The end of the last run that was told; undefined before the first look. */
  #since: string | null | undefined;

  constructor(options: SnapshotOptions) {
    this.#options = options;
  }

  /** @returns and whether it was read for this call: what began since the last one is told once. */
  async read(): Promise<{ readonly snapshot: Snapshot; readonly isNew: boolean }> {
    const now = performance.now();
    if (this.#kept && now - this.#kept.at < KEPT) return { snapshot: await this.#kept.snapshot, isNew: false };
    const snapshot = this.#look();
    this.#kept = { at: now, snapshot };
    return { snapshot: await snapshot, isNew: true };
  }

  async #look(): Promise<Snapshot> {
    const { record, landed, rawSchemas: schemas, streams, project } = this.#options;
    const [runs, loads, storage] = await Promise.all([
      this.#part("runs", record, (client) => this.#runs(client)),
      this.#part("loads", landed, (client) => readLoads(client, { schemas, streams, project })),
      this.#storage(),
    ]);
    return { runs, loads, storage };
  }

  async #runs(client: Client): Promise<RecordedRuns | undefined> {
    const { environment, models, project } = this.#options;
    this.#since ??= await readLastFence(client, environment);
    const runs = await readRuns(client, environment, { since: this.#since, models, project });
    this.#since = runs?.ended.at(-1)?.fence ?? this.#since;
    return runs;
  }

  async #storage(): Promise<Part<RecordedStorage>> {
    const { landed, rawSchemas } = this.#options;
    const now = performance.now();
    if (this.#sizes && now - this.#sizes.at < SIZES_KEPT) return this.#sizes.part;
    const part = await this.#part("storage", landed, (client) => readStorage(client, rawSchemas));
    this.#sizes = { at: now, part };
    return part;
  }

  async #part<T>(name: string, login: Login, read: (client: Client) => Promise<T | undefined>): Promise<Part<T>> {
    const connected: Client[] = [];
    const limit = new AbortController();
    const how = { applicationName: "dataform-metrics", duty: login.duty, names: "ours", signal: limit.signal } as const;
    const work = withClient(login.settings, how, async (client) => {
      connected.push(client);
      await client.query(sql`select pg_catalog.set_config('statement_timeout', $1, false)`, [`${PATIENCE}ms`]);
      return read(client);
    });
    try {
      const found = await within(PATIENCE, work, () => {
        limit.abort(new Error(`no answer within ${PATIENCE} ms`));
        for (const client of connected) hangUp(client);
        work.catch(() => {});
        throw limit.signal.reason;
      });
      this.#told.delete(name);
      return { isUp: true, read: found };
    } catch (error) {
      if (!this.#told.has(name)) this.#options.log(`metrics: ${name} cannot be read: ${(error as Error).message}`);
      this.#told.add(name);
      return { isUp: false };
    }
  }
}
