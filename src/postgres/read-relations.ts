import type { Attachments, PublicRelation } from "../model/catalog.ts";
import { roleName } from "../model/roles.ts";
import { type Target, targetKey } from "../model/target.ts";
import { labelled } from "../sql/ddl.ts";
import { sql } from "../sql/sql.ts";
import { bareOf, hasParts, hasRights, isReferredTo, partsOf, rightsOf } from "./attachments.ts";
import type { Client } from "./client.ts";
import { readDependents } from "./read-dependents.ts";
import { columnsOf, readColumns, readPieces } from "./relations.ts";
import { SQLSTATE, sqlState } from "./sqlstate.ts";

const kinds: Readonly<Record<string, PublicRelation["kind"]>> = {
  v: "view",
  r: "table",
  m: "materialized view",
  f: "foreign table",
  p: "partitioned table",
  S: "sequence",
  i: "index",
  I: "index",
  c: "composite type",
  T: "type",
};

const nothingAttached: Omit<Attachments, "owner"> = {
  options: [],
  grants: [],
  ownerLacks: [],
  grantedByDefault: [],
  comments: {},
  defaults: {},
  parts: [],
  fixed: [],
};

type Flag = "other" | "unreadable" | "protected" | "published" | "has_rights" | "has_parts" | "referred";
type Found = Readonly<{ readonly environment: string | null }> &
  Readonly<Record<"oid" | "schema" | "name" | "relkind" | "columns" | "bare", string> & Record<Flag, "t" | "f">>;

/** What stands under these names, by `schema.name`. */
export function readRelations(client: Client, targets: readonly Target[]): Promise<Record<string, PublicRelation>> {
  return againWhereGone(() => lookAt(client, targets));
}

/**
 * What the catalogue says is of one moment, what `pg_get_viewdef` says of it is of now: somebody may have dropped it in
 * between. Read again it is not there. A transaction has failed with the first error.
 */
async function againWhereGone<T>(read: () => Promise<T>): Promise<T> {
  let first: unknown;
  for (let times = 1; ; times++) {
    try {
      return await read();
    } catch (error) {
      if (sqlState(error) === SQLSTATE.inFailedSqlTransaction) throw first ?? error;
      if (times === MOST_TIMES || !isOfGone(error)) throw error;
      first ??= error;
    }
  }
}

const MOST_TIMES = 10;

function isOfGone(error: unknown): boolean {
  const isInternal = sqlState(error) === SQLSTATE.internalError;
  return isInternal && /^(could not open relation with OID|cache lookup failed for) /.test((error as Error).message);
}

async function lookAt(client: Client, targets: readonly Target[]): Promise<Record<string, PublicRelation>> {
  const { rows } = await client.query<Found>(foundQuery, [
    targets.map(({ schema }) => schema),
    targets.map(({ name }) => name),
    client.roles ? roleName(client.roles, "builder") : null,
  ]);
  const having = (...flags: Flag[]) =>
    rows.filter((row) => flags.some((flag) => row[flag] === "t")).map(({ oid }) => oid);
  const columns = await readColumns(
    client,
    rows.map((row) => row.columns),
  );
  const rights = await readPieces<Partial<Attachments>>(client, rightsOf, having("has_rights"));
  const parts = await readPieces<Partial<Attachments>>(client, partsOf, having("has_parts", "referred"));
  const dependents = await readDependents(client, having("referred"));
  return Object.fromEntries(
    rows.map((row, index) => {
      const target = { schema: row.schema, name: row.name };
      const relation: PublicRelation = {
        target,
        kind: kinds[row.relkind]!,
        ...nothingAttached,
        ...(JSON.parse(row.bare) as Pick<Attachments, "owner">),
        ...rights.get(row.oid),
        ...parts.get(row.oid),
        published: row.published === "t",
        ...(row.environment === null ? {} : { environment: row.environment }),
        ownerIsOther: row.other === "t",
        ...(row.unreadable === "t" ? { unreadable: true as const } : {}),
        rowSecurity: row.protected === "t",
        columns: columns[index]!,
        dependents: dependents.get(row.oid) ?? [],
      };
      return [targetKey(target), relation];
    }),
  );
}

const foundQuery = sql`
select c.oid, n.nspname as schema, c.relname as name, c.relkind,
  made.stored is not null as published, made.environment,
  (select r.rolname <> current_user and not r.rolsuper from pg_roles r where r.oid = c.relowner) as other,
  (select not has_table_privilege(b.oid, c.oid, 'select') from pg_roles b where b.rolname = $3) as unreadable,
  c.relrowsecurity as protected,
  ${columnsOf} as columns, ${bareOf} as bare,
  ${hasRights} as has_rights, ${hasParts} as has_parts, ${isReferredTo} as referred
from unnest($1::text[], $2::text[]) as wanted(schema, name)
join pg_namespace n on n.nspname = wanted.schema
join pg_class c on c.relnamespace = n.oid and c.relname = wanted.name
-- A view depends on each column that it shows: on what it stands is asked once.
cross join lateral (
  select min(p.oid) as stored, min(${labelled(sql`l.description`, "environment")}) as environment
  from (
    select distinct d.refobjid as oid from pg_depend d
    join pg_rewrite w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid and w.ev_class = c.oid
    where d.refclassid = 'pg_class'::regclass
  ) o
  join pg_class p on p.oid = o.oid and p.relnamespace = to_regnamespace('_dataform')
  left join pg_description l on l.classoid = 'pg_class'::regclass and l.objoid = p.oid and l.objsubid = 0
) made
union all
-- A relation has a row type of its name: another type of that name is in its way.
select t.oid, n.nspname, t.typname, 'T', false, null, false, false, false, '[]', jsonb_build_object('owner', pg_get_userbyid(t.typowner)),
  false, false, false
from unnest($1::text[], $2::text[]) as wanted(schema, name)
join pg_namespace n on n.nspname = wanted.schema
join pg_type t on t.typnamespace = n.oid and t.typname = wanted.name
where t.typrelid = 0 and t.typelem = 0`;
