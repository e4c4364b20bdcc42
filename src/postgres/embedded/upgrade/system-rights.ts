import { id } from "../../../sql/identifiers.ts";
import { literal } from "../../../sql/literals.ts";
import { join, type Sql, sql } from "../../../sql/sql.ts";
import type { Client } from "../../client.ts";
import { listOfRights } from "./inventory.ts";

/** Rights on what is PostgreSQL's. */
const CATALOGS = [
  ["pg_class", "relacl"],
  ["pg_language", "lanacl"],
  ["pg_namespace", "nspacl"],
  ["pg_proc", "proacl"],
  ["pg_type", "typacl"],
] as const;

/** Those that initdb has not noted as it made them: what somebody changed, and all of `information_schema`. */
const OTHER_RIGHTS = join(
  [
    ...CATALOGS.map(
      ([catalog, rights]) => sql`
        select ${identity(literal(catalog), sql`o.oid`)} as name, (${listOfRights(sql`o.${id(rights)}`)}) as rights
        from ${id(catalog)} as o
        left join pg_init_privs as i
          on i.objoid = o.oid and i.classoid = ${literal(catalog)}::regclass and i.objsubid = 0
        where o.oid < 16384 and o.${id(rights)} is distinct from i.initprivs`,
    ),
    sql`
      select ${identity(literal("pg_class"), sql`a.attrelid`)} || ' ' || a.attname, (${listOfRights(sql`a.attacl`)})
      from pg_attribute as a
      left join pg_init_privs as i
        on i.objoid = a.attrelid and i.classoid = 'pg_class'::regclass and i.objsubid = a.attnum
      where a.attrelid < 16384 and a.attnum > 0 and a.attacl is distinct from i.initprivs`,
  ],
  "\nunion all\n",
);

function identity(catalog: Sql, oid: Sql): Sql {
  return sql`(select i.type || ' ' || i.identity from pg_identify_object(${catalog}::regclass, ${oid}, 0) as i)`;
}

/** What is granted on objects of PostgreSQL otherwise than initdb notes, by the object's name. */
export async function systemRights(client: Client): Promise<ReadonlyMap<string, string | null>> {
  const { rows } = await client.query<{ name: string; rights: string | null }>(OTHER_RIGHTS);
  return new Map(rows.map(({ name, rights }) => [name, rights]));
}
