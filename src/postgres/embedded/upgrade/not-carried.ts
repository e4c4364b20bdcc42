import { UserError } from "../../../model/errors.ts";
import { id } from "../../../sql/identifiers.ts";
import { literal } from "../../../sql/literals.ts";
import { join, type Sql, sql } from "../../../sql/sql.ts";
import type { Client } from "../../client.ts";
import { systemRights } from "./system-rights.ts";

/** Large objects go through memory, with the definitions. */
const LARGE_OBJECTS = 256 * 1024 * 1024;

/** What does not come along, and what a person can do. */
export interface NotCarried {
  readonly what: string;
  readonly todo: string;
}

/** What belongs to the old server alone, or what pg_dump does not see. */
const OF_CLUSTER: readonly Sql[] = [
  sql`select 'tablespace ' || spcname, 'move what is in it into pg_default, then drop it' from pg_tablespace where spcname !~ '^pg_'`,
  sql`select 'replication slot ' || slot_name, 'end what reads from it, then pg_drop_replication_slot' from pg_replication_slots where not temporary`,
  sql`select 'replication origin ' || roname, 'drop the subscription, or pg_replication_origin_drop' from pg_replication_origin`,
  sql`select 'prepared transaction ' || gid, 'commit or roll it back' from pg_prepared_xacts`,
  sql`select 'subscription ' || subname, 'drop it, and create it again afterwards' from pg_subscription`,
  sql`select 'security label of provider ' || provider || ' on a role or database', 'remove it' from pg_shseclabel`,
  sql`select 'database ' || datname || ', which allows no connections', 'allow them, or drop it' from pg_database where not datallowconn and datname <> 'template0'`,
  sql`select 'database ' || datname || ', which was dropped half', 'drop it' from pg_database where datconnlimit = -2`,
  sql`select 'superuser ' || rolname, 'give the first superuser the name postgres' from pg_roles where oid = 10 and rolname <> 'postgres'`,
];

/** Objects of people in the schemas of the server: no dump has them. */
const IN_SYSTEM = [
  ["pg_class", "relnamespace"],
  ["pg_proc", "pronamespace"],
  ["pg_type", "typnamespace"],
  ["pg_operator", "oprnamespace"],
  ["pg_collation", "collnamespace"],
] as const;

const OF_DATABASE: readonly Sql[] = [
  sql`
    select 'large objects of ' || pg_size_pretty(pg_table_size('pg_largeobject')), 'unlink what nobody needs, or vacuum full pg_largeobject'
    where pg_table_size('pg_largeobject') > ${literal(LARGE_OBJECTS)}`,
  ...IN_SYSTEM.map(
    ([catalog, namespace]) => sql`
      select i.type || ' ' || i.identity || ' in a schema of the server', 'move it into a schema of your own'
      from ${id(catalog)} as o
      cross join pg_identify_object(${literal(catalog)}::regclass, o.oid, 0) as i
      where o.oid >= 16384 and o.${id(namespace)} in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
        and not exists (
          select
          from pg_depend as d
          where d.classid = ${literal(catalog)}::regclass and d.objid = o.oid and d.deptype in ('e', 'i')
        )`,
  ),
];

/** Of roles and whatever else belongs to no database. */
export const notCarriedOfCluster = (client: Client) => ask(client, OF_CLUSTER);

export async function notCarriedOf(client: Client, database: string): Promise<NotCarried[]> {
  return inDatabase(database, await ask(client, OF_DATABASE));
}

/** What the new server has as initdb makes it. */
interface Fresh {
  readonly extensions: readonly string[];
  readonly rights: ReadonlyMap<string, string | null>;
}

export async function availableExtensions(client: Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(sql`select name from pg_available_extensions`);
  return rows.map(({ name }) => name);
}

/** Extensions that the new server does not have, and rights in `information_schema`, which pg_dump passes over. */
export async function notCarriedTo(client: Client, database: string, fresh: Fresh): Promise<NotCarried[]> {
  const extensions = await ask(client, [
    sql`
      select 'extension ' || extname, 'drop it: the new server does not have it'
      from pg_extension
      where not ${literal(JSON.stringify(fresh.extensions))}::jsonb ? extname`,
  ]);
  // Of a table that nothing is granted on there is no list, or one without anybody but the superuser.
  const usual = (name: string) => fresh.rights.get(name) ?? (/^(?:table|view) /.test(name) ? null : undefined);
  const rights = [...(await systemRights(client))]
    .filter(([name, granted]) => /\binformation_schema\b/.test(name) && usual(name) !== granted)
    .map(([name]) => ({ what: `rights on ${name}`, todo: "take them back, and grant them again afterwards" }));
  return inDatabase(database, [...extensions, ...rights]);
}

function inDatabase(database: string, found: readonly NotCarried[]): NotCarried[] {
  return found.map(({ what, todo }) => ({ what: `${what} in database ${database}`, todo }));
}

async function ask(client: Client, questions: readonly Sql[]): Promise<NotCarried[]> {
  const { rows } = await client.query<NotCarried>(sql`
    select distinct what, todo
    from (
      ${join(questions, "\nunion all\n")}
    ) as r(what, todo)
    order by 1`);
  return [...rows];
}

/** @throws UserError that names all of it */
export function refuse(found: readonly NotCarried[]): void {
  if (!found.length) return;
  throw new UserError({
    message: "the embedded database has what an upgrade does not bring over",
    found: found.map(({ what, todo }) => `${what}: ${todo}`).join("\n"),
    hint: "start it with the release of dataform-postgres that made it, or with a PostgreSQL of its version, and change that; nothing was changed",
  });
}
