import type { IngestDeclaration, SqlDeclaration, SqlStream, StreamDeclaration } from "../../model/declarations.ts";
import { restated, UserError } from "../../model/errors.ts";
import { type Client, withClient } from "../../postgres/client.ts";
import { copyJsonLines, copyOut } from "../../postgres/copy.ts";
import { describeQuery } from "../../postgres/describe-types.ts";
import { explained } from "../../postgres/explain-statement.ts";
import { SOURCE_SESSION } from "../../postgres/pg-to-pg-copy.ts";
import { encodingOf, UNICODE } from "../../postgres/unicode.ts";
import { readNdjson } from "../../sources/formats/ndjson.ts";
import type { SourceRecord } from "../../sources/json/document.ts";
import type { SourcePage } from "../../sources/source.ts";
import type { SqlCursor } from "../../sources/sql/query.ts";
import type { Sql } from "../../sql/sql.ts";
import type { Landed, Load } from "../load/load.ts";
import { emitterOf, type LandOptions } from "../load/options.ts";
import type { Sink } from "../load/sink.ts";
import type { LoadTarget } from "../load/target.ts";
import { withLoad } from "../load/with-load.ts";
import { type ColumnMatch, matchColumns, passesUnread, selectRecords } from "../write/column-match.ts";
import { copyUnread } from "../write/unread-copy.ts";
import { askedOf, sqlCursor } from "./pages.ts";

type Postgres = SqlDeclaration & Required<Pick<SqlDeclaration, "settings">>;

/** Whether the source is a PostgreSQL. */
export function isPostgres({ connector }: IngestDeclaration): boolean {
  return connector.kind === "sql" && connector.dialect === "postgres";
}

/**
 * Lands a query of another PostgreSQL: at the speed of COPY where nothing needs judging, and record by record where the
 * schema says more than the types, a cursor is followed, or a server refused a row.
 */
export async function landPostgres(
  sink: Sink,
  declaration: IngestDeclaration,
  target: LoadTarget,
  options: LandOptions,
): Promise<Landed> {
  const emit = emitterOf(target.stream, options);
  const name = {
    applicationName: `dataform ingest ${declaration.source}`,
    names: "theirs",
    duty: "reader",
    onWait: (reason: string) => emit({ kind: "waiting", seconds: null, reason }),
    signal: options.signal,
  } as const;
  const settings = (declaration.connector as Postgres).settings();
  // Each on a connection of its own: a COPY that failed ends it.
  const reading = <T>(work: (source: Client) => Promise<T>) =>
    withClient(settings, name, async (source) => {
      await source.script(SOURCE_SESSION);
      return work(source);
    });
  const { landed } = await withLoad(sink, target, options, async (load) => {
    if (target.stream.cursor || !(await reading((source) => landUnread(source, load))))
      await reading((source) => landRecords(source, load));
    return { keep: {}, answer: undefined };
  });
  return landed!;
}

async function landRecords(source: Client, load: Load): Promise<void> {
  const { stream } = load.target;
  const { rows, match } = await ask(source, stream, load.since);
  load.tally.seen.miss(match.missing);
  await load.readAll(recordsOf(source, stream, rows, match));
}

/** From COPY to COPY. Returns whether the rows have landed; if not, they are to be judged one by one. */
async function landUnread(source: Client, load: Load): Promise<boolean> {
  const { target, server, tally } = load;
  if (!server) return false;
  const { stream, table } = target;
  const { rows, match } = await ask(source, stream, null);
  if (!passesUnread(match, stream)) return false;
  const into = { client: server.client, table, loadId: await server.loadId() };
  const onBytes = (bytes: number) => load.emit({ kind: "bytes", file: "", bytes, of: null });
  const { askedAt } = stream.connector as SqlStream;
  const count = await copyUnread(into, { source, rows, match, recordSchema: stream.recordSchema, onBytes, askedAt });
  if (count === undefined) return false;
  for (const field of count ? match.unknown : []) tally.seen.unknown.set(field, count);
  load.tally.seen.miss(match.missing);
  await load.copied({ rows: count, records: count });
  return true;
}

async function ask(
  source: Client,
  stream: StreamDeclaration,
  since: string | null,
): Promise<{ rows: Sql; match: ColumnMatch }> {
  const { text: rows } = askedOf("postgres", stream.connector as SqlStream, await cursorOf(source, stream, since));
  try {
    return { rows, match: matchColumns(await describeQuery(source, rows), stream) };
  } catch (error) {
    throw ofQuery(error, rows, stream);
  }
}

async function cursorOf(
  source: Client,
  stream: StreamDeclaration,
  since: string | null,
): Promise<SqlCursor | undefined> {
  const cursor = sqlCursor(stream, since);
  return cursor?.order === "bytes" ? { ...cursor, isRecoded: !SAME_BYTES.has(await encodingOf(source)) } : cursor;
}

/** Encodings of which the bytes order texts as UTF-8 does. SQL_ASCII is sent as it is. */
const SAME_BYTES = new Set([UNICODE, "SQL_ASCII", "LATIN1"]);

/** What is wrong with a query stands where a person declared it. */
function ofQuery(error: unknown, rows: Sql, { connector }: StreamDeclaration, sent?: Sql): unknown {
  const { askedAt: location } = connector as SqlStream;
  if (error instanceof UserError && !error.location) return restated(error, { location });
  return explained(error, rows, { location, ...(sent ? { sent } : {}) });
}

/** Records in JSON, one a line. */
async function* recordsOf(
  source: Client,
  stream: StreamDeclaration,
  rows: Sql,
  match: ColumnMatch,
): AsyncIterable<SourcePage> {
  const optional = optionalFields(stream);
  const sent = copyJsonLines(selectRecords(match, rows));
  try {
    for await (const page of readNdjson({ kind: "ndjson", encoding: "utf-8" })(copyOut(source, sent)))
      yield { ...page, records: page.records.map((record) => new DatabaseRecord(record, optional)) };
  } catch (error) {
    throw ofQuery(error, rows, stream, sent);
  }
}

/** Fields whose NULL is a field that is not there, for the schema does not know null. */
function optionalFields({ recordSchema: { schema, columns } }: StreamDeclaration): readonly string[] {
  const properties = (schema.properties ?? {}) as Readonly<Record<string, { readonly type?: unknown }>>;
  return columns.map(({ name }) => name).filter((name) => ![properties[name]?.type ?? []].flat().includes("null"));
}

class DatabaseRecord implements SourceRecord {
  readonly value: unknown;
  readonly #record: SourceRecord;

  constructor(record: SourceRecord, optional: readonly string[]) {
    const value = record.value as Record<string, unknown>;
    this.#record = record;
    this.value = value;
    const absent = optional.filter((name) => value[name] === null);
    if (!absent.length) return;
    const names = new Set(absent);
    this.value = Object.fromEntries(Object.entries(value).filter(([name]) => !names.has(name)));
  }

  get position(): string {
    return this.#record.position.replace(/^line/, "row");
  }

  get exact(): boolean {
    return this.#record.exact ?? false;
  }

  text(): string {
    return this.#record.text();
  }

  fieldText(name: string): string | undefined {
    return this.#record.fieldText(name);
  }
}
