import { createHash } from "node:crypto";
import type { DeclaredEndpoint } from "../../model/api.ts";
import type { Cells, Prepared, Question, ReadPool } from "../../postgres/read-pool.ts";
import { after } from "../../wait/timers.ts";
import { afterTurn } from "../../wait/turn.ts";
import { type Page, readPage, readPages } from "./page.ts";
import { mayBeTogether, pageStatement, pagesStatement, type Shape, type Source } from "./statements.ts";

/** One page that is asked for. */
export interface PageRequest {
  readonly endpoint: DeclaredEndpoint;
  readonly source: Source;
  readonly shape: Shape;
  /** As the statement takes them, behind environment and limit. */
  readonly values: Question["values"];
  /** Rows at most. */
  readonly limit: number;
}

/** The requests of one statement that wait for a connection. */
interface Together {
  readonly waiting: Waiting[];
  isAsked: boolean;
}

/** Statements of one shape. */
interface Asked {
  /** Those that are on their way. */
  count: number;
  /** Milliseconds that they took, and pages that they gave: the last ones count most. */
  took: number;
  pages: number;
}

interface Waiting {
  readonly request: PageRequest;
  resolve(page: Page): void;
  reject(error: unknown): void;
}

/** Requests that are answered by one statement. */
const MOST_TOGETHER = 64;
/** Milliseconds of a page: of statements that are quicker, one is sent after the other, and those that come meanwhile go together. */
const QUICK = 5;
/** Milliseconds that whoever comes meanwhile waits at most. */
const PATIENCE = 5;

/**
 * Asks for pages. Those of one shape that come at once, while another one is asked for, or that wait for a connection, are asked for
 * together, in one statement and one snapshot: whoever is busy does less for each. What takes long is asked for beside each other.
 */
export class PageReader {
  readonly #pool: ReadPool;
  readonly #environment: string;
  readonly #statements = new Map<string, Prepared>();
  readonly #together = new Map<string, Together>();
  readonly #asked = new Map<string, Asked>();

  constructor(pool: ReadPool, environment: string) {
    this.#pool = pool;
    this.#environment = environment;
  }

  /** Statements of before are not asked again. */
  forget(): void {
    this.#statements.clear();
    for (const [key, { count }] of this.#asked) if (!count) this.#asked.delete(key);
    this.#pool.forget();
  }

  read(request: PageRequest): Promise<Page> {
    const key = keyOf(request);
    if (!mayBeTogether(request.shape)) return this.#alone(request, key);
    const open = this.#together.get(key);
    return new Promise<Page>((resolve, reject) => {
      const waiting = { request, resolve, reject };
      if (open && open.waiting.length < MOST_TOGETHER) return open.waiting.push(waiting);
      const together: Together = { waiting: [waiting], isAsked: false };
      this.#together.set(key, together);
      const ask = (one: Together) => void (one.isAsked || this.#askTogether(one, key));
      // It is full.
      if (open) ask(open);
      const asked = this.#asked.get(key);
      // What was sent to the server at the same time is read first.
      if (!asked?.count || asked.took >= QUICK * asked.pages) return afterTurn(() => ask(together));
      // One that takes longer than others did keeps nobody waiting.
      after(PATIENCE, () => ask(together));
    });
  }

  /** Those that waited for a statement of their shape are asked for now. */
  async #askTogether(together: Together, key: string): Promise<void> {
    const asked = this.#asked.get(key) ?? { count: 0, took: 0, pages: 0 };
    this.#asked.set(key, asked);
    asked.count++;
    const begun = performance.now();
    await this.#ask(together, key);
    asked.took = asked.took / 2 + performance.now() - begun;
    asked.pages = asked.pages / 2 + together.waiting.length;
    asked.count--;
    const next = this.#together.get(key);
    if (next && !next.isAsked) void this.#askTogether(next, key);
  }

  async #alone(request: PageRequest, key: string): Promise<Page> {
    const answer = await this.#pool.ask(() => this.#one(request, key));
    return readPage(answer, request.source.cells.length);
  }

  async #ask(together: Together, key: string): Promise<void> {
    const { waiting } = together;
    together.isAsked = true;
    try {
      const answer = await this.#pool.ask(() => {
        // Whoever comes now is too late for this statement.
        if (this.#together.get(key) === together) this.#together.delete(key);
        return waiting.length === 1 ? this.#one(waiting[0]!.request, key) : this.#several(waiting, key);
      });
      this.#handOut(waiting, answer);
    } catch (error) {
      if (this.#together.get(key) === together) this.#together.delete(key);
      // What is wrong with one of them is no answer to the others.
      if (waiting.length === 1) return waiting[0]!.reject(error);
      for (const { request, resolve, reject } of waiting) this.#alone(request, key).then(resolve, reject);
    }
  }

  #handOut(waiting: readonly Waiting[], answer: Cells): void {
    const columns = waiting[0]!.request.source.cells.length;
    const pages = waiting.length === 1 ? [readPage(answer, columns)] : readPages(answer, columns, waiting.length);
    for (const [at, { resolve }] of waiting.entries()) resolve(pages[at]!);
  }

  #one({ endpoint, source, shape, values, limit }: PageRequest, key: string): Question {
    const prepared = this.#prepared(`1 ${key}`, () => pageStatement(endpoint, source, shape).toString());
    return { ...prepared, values: [this.#environment, String(limit), ...values] };
  }

  #several(waiting: readonly Waiting[], key: string): Question {
    const { endpoint, source, shape } = waiting[0]!.request;
    const prepared = this.#prepared(`n ${key}`, () => pagesStatement(endpoint, source, shape).toString());
    const limits = waiting.map(({ request }) => String(request.limit));
    const lists = shape.given.map((_, at) => waiting.map(({ request }) => request.values[at] as string));
    return { ...prepared, values: [this.#environment, limits, ...lists] };
  }

  #prepared(key: string, make: () => string): Prepared {
    const known = this.#statements.get(key);
    if (known) return known;
    const text = make();
    const name = `dataform_${createHash("sha256").update(text).digest("hex").slice(0, 40)}`;
    const prepared = { name, text };
    this.#statements.set(key, prepared);
    return prepared;
  }
}

function keyOf({ endpoint, source: { of }, shape }: PageRequest): string {
  const given = shape.given.map(({ name }) => name).join(" ");
  return `${endpoint.name} ${of} ${given}${shape.after ? ` > ${shape.nulls.map(Number).join("")}` : ""}`;
}
