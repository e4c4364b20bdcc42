import type { Client } from "../postgres/client.ts";
import { literal } from "../sql/literals.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { sql } from "../sql/sql.ts";

export interface TableName {
  readonly schema: string;
  readonly name: string;
}

/** Tables and views that the user may see, in order of their names: none of PostgreSQL's own and none of our private ones. */
export async function listTables(client: Client): Promise<readonly TableName[]> {
  const { rows } = await client.query<TableName>(sql`
    select n.nspname as schema, c.relname as name
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f')
      and n.nspname not like 'pg\_%'
      and n.nspname not in ('information_schema', ${literal(PRIVATE_SCHEMA)})
      and pg_catalog.has_table_privilege(c.oid, 'select, insert, update, delete, truncate, references, trigger')
    order by 1, 2`);
  return rows;
}

/** What Dataform 2 tells of a table or a view. */
export interface TableMetadata {
  readonly type: "TABLE" | "VIEW";
  readonly target: TableName;
  /** In their order. */
  readonly fields: readonly Field[];
  readonly description?: string;
}

interface Field {
  readonly name: string;
  readonly primitive: Primitive;
  readonly description?: string;
}

type Primitive = "INTEGER" | "FLOAT" | "NUMERIC" | "BOOLEAN" | "STRING" | "DATE" | "TIMESTAMP" | "UNKNOWN";

/** By PostgreSQL's names of types, without length or precision. */
const PRIMITIVES: ReadonlyMap<string, Primitive> = new Map<string, Primitive>([
  ...["bigint", "integer", "smallint"].map((type) => [type, "INTEGER"] as const),
  ...["double precision", "real"].map((type) => [type, "FLOAT"] as const),
  ...["character varying", "character", "text"].map((type) => [type, "STRING"] as const),
  ...["timestamp without time zone", "timestamp with time zone"].map((type) => [type, "TIMESTAMP"] as const),
  ["numeric", "NUMERIC"],
  ["boolean", "BOOLEAN"],
  ["date", "DATE"],
]);

interface ColumnRow {
  readonly kind: string;
  readonly relation_description: string | null;
  readonly name: string | null;
  readonly type: string | null;
  readonly description: string | null;
}

/** Undefined where there is no relation of that name. */
export async function tableMetadata(client: Client, target: TableName): Promise<TableMetadata | undefined> {
  const { rows } = await client.query<ColumnRow>(sql`
    select c.relkind as kind, pg_catalog.obj_description(c.oid, 'pg_class') as relation_description,
      a.attname as name, pg_catalog.format_type(a.atttypid, null) as type,
      pg_catalog.col_description(c.oid, a.attnum) as description
    from pg_catalog.pg_class c
    left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relname = ${literal(target.name)}
      and c.relnamespace = (select oid from pg_catalog.pg_namespace where nspname = ${literal(target.schema)})
    order by a.attnum`);
  const [first] = rows;
  if (!first) return undefined;
  return {
    type: first.kind === "v" ? "VIEW" : "TABLE",
    target,
    fields: rows.flatMap(({ name, type, description }) =>
      name === null ? [] : [{ name, primitive: PRIMITIVES.get(type!) ?? "UNKNOWN", ...described(description) }],
    ),
    ...described(first.relation_description),
  };
}

function described(description: string | null): { readonly description?: string } {
  return description === null ? {} : { description };
}
