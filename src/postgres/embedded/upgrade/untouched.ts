import { sql } from "../../../sql/sql.ts";
import type { Client } from "../../client.ts";
import { inventoryOf } from "./inventory.ts";
import { systemRights } from "./system-rights.ts";

/** Of the database itself, but for its locale, which initdb chooses. */
const OWN = sql`
  select
    datdba::regrole, datconnlimit, datistemplate, shobj_description(oid, 'pg_database') as comment,
    array(select a::text from unnest(datacl) as a order by 1) as rights,
    array(select setconfig::text from pg_db_role_setting where setdatabase = oid) as settings
  from pg_database
  where datname = current_database()`;

/** Whether a database is in the old server as initdb makes it, and as it is in the new one: most `template1` and `postgres` are. */
export async function isUntouched(from: Client, to: Client): Promise<boolean> {
  const [was, is] = [await inventoryOf(from), await inventoryOf(to)];
  if (was.size > 1 || JSON.stringify([...was]) !== JSON.stringify([...is])) return false;
  const own = [await from.query(OWN), await to.query(OWN)].map(({ rows }) => JSON.stringify(rows));
  const [before, now] = [await systemRights(from), await systemRights(to)];
  return own[0] === own[1] && [...before].every(([name, rights]) => now.get(name) === rights);
}
