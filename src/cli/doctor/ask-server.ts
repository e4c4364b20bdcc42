import type { Client } from "../../postgres/client.ts";
import { readLockRoom } from "../../postgres/lock-room.ts";
import { PRIVATE_SCHEMA } from "../../sql/names.ts";
import { join, sql } from "../../sql/sql.ts";
import type { RightsFacts, ServerFacts } from "./facts.ts";

/** What the server says of itself in one transaction, which reads and nothing else. */
export type Asked = Omit<ServerFacts, "way" | "noSession" | "login" | "concurrency" | "rights" | "roles" | "record">;

const QUESTIONS = 3;

export async function askServer(client: Client): Promise<Asked> {
  const { sent, received, row } = await ask(client);
  const roundTrips = [received - sent];
  for (let more = 1; more < QUESTIONS; more++) roundTrips.push(await timed(client));
  const roundTrip = Math.min(...roundTrips);
  const [left, limit] = JSON.parse(row.connections) as [number, string];
  return {
    version: row.version.split(" ")[0]!,
    versionNumber: Number(row.version_number),
    encoding: row.encoding,
    user: row.login,
    isSuperuser: row.is_superuser === "t",
    isStandby: row.is_standby === "t",
    settings: JSON.parse(row.settings) as Record<string, string>,
    connectionsLeft: left,
    connectionsLimit: limit,
    roundTrip,
    locks: await readLockRoom(client),
    timeZone: row.time_zone,
    ownTimeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    clockAhead: ahead(Number(row.now), sent, received),
    databaseBytes: Number(row.bytes),
  };
}

/** What a clock that was read between two moments of ours is off, at least. */
function ahead(now: number, sent: number, received: number): number {
  if (now < sent) return now - sent;
  return Math.max(0, now - received);
}

async function timed(client: Client): Promise<number> {
  const sent = performance.now();
  await client.query(sql`select 1`);
  return performance.now() - sent;
}

type Row = Record<
  | "version"
  | "version_number"
  | "encoding"
  | "login"
  | "is_superuser"
  | "is_standby"
  | "settings"
  | "connections"
  | "time_zone"
  | "now"
  | "bytes",
  string
>;

const SETTINGS = [
  "track_counts",
  "default_transaction_read_only",
  "statement_timeout",
  "transaction_timeout",
  "lock_timeout",
];

async function ask(client: Client): Promise<{ sent: number; received: number; row: Row }> {
  const sent = Date.now();
  const { rows } = await client.query<Row>(
    sql`
      select
        extract(epoch from clock_timestamp()) * 1000 as now,
        current_setting('server_version') as version,
        current_setting('server_version_num') as version_number,
        current_setting('server_encoding') as encoding,
        current_setting('TimeZone') as time_zone,
        session_user as login,
        r.rolsuper as is_superuser,
        pg_is_in_recovery() as is_standby,
        pg_database_size(d.oid) as bytes,
        (select jsonb_object_agg(name, current_setting(name)) from pg_settings where name = any ($1)) as settings,
        (
          select jsonb_build_array(l.room, l.name)
          from (values
            (
              current_setting('max_connections')::int - (
                select sum(setting::int) from pg_settings where name in ('superuser_reserved_connections', 'reserved_connections')
              ) - s.all_of_them, 'max_connections'
            ),
            (case when d.datconnlimit >= 0 then d.datconnlimit - s.here end, 'the limit of the database'),
            (case when r.rolconnlimit >= 0 then r.rolconnlimit - s.of_login end, 'the limit of the login')
          ) as l(room, name)
          where l.room is not null
          order by l.room limit 1
        ) as connections
      from pg_roles as r
      join pg_database as d
        on d.datname = current_database()
      cross join lateral (
        -- Of sessions of others only the user is told to everybody. This one ends before a run begins.
        select
          count(*) - 1 as all_of_them,
          count(*) filter (where a.datid = d.oid) - 1 as here,
          count(*) filter (where a.usesysid = r.oid) - 1 as of_login
        from pg_stat_activity as a
        where a.usesysid is not null and coalesce(a.backend_type, 'client backend') = 'client backend'
      ) as s
      where r.rolname = session_user`,
    [SETTINGS],
  );
  return { sent, received: Date.now(), row: rows[0]! };
}

/** What users may do in the schemas that a run writes to. @param users a login or roles, each with what it has to make things in */
export async function askRights(
  client: Client,
  users: readonly { readonly user: string; readonly roles?: string; readonly schemas: readonly string[] }[],
): Promise<readonly RightsFacts[]> {
  const all: RightsFacts[] = [];
  for (const { user, roles, schemas } of users) {
    const { rows } = await client.query<{ may_make: string; schemas: string }>(
      sql`
        select
          has_database_privilege(r.oid, current_database(), 'create') as may_make,
          (
            select jsonb_agg(jsonb_build_object(
              'name', s.name, 'isThere', n.oid is not null, 'mayCreate', coalesce(has_schema_privilege(r.oid, n.oid, 'create'), false)
            ) order by s.name)
            from unnest($2::text[]) as s(name)
            left join pg_namespace as n
              on n.nspname = s.name
          ) as schemas
        from pg_roles as r
        where r.rolname = $1`,
      [user, [...new Set([PRIVATE_SCHEMA, ...schemas])]],
    );
    // A role that is not there is told by who cannot act as it.
    for (const { may_make, schemas: found } of rows)
      all.push({
        user,
        ...(roles === undefined ? {} : { roles }),
        mayMakeSchemas: may_make === "t",
        schemas: JSON.parse(found) as RightsFacts["schemas"],
      });
  }
  return all;
}

/** Reads in one transaction that changes nothing, also behind a pooler that gives each transaction another session. */
export async function inReading<T>(client: Client, work: () => Promise<T>): Promise<T> {
  const begin = sql`begin isolation level read committed read only`;
  await client.script(join([begin, ...client.eachTransaction], ";\n"));
  try {
    return await work();
  } finally {
    await client.query(sql`rollback`).catch(() => {});
  }
}
