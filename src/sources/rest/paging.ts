import type { Headers } from "undici";
import { counted } from "../../model/counted.ts";
import type { PagingDeclaration } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import type { HttpReader } from "../http/reader.ts";
import { leadTo } from "../http/request.ts";
import { atPath, type JsonDocument, type JsonRecord, nameWithDots, type SourceRecord } from "../json/document.ts";

export interface Page {
  readonly url: URL;
  readonly document: JsonDocument;
  readonly headers: Headers;
  readonly records: readonly JsonRecord[];
}

/** Leads from page to page. Paging that goes in a circle, or never ends, must not fill the database. */
export class Pager {
  /** The URL of the next page; undefined after the last one. */
  next: URL | undefined;
  /**
   * Whether the next page may not exist. A page that is shorter than the limit is the last one, or the API gives fewer
   * than are asked for: only another request tells.
   */
  isGuess = false;
  /** Records of the page before that the last one has, too: they moved while pages were turned. */
  moved: readonly SourceRecord[] = [];
  readonly #paging: PagingDeclaration | undefined;
  readonly #base: URL;
  readonly #excerpt: HttpReader["excerpt"];
  readonly #seen = new Set<string>();
  #before: readonly SourceRecord[] = [];
  #number = 0;
  #received = 0;
  #largestPage = 0;
  #total: number | undefined;

  /** @param excerpt the beginning of a text, without secrets */
  constructor(paging: PagingDeclaration | undefined, url: URL, excerpt: HttpReader["excerpt"]) {
    this.#excerpt = excerpt;
    this.#paging = paging;
    this.#base = new URL(url);
    if (paging?.limitParam && paging.limit) this.#base.searchParams.set(paging.limitParam, String(paging.limit));
    this.next = this.#counted();
    if (paging?.nextLink !== undefined) this.#seen.add(this.next.href);
  }

  /** Turns to the page after this one. False for a page that only says that the one before was the last. */
  accept(page: Page): boolean {
    const counts = this.#paging?.pageParam !== undefined || this.#paging?.offsetParam !== undefined;
    if (counts && sameRecords(page.records, this.#before)) {
      // Some APIs serve the last page for every number after it.
      if (!this.isGuess) throw this.#circle(page.url, `page ${this.#number + 1} has the records of the page before`);
      this.end();
      return false;
    }
    this.moved = counts ? movedFrom(this.#before, page.records) : [];
    this.#number++;
    this.#received += page.records.length;
    this.#noteTotal(page, counts);
    this.next = this.#nextOf(page);
    this.#before = counts ? page.records : [];
    this.#largestPage = Math.max(this.#largestPage, page.records.length);
    if (!this.next) this.end();
    else if (this.#number >= this.#paging!.maxPages) {
      if (!this.isGuess) throw this.#endless();
      this.end();
    }
    return true;
  }

  /** Fewer records than the source said there are means pages were lost on the way. */
  end(): void {
    this.next = undefined;
    if (this.#total === undefined || this.#received >= this.#total) return;
    throw new UserError({
      message: `${place(this.#base)} sent fewer records than it has`,
      expected: `${counted(this.#total, "record")} (${this.#paging!.totalPath})`,
      found: counted(this.#received, "record"),
      hint: "the source changed while it was read, or a page was cut: run the load again",
      exitCode: 1,
    });
  }

  #nextOf(page: Page): URL | undefined {
    const { cursorParam, cursorPath, nextLink, pageParam, offsetParam } = this.#paging ?? {};
    if (pageParam !== undefined || offsetParam !== undefined) return this.#nextCounted(page);
    if (nextLink !== undefined) {
      const link = nextLink === "link" ? nextInHeader(page.headers.get("link")) : textAt(page.document, nextLink);
      if (link === undefined) return undefined;
      const url = leadTo(page.url, link);
      // Links may hold a token: the query is not shown.
      this.#guard(url.href, page.url, `page ${this.#number} leads to a page seen before: ${place(url)}`);
      return url;
    }
    const cursor = cursorParam === undefined ? undefined : textAt(page.document, cursorPath ?? "");
    if (cursor === undefined) return undefined;
    this.#guard(cursor, page.url, `page ${this.#number} leads to a cursor seen before: ${this.#excerpt(cursor, 60)}`);
    return withParam(this.#base, cursorParam!, cursor);
  }

  #nextCounted({ records }: Page): URL | undefined {
    const { limit } = this.#paging!;
    const isShort = limit !== undefined && records.length < limit;
    const isAll = this.#total !== undefined && this.#received >= this.#total;
    if (records.length === 0 || isAll || (isShort && records.length < this.#largestPage)) return undefined;
    this.isGuess = isShort;
    return this.#counted();
  }

  /** The URL of the page that comes after the received ones, where pages or records are counted. */
  #counted(): URL {
    const { pageParam, firstPage = 1, offsetParam } = this.#paging ?? {};
    if (pageParam !== undefined) return withParam(this.#base, pageParam, String(firstPage + this.#number));
    return offsetParam === undefined ? this.#base : withParam(this.#base, offsetParam, String(this.#received));
  }

  #noteTotal({ document }: Page, counts: boolean): void {
    const path = this.#paging?.totalPath;
    const value = path === undefined ? undefined : valueAt(document, path);
    const isNumber = typeof value === "number" || (typeof value === "string" && /^\d+$/.test(value));
    if (!isNumber) {
      if (!counts) this.#total = undefined;
      return;
    }
    // Where records are counted, one that goes away moves another one onto a page that was read already.
    this.#total = counts ? Math.max(this.#total ?? 0, Number(value)) : Number(value);
  }

  #guard(key: string, url: URL, found: string): void {
    if (this.#seen.has(key)) throw this.#circle(url, found);
    this.#seen.add(key);
  }

  #circle(url: URL, found: string): UserError {
    return new UserError({
      message: `the paging of ${place(url)} goes in a circle`,
      expected: "something new on every page",
      found,
      hint: "check rest.paging: a parameter the API does not know is often ignored; where it gives the number of all records, say so with totalPath",
      exitCode: 1,
    });
  }

  #endless(): UserError {
    return new UserError({
      message: `${place(this.#base)} has more than ${this.#paging!.maxPages} pages`,
      hint: "if that is right, raise rest.paging.maxPages or rest.paging.limit",
      exitCode: 1,
    });
  }
}

/** @throws UserError for a path that is one name with a dot: what is not found would be passed over without a word */
function valueAt(document: JsonDocument, path: string): unknown {
  const value = atPath(document.value, path);
  const hint = value === undefined ? nameWithDots(document.value, path) : undefined;
  if (hint === undefined) return value;
  throw new UserError({ message: `the answer has "${path}" as one name, and not as a path`, hint, exitCode: 1 });
}

/** A text or number with all its digits; undefined for nothing. */
export function textAt(document: JsonDocument, path: string): string | undefined {
  const value = valueAt(document, path);
  if (value === undefined || value === null || value === "" || value === false) return undefined;
  if (typeof value === "number") return document.source.at(path)!.text;
  if (typeof value === "string" || value === true) return String(value);
  throw new UserError({
    message: `the answer has no text at "${path}"`,
    expected: "a text or a number",
    found: Array.isArray(value) ? "a list" : "an object",
    exitCode: 1,
  });
}

function sameRecords(some: readonly SourceRecord[], others: readonly SourceRecord[]): boolean {
  if (some.length === 0 || some.length !== others.length) return false;
  return some.every((record, index) => record.text() === others[index]!.text());
}

/** Those that two pages have, by what tells records apart: an id that no two of a page have, or all of the record. */
function movedFrom(before: readonly SourceRecord[], now: readonly SourceRecord[]): readonly SourceRecord[] {
  const byId = (record: SourceRecord) => record.fieldText("id");
  const keyOf = [byId, (record: SourceRecord) => record.text()].find((key) => isKey(before, key) && isKey(now, key));
  if (!keyOf) return [];
  const known = new Set(before.map(keyOf));
  return now.filter((record) => known.has(keyOf(record)));
}

function isKey(records: readonly SourceRecord[], keyOf: (record: SourceRecord) => string | undefined): boolean {
  const keys = new Set(records.map(keyOf));
  return keys.size === records.length && !keys.has(undefined);
}

/** The URL of `rel="next"` in a Link header (RFC 8288). */
function nextInHeader(header: string | null): string | undefined {
  for (const [, url, parameters] of (header ?? "").matchAll(
    /<([^>]*)>((?:\s*;\s*[^\s=;,]+(?:\s*=\s*(?:"[^"]*"|[^\s;,]*))?)*)/g,
  )) {
    const rel = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))/i.exec(parameters!);
    const relations = (rel?.[1] ?? rel?.[2] ?? "").toLowerCase().split(/\s+/);
    if (relations.includes("next")) return url;
  }
  return undefined;
}

function withParam(base: URL, name: string, value: string): URL {
  const url = new URL(base);
  url.searchParams.set(name, value);
  return url;
}

function place(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
