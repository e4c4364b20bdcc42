import type { SqlDeclaration, SqlStream } from "../model/declarations.ts";
import { UserError } from "../model/errors.ts";
import { type Client, withClient } from "../postgres/client.ts";
import { type DescribedColumn, describeQuery } from "../postgres/describe-types.ts";
import { SQLSTATE, sqlState } from "../postgres/sqlstate.ts";
import { selectOf } from "../sources/sql/query.ts";
import { sql } from "../sql/sql.ts";
import type { InferredField, InferredRecords } from "./inferred.ts";

/** The fields of a table of another PostgreSQL, with the types that it has there. Reads no row. */
export async function inferTable({ settings, dialect }: SqlDeclaration, stream: SqlStream): Promise<InferredRecords> {
  if (!settings)
    throw new UserError({
      message: `the types of a ${dialect} table are not looked up`,
      expected: "a PostgreSQL",
      hint: "declare the stream by hand: docs/sources/sql.md",
    });
  const table = stream.from!;
  const { text } = selectOf("postgres", stream, undefined);
  const session = { applicationName: "dataform ingest infer", names: "theirs", duty: "reader" } as const;
  const look = async (client: Client) => ({
    columns: await describeQuery(client, text),
    key: await keyColumn(client, table),
  });
  const { columns, key } = await withClient(settings(), session, look).catch((cause: unknown) => {
    if (!NO_TABLE.has(sqlState(cause) ?? "")) throw cause;
    throw new UserError({
      message: `the table ${table} cannot be read`,
      found: (cause as Error).message,
      hint: "write it as schema.table",
      cause,
    });
  });
  return {
    format: "sql",
    options: {},
    fields: columns.map((column) => fieldOf(column, key)),
    rows: 0,
    isWhole: true,
    unsure: [],
  };
}

const NO_TABLE: ReadonlySet<string> = new Set([
  SQLSTATE.undefinedTable,
  SQLSTATE.insufficientPrivilege,
  SQLSTATE.invalidSchemaName,
  SQLSTATE.invalidName,
]);

const PLAIN: Readonly<Record<string, object>> = {
  text: { type: "string" },
  bigint: { type: "integer" },
  numeric: { type: "number" },
  boolean: { type: "boolean" },
  date: { type: "string", format: "date" },
  "timestamp with time zone": { type: "string", format: "date-time" },
};

/** The column of the primary key, where it is one. */
async function keyColumn(client: Client, table: string): Promise<string | undefined> {
  const { rows } = await client.query<{ name: string }>(
    sql`
      select a.attname as name
      from pg_catalog.pg_index i
      join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
      where i.indrelid = pg_catalog.to_regclass($1) and i.indisprimary`,
    [table],
  );
  return rows.length === 1 ? rows[0]!.name : undefined;
}

function fieldOf({ column, name, base, kind }: DescribedColumn, key: string | undefined): InferredField {
  // Types that somebody made there need not be here.
  const isOwn = kind === "e" || kind === "c" || (kind === "d" && name !== base) || base.includes(".");
  const type = isOwn ? (kind === "d" ? base : kind === "c" ? "jsonb" : "text") : name;
  const plain = Object.hasOwn(PLAIN, type) ? PLAIN[type] : undefined;
  return {
    name: column,
    written: column,
    property: (plain ?? { postgresType: type }) as Readonly<Record<string, unknown>>,
    examples: [],
    isKey: column === key,
    ...(isOwn ? { unsure: `${type}, for the type ${name} is of that database` } : {}),
  };
}
