import type { ConnectionSettings } from "../model/connection-settings.ts";
import { UserError } from "../model/errors.ts";
import { roleName } from "../model/roles.ts";
import { literal } from "../sql/literals.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { type Sql, sql } from "../sql/sql.ts";

// What keeps the publisher apart is that no other session can become it: by being a member, or by what makes a member of
// whoever has it.

/** Asks a session why it could become the publisher: one row, NULL where it cannot. */
export function whyPublisher(roles: string): Sql {
  return sql`
    select string_agg(
      case when r.rolname = session_user then 'it is a superuser, makes roles or replicates' else 'it is a member of ' || r.rolname end,
      ', ' order by r.rolname <> session_user, r.rolname
    ) as found
    from pg_catalog.pg_roles as r
    join pg_catalog.pg_roles as me
      on me.rolname = session_user and (r.oid = me.oid or not me.rolsuper)
    where pg_catalog.pg_has_role(session_user, r.oid, 'member') and (
      r.rolname in (
        ${literal(roleName(roles, "publisher"))}, 'pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files'
      )
      or r.rolsuper or r.rolcreaterole or r.rolreplication
    )`;
}

/**
 * Asks a session what it could become besides a role that it acts as, and what that one is not: one row, NULL where nothing. A
 * select can take any of it (`set_config('role', …)`). A superuser's is run where no role can be taken (reading.ts).
 */
export function whyMoreThan(role: string): Sql {
  return sql`
    select string_agg(r.rolname, ', ' order by r.rolname) as found
    from pg_catalog.pg_roles as r
    join pg_catalog.pg_roles as me
      on me.rolname = session_user and r.oid <> me.oid and not me.rolsuper
    where pg_catalog.pg_has_role(session_user, r.oid, 'member')
      and not pg_catalog.pg_has_role(${literal(role)}, r.oid, 'member')`;
}

/**
 * Asks a session why it, or what it could become, reads more than somebody has granted to readers: one row, NULL where it does not. Who may
 * read what is private to the project reads what no release has yet, rows that failed, and the hashes of keys.
 */
export function whyMoreThanGranted(): Sql {
  return sql`
    select string_agg(
      case
        when r.oid <> me.oid then 'it is a member of ' || r.rolname
        when r.rolsuper then 'it is a superuser'
        else 'it may read schema ' || ${literal(PRIVATE_SCHEMA)} || ' or make schemas'
      end,
      ', ' order by r.oid <> me.oid, r.rolname
    ) as found
    from pg_catalog.pg_roles as r
    join pg_catalog.pg_roles as me
      on me.rolname = session_user and (r.oid = me.oid or not me.rolsuper)
    where pg_catalog.pg_has_role(session_user, r.oid, 'member') and (
      r.rolname in ('pg_read_all_data', 'pg_read_server_files', 'pg_execute_server_program')
      or r.rolsuper
      or pg_catalog.has_database_privilege(r.oid, pg_catalog.current_database(), 'create')
      or exists (
        select from pg_catalog.pg_namespace as n
        where n.nspname = ${literal(PRIVATE_SCHEMA)} and pg_catalog.has_schema_privilege(r.oid, n.oid, 'usage')
      )
    )`;
}

export function couldPublish(found: string, { user, roles }: ConnectionSettings): UserError {
  const [loader, builder, publisher] = (["loader", "builder", "publisher"] as const).map((duty) =>
    roleName(roles!, duty),
  );
  return new UserError({
    message: `user ${user} can become role ${publisher}, from which --publisher-url is to keep it apart`,
    expected: `a member of ${builder} or ${loader} and of nothing that can do more`,
    found,
    hint: `revoke that from ${user}, or log in as another user`,
  });
}
