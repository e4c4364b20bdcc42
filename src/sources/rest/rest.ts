import type { RestDeclaration, RestStream, StreamDeclaration } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import { nearest } from "../../model/nearest.ts";
import { parseRecordsPath } from "../../model/records-path.ts";
import { getJsonFile, readJson } from "../http/answer.ts";
import { openReader } from "../http/auth.ts";
import { type HttpHooks, type HttpReader, TryAgain } from "../http/reader.ts";
import { withoutSecrets } from "../http/redact.ts";
import type { HttpCall } from "../http/request.ts";
import { recordsWithin } from "../json/children.ts";
import { atPath, type JsonDocument, JsonRecord, nameWithDots, parseJson, type SourceRecord } from "../json/document.ts";
import type { SourcePage } from "../source.ts";
import { type AskedValues, fill, fillText } from "./fill.ts";
import { orderReport, readerFor } from "./jobs.ts";
import { type Page, Pager, textAt } from "./paging.ts";
import { type DateRange, windowFrom, windowsOf } from "./windows.ts";

export type RestStreamDeclaration = Pick<StreamDeclaration, "name" | "cursor"> & { readonly connector: RestStream };

export interface RestOptions extends HttpHooks {
  /** Where somebody says that a load begins: a date or a time. A window's declared start is no limit then. */
  readonly from?: string | undefined;
}

/** One reading of a stream. */
interface Reading {
  readonly rest: RestDeclaration;
  readonly stream: RestStreamDeclaration;
  readonly since: string | null;
  readonly reader: HttpReader;
  readonly warn: (text: string) => void;
  /** Pages that were read, of all windows together. */
  pages: number;
}

/** Reads a stream page by page, from `since` on or from the beginning. */
export async function* readPages(
  rest: RestDeclaration,
  stream: RestStreamDeclaration,
  since: string | null,
  options: RestOptions = {},
): AsyncGenerator<SourcePage> {
  const reader = openReader("rest", rest, options);
  try {
    const warn = options.onWarning ?? (() => {});
    const reading: Reading = { rest, stream, since, reader, warn, pages: 0 };
    const { window } = stream.connector;
    const asked = window && options.from !== undefined ? windowFrom(window, options.from) : window;
    const ranges = asked ? windowsOf(asked, since, reader.now()) : [undefined];
    for (const range of ranges) yield* readRange(reading, range);
  } catch (error) {
    throw withoutSecrets(error, reader.redact);
  } finally {
    await reader.close();
  }
}

async function* readRange(reading: Reading, range: DateRange | undefined): AsyncGenerator<SourcePage> {
  const values = { since: reading.since ?? "", start: range?.start ?? "", end: range?.end ?? "" };
  for await (const page of pagesOf(reading, range, values)) yield range ? { ...page, days: range } : page;
}

async function* pagesOf(
  reading: Reading,
  range: DateRange | undefined,
  values: AskedValues,
): AsyncGenerator<SourcePage> {
  const { rest, stream, reader } = reading;
  const { job, body } = stream.connector;
  const url = streamUrl(reading, range, values);
  if (!job) {
    yield* followPages(reading, url, body && fill(body, values));
    return;
  }
  const report = await orderReport(job, url, values, (path) => apiUrl(rest.baseUrl, path), reader);
  if (report.isFile) yield await readFile(reading, report.url);
  else yield* followPages(reading, report.url);
}

async function* followPages(reading: Reading, first: URL, body?: unknown): AsyncGenerator<SourcePage> {
  const pager = new Pager(reading.rest.paging, first, reading.reader.excerpt);
  while (pager.next) {
    const page = await readPage(reading, pager.next, body, pager.isGuess);
    if (page === undefined) pager.end();
    else if (pager.accept(page)) {
      if (pager.moved.length) reading.warn(movedText(pager.moved, page.url));
      yield { number: ++reading.pages, ...recordsWithin(page.records, reading.stream.connector) };
    }
  }
}

function movedText([first, ...others]: readonly SourceRecord[], url: URL): string {
  const which = others.length ? `${first!.position}, and ${others.length} more, were` : `${first!.position} was`;
  return `${url.origin}${url.pathname}: ${which} on the page before, too: records moved while pages were turned, and others may be missed; ask for an order that only grows, or page by cursor`;
}

/** Undefined for a page that was a guess and that the API does not have. */
function readPage(reading: Reading, url: URL, body: unknown, isGuess: boolean): Promise<Page | undefined> {
  const { rest, stream, reader } = reading;
  return reader.call(callOf(rest, url, body), (answer) => {
    if (isGuess && [400, 404, 416].includes(answer.status)) return undefined;
    const document = answer.status === 204 ? NOTHING : readJson(answer, reader);
    checkStatus(rest, document, url, reader);
    const records = recordsOf(document, stream, url, reading.pages + 1, reader);
    return { url, document, headers: answer.headers, records };
  });
}

/** What an answer without content says. */
const NOTHING = parseJson("null");

/** With a body the page is asked for by POST: what turns pages moves from the query into the body. */
function callOf({ paging }: RestDeclaration, url: URL, body: unknown): HttpCall {
  const headers = { accept: "application/json" };
  if (body === undefined) return { url, headers };
  const { cursorParam, pageParam, offsetParam, limitParam } = paging ?? {};
  const bare = new URL(url);
  const turning: Record<string, unknown> = {};
  for (const name of [cursorParam, pageParam, offsetParam, limitParam]) {
    const value = name === undefined ? null : url.searchParams.get(name);
    if (name === undefined || value === null) continue;
    bare.searchParams.delete(name);
    turning[name] = name === cursorParam ? value : Number(value);
  }
  const text = JSON.stringify({ ...(body as object), ...turning });
  return { url: bare, method: "POST", headers: { ...headers, "content-type": "application/json" }, body: text };
}

/** Some APIs answer everything with HTTP 200 and tell of errors inside. */
function checkStatus({ status }: RestDeclaration, document: JsonDocument, url: URL, reader: HttpReader): void {
  const code = status && textAt(document, status.path);
  if (!status || code === undefined || status.ok.includes(code)) return;
  if (status.retry.includes(code)) throw new TryAgain(`${status.path} ${code}`);
  throw new UserError({
    message: `${url.origin}${url.pathname} refuses the request`,
    expected: `${status.path} ${status.ok.join(", ")}`,
    found: reader.excerpt(document.source.text),
    hint: "rest.status says which codes are good and which another try may mend",
    code,
    exitCode: 1,
  });
}

async function readFile(reading: Reading, url: URL): Promise<SourcePage> {
  const { stream, reader } = reading;
  const files = readerFor(url, reader);
  try {
    const number = ++reading.pages;
    const document = await getJsonFile(files, url);
    return { number, ...recordsWithin(recordsOf(document, stream, url, number, reader), stream.connector) };
  } finally {
    if (files !== reader) await files.close();
  }
}

function streamUrl({ rest, stream, since }: Reading, range: DateRange | undefined, values: AskedValues): URL {
  const { path, params, window } = stream.connector;
  const url = apiUrl(rest.baseUrl, fillText(path, values));
  for (const [name, value] of Object.entries(params)) url.searchParams.set(name, fillText(value, values));
  if (stream.cursor?.param && since !== null) url.searchParams.set(stream.cursor.param, since);
  if (window && range) {
    if (window.startParam) url.searchParams.set(window.startParam, range.start);
    if (window.endParam) url.searchParams.set(window.endParam, range.end);
  }
  return url;
}

function apiUrl(baseUrl: string, path: string): URL {
  return new URL(baseUrl.replace(/\/+$/, "") + path);
}

function recordsOf(
  document: JsonDocument,
  { name, connector: { records, recordsOptional } }: RestStreamDeclaration,
  url: URL,
  page: number,
  reader: HttpReader,
): readonly JsonRecord[] {
  const { list } = parseRecordsPath(records);
  const found = document.value === null ? null : atPath(document.value, list);
  const values = found === null || (found === undefined && recordsOptional) ? [] : found;
  if (Array.isArray(values)) {
    const sources = document.source.at(list)?.items() ?? [];
    return values.map((value, index) => new JsonRecord(document, value, sources[index]!, page, index));
  }
  const { value } = document;
  const keys = value !== null && typeof value === "object" && !Array.isArray(value) ? Object.keys(value) : [];
  const suggestion = nearest(list, keys);
  const hint = nameWithDots(value, list) ?? (suggestion === undefined ? undefined : `did you mean "${suggestion}"?`);
  throw new UserError({
    message: `the answer of ${url.origin}${url.pathname} has no list of records at "${records}"`,
    expected: `a JSON list at "${records}" (streams.${name}.records)`,
    found: reader.excerpt(keys.length > 0 ? `the keys ${keys.slice(0, 10).join(", ")}` : document.source.text),
    ...(hint === undefined ? {} : { hint }),
    exitCode: 1,
  });
}
