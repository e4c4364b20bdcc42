import { id } from "../sql/identifiers.ts";
import { join, type Sql, sql } from "../sql/sql.ts";
import { inCatalog, serverName } from "../sql/types.ts";
import { type Client, withNames } from "./client.ts";
import { connectionLost, sqlState } from "./sqlstate.ts";

/** A type as the server knows it: a name and a length, however it was written. */
export interface ServerType {
  /** Of the base of a domain; otherwise of the type. */
  readonly oid: number;
  /** The length, precision or fields of that; -1 where there is none. */
  readonly modifier: number;
  /** As `format_type` writes it: "character varying(4)", "timestamp(3) with time zone", "my schema".mood. */
  readonly name: string;
  /** The same of what a domain is of; the type's own name otherwise. */
  readonly base: string;
  /** `pg_type.typtype` of the type itself: "b" base, "d" domain, "e" enum, "c" composite, "p" pseudo-type, … */
  readonly kind: string;
}

export interface DescribedColumn extends ServerType {
  readonly column: string;
}

/** The columns that a query gives, and their types; of a domain what it is of. The query is not run. */
export async function describeQuery(client: Client, query: Sql): Promise<readonly DescribedColumn[]> {
  const fields = await withNames(client, "theirs", () => fieldsOf(client, query));
  const types = await named(client, fields);
  return fields.map(({ name }, at) => ({ ...types[at]!, column: name }));
}

/**
 * What the server calls types that a person wrote: "decimal(10, 2)" is numeric(10,2), "float" is double precision. A name without
 * a schema means PostgreSQL's own type, where it has one: also where the database looks in other schemas first.
 * Throws the server's error where one of them is none.
 */
export async function describeTypes(client: Client, written: readonly Sql[]): Promise<readonly ServerType[]> {
  const types = await lookedUp(client, written);
  const others = written.map((type, at) => {
    const own = inCatalog(type.toString());
    return own !== type.toString() && HAS_SCHEMA.test(types[at]!.name) ? serverName(own) : undefined;
  });
  if (!others.some((type) => type)) return types;
  const all: ServerType[] = [];
  for (const [at, type] of types.entries()) {
    const own = others[at];
    const [found] = own ? await lookedUp(client, [own]).catch(noType) : [];
    all.push(found ?? type);
  }
  return all;
}

/** What the server refuses is no type of PostgreSQL's own. */
function noType(error: unknown): [] {
  if (sqlState(error) === undefined || connectionLost(error)) throw error;
  return [];
}

const HAS_SCHEMA = /^(?:"(?:[^"]|"")+"|[^."]+)\./;

async function lookedUp(client: Client, written: readonly Sql[]): Promise<readonly ServerType[]> {
  if (!written.length) return [];
  const names = written.map((_, at) => String(at));
  const nulls = written.map((type, at) => sql`null::${type} as ${id(names[at]!)}`);
  return withNames(client, "theirs", async () => {
    const fields = await fieldsOf(client, sql`select ${join(nulls, ", ")}`);
    const { rows } = await client.query<{ given: string | null }>(
      sql`
        select pg_catalog.to_regtype(written)::pg_catalog.oid as given
        from pg_catalog.unnest($1::pg_catalog.text[]) with ordinality as types(written, place)
        order by place`,
      [written.map(String)],
    );
    return fields.map((field, at) => ({ ...field, given: Number(rows[at]!.given ?? field.oid) }));
  }).then((fields) => named(client, fields));
}

interface Field {
  readonly name: string;
  readonly oid: number;
  readonly modifier: number;
  /** The type itself, where it is a domain: the server describes it as what it is of. */
  readonly given?: number;
}

async function fieldsOf(client: Client, query: Sql): Promise<readonly Field[]> {
  const described = sql`
    select *
    from (
      ${query}
    ) as described
    limit 0`;
  const { columns, types } = await client.table(described);
  return columns.map((name, at) => ({ name, ...types[at]! }));
}

async function named(client: Client, fields: readonly Field[]): Promise<readonly ServerType[]> {
  const query = sql`
      with

      fields as (
        select position, oid, modifier, coalesce(given, oid) as given
        from rows from (
          jsonb_to_recordset($1::jsonb) as (oid oid, modifier int, given oid)
        ) with ordinality as f(oid, modifier, given, position)
      )

      select
        format_type(f.given, case when f.given = f.oid then f.modifier end) as name,
        format_type(f.oid, f.modifier) as base,
        t.typtype as kind
      from fields f
      join pg_catalog.pg_type t on t.oid = f.given
      order by f.position`;
  // With the schema of every type that is not PostgreSQL's own, so that it is one type wherever it is named.
  const { rows } = await withNames(client, "ours", () =>
    client.query<Record<"name" | "base" | "kind", string>>(query, [JSON.stringify(fields)]),
  );
  return rows.map((row, at) => ({ ...row, oid: fields[at]!.oid, modifier: fields[at]!.modifier }));
}
