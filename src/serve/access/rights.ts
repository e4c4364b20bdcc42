import { hasMetadata } from "../../environment/layout.ts";
import type { DeclaredEndpoint } from "../../model/api.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { UserError } from "../../model/errors.ts";
import { DEFAULT_PREFIX, roleName } from "../../model/roles.ts";
import { type Target, targetKey } from "../../model/target.ts";
import type { Client } from "../../postgres/client.ts";
import { readKeptRelease, readNamedRelease } from "../../release/store.ts";
import { literal } from "../../sql/literals.ts";
import { PRIVATE_SCHEMA } from "../../sql/names.ts";
import { sql } from "../../sql/sql.ts";

/** Tables of the record that a server reads. */
const RECORD = ["metadata", "environment", "release", "api_key", "run"].map((name) => ({
  schema: PRIVATE_SCHEMA,
  name,
}));

interface Served {
  readonly environment: string;
  readonly endpoints: readonly DeclaredEndpoint[];
}

/**
 * Looks whether the login may read what the server has to, before somebody asks for it.
 * @throws UserError with what to grant
 */
export async function refuseUnreadable(
  client: Client,
  settings: ConnectionSettings,
  { environment, endpoints }: Served,
): Promise<void> {
  const record = await lacking(client, RECORD);
  const relations = [
    ...(record.length ? [] : await ofRelease(client, environment, endpoints)),
    ...endpoints.flatMap(({ released, reads }) => (released ? [] : [reads])),
  ];
  const lacks = [...record, ...(await lacking(client, relations))];
  if (lacks.length) throw unreadable(lacks, settings);
}

async function ofRelease(client: Client, environment: string, endpoints: Served["endpoints"]): Promise<Target[]> {
  if (!(await hasMetadata(client))) return [];
  const release = await readNamedRelease(client, environment);
  const manifest = release === null ? undefined : await readKeptRelease(client, environment, release);
  return endpoints.flatMap(({ reads }) => {
    const key = targetKey(reads);
    const entry = manifest && Object.hasOwn(manifest, key) ? manifest[key] : undefined;
    return entry ? [{ schema: PRIVATE_SCHEMA, name: entry.storage?.table ?? entry.object }] : [];
  });
}

/** The rights that reading them needs and that the session has not; none on what is not there. */
async function lacking(client: Client, relations: readonly Target[]): Promise<string[]> {
  const { rows } = await client.query<{ lacks: string }>(
    sql`
      select distinct lacks
      from pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) as wanted (schema pg_catalog.text, name pg_catalog.text)
      join pg_catalog.pg_namespace as n
        on n.nspname = wanted.schema
      left join pg_catalog.pg_class as c
        on c.relnamespace = n.oid and c.relname = wanted.name
      cross join lateral (
        values
          (pg_catalog.has_schema_privilege(n.oid, 'usage'), pg_catalog.format('usage on schema %I', wanted.schema)),
          (
            -- Of runs, when the last one ended.
            case
              when c.relname = 'run' and n.nspname = ${literal(PRIVATE_SCHEMA)} then pg_catalog.has_any_column_privilege(c.oid, 'select')
              else pg_catalog.has_table_privilege(c.oid, 'select')
            end,
            pg_catalog.format('select on %I.%I', wanted.schema, wanted.name)
          )
      ) as rights (has, lacks)
      where not has
      order by lacks desc`,
    [JSON.stringify(relations)],
  );
  return rows.map(({ lacks }) => lacks);
}

function unreadable(lacks: readonly string[], { user, roles }: Pick<ConnectionSettings, "user" | "roles">): UserError {
  const server = roleName(roles ?? DEFAULT_PREFIX, "server");
  return new UserError({
    message: `${roles ? `role ${server}` : `user ${user}`} may not read what the server answers from`,
    expected: lacks.slice(0, 6).join("; ") + (lacks.length > 6 ? "; …" : ""),
    hint: roles
      ? `\`dataform roles --prefix ${roles} --apply\`, as an administrator, lets it`
      : `\`dataform roles --apply\` makes role ${server}, which may, also what later runs build: grant ${server} to ${user}, then --roles ${DEFAULT_PREFIX}`,
  });
}
