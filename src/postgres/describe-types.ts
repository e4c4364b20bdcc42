import { id } from "../sql/identifiers.ts";
import { join, type Sql, sql } from "../sql/sql.ts";
import type { Client } from "./client.ts";

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
  const fields = await fieldsOf(client, query);
  const types = await named(client, fields);
  return fields.map(({ name }, at) => ({ ...types[at]!, column: name }));
}

/**
 * What the server calls types that a person wrote: "decimal(10, 2)" is numeric(10,2), "float" is double precision.
 * Throws the server's error where one of them is none.
 */
export async function describeTypes(client: Client, written: readonly Sql[]): Promise<readonly ServerType[]> {
  if (!written.length) return [];
  const names = written.map((_, at) => String(at));
  const nulls = written.map((type, at) => sql`null::${type} as ${id(names[at]!)}`);
  const fields = await fieldsOf(client, sql`select ${join(nulls, ", ")}`);
  return named(
    client,
    fields.map((field, at) => ({ ...field, written: written[at]!.toString() })),
  );
}

interface Field {
  readonly name: string;
  readonly oid: number;
  readonly modifier: number;
  /** The server describes a domain as what it is of; the name tells. */
  readonly written?: string;
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
  const { rows } = await client.query<Record<"name" | "base" | "kind", string>>(
    sql`
      with

      fields as (
        select position, oid, modifier, coalesce(to_regtype(written)::oid, oid) as given
        from rows from (
          jsonb_to_recordset($1::jsonb) as (oid oid, modifier int, written text)
        ) with ordinality as f(oid, modifier, written, position)
      )

      select
        format_type(f.given, case when f.given = f.oid then f.modifier end) as name,
        format_type(f.oid, f.modifier) as base,
        t.typtype as kind
      from fields f
      join pg_catalog.pg_type t on t.oid = f.given
      order by f.position`,
    [JSON.stringify(fields)],
  );
  return rows.map((row, at) => ({ ...row, oid: fields[at]!.oid, modifier: fields[at]!.modifier }));
}
