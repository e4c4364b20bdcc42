import { UserError } from "../model/errors.ts";
import type { IngestDeclaration, PagingDeclaration, StreamDeclaration } from "../model/ingest.ts";
import { nearest } from "../model/nearest.ts";
import { createHttpReader, type HttpOptions } from "./http.ts";
import { atPath, type JsonDocument, JsonRecord, parseJson, type SourceRecord } from "./json.ts";

/** One page of records, in the order of the source. */
export interface SourcePage {
  /** Counts from 1. */
  readonly number: number;
  readonly records: readonly SourceRecord[];
}

export type RestOptions = Pick<HttpOptions, "onWait" | "sleep" | "random" | "dispatcher">;

/** Reads a stream page by page, from `since` on or from the beginning. */
export async function* readPages(
  declaration: Pick<IngestDeclaration, "rest">,
  stream: StreamDeclaration,
  since: string | null,
  options: RestOptions = {},
): AsyncGenerator<SourcePage> {
  const { rest } = declaration;
  const reader = createHttpReader({
    ...options,
    retry: rest.retry,
    timeoutSeconds: rest.timeoutSeconds,
    ...(rest.auth ? { bearer: rest.auth.bearer } : {}),
  });
  const cursors = new Set<string>();
  let cursor: string | null = null;
  let received = 0;
  try {
    for (let number = 1; ; number++) {
      const url = pageUrl(rest.baseUrl, stream, rest.paging, since, cursor);
      const document = await reader.get(url, parseJson);
      const records = recordsOf(document, stream, url, number);
      received += records.length;
      yield { number, records };
      cursor = rest.paging ? nextCursor(document.value, rest.paging) : null;
      if (cursor === null) return checkTotal(document.value, rest.paging, received, url);
      guardPaging(cursors, cursor, number, rest.paging!, url);
    }
  } finally {
    await reader.close();
  }
}

function pageUrl(
  baseUrl: string,
  stream: StreamDeclaration,
  paging: PagingDeclaration | undefined,
  since: string | null,
  cursor: string | null,
): URL {
  const url = new URL(baseUrl.replace(/\/+$/, "") + stream.path);
  for (const [name, value] of Object.entries(stream.params)) url.searchParams.set(name, value);
  if (paging?.limitParam && paging.limit) url.searchParams.set(paging.limitParam, String(paging.limit));
  if (stream.cursor && since !== null) url.searchParams.set(stream.cursor.param, since);
  if (paging && cursor !== null) url.searchParams.set(paging.cursorParam, cursor);
  return url;
}

function recordsOf(document: JsonDocument, stream: StreamDeclaration, url: URL, page: number): readonly SourceRecord[] {
  const values = atPath(document.value, stream.records);
  if (Array.isArray(values)) {
    const exact = atPath(document.exact, stream.records) as readonly unknown[];
    return values.map((value, index) => new JsonRecord(document, value, exact[index], page, index));
  }
  const { value } = document;
  const keys = value !== null && typeof value === "object" && !Array.isArray(value) ? Object.keys(value) : [];
  const suggestion = nearest(stream.records, keys);
  throw new UserError({
    message: `the answer of ${url.origin}${url.pathname} has no list of records at "${stream.records}"`,
    expected: `a JSON list at "${stream.records}" (streams.${stream.name}.records)`,
    found:
      keys.length > 0 ? `the keys ${keys.slice(0, 10).join(", ")}` : document.stringify(document.exact).slice(0, 100),
    ...(suggestion === undefined ? {} : { hint: `did you mean "${suggestion}"?` }),
    exitCode: 1,
  });
}

function nextCursor(answer: unknown, paging: PagingDeclaration): string | null {
  const cursor = atPath(answer, paging.cursorPath);
  return cursor === undefined || cursor === null || cursor === "" || cursor === false ? null : String(cursor);
}

/** Paging that goes in a circle, or never ends, must not fill the database. */
function guardPaging(cursors: Set<string>, cursor: string, number: number, paging: PagingDeclaration, url: URL): void {
  if (cursors.has(cursor)) {
    throw new UserError({
      message: `the paging of ${url.origin}${url.pathname} goes in a circle`,
      expected: "a new cursor on every page",
      found: `page ${number} leads to a cursor seen before: ${cursor.slice(0, 60)}`,
      hint: "check rest.paging.cursorParam: a parameter the API does not know is often ignored",
      exitCode: 1,
    });
  }
  cursors.add(cursor);
  if (number < paging.maxPages) return;
  throw new UserError({
    message: `${url.origin}${url.pathname} has more than ${paging.maxPages} pages`,
    hint: "if that is right, raise rest.paging.maxPages or rest.paging.limit",
    exitCode: 1,
  });
}

/** Fewer records than the source said there are means pages were lost on the way. */
function checkTotal(answer: unknown, paging: PagingDeclaration | undefined, received: number, url: URL): void {
  const total = paging?.totalPath ? atPath(answer, paging.totalPath) : undefined;
  if (typeof total !== "number" || received >= total) return;
  throw new UserError({
    message: `${url.origin}${url.pathname} sent fewer records than it has`,
    expected: `${total} records (${paging!.totalPath})`,
    found: `${received} records`,
    hint: "the source changed while it was read, or a page was cut: run the load again",
    exitCode: 1,
  });
}
