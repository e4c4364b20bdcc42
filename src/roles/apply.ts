import type { ConnectionSettings } from "../model/connection-settings.ts";
import { UserError } from "../model/errors.ts";
import { ownValue } from "../model/own-value.ts";
import { roleName } from "../model/roles.ts";
import { takeLock } from "../postgres/advisory-lock.ts";
import { type Client, type ConnectOptions, withClient, withTransaction } from "../postgres/client.ts";
import { advice, connectionLost, postgresError, SQLSTATE } from "../postgres/sqlstate.ts";
import { sql } from "../sql/sql.ts";
import { sqlOf } from "../sql/statement.ts";
import type { RolePlan } from "./plan.ts";

/** What applying the roles changed. */
export interface RolesReport {
  readonly version: 1;
  readonly roles: readonly string[];
  readonly changes: readonly RoleChange[];
  readonly warnings: readonly string[];
}

interface RoleChange {
  readonly change: "given" | "taken";
  /** A role, or "public": everybody. */
  readonly role: string;
  /** "SELECT", "owner", "role" (it exists), "member of …", or a setting. */
  readonly right: string;
  /** "schema marts", "relations of marts", …; "" for the role itself. */
  readonly on: string;
  /** How many objects. */
  readonly count: number;
}

type Reach = Pick<ConnectOptions, "signal" | "onWait">;
type Right = Readonly<Record<"role" | "right" | "on" | "object", string>>;

/**
 * Sends the statements in one transaction, as the user who logs in. What it changed is read from the catalogs, before
 * and after: nothing is a change only because it was said again.
 * @throws UserError when the user may not do it, or a role of that name is not what it should be.
 */
export async function applyRoles(
  settings: ConnectionSettings,
  plan: RolePlan,
  reach: Reach = {},
): Promise<RolesReport> {
  const warnings: string[] = [];
  const options = {
    applicationName: "dataform-roles",
    names: "ours" as const,
    onNotice: (message: string) => void warnings.push(message),
    ...reach,
  };
  const changes = await withClient(settings, options, async (client) => {
    try {
      const changed = await withTransaction(client, () => apply(client, plan, reach));
      warnings.push(...(await mixedLogins(client, plan)));
      return changed;
    } catch (error) {
      throw explain(error, settings);
    }
  });
  return { version: 1, roles: plan.roles, changes, warnings };
}

async function apply(
  client: Client,
  { roles, statements }: RolePlan,
  { signal, onWait }: Reach,
): Promise<RoleChange[]> {
  await client.script(sql`set local client_min_messages = 'warning'; set local lock_timeout = '5s'`);
  await takeLock(client, "dataform:roles", {
    reach: "transaction",
    deadline: 60_000,
    taken: "another command applies the roles of this database",
    hint: "try again when it has ended, or end it",
    signal,
    tell: onWait,
  });
  const before = await readRights(client, roles);
  for (const statement of statements) await client.script(sqlOf(statement));
  const after = await readRights(client, roles);
  return [...changed("given", before, after), ...changed("taken", after, before)];
}

/** Logins that build and publish: what authors wrote could become the publisher in their sessions. */
async function mixedLogins(client: Client, { prefix }: RolePlan): Promise<string[]> {
  const [builder, publisher] = [roleName(prefix, "builder"), roleName(prefix, "publisher")];
  const { rows } = await client.query<{ rolname: string }>(
    sql`
      select rolname from pg_roles
      where rolcanlogin and not rolsuper and pg_has_role(oid, $1, 'member') and pg_has_role(oid, $2, 'member')
        and rolname <> current_user
      order by rolname`,
    [builder, publisher],
  );
  return rows.map(
    ({ rolname }) =>
      `user ${rolname} is a member of ${builder} and ${publisher}: what a model calls can become the publisher; give that a login of its own, for --publisher-url`,
  );
}

const rightsQuery = sql`
with ours (oid, name) as (
  select oid, rolname::text from pg_roles where rolname = any($1::text[]) union all select 0, 'public'
),
spaces as (
  select oid, nspname, nspowner, nspacl from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'
),
objects (place, object, owner, acl) as (
  select 'database ' || datname, '', datdba, coalesce(datacl, acldefault('d', datdba)) from pg_database where datname = current_database()
  union all
  select 'schema ' || nspname, '', nspowner, nspacl from spaces
  union all
  select 'relations of ' || nspname, relname, relowner, relacl
  from pg_class c join spaces s on s.oid = c.relnamespace where c.relkind in ('r', 'v', 'm', 'f', 'p')
  union all
  select format('new relations of %s in %s', pg_get_userbyid(defaclrole), nspname), '', 0, defaclacl
  from pg_default_acl d join spaces s on s.oid = d.defaclnamespace
)
select name as role, 'role' as right, '' as on, '' as object from ours where oid <> 0
union all
select o.name, 'member of ' || r.rolname, '', '' from pg_auth_members m join ours o on o.oid = m.member join pg_roles r on r.oid = m.roleid
union all
select o.name, unnest(s.setconfig), '', '' from pg_db_role_setting s join ours o on o.oid = s.setrole where o.oid <> 0
union all
select o.name, 'owner', x.place, x.object from objects x join ours o on o.oid = x.owner where o.oid <> 0
union all
select o.name, g.privilege_type, x.place, x.object
from objects x cross join aclexplode(x.acl) g join ours o on o.oid = g.grantee where g.grantee <> x.owner`;

async function readRights(client: Client, roles: readonly string[]): Promise<Map<string, Right>> {
  const { rows } = await client.query<Right>(rightsQuery, [roles]);
  return new Map(rows.map((row) => [JSON.stringify([row.role, row.right, row.on, row.object]), row]));
}

/** Rights that are in `after` only, counted by place. */
function changed(
  change: RoleChange["change"],
  before: ReadonlyMap<string, Right>,
  after: ReadonlyMap<string, Right>,
): RoleChange[] {
  const counted = new Map<string, RoleChange>();
  for (const [key, { role, right, on }] of after) {
    if (before.has(key)) continue;
    const place = JSON.stringify([role, right, on]);
    counted.set(place, { change, role, right, on, count: (counted.get(place)?.count ?? 0) + 1 });
  }
  return [...counted.values()];
}

function explain(error: unknown, { user }: ConnectionSettings): unknown {
  const failure = postgresError(error);
  if (!failure || connectionLost(error)) return error;
  const hints: Readonly<Record<string, string>> = {
    [SQLSTATE.insufficientPrivilege]: "apply as an administrator, or give one the SQL that `dataform roles` prints",
    [SQLSTATE.lockNotAvailable]: "somebody reads or writes what is to change its owner: try again",
  };
  const hint = failure.hint ?? ownValue(hints, failure.code) ?? advice(failure);
  return new UserError({
    message: `the roles were not changed: ${failure.message}`,
    found: `as user ${user}`,
    ...(hint ? { hint } : {}),
    code: failure.code,
    exitCode: 1,
    cause: error,
  });
}
