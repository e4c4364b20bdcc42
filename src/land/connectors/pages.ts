import type {
  IngestDeclaration,
  SoapStream,
  SqlDeclaration,
  SqlStream,
  StreamDeclaration,
} from "../../model/declarations.ts";
import { restated, UserError } from "../../model/errors.ts";
import type { RestOptions, RestStreamDeclaration } from "../../sources/rest/rest.ts";
import type { SourcePage } from "../../sources/source.ts";
import { type SqlCursor, type SqlQuery, selectOf } from "../../sources/sql/query.ts";
import type { Dialect } from "../../sql/dialects.ts";
import { heedingEach } from "../../wait/timers.ts";
import { baseOf } from "../check/field-types.ts";
import type { Landed } from "../load/load.ts";
import type { LandOptions } from "../load/options.ts";
import type { Sink } from "../load/sink.ts";
import type { LoadTarget } from "../load/target.ts";
import { withLoad } from "../load/with-load.ts";

/** Lands a stream whose source sends its records in pages. */
export async function landPages(
  sink: Sink,
  target: LoadTarget,
  read: (stream: StreamDeclaration, since: string | null) => AsyncIterable<SourcePage>,
  options: LandOptions,
): Promise<Landed> {
  const { landed } = await withLoad(sink, target, options, async (load) => {
    await load.readAll(heedingEach(read(target.stream, load.since), options.signal));
    return { keep: {}, answer: undefined };
  });
  return landed!;
}

/** Reads a stream of any source that is not files, from a cursor value on or from the beginning. */
export async function* readPagesOf(
  { connector }: IngestDeclaration,
  stream: StreamDeclaration,
  since: string | null,
  options: RestOptions,
): AsyncIterable<SourcePage> {
  switch (connector.kind) {
    case "rest": {
      const { readPages } = await import("../../sources/rest/rest.ts");
      yield* readPages(connector, stream as RestStreamDeclaration, since, options);
      break;
    }
    case "soap": {
      const { readSoap } = await import("../../sources/soap/soap.ts");
      yield* readSoap(connector, stream as StreamDeclaration & { readonly connector: SoapStream }, since, options);
      break;
    }
    case "sql":
      yield* readSql(connector, stream as StreamDeclaration & { readonly connector: SqlStream }, since);
      break;
    case "files":
    case "kafka":
    case "collect":
      throw new Error(`${connector.kind} is landed by itself`);
  }
}

async function* readSql(
  connector: SqlDeclaration,
  stream: StreamDeclaration & { readonly connector: SqlStream },
  since: string | null,
): AsyncIterable<SourcePage> {
  const { url, projectDir, dialect } = connector;
  const cursor = sqlCursor(stream, since);
  const { askedAt } = stream.connector;
  const options = { projectDir, askedAt, recordSchema: stream.recordSchema, follows: cursor?.field };
  if (dialect === "mysql") {
    const { readMysql } = await import("../../sources/sql/mysql.ts");
    yield* readMysql(url, askedOf(dialect, stream.connector, cursor), options);
  } else if (dialect === "sqlserver") {
    const { readSqlServer } = await import("../../sources/sql/sqlserver.ts");
    yield* readSqlServer(url, askedOf(dialect, stream.connector, cursor), options);
  } else throw new Error("a PostgreSQL is landed by itself");
}

/** What is asked of the database. What is wrong with it stands where a person declared it. */
export function askedOf(dialect: Dialect, stream: SqlStream, cursor: SqlCursor | undefined): SqlQuery {
  try {
    return selectOf(dialect, stream, cursor);
  } catch (error) {
    if (error instanceof UserError) throw restated(error, { location: stream.askedAt });
    throw error;
  }
}

/** Where the query begins. */
export function sqlCursor({ cursor, recordSchema }: StreamDeclaration, since: string | null): SqlCursor | undefined {
  if (!cursor) return undefined;
  const { field, order } = cursor;
  return { field, since, type: baseOf(recordSchema.columns.find(({ name }) => name === field)!), order };
}
