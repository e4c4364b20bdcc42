import type { Client } from "../postgres/client.ts";
import { labelled, type ObjectLabel } from "../sql/ddl.ts";
import { PRIVATE_SCHEMA, privateId } from "../sql/names.ts";
import { type Sql, sql } from "../sql/sql.ts";

/** An object of schema `_dataform` that carries our label. */
export interface PrivateObject {
  readonly name: string;
  readonly kind: "table" | "view";
  readonly label: ObjectLabel;
  /** Views of others, and public ones, that read it. */
  readonly readers: string;
  /** Private objects that it reads or refers to: a view by its query, a table by its foreign keys and policies. */
  readonly reads: readonly string[];
}

const ofEnvironment = sql`
  from pg_class c
  join pg_description l on l.classoid = 'pg_class'::regclass and l.objoid = c.oid and l.objsubid = 0
  where c.relnamespace = to_regnamespace($2) and c.relkind in ('r', 'v')
    and ${labelled(sql`l.description`, "environment")} = $1`;

/** Names of the private objects of the environment. */
export async function privateNames(client: Client, environment: string): Promise<string[]> {
  const query = sql`select c.relname as name ${ofEnvironment}`;
  const { rows } = await client.query<{ name: string }>(query, [environment, PRIVATE_SCHEMA]);
  return rows.map(({ name }) => name);
}

/**
 * Private objects of the environment, those built last first.
 * @param kept names of those that stay: who reads them is not asked
 */
export async function privateObjects(
  client: Client,
  environment: string,
  kept: readonly string[] = [],
): Promise<PrivateObject[]> {
  const { rows } = await client.query<Record<"name" | "relkind" | "label" | "readers" | "reads", string>>(
    sql`select c.relname as name, c.relkind, l.description as label,
       case when c.relname = any($3::text[]) then '' else coalesce((
         select string_agg(distinct n.nspname || '.' || r.relname, ', ')
         from pg_depend d
         join pg_rewrite w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid
         join pg_class r on r.oid = w.ev_class join pg_namespace n on n.oid = r.relnamespace
         where d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid and n.nspname <> $2
       ), '') end as readers,
       case when c.relkind = 'v' then (
         select coalesce(jsonb_agg(distinct s.relname), '[]')
         from pg_rewrite w
         join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
         join pg_class s on s.oid = d.refobjid
         where w.ev_class = c.oid and s.oid <> c.oid and s.relnamespace = c.relnamespace
       ) else '[]' end || case when exists (
         select from pg_constraint f where f.conrelid = c.oid and f.contype = 'f'
       ) or exists (select from pg_policy p where p.polrelid = c.oid) then (
         select coalesce(jsonb_agg(distinct s.relname), '[]')
         from (
           select f.confrelid as oid from pg_constraint f where f.conrelid = c.oid and f.contype = 'f'
           union all
           select d.refobjid
           from pg_policy p
           join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_class'::regclass
           where p.polrelid = c.oid
         ) as referred
         join pg_class s on s.oid = referred.oid
         where s.oid <> c.oid and s.relnamespace = c.relnamespace
       ) else '[]' end as reads
     ${ofEnvironment}
     order by c.oid desc`,
    [environment, PRIVATE_SCHEMA, kept],
  );
  return rows.map(({ name, relkind, label, readers, reads }) => ({
    name,
    kind: relkind === "v" ? "view" : "table",
    label: JSON.parse(label) as ObjectLabel,
    readers,
    reads: JSON.parse(reads) as string[],
  }));
}

/** Bytes on disk of private objects, indexes included, by name. The server looks at every file of theirs. */
export async function bytesOf(client: Client, names: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await client.query<Record<"name" | "bytes", string | null>>(
    sql`select c.relname as name, pg_total_relation_size(c.oid) as bytes
     from pg_class c where c.relnamespace = to_regnamespace($2) and c.relname = any($1::text[])`,
    [names, PRIVATE_SCHEMA],
  );
  return new Map(rows.map(({ name, bytes }) => [name!, Number(bytes ?? 0)]));
}

const KINDS: Readonly<Record<PrivateObject["kind"], Sql>> = { view: sql`view`, table: sql`table` };

/** Statements that drop them all: views first, which read the tables. */
export function dropStatements(objects: readonly PrivateObject[]): Sql[] {
  return (["view", "table"] as const).flatMap((kind) => {
    const names = objects.filter((object) => object.kind === kind).map(({ name }) => privateId(name));
    return names.length ? [sql`drop ${KINDS[kind]} if exists ${names}`] : [];
  });
}
