import { LEDGER_TABLES, type Ledger, RECORD_TABLES, type RecordTables } from "../library/monitoring/tables.ts";
import { UserError } from "../model/errors.ts";
import type { Client } from "../postgres/client.ts";
import { id } from "../sql/identifiers.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { type Sql, sql } from "../sql/sql.ts";

/** Of everything that a person may look at: one snapshot, and nothing is changed. */
export const LOOKING = sql`begin isolation level repeatable read read only`;

/** The tables of the record, by their own names. */
export const record: RecordTables = namesIn(PRIVATE_SCHEMA, RECORD_TABLES);

function namesIn<Name extends string>(schema: string, names: readonly Name[]): Readonly<Record<Name, Sql>> {
  return Object.fromEntries(names.map((name) => [name, id(schema, name)])) as unknown as Readonly<Record<Name, Sql>>;
}

/** Rows of a query as the server writes them as JSON: moments as ISO 8601, figures as numbers. For what is no data of anybody. */
export async function rowsOf<Row>(client: Client, query: Sql): Promise<Row[]> {
  const { rows } = await client.query<{ rows: string }>(
    sql`select coalesce(json_agg(found), '[]') as rows from (${query}) as found`,
  );
  return JSON.parse(rows[0]!.rows) as Row[];
}

/** What the ledgers are read for. */
const NEEDED = [
  ["_load", "is_gone"],
  ["_rejected", "dismissed_at"],
  ["_file", "table_name"],
] as const;

/**
 * The ledgers of these schemas, as far as they are there.
 * @throws UserError for one that an earlier version of this program made
 */
export async function ledgersIn(client: Client, schemas: readonly string[]): Promise<readonly Ledger[]> {
  const { rows } = await client.query<Record<"schema" | "tables" | "columns", string>>(
    sql`
      select
        s.name as schema,
        (select count(*) from pg_class where relnamespace = to_regnamespace(quote_ident(s.name)) and relname = any($2::text[])) as tables,
        (
          select count(*)
          from jsonb_to_recordset($3::jsonb) as needed (relation text, name text)
          join pg_class as c
            on c.relnamespace = to_regnamespace(quote_ident(s.name)) and c.relname = needed.relation
          join pg_attribute as a
            on a.attrelid = c.oid and a.attname = needed.name and not a.attisdropped
        ) as columns
      from unnest($1::text[]) with ordinality as s (name, place)
      order by s.place`,
    [schemas, LEDGER_TABLES, JSON.stringify(NEEDED.map(([relation, name]) => ({ relation, name })))],
  );
  return rows
    .filter(({ tables }) => Number(tables) > 0)
    .map(({ schema, columns }) => {
      if (Number(columns) < NEEDED.length) throw ofEarlierVersion(schema);
      return { schema, ...namesIn(schema, LEDGER_TABLES) };
    });
}

function ofEarlierVersion(schema: string): UserError {
  return new UserError({
    message: `the ledger in schema ${schema} was made by an older version of dataform-postgres`,
    hint: "the next `dataform ingest` brings it up to date",
  });
}
