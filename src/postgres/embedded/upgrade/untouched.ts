import { id } from "../../../sql/identifiers.ts";
import { literal } from "../../../sql/literals.ts";
import { join, sql } from "../../../sql/sql.ts";
import type { Client } from "../../client.ts";
import { inventoryOf } from "./inventory.ts";

/** Of the database itself, but for its locale, which initdb chooses. */
const OWN = sql`
  select
    datdba::regrole, datconnlimit, datistemplate, shobj_description(oid, 'pg_database') as comment,
    array(select a::text from unnest(datacl) as a order by 1) as rights,
    array(select setconfig::text from pg_db_role_setting where setdatabase = oid) as settings
  from pg_database
  where datname = current_database()`;

/** Rights on what is PostgreSQL's, which initdb notes as it leaves them. */
const CATALOGS = [
  ["pg_class", "relacl"],
  ["pg_language", "lanacl"],
  ["pg_namespace", "nspacl"],
  ["pg_proc", "proacl"],
  ["pg_type", "typacl"],
] as const;

const CHANGED_RIGHTS = join(
  [
    ...CATALOGS.map(
      ([catalog, rights]) => sql`
        select o.oid
        from ${id(catalog)} as o
        left join pg_init_privs as i
          on i.objoid = o.oid and i.classoid = ${literal(catalog)}::regclass and i.objsubid = 0
        where o.oid < 16384 and o.${id(rights)} is distinct from i.initprivs`,
    ),
    sql`
      select a.attrelid
      from pg_attribute as a
      left join pg_init_privs as i
        on i.objoid = a.attrelid and i.classoid = 'pg_class'::regclass and i.objsubid = a.attnum
      where a.attrelid < 16384 and a.attnum > 0 and a.attacl is distinct from i.initprivs`,
  ],
  "\nunion all\n",
);

/** Whether a database is in the old server as initdb makes it, and as it is in the new one: most `template1` and `postgres` are. */
export async function isUntouched(from: Client, to: Client): Promise<boolean> {
  const [was, is] = [await inventoryOf(from), await inventoryOf(to)];
  if (was.size > 1 || JSON.stringify([...was]) !== JSON.stringify([...is])) return false;
  const own = [await from.query(OWN), await to.query(OWN)].map(({ rows }) => JSON.stringify(rows));
  const { rows: changed } = await from.query(CHANGED_RIGHTS);
  return own[0] === own[1] && changed.length === 0;
}
