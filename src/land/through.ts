import type { IngestDeclaration, SqlDeclaration, SqlStream, StreamDeclaration } from "../model/ingest.ts";
import { type Client, connect, withClient, withTransaction } from "../postgres/client.ts";
import { copyOut } from "../postgres/copy.ts";
import { copyFormat, copyThrough } from "../postgres/through.ts";
import { readNdjson } from "../sources/formats/ndjson.ts";
import type { SourcePage } from "../sources/source.ts";
import { type SqlCursor, selectOf } from "../sources/sql/query.ts";
import { quoteIdentifier, quoteList, quoteTarget } from "../sql/identifiers.ts";
import { cellRules, judgedByCells } from "./cells.ts";
import { prepareLedger } from "./ledger.ts";
import { type Landed, type LandOptions, Load } from "./load.ts";
import { evolveTable } from "./tables.ts";

export type Postgres = SqlDeclaration & Required<Pick<SqlDeclaration, "settings">>;

/** A PostgreSQL whose rows go from COPY to COPY unread: they need no judging, and there is no cursor to follow. */
export function passesThrough(
  { origin }: IngestDeclaration,
  { recordSchema, cursor, drift }: StreamDeclaration,
  { dryRun }: LandOptions,
): boolean {
  if (origin.kind !== "sql" || origin.dialect !== "postgres" || cursor || dryRun || drift !== "evolve") return false;
  const names = recordSchema.columns.map(({ name }) => name);
  const rules = judgedByCells(recordSchema) ? cellRules(recordSchema, names) : undefined;
  return rules?.every(({ required, refuses }) => !required && !refuses) ?? false;
}

/** Lands the whole of a query of another PostgreSQL, at the speed of COPY. */
export async function landPostgres(
  client: Client,
  declaration: IngestDeclaration,
  stream: StreamDeclaration,
  options: LandOptions,
): Promise<Landed> {
  const load = new Load(client, declaration, stream, options);
  await prepareLedger(client, declaration.schema);
  await evolveTable(client, load.table);
  const { settings } = declaration.origin as Postgres;
  const { columns } = stream.recordSchema;
  const names = ["_load_id", "_row_no", ...columns.map(({ name }) => name)];
  return withClient(settings(), { applicationName: `dataform ingest ${declaration.source}` }, (source) =>
    withTransaction(client, async () => {
      await load.begin();
      const loadId = await load.take();
      const { text } = selectOf("postgres", stream.origin as SqlStream);
      const cells = columns.map(({ name, type }) => `${quoteIdentifier(name)}::${type}`);
      const select = `select ${[`${loadId}::bigint`, "row_number() over ()", ...cells].join(", ")} from (${text}\n) as records`;
      const format = await copyFormat(source, select, client, load.table, names);
      const into = `copy ${quoteTarget(load.table)} (${quoteList(names)}) from stdin`;
      const rows = await copyThrough(source, select, client, into, {
        format,
        onBytes: (bytes) => load.tell({ kind: "bytes", file: "", bytes, of: null }),
      });
      load.counted(rows);
      return load.finish({ asOf: null });
    }),
  );
}

/** The rows of another PostgreSQL as records: where they must be judged, or a cursor followed. */
export async function* readPostgres(
  origin: Postgres,
  stream: SqlStream,
  cursor: SqlCursor | undefined,
): AsyncIterable<SourcePage> {
  const { text } = selectOf("postgres", stream, cursor);
  // A control character that JSON never has unescaped, as delimiter and as quote: each line is one JSON text.
  const lines = `copy (select row_to_json(r) from (${text}\n) as r) to stdout (format csv, delimiter E'\\x01', quote E'\\x02')`;
  const source = await connect(origin.settings(), { applicationName: "dataform ingest" });
  try {
    await source.script("set default_transaction_read_only = on; set datestyle = 'ISO, YMD'; set timezone = 'UTC'");
    yield* readNdjson({ kind: "ndjson", encoding: "utf-8" })(copyOut(source, lines));
  } finally {
    await source.close();
  }
}
