import { join } from "node:path";
import { hasMetadata } from "../../environment/layout.ts";
import { cacheFile } from "../../lineage/cache-file.ts";
import { readLineage } from "../../lineage/read-lineage.ts";
import { readableColumns, readableLineage } from "../../lineage/readable.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import type { CompiledGraph } from "../../model/graph.ts";
import type { Lineage } from "../../model/lineage.ts";
import { type Client, withClient, withTransaction } from "../../postgres/client.ts";
import { explaining } from "../../postgres/explain-statement.ts";
import { type ReadAs, withReader } from "../../postgres/reading.ts";
import { readingAdvice } from "../../postgres/sqlstate.ts";
import { readNamedRelease } from "../../release/store.ts";
import { type Catalogue, TooManyReleases, visible } from "../../serve/catalogue.ts";
import { readRows } from "../../serve/mcp/query.ts";
import type { Asked } from "../../serve/mcp/tools.ts";
import type { Reading } from "../../serve/select.ts";
import { empty, sql } from "../../sql/sql.ts";
import { placeOf } from "../lineage/place.ts";
import { readRelease } from "../read-release.ts";
import { catalogueOf } from "./known.ts";

interface Places {
  /** Who reads the record, the catalogue and the lineage: nothing of theirs is told that the reader may not read. */
  readonly owner: ConnectionSettings;
  readonly reader: ConnectionSettings;
  readonly environment: string;
  readonly stateDir: string;
  /** What its connections are called. */
  readonly applicationName: string;
  /** As whom the reader reads, where there are roles. */
  readonly as: ReadAs;
  /** Of one statement of a query, in milliseconds. */
  readonly timeout: number;
  readonly compile: () => Promise<CompiledGraph>;
  readonly onWait: (what: string) => void;
}

type Known = Awaited<ReturnType<typeof readRelease>> & {
  readonly graph: CompiledGraph;
  lineage?: Lineage;
  catalogue?: Catalogue;
};

/** So often something is read again where a release was published meanwhile. */
const MOST_TIMES = 5;

/** What the tools of `dataform mcp`, and the page that explores, ask of the project and its database. What is the same for all readers is kept, release by release. */
export class Warehouse {
  readonly #places: Places;
  #known: { readonly release: number | null; readonly all: Promise<Known> } | undefined;

  constructor(places: Places) {
    this.#places = places;
  }

  asked(signal: AbortSignal): Asked {
    return {
      placeOf,
      catalogue: () => this.catalogue(signal),
      lineage: () =>
        this.#inOneRelease(signal, async (client, release) => {
          const lineage = await this.#lineageOf(await this.#at(client, release), signal);
          return this.#asReader(signal, (reading) => readableLineage(reading, lineage));
        }),
      query: (text, limit) =>
        this.inOneRelease(signal, async (release) => ({
          ...(await readRows(text, limit, this.reading(signal))),
          release,
        })),
    };
  }

  /** What the reader may read. */
  catalogue(signal: AbortSignal): Promise<Catalogue> {
    return this.#inOneRelease(signal, async (client, release) => {
      const known = await this.#at(client, release);
      // Once for each release: 320 relations hold the loop of a server up for a tenth of a second.
      known.catalogue ??= catalogueOf(known, this.#places.environment);
      const { catalogue } = known;
      const targets = catalogue.relations.map(({ relation }) => relation);
      return visible(catalogue, await this.#asReader(signal, (reading) => readableColumns(reading, targets)));
    });
  }

  /** How the reader reads. */
  reading(signal: AbortSignal): Reading {
    const { reader: settings, timeout, onWait, applicationName, as } = this.#places;
    const how = { advise: readingAdvice, named: "the query" };
    return {
      ...{ settings, timeout, signal, onWait, applicationName, as },
      explaining: (query, work) => explaining(query, work, how),
    };
  }

  inOneRelease<T>(signal: AbortSignal, work: (release: number | null) => Promise<T>): Promise<T> {
    return this.#inOneRelease(signal, (_, release) => work(release));
  }

  /**
   * What is read between two looks at the record that found the same release is of that release: numbers of releases only grow.
   * Where they found two, it is read again.
   */
  async #inOneRelease<T>(
    signal: AbortSignal,
    work: (client: Client, release: number | null) => Promise<T>,
  ): Promise<T> {
    const { owner, environment, onWait, applicationName } = this.#places;
    const how = { signal, onWait, applicationName, duty: "publisher" } as const;
    return withClient(owner, how, async (client) => {
      const look = async () => ((await hasMetadata(client)) ? readNamedRelease(client, environment) : null);
      let release = await look();
      for (let times = 0; times < MOST_TIMES; times++) {
        const found = await work(client, release);
        const now = await look();
        if (now === release) return found;
        release = now;
      }
      throw new TooManyReleases({
        message: `a release was published each of the ${MOST_TIMES} times that environment ${environment} was read`,
        expected: "a moment without one: an answer is of one release",
        hint: "ask for less, or when fewer runs publish",
      });
    });
  }

  #asReader<T>(signal: AbortSignal, work: (client: Client) => Promise<T>): Promise<T> {
    const { reader, onWait, applicationName, as } = this.#places;
    const how = { applicationName, as, settings: empty, signal, onWait };
    return withReader(reader, how, ({ client }) => work(client));
  }

  /** Of the project as it is when the release is first asked about. */
  #at(client: Client, release: number | null): Promise<Known> {
    if (this.#known?.release === release) return this.#known.all;
    const all = this.#read(client);
    const known = { release, all };
    this.#known = known;
    all.catch(() => {
      if (this.#known === known) this.#known = undefined;
    });
    return all;
  }

  async #read(client: Client): Promise<Known> {
    const graph = await this.#places.compile();
    const begin = sql`begin transaction isolation level repeatable read read only`;
    const read = await withTransaction(client, () => readRelease(client, graph, this.#places.environment), begin);
    return { ...read, graph };
  }

  async #lineageOf(known: Known, signal: AbortSignal): Promise<Lineage> {
    const { owner, stateDir, onWait, applicationName } = this.#places;
    const cache = cacheFile(join(stateDir, "lineage.json"));
    const how = { signal, onWait, applicationName, duty: "builder" } as const;
    known.lineage ??= await withClient(owner, how, (client) =>
      readLineage(client, known.graph, known.catalog, { cache }),
    );
    return known.lineage;
  }
}
