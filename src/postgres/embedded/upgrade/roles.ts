import { id } from "../../../sql/identifiers.ts";
import { literal } from "../../../sql/literals.ts";
import { join, type Sql, sql } from "../../../sql/sql.ts";
import type { Client } from "../../client.ts";

/**
 * Gives a new cluster the roles of another one, with their passwords, memberships, settings, comments, and their rights on
 * parameters of the server: what pg_dumpall does with `--roles-only`.
 */
export async function copyRoles(from: Client, to: Client): Promise<void> {
  for (const role of await rolesOf(from)) for (const statement of makeRole(role)) await to.query(statement);
  await copyMemberships(from, to);
  for (const statement of [...(await settingsOf(from)), ...(await parameterRightsOf(from))]) await to.query(statement);
}

/** Each flag as the word that makes it so. */
interface Role {
  readonly rolname: string;
  readonly options: string;
  readonly rolconnlimit: string;
  readonly rolpassword: string | null;
  readonly rolvaliduntil: string | null;
  readonly comment: string | null;
  readonly bootstrap: string;
}

const FLAGS = {
  rolsuper: [sql`superuser`, sql`nosuperuser`],
  rolinherit: [sql`inherit`, sql`noinherit`],
  rolcreaterole: [sql`createrole`, sql`nocreaterole`],
  rolcreatedb: [sql`createdb`, sql`nocreatedb`],
  rolcanlogin: [sql`login`, sql`nologin`],
  rolreplication: [sql`replication`, sql`noreplication`],
  rolbypassrls: [sql`bypassrls`, sql`nobypassrls`],
} as const;

async function rolesOf(from: Client): Promise<readonly Role[]> {
  const { rows } = await from.query<Role>(sql`
    select
      rolname, to_jsonb(r) as options, rolconnlimit, rolpassword, rolvaliduntil,
      shobj_description(oid, 'pg_authid') as comment, oid = 10 as bootstrap
    from pg_authid as r
    where rolname !~ '^pg_'
    order by rolname`);
  return rows;
}

function makeRole({ rolname, options, rolconnlimit, rolpassword, rolvaliduntil, comment, bootstrap }: Role): Sql[] {
  const role = id(rolname);
  const flags = JSON.parse(options) as Record<string, boolean>;
  const words = Object.entries(FLAGS).map(([name, [on, off]]) => (flags[name] ? on : off));
  const until = rolvaliduntil === null ? sql`` : sql` valid until ${literal(rolvaliduntil)}`;
  return [
    ...(bootstrap === "t" ? [] : [sql`create role ${role}`]),
    sql`alter role ${role} ${join(words, " ")} connection limit ${literal(Number(rolconnlimit))} password ${literal(rolpassword)}${until}`,
    ...(comment === null ? [] : [sql`comment on role ${role} is ${literal(comment)}`]),
  ];
}

interface Membership {
  readonly role: string;
  readonly member: string;
  readonly grantor: string;
  readonly admin: string;
  /** Since 16. */
  readonly inherit: string | null;
  readonly set: string | null;
}

/** One who grants has to have the right first, which somebody else gave: what fails is tried again after the others. */
async function copyMemberships(from: Client, to: Client): Promise<void> {
  const { rows } = await from.query<Membership>(sql`
    select
      roleid::regrole::text as role, member::regrole::text as member, grantor::regrole::text as grantor,
      admin_option as admin, to_jsonb(m) ->> 'inherit_option' as inherit, to_jsonb(m) ->> 'set_option' as set
    from pg_auth_members as m
    where not (roleid < 16384 and member < 16384 and member <> 10)
    order by 1, 2, 3`);
  let left = rows.map(grantRole);
  while (left.length) {
    const failed: { readonly statement: Sql; readonly error: unknown }[] = [];
    for (const statement of left) {
      await to.query(statement).catch((error: unknown) => failed.push({ statement, error }));
    }
    if (failed.length === left.length) throw failed[0]!.error;
    left = failed.map(({ statement }) => statement);
  }
}

/** Names as regrole writes them: in quotes where they need some. Before 16 nothing kept the grantor true. */
function grantRole({ role, member, grantor, admin, inherit, set }: Membership): Sql {
  const grant = sql`grant ${id(unquoted(role))} to ${id(unquoted(member))}`;
  if (inherit === null) return admin === "t" ? sql`${grant} with admin option` : grant;
  const options = sql`admin ${literal(admin === "t")}, inherit ${literal(inherit === "true")}, set ${literal(set === "true")}`;
  return sql`${grant} with ${options} granted by ${id(unquoted(grantor))}`;
}

const unquoted = (name: string) => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name);

/** Of roles in every database. Those in one database come with its definitions. */
async function settingsOf(from: Client): Promise<Sql[]> {
  const { rows } = await from.query<Record<"role" | "name" | "value", string> & { list: string }>(sql`
    select
      r.rolname as role, split_part(s.setting, '=', 1) as name, substr(s.setting, strpos(s.setting, '=') + 1) as value,
      split_part(s.setting, '=', 1) in (
        'local_preload_libraries', 'search_path', 'session_preload_libraries', 'shared_preload_libraries',
        'temp_tablespaces', 'unix_socket_directories'
      ) as list
    from pg_db_role_setting as d
    inner join pg_roles as r
      on r.oid = d.setrole
    cross join unnest(d.setconfig) as s(setting)
    where d.setdatabase = 0
    order by 1, 2`);
  return rows.map(({ role, name, value, list }) => {
    const values = list === "t" ? listed(value) : [literal(value)];
    return sql`alter role ${id(role)} set ${id(...name.split("."))} to ${join(values, ", ")}`;
  });
}

/** `"$user", public`: such lists are kept as names in quotes where they need some. */
function listed(value: string): Sql[] {
  const elements = [...value.matchAll(/"((?:[^"]|"")*)"|([^",\s]+)/g)];
  const values = elements.map(([, quoted, bare]) => literal(quoted?.replaceAll('""', '"') ?? bare!));
  return values.length ? values : [literal("")];
}

async function parameterRightsOf(from: Client): Promise<Sql[]> {
  const { rows } = await from.query<Record<"name" | "alters" | "grantee" | "grantable", string>>(sql`
    select
      p.parname as name, a.privilege_type = 'ALTER SYSTEM' as alters, coalesce(r.rolname, '') as grantee,
      a.is_grantable as grantable
    from pg_parameter_acl as p
    cross join aclexplode(p.paracl) as a
    left join pg_roles as r
      on r.oid = a.grantee
    where a.grantee <> 10
    order by 1, 2, 3`);
  return rows.map(({ name, alters, grantee, grantable }) => {
    const right = alters === "t" ? sql`alter system` : sql`set`;
    const whom = grantee === "" ? sql`public` : id(grantee);
    const option = grantable === "t" ? sql` with grant option` : sql``;
    return sql`grant ${right} on parameter ${id(...name.split("."))} to ${whom}${option}`;
  });
}
