import type { DeclaredEndpoint } from "../../model/api.ts";
import { SQLSTATE, sqlState } from "../../postgres/sqlstate.ts";
import { Cache } from "./cache.ts";
import type { Cursors } from "./cursor.ts";
import { type KeptPage, packedAs, readShared, sharedBytes } from "./kept-page.ts";
import { type Encoding, hasTag, MEDIA_TYPES, VARY } from "./negotiate.ts";
import { jsonRows, type PageFrom } from "./page.ts";
import type { Read } from "./parameters.ts";
import { gone, notPublished, notThere, Problem } from "./problem.ts";
import type { PageReader } from "./reader.ts";
import { ReadySources } from "./ready.ts";
import type { Releases } from "./releases.ts";
import type { Repeat } from "./repeats.ts";
import type { SharedCache } from "./shared-cache.ts";
import type { Shape, Source } from "./statements.ts";
import { declarationOf } from "./tags.ts";

/** A request for one page. */
export interface Asked {
  readonly endpoint: DeclaredEndpoint;
  readonly read: Read;
  /** The address without its query, and the query without what says where it goes on. */
  readonly address: string;
  readonly query: string;
  readonly ifNoneMatch: string | undefined;
  readonly encoding: Encoding;
  /** Whether whoever asks wants it compared with the database. */
  readonly noCache: boolean;
}

export interface Answer {
  readonly status: 200 | 304;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
  /** Of what would be answered so again, as long as readers have the release. */
  readonly again?: Pick<Repeat, "release" | "from">;
}

/** Times that a page is read again because readers got another release meanwhile. */
const MOST_RELEASES = 20;
/** Of the bytes that are kept, those of answers that are given again as they were. */
const REPEATS = 1 / 8;
/** What headers take, about. */
const REPEAT_BYTES = 600;
interface Parts {
  readonly releases: Releases;
  readonly reader: PageReader;
  readonly cursors: Cursors;
  /** Of relations that are in no release. */
  readonly outside: (endpoint: DeclaredEndpoint) => Source | undefined;
  /** Bytes of answers that are kept. */
  readonly cacheBytes: number;
  /** What several servers keep together. */
  readonly shared?: SharedCache | undefined;
  /** Told of each page where it came from. */
  readonly onPage: (from: PageFrom) => void;
}

/** Answers pages, each of one release. */
export class Answers {
  readonly #parts: Parts;
  readonly #cache: Cache<KeptPage>;
  readonly #repeats: Cache<Repeat>;
  readonly #ready: ReadySources;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#ready = new ReadySources(parts.releases);
    this.#cache = new Cache(parts.cacheBytes * (1 - REPEATS));
    this.#repeats = new Cache(parts.cacheBytes * REPEATS);
  }

  /** Of what is kept in memory. */
  get bytes(): number {
    return this.#cache.bytes + this.#repeats.bytes;
  }

  /** What was answered to a request, where it would be answered so again. */
  repeat(signature: string): Repeat | undefined {
    const found = this.#repeats.get(signature);
    return found && this.#parts.releases.isCurrent(found.release) ? found : undefined;
  }

  /** This was answered to a request. */
  answered(signature: string, repeat: Repeat): void {
    this.#repeats.set(signature, repeat, signature.length + REPEAT_BYTES + (repeat.body?.length ?? 0));
  }

  /** Readers have another release: pages of others are asked for no more. */
  forget(): void {
    this.#cache.clear();
    this.#repeats.clear();
    this.#ready.forget();
    this.#parts.reader.forget();
  }

  /**
   * Where the columns of an endpoint stand in what readers have now.
   * @throws Problem where nothing is published
   */
  async source(endpoint: DeclaredEndpoint): Promise<Source> {
    const current = await this.#parts.releases.current(false);
    if (current === null) throw notPublished();
    return (await this.#ready.of(endpoint, current, current)).source;
  }

  /** @throws Problem */
  async page(asked: Asked): Promise<Answer> {
    const { endpoint, read } = asked;
    const { releases, cursors } = this.#parts;
    const position =
      read.paging.cursor === undefined ? undefined : cursors.read(read.paging.cursor, this.#asked(endpoint, read));
    const pinned = read.paging.release ?? position?.release ?? undefined;
    if (endpoint.released && position?.release != null && position.release !== pinned)
      throw new Problem("invalid-request", { detail: `the cursor belongs to release ${position.release}` });
    if (!endpoint.released && read.paging.release !== undefined)
      throw new Problem("invalid-request", {
        detail: "what this address reads is in no release",
        errors: [{ pointer: "/query/release", detail: "is of no use here" }],
      });
    const current = await releases.current(asked.noCache);
    if (!endpoint.released) return this.#outside(asked, position?.row);
    if (pinned === undefined && current === null) throw notPublished();
    return this.#ofRelease(asked, { release: pinned ?? current!, current: current!, pinned, row: position?.row });
  }

  async #ofRelease(
    asked: Asked,
    {
      row,
      pinned,
      ...at
    }: {
      readonly release: number;
      readonly current: number | null;
      readonly pinned: number | undefined;
      readonly row: readonly (string | null)[] | undefined;
    },
  ): Promise<Answer> {
    const { endpoint, encoding } = asked;
    let { release, current } = at;
    for (let tries = 0; tries < MOST_RELEASES; tries++) {
      const isCurrent = release === current;
      const { source, tags } = await this.#ready.of(endpoint, release, current);
      const tag = tags[encoding];
      // One that was asked for may be collected meanwhile.
      const again = (from: PageFrom) => (isCurrent && pinned === undefined ? { again: { release, from } } : {});
      if (hasTag(asked.ifNoneMatch, tag)) {
        this.#parts.onPage("unchanged");
        return {
          status: 304,
          headers: this.#headers(asked, release, tag),
          body: undefined,
          ...again("unchanged"),
        };
      }
      const key = this.#key(asked, String(release));
      const keeps = endpoint.cache === "release";
      const kept = keeps ? this.#cache.get(key) : undefined;
      if (kept) return { ...(await this.#answer(asked, kept, key, tag, "memory")), ...again("memory") };
      const read = await this.#cache
        .once(
          `${key} ${isCurrent}`,
          async () => (keeps && (await this.#shared(key, release))) || this.#read(asked, source, release, row),
        )
        .catch((error) => {
          // Its objects were collected since.
          if (sqlState(error) !== SQLSTATE.undefinedTable) throw error;
          return undefined;
        });
      // What was read as the current release must have been it in the snapshot, too.
      if (read && (!isCurrent || read.release === release)) {
        const page = { ...read, release };
        if (keeps) {
          this.#cache.set(key, page, page.body.length + key.length);
          if (!page.isShared) this.#parts.shared?.set(key, sharedBytes(page));
        }
        return this.#answer(asked, page, key, tag, page.isShared ? "shared" : "database");
      }
      if (!read) this.#parts.releases.forget(release);
      current = read ? read.release : await this.#parts.releases.current(true);
      if (pinned === undefined && current !== null) release = current;
      else if (!(await this.#parts.releases.manifest(release))) throw gone(release, current);
    }
    throw new Problem("too-busy", {
      detail: "releases are published faster than this can be read",
      headers: { "retry-after": "1" },
    });
  }

  async #outside(asked: Asked, row: readonly (string | null)[] | undefined): Promise<Answer> {
    const { endpoint } = asked;
    const source = this.#parts.outside(endpoint);
    if (!source) throw notThere();
    const key = this.#key(asked, "-");
    const seconds = typeof endpoint.cache === "object" ? endpoint.cache.seconds : 0;
    const kept = seconds && !asked.noCache ? this.#cache.get(key) : undefined;
    if (kept) return this.#answer(asked, kept, key, undefined, "memory");
    const read = { ...(await this.#cache.once(key, () => this.#read(asked, source, null, row))), release: null };
    if (seconds) this.#cache.set(key, read, read.body.length + key.length, seconds * 1000);
    return this.#answer(asked, read, key, undefined, "database");
  }

  async #shared(key: string, release: number): Promise<KeptPage | undefined> {
    const bytes = await this.#parts.shared?.get(key);
    return bytes && { ...readShared(bytes), release, packed: new Map(), isShared: true };
  }

  async #read(
    { endpoint, read, address, query }: Asked,
    source: Source,
    release: number | null,
    row: readonly (string | null)[] | undefined,
  ): Promise<KeptPage> {
    const { given, paging } = read;
    const { limit, numbers } = paging;
    const shape: Shape = {
      given: given.map(({ parameter }) => parameter),
      after: row !== undefined,
      nulls: row?.map((cell) => cell === null) ?? [],
    };
    const behind = row?.filter((cell) => cell !== null) ?? [];
    const values = [...given.map(({ value }) => value), ...behind];
    const begun = performance.now();
    // One row more says whether there are more.
    const page = await this.#parts.reader.read({ endpoint, source, shape, values, limit: limit + 1 });
    if (release !== null) this.#parts.releases.noticed(page.release, begun);
    const rows = page.rows.slice(0, limit);
    const truncated = page.rows.length > limit;
    const asked = this.#asked(endpoint, read);
    const next = truncated
      ? nextOf(address, query, this.#parts.cursors.write({ release, asked, row: rows.at(-1)!.place }))
      : undefined;
    const text = `{"data":${jsonRows(rows, source.cells, numbers === "text")},"release":${release},"truncated":${truncated},"next":${JSON.stringify(next ?? null)}}\n`;
    return { body: Buffer.from(text), next, release: page.release, packed: new Map() };
  }

  async #answer(asked: Asked, kept: KeptPage, key: string, tag: string | undefined, from: PageFrom): Promise<Answer> {
    this.#parts.onPage(from);
    const { next, release } = kept;
    const { body, encoding } = await packedAs(kept, asked.encoding, (bytes) => this.#cache.grown(key, bytes));
    const headers = this.#headers(asked, release, tag);
    headers["content-type"] = MEDIA_TYPES.json;
    headers["content-length"] = String(body.length);
    if (encoding !== "identity") headers["content-encoding"] = encoding;
    if (next) headers.link = `<${next}>; rel="next"`;
    return { status: 200, headers, body };
  }

  #headers({ endpoint }: Asked, release: number | null, tag: string | undefined): Record<string, string> {
    const whose = endpoint.access === "public" ? "public" : "private";
    const age =
      typeof endpoint.cache === "object" ? `max-age=${endpoint.cache.seconds}` : tag ? "no-cache" : "no-store";
    return {
      "cache-control": `${whose}, ${age}`,
      vary: VARY,
      ...(tag ? { etag: tag } : {}),
      ...(release === null ? {} : { "dataform-release": String(release) }),
    };
  }

  #key(asked: Asked, release: string): string {
    const { limit, cursor = "", numbers } = asked.read.paging;
    return `${release} ${this.#asked(asked.endpoint, asked.read)} ${limit} ${cursor} ${numbers}`;
  }

  /** What is asked for, wherever its page begins. */
  #asked(endpoint: DeclaredEndpoint, { canonical }: Read): string {
    return `${declarationOf(endpoint)} ${canonical}`;
  }
}

function nextOf(address: string, query: string, cursor: string): string {
  return `${address}?${query ? `${query}&` : ""}cursor=${cursor}`;
}
