import type { DeclaredEndpoint } from "../../model/api.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import type { UserError } from "../../model/errors.ts";
import type { Api } from "../../model/graph.ts";
import { targetKey } from "../../model/target.ts";
import { type Client, hangUp } from "../../postgres/client.ts";
import { ReadPool } from "../../postgres/read-pool.ts";
import { readKeptRelease, readNamedRelease } from "../../release/store.ts";
import { sql } from "../../sql/sql.ts";
import { after } from "../../wait/timers.ts";
import { type Answer, Answers, type Asked } from "./answers.ts";
import type { Cursors } from "./cursor.ts";
import { openApiDocument, type SignIn } from "./openapi.ts";
import { describeOutside } from "./outside.ts";
import type { PageFrom } from "./page.ts";
import { ParameterReader, type Read } from "./parameters.ts";
import { gone, notPublished, notThere, Problem } from "./problem.ts";
import { PageReader } from "./reader.ts";
import { Releases } from "./releases.ts";
import type { Repeat } from "./repeats.ts";
import type { SharedCache } from "./shared-cache.ts";
import { sourceIn, sourceOutside } from "./sources.ts";
import type { Source } from "./statements.ts";
import { type StreamFormat, streamOf } from "./streams.ts";

export interface ReadApiOptions {
  readonly settings: ConnectionSettings;
  readonly environment: string;
  readonly apis: readonly Api[];
  /** What the project says of the columns of a relation, by its `schema.name`. */
  readonly meanings: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** What the endpoints are called together. */
  readonly title: string;
  readonly cursors: Cursors;
  /** Connections for pages, and for streams of all rows. */
  readonly connections: number;
  readonly streams: number;
  /** Requests that may wait for a connection. */
  readonly queue: number;
  /** Bytes of answers that are kept. */
  readonly cacheBytes: number;
  /** What several servers keep together. */
  readonly shared?: SharedCache | undefined;
  /** Milliseconds that a page, and a stream, may take in the server. */
  readonly pageTimeout: number;
  readonly streamTimeout: number;
  /** Milliseconds for whoever asked to take a piece of a stream. */
  readonly idleTime: number;
  /** Told of each page where it came from. */
  readonly onPage: (from: PageFrom) => void;
}

/** All rows of an endpoint, before the first of them is sent. */
export interface Rows {
  readonly release: number | null;
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Comes when it has taken as long as it may, also where whoever asked takes it slowly. */
  readonly late: AbortSignal;
  /** Milliseconds for whoever asked to take a piece. */
  readonly patience: number;
}

/** What answers for the endpoints of a project, whoever asks and however. */
export class ReadApi {
  readonly endpoints: readonly DeclaredEndpoint[];
  readonly releases: Releases;
  readonly #options: ReadApiOptions;
  readonly #pages: ReadPool;
  readonly #streams: ReadPool;
  readonly #answers: Answers;
  readonly #outside = new Map<DeclaredEndpoint, Source>();
  readonly #readers = new WeakMap<Source["types"], ParameterReader>();

  constructor(options: ReadApiOptions) {
    const { settings, environment, connections, streams, queue, pageTimeout, streamTimeout } = options;
    this.#options = options;
    this.endpoints = options.apis.flatMap(({ endpoints: own }) => own);
    const of = { applicationName: "dataform-serve", queue };
    this.#pages = new ReadPool(settings, { ...of, size: connections, statementTimeout: pageTimeout });
    this.#streams = new ReadPool(settings, { ...of, size: streams, statementTimeout: streamTimeout });
    this.releases = new Releases(this.#pages, environment);
    this.#answers = new Answers({
      releases: this.releases,
      reader: new PageReader(this.#pages, environment),
      cursors: options.cursors,
      outside: (endpoint) => this.#outside.get(endpoint),
      cacheBytes: options.cacheBytes,
      shared: options.shared,
      onPage: options.onPage,
    });
  }

  /** What it holds at this moment. */
  get load() {
    const [pages, streams] = [this.#pages.load, this.#streams.load];
    return {
      connections: [
        { for: "pages", open: pages.open, idle: pages.idle },
        { for: "streams", open: streams.open, idle: streams.idle },
      ],
      waiting: pages.waiting + streams.waiting,
      cacheBytes: this.#answers.bytes,
    };
  }

  /** Those that it gives out and reads. */
  get cursors(): Cursors {
    return this.#options.cursors;
  }

  /** Readers have another release: nothing of before is kept. */
  async renew(): Promise<void> {
    this.#answers.forget();
    await this.describe();
  }

  /**
   * Looks for the relations that are in no release, and at what each endpoint may be asked. Those that are not there yet are looked for
   * again with the next release.
   * @throws UserError for one whose rows have no name, and for a default that its column refuses
   */
  async describe(): Promise<void> {
    for (const endpoint of this.endpoints.filter(({ released }) => !released)) {
      const columns = await this.#pages.use((client) => describeOutside(client, endpoint));
      if (columns) this.#outside.set(endpoint, sourceOutside(endpoint, columns));
      else this.#outside.delete(endpoint);
    }
    for (const endpoint of this.endpoints) {
      const source = await this.source(endpoint).catch(() => undefined);
      if (source) this.#reader(endpoint, source);
    }
  }

  /** What an endpoint answers now: its columns with their types. */
  async source(endpoint: DeclaredEndpoint): Promise<Source> {
    if (!endpoint.released) {
      const source = this.#outside.get(endpoint);
      if (source) return source;
      throw notThere();
    }
    return this.#answers.source(endpoint);
  }

  /**
   * OpenAPI of what is answered now.
   * @param signIn how those who ask for what is not public say who they are; undefined where nobody has to
   */
  async document(signIn: SignIn | undefined): Promise<unknown> {
    const { title, apis, meanings } = this.#options;
    const sources = new Map<DeclaredEndpoint, Source>();
    for (const endpoint of this.endpoints) {
      const source = await this.source(endpoint).catch(() => undefined);
      if (source) sources.set(endpoint, source);
    }
    const version = String(await this.releases.current(false));
    return openApiDocument({
      title,
      version,
      apis,
      signIn,
      sourceOf: (endpoint) => sources.get(endpoint),
      meaningOf: ({ reads }) => meanings.get(targetKey(reads)) ?? new Map(),
    });
  }

  /** @throws Problem with everything that is wrong with a request */
  async read(
    endpoint: DeclaredEndpoint,
    path: Readonly<Record<string, string>>,
    query: Parameters<ParameterReader["read"]>[1],
  ): Promise<Read> {
    return this.#reader(endpoint, await this.source(endpoint)).read(path, query);
  }

  #reader(endpoint: DeclaredEndpoint, { types }: Source): ParameterReader {
    const known = this.#readers.get(types);
    if (known) return known;
    const reader = new ParameterReader(endpoint, types);
    this.#readers.set(types, reader);
    return reader;
  }

  /** What was answered to a request, where it would be answered so again. */
  repeat(signature: string): Repeat | undefined {
    return this.#answers.repeat(signature);
  }

  /** This was answered to a request. */
  answered(signature: string, repeat: Repeat): void {
    this.#answers.answered(signature, repeat);
  }

  /** @throws Problem; the server's error */
  page(asked: Asked): Promise<Answer> {
    return this.#answers.page(asked);
  }

  /**
   * All rows, in one snapshot of one release, to `send`.
   * @throws Problem before `send` is called; what it throws
   */
  rows(
    endpoint: DeclaredEndpoint,
    { given, paging }: Read,
    format: StreamFormat,
    send: (rows: Rows) => Promise<void>,
  ): Promise<void> {
    return this.#streams.use(async (client) => {
      await client.query(sql`begin transaction isolation level repeatable read read only`);
      const { source, release } = endpoint.released
        ? await this.#sourceIn(client, endpoint, paging.release)
        : { source: await this.source(endpoint), release: null };
      const exact = paging.numbers === "text";
      const late = new AbortController();
      const { streamTimeout, idleTime } = this.#options;
      const stop = after(streamTimeout, () => late.abort(new Error("the answer took too long")));
      try {
        const bytes = await streamOf(client, { endpoint, source, given, format, exact });
        await send({ release, bytes, late: late.signal, patience: idleTime }).catch((error) => {
          // Whatever it is in the middle of: others wait for its place.
          hangUp(client);
          throw error;
        });
      } finally {
        stop();
      }
    });
  }

  /** In the snapshot of the transaction. */
  async #sourceIn(client: Client, endpoint: DeclaredEndpoint, pinned: number | undefined) {
    const { environment } = this.#options;
    const current = await readNamedRelease(client, environment);
    const release = pinned ?? current;
    if (release === null) throw notPublished();
    const manifest = await readKeptRelease(client, environment, release);
    if (!manifest) throw gone(release, current);
    try {
      return { release, source: sourceIn(manifest, endpoint, release === current) };
    } catch (error) {
      throw new Problem("not-found", { detail: (error as UserError).message });
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#pages.close(), this.#streams.close(), this.#options.shared?.close()]);
  }
}
