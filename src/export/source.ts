import { UserError } from "../model/errors.ts";
import { nearest } from "../model/nearest.ts";
import { type Client, withNames } from "../postgres/client.ts";
import type { Reader } from "../postgres/reading.ts";
import { isName, ordering, select } from "../sql/authored.ts";
import { id } from "../sql/identifiers.ts";
import { empty, type Sql, sql } from "../sql/sql.ts";

/** One column of what is exported. */
export interface ExportColumn {
  readonly name: string;
  /** As an expression over the source. */
  readonly sql: Sql;
  /** As `format_type` writes it. */
  readonly type: string;
  /** Whether it holds text that somebody wrote. */
  readonly isText: boolean;
  /** Whether its JSON may have line ends between its parts, as a value of type json keeps them. */
  readonly mayBreakLines: boolean;
}

export interface ExportSource {
  readonly columns: readonly ExportColumn[];
  /** What follows `from`, in the order that was asked for. */
  readonly from: Sql;
}

/**
 * Times and bytes as every reader takes them, floating-point numbers with all their digits, and texts in quotes read as
 * the tokenizer reads them, whatever the database's settings are.
 */
export const EXACT_TEXTS = sql`
  set local datestyle = 'ISO, YMD';
  set local timezone = 'UTC';
  set local bytea_output = 'hex';
  set local extra_float_digits = 1;
  set local standard_conforming_strings = on`;

/**
 * Finds the relation, or takes the one select, and reads its columns.
 * @param orderBy what follows `order by`: names and places are those of the source, not of what is made of it
 */
export async function resolveSource(reader: Reader, source: string, orderBy?: string): Promise<ExportSource> {
  const { client } = reader;
  const query = isName(source)
    ? sql`select * from ${await relation(client, source.trim())}`
    : select(source, "the source");
  const order = orderBy === undefined ? empty : sql`order by ${ordering(orderBy, "the order")}`;
  const ordered = sql`
    select * from (
      ${query}
    ) as source
    ${order}`;
  const from = sql`(${await reader.fence(ordered)}) as source`;
  const { columns: names, types } = await client.table(sql`select * from ${from} limit 0`);
  const described = sql`
    select format_type(c.oid, c.modifier) as type, t.typcategory as category
    from unnest($1::oid[], $2::int[]) with ordinality as c(oid, modifier, place)
    join pg_type as t on t.oid = c.oid
    order by place`;
  const oids = [types.map(({ oid }) => oid), types.map(({ modifier }) => modifier)];
  const { rows } = await withNames(client, "ours", () =>
    client.query<{ type: string; category: string }>(described, oids),
  );
  refuseOneNameTwice(names);
  if (!names.length) throw new UserError({ message: "there is no column to export", found: source });
  const columns = names.map((name, index) => {
    const { type, category } = rows[index]!;
    return {
      name,
      sql: id("source", name),
      type,
      isText: TEXT_CATEGORIES.includes(category) && !NO_TEXT.test(type),
      mayBreakLines: !ONE_LINE_CATEGORIES.includes(category) && !ONE_LINE.test(type),
    };
  });
  return { columns, from };
}

/** Whoever reads rows by the names of their columns sees one of them only. */
export function refuseOneNameTwice(names: readonly string[]): void {
  const twice = [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
  if (!twice.length) return;
  throw new UserError({
    message: `two columns are called ${twice.map((name) => `"${name}"`).join(", and two ")}`,
    found: names.join(", "),
    hint: "give each a name of its own: select … as name",
  });
}

/** Strings, enumerations, other types with a text form, unknown. */
const TEXT_CATEGORIES = ["S", "E", "U", "X"];
const NO_TEXT = /^(?:json|jsonb|uuid|bytea)$/;

/** Booleans, times, enumerations, addresses, numbers, ranges, strings, intervals, bits: no line ends in their JSON. */
const ONE_LINE_CATEGORIES = ["B", "D", "E", "I", "N", "R", "S", "T", "V"];
const ONE_LINE = /^(?:jsonb|uuid|bytea)$/;

export function selectList(
  columns: readonly ExportColumn[],
  shape: (column: ExportColumn) => { readonly value: Sql; readonly name: string },
): Sql[] {
  return columns.map((column) => {
    const { value, name } = shape(column);
    return sql`${value} as ${id(name)}`;
  });
}

async function relation(client: Client, name: string): Promise<Sql> {
  const { rows } = await client.query<{ schema: string; name: string }>(
    sql`
      select n.nspname as schema, c.relname as name
      from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.oid = pg_catalog.to_regclass($1)::pg_catalog.oid`,
    [name],
  );
  if (rows[0]) return id(rows[0].schema, rows[0].name);
  const others = sql`
    select pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'v', 'm', 'p', 'f') and n.nspname not like 'pg\\_%' and n.nspname not in ('information_schema', '_dataform')`;
  const { rows: all } = await withNames(client, "ours", () => client.query<{ name: string }>(others));
  const suggestion = nearest(
    name,
    all.map((one) => one.name),
  );
  throw new UserError({
    message: `there is no relation ${name}`,
    ...(suggestion ? { hint: `did you mean ${suggestion}?` } : { hint: "write schema.name, or a select" }),
  });
}
