import type { IngestDeclaration, SqlDeclaration, SqlStream, StreamDeclaration } from "../../model/ingest.ts";
import { type Client, withClient, withTransaction } from "../../postgres/client.ts";
import { copyOut } from "../../postgres/copy.ts";
import { describeQuery } from "../../postgres/describe-types.ts";
import { copyFormat, copyPgToPg, SOURCE_SESSION } from "../../postgres/pg-to-pg-copy.ts";
import { readNdjson } from "../../sources/formats/ndjson.ts";
import type { SourceRecord } from "../../sources/json/document.ts";
import type { SourcePage } from "../../sources/source.ts";
import { selectOf } from "../../sources/sql/query.ts";
import { ids, relationId } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import { ledgerExists } from "../ledger/ledger.ts";
import { type Landed, type LandOptions, Load } from "../load/load.ts";
import { evolveTable } from "../table/tables.ts";
import {
  cellColumns,
  doubts,
  type Meeting,
  meet,
  passesUnread,
  selectCells,
  selectRecords,
} from "../write/column-match.ts";
import { copyFault } from "../write/reasons.ts";
import { sqlCursor } from "./pages.ts";

export type Postgres = SqlDeclaration & Required<Pick<SqlDeclaration, "settings">>;

/** Whether the source is a PostgreSQL. */
export function isPostgres({ connector }: IngestDeclaration): boolean {
  return connector.kind === "sql" && connector.dialect === "postgres";
}

/**
 * Lands a query of another PostgreSQL: at the speed of COPY where nothing needs judging, and record by record where the
 * schema says more than the types, a cursor is followed, or a server refused a row.
 */
export async function landPostgres(
  client: Client,
  declaration: IngestDeclaration,
  stream: StreamDeclaration,
  options: LandOptions,
): Promise<Landed> {
  const load = new Load(client, declaration, stream, options);
  const name = { applicationName: `dataform ingest ${declaration.source}` };
  const settings = (declaration.connector as Postgres).settings();
  const reading = <T>(work: (source: Client) => Promise<T>) =>
    withClient(settings, name, async (source) => {
      await source.script(SOURCE_SESSION);
      return work(source);
    });
  const records = (since: string | null) =>
    reading(async (source) => {
      const { rows, meeting } = await ask(source, stream, since);
      noteMissing(load, meeting);
      await load.readAll(recordsOf(source, stream, selectRecords(meeting, rows)));
    });
  if (options.dryRun) {
    await records(await load.rehearse(await ledgerExists(client, declaration.schema)));
    return load.rehearsed();
  }
  await evolveTable(client, load.table);
  return withTransaction(client, async () => {
    const since = await load.begin();
    const isLanded = !stream.cursor && (await reading((source) => landUnread(client, source, load)));
    if (!isLanded) await records(since);
    return load.finish({ asOf: null });
  });
}

async function ask(
  source: Client,
  stream: StreamDeclaration,
  since: string | null,
): Promise<{ rows: Sql; meeting: Meeting }> {
  const { text: rows } = selectOf("postgres", stream.connector as SqlStream, sqlCursor(stream, since));
  return { rows, meeting: meet(await describeQuery(source, rows), stream) };
}

function noteMissing(load: Load, { missing }: Meeting): void {
  if (!missing.length) return;
  load.missing(missing);
  load.warnings.push(`the query has no column ${missing.join(", ")}`);
}

/** From COPY to COPY. Gives whether the rows have landed; if not, they are to be judged one by one. */
async function landUnread(client: Client, source: Client, load: Load): Promise<boolean> {
  const { stream, table } = load;
  const { rows, meeting } = await ask(source, stream, null);
  if (!passesUnread(meeting, stream)) return false;
  const loadId = await load.take();
  const columns = cellColumns(meeting);
  const select = selectCells(meeting, rows, loadId);
  const format = await copyFormat(source, select, client, table, columns);
  const into = sql`copy ${relationId(table)} (${join(ids(columns), ", ")}) from stdin`;
  await client.query(sql`savepoint landing`);
  try {
    const count = await copyPgToPg(source, select, client, into, {
      format,
      onBytes: (bytes) => load.tell({ kind: "bytes", file: "", bytes, of: null }),
    });
    if (!(await isDoubtful(client, load, meeting, loadId))) {
      await client.query(sql`release savepoint landing`);
      load.counted(count, meeting.unknown);
      noteMissing(load, meeting);
      return true;
    }
  } catch (error) {
    if (!copyFault((error as Error).cause, table.name, columns)) throw error;
  }
  await client.query(sql`rollback to savepoint landing`);
  return false;
}

async function isDoubtful(client: Client, { stream, table }: Load, meeting: Meeting, loadId: string): Promise<boolean> {
  const condition = doubts(meeting, stream.recordSchema);
  if (!condition) return false;
  const { rows } = await client.query<{ found: string }>(sql`
    select exists (
      select
      from ${relationId(table)}
      where _load_id = ${literal(BigInt(loadId))} and (${condition})
    ) as found`);
  return rows[0]!.found === "t";
}

/** Records in JSON, one a line. */
async function* recordsOf(source: Client, stream: StreamDeclaration, select: Sql): AsyncIterable<SourcePage> {
  // A control character that JSON never has unescaped, as delimiter and as quote: each line is one JSON text.
  const lines = sql`
    copy (
      ${select}
    ) to stdout (format csv, delimiter E'\x01', quote E'\x02')`;
  const optional = optionalFields(stream);
  for await (const page of readNdjson({ kind: "ndjson", encoding: "utf-8" })(copyOut(source, lines)))
    yield { ...page, records: page.records.map((record) => new DatabaseRecord(record, optional)) };
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
