import type { IngestDeclaration, SoapStream, SqlDeclaration, SqlStream, StreamDeclaration } from "../model/ingest.ts";
import type { RestOptions, RestStreamDeclaration } from "../sources/rest.ts";
import type { SourcePage } from "../sources/source.ts";
import { type SqlCursor, selectOf } from "../sources/sql/query.ts";
import { type Postgres, readPostgres } from "./through.ts";

/** Reads a stream of any source that is not files, from a cursor value on or from the beginning. */
export async function* readPagesOf(
  declaration: IngestDeclaration,
  stream: StreamDeclaration,
  since: string | null,
  options: RestOptions,
): AsyncIterable<SourcePage> {
  const { origin } = declaration;
  switch (origin.kind) {
    case "rest": {
      const { readPages } = await import("../sources/rest.ts");
      yield* readPages(origin, stream as RestStreamDeclaration, since, options);
      break;
    }
    case "soap": {
      const { readSoap } = await import("../sources/soap.ts");
      yield* readSoap(origin, stream as StreamDeclaration & { readonly origin: SoapStream }, since, options);
      break;
    }
    case "sql":
      yield* readSql(origin, stream as StreamDeclaration & { readonly origin: SqlStream }, since);
      break;
    case "files":
      throw new Error("files are landed one by one");
  }
}

async function* readSql(
  origin: SqlDeclaration,
  stream: StreamDeclaration & { readonly origin: SqlStream },
  since: string | null,
): AsyncIterable<SourcePage> {
  const { url, projectDir, dialect } = origin;
  const field = stream.cursor?.field;
  const type = stream.recordSchema.columns.find(({ name }) => name === field)?.type ?? "text";
  const cursor: SqlCursor | undefined = field === undefined ? undefined : { field, since, type };
  if (dialect === "mysql") {
    const { readMysql } = await import("../sources/sql/mysql.ts");
    yield* readMysql(url, selectOf(dialect, stream.origin, cursor), { projectDir, recordSchema: stream.recordSchema });
  } else if (dialect === "sqlserver") {
    const { readSqlServer } = await import("../sources/sql/sqlserver.ts");
    yield* readSqlServer(url, selectOf(dialect, stream.origin, cursor), {
      projectDir,
      recordSchema: stream.recordSchema,
    });
  } else yield* readPostgres(origin as Postgres, stream.origin, cursor);
}
