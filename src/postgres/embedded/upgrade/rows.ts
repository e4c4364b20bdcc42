import { UserError } from "../../../model/errors.ts";
import { asWritten } from "../../../sql/authored.ts";
import { id, ids } from "../../../sql/identifiers.ts";
import { literal } from "../../../sql/literals.ts";
import { empty, join, type Sql, sql } from "../../../sql/sql.ts";
import { type Client, withTransaction } from "../../client.ts";
import { copyPgToPg } from "../../pg-to-pg-copy.ts";

/** A table with rows of its own. */
export interface Table {
  readonly schema: string;
  readonly name: string;
  /** On the disk of the old cluster. */
  readonly bytes: number;
  /** Without those that are generated. */
  readonly columns: readonly string[];
  readonly generated: readonly string[];
  /** Which rows are people's, in a table of an extension. */
  readonly condition: Sql;
}

/** Every table whose rows pg_dump would take: ordinary ones and partitions, and what extensions say of their own. */
export async function tablesOf(client: Client): Promise<readonly Table[]> {
  const columns = (generated: Sql) => sql`
    select coalesce(json_agg(a.attname order by a.attnum), '[]')
    from pg_attribute as a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and ${generated}`;
  const { rows } = await client.query<
    Record<"schema" | "name" | "bytes" | "columns" | "generated", string> & { condition: string | null }
  >(sql`
    select
      n.nspname as schema, c.relname as name, pg_table_size(c.oid) as bytes, e.condition,
      (${columns(sql`a.attgenerated = ''`)}) as columns,
      (${columns(sql`a.attgenerated <> ''`)}) as generated
    from pg_class as c
    inner join pg_namespace as n
      on n.oid = c.relnamespace
    left join lateral (
      select x.extcondition[array_position(x.extconfig, c.oid)] as condition
      from pg_extension as x
      where c.oid = any (x.extconfig)
    ) as e
      on true
    where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname not in ('pg_catalog', 'information_schema')
      and (
        e.condition is not null
        or not exists (
          select from pg_depend as d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
        )
      )
    order by pg_table_size(c.oid) desc, 1, 2`);
  return rows.map(({ schema, name, bytes, columns, generated, condition }) => ({
    schema,
    name,
    bytes: Number(bytes),
    columns: JSON.parse(columns),
    generated: JSON.parse(generated),
    condition: condition ? asWritten(condition) : empty,
  }));
}

/** Copies the rows of a table, as text: what any version writes, any newer one reads. Returns how many. */
export async function copyRows(
  from: Client,
  to: Client,
  table: Table,
  onBytes: (bytes: number) => void,
): Promise<number> {
  const columns = ids(table.columns);
  const name = id(table.schema, table.name);
  const list = columns.length ? sql` (${columns})` : empty;
  const select = sql`select ${columns} from only ${name} ${table.condition}`;
  return withTransaction(to, () => copyPgToPg(from, select, to, sql`copy ${name}${list} from stdin`, { onBytes }));
}

/** What a table holds, whatever the order of its rows. */
interface Content {
  readonly rows: string;
  readonly sum: string;
}

/** Of each row as text, also where a column is computed: each side computes it itself. */
async function contentOf(client: Client, { schema, name, columns, generated, condition }: Table): Promise<Content> {
  const { rows } = await client.query<Content>(sql`
    select count(*) as rows, coalesce(sum(hashtextextended(row(${ids([...columns, ...generated])})::text, 0)), 0) as sum
    from only ${id(schema, name)}
    ${condition}`);
  return rows[0]!;
}

/** @throws UserError for a table that is not what it was */
export async function requireSameRows(from: Client, to: Client, table: Table): Promise<number> {
  const [before, after] = await Promise.all([contentOf(from, table), contentOf(to, table)]);
  if (before.rows === after.rows && before.sum === after.sum) return Number(after.rows);
  throw new UserError({
    message: `table ${table.schema}.${table.name} is not what it was`,
    expected: `${before.rows} rows, checksum ${before.sum}`,
    found: `${after.rows} rows, checksum ${after.sum}`,
  });
}

/** Gives each sequence the value that it had; pg_dump counts those to the rows. */
export async function copySequences(from: Client, to: Client): Promise<void> {
  const { rows } = await from.query<{ schema: string; name: string }>(sql`
    select n.nspname as schema, c.relname as name
    from pg_class as c
    inner join pg_namespace as n
      on n.oid = c.relnamespace
    where c.relkind = 'S' and c.relpersistence <> 't'
      and (
        exists (select from pg_extension as x where c.oid = any (x.extconfig))
        or not exists (
          select from pg_depend as d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
        )
      )
    order by 1, 2`);
  for (let at = 0; at < rows.length; at += 100) {
    const some = rows.slice(at, at + 100).map(({ schema, name }) => id(schema, name));
    const asked = some.map(
      (name) => sql`select ${literal(name.toString())} as name, last_value, is_called from ${name}`,
    );
    const states = await from.query<Record<"name" | "last_value" | "is_called", string>>(join(asked, "\nunion all\n"));
    const set = states.rows.map(
      ({ name, last_value, is_called }) =>
        sql`setval(${literal(name)}, ${literal(BigInt(last_value))}, ${literal(is_called === "t")})`,
    );
    await to.query(sql`select ${set}`);
  }
}
