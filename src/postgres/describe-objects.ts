import type { BuiltObject, Column, Grant } from "../model/catalog.ts";
import type { NewRows, NewRowsShape } from "../model/plan.ts";
import { nullKeysQuery } from "../sql/delta.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { sql } from "../sql/sql.ts";
import { grantsOf, hasGrants } from "./attachments.ts";
import { type Client, withNames } from "./client.ts";
import { columnsOf, readColumns, readPieces } from "./relations.ts";

/** What there is to know of new rows before they are applied. */
export function describeNewRows(client: Client, { table, uniqueKey }: NewRows): Promise<NewRowsShape> {
  return withNames(client, "ours", async () => {
    const { columns } = (await findObjects(client, [table]))[0]!;
    if (!uniqueKey.length) return { columns, nullKeys: [] };
    const { rows } = await client.query<{ columns: string }>(nullKeysQuery(table, uniqueKey));
    return { columns, nullKeys: rows.map((row) => JSON.parse(row.columns) as string[]) };
  });
}

/** The columns of private objects, by name. */
export async function describeColumns(
  client: Client,
  names: readonly string[],
): Promise<Map<string, readonly Column[]>> {
  const found = await withNames(client, "ours", () => findObjects(client, names));
  return new Map(found.map(({ name, columns }) => [name, columns]));
}

/** The columns of private objects, who they are read as, and the rights that post_operations gave on them, by name. */
export function describeObjects(client: Client, names: readonly string[]): Promise<Map<string, BuiltObject>> {
  return withNames(client, "ours", async () => {
    const found = await findObjects(client, names);
    const having = (flag: "guarded" | "granted") => found.filter((one) => one[flag]).map(({ oid }) => oid);
    const readings = await readPieces<Reading>(client, readingOf, having("guarded"));
    const grants = await readPieces<Grant[]>(client, givenOf, having("granted"));
    return new Map(
      found.map(({ oid, name, columns }) => [
        name,
        { name, columns, grants: grants.get(oid) ?? [], ...readings.get(oid) },
      ]),
    );
  });
}

interface FoundObject {
  readonly oid: string;
  readonly name: string;
  readonly columns: readonly Column[];
  readonly guarded: boolean;
  readonly granted: boolean;
}

/** Where names are ours. */
async function findObjects(client: Client, names: readonly string[]): Promise<FoundObject[]> {
  const { rows } = await client.query<Record<"oid" | "name" | "columns" | "guarded" | "granted", string>>(
    sql`select c.oid, c.relname as name, ${columnsOf} as columns, ${isGuarded} as guarded, ${hasGrants} as granted
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = $1 and c.relname = any($2::text[])`,
    [PRIVATE_SCHEMA, names],
  );
  const columns = await readColumns(
    client,
    rows.map((row) => row.columns),
  );
  return rows.map(({ oid, name, guarded, granted }, index) => ({
    oid,
    name,
    columns: columns[index]!,
    guarded: guarded === "t",
    granted: granted === "t",
  }));
}

const isGuarded = sql`(c.relrowsecurity or exists (
  select from pg_options_to_table(c.reloptions) o where o.option_name = 'security_invoker' and o.option_value::boolean))`;

type Reading = Pick<BuiltObject, "perReader" | "policies" | "forcedOn">;

/** Whose rights decide what is read of it. */
const readingOf = sql`jsonb_strip_nulls(jsonb_build_object(
  'perReader', ${isGuarded},
  'policies', (
    select coalesce(string_agg(concat_ws(' ', p.polname, p.polcmd, p.polpermissive, p.polroles::text), ', ' order by p.polname), '')
    from pg_policy p where p.polrelid = c.oid and c.relrowsecurity),
  'forcedOn', (
    select r.rolname from pg_roles r
    where r.oid = c.relowner and c.relrowsecurity and c.relforcerowsecurity and not (r.rolsuper or r.rolbypassrls))))`;

/**
 * Whether a right on a private object comes from its making, by the default privileges of its owner: nobody gave it to
 * those who read this model, so it is not for the public view.
 */
const isByDefault = sql`exists (
  select from pg_default_acl p, aclexplode(p.defaclacl) d
  where p.defaclobjtype = 'r' and p.defaclrole = c.relowner and p.defaclnamespace in (0, c.relnamespace)
    and coalesce(pg_get_userbyid(nullif(d.grantee, 0)), 'PUBLIC') = g ->> 'grantee'
    and d.privilege_type = g ->> 'privilege' and d.is_grantable = (g ->> 'grantable')::boolean)`;

const givenOf = sql`(
  select coalesce(jsonb_agg(g), '[]') from jsonb_array_elements(${grantsOf}) g where not ${isByDefault})`;
