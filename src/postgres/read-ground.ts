import { VERSION } from "../config/version.ts";
import type { Ground, Stamp, Unsteady } from "../model/ground.ts";
import { roleName } from "../model/roles.ts";
import { literal } from "../sql/literals.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { type Sql, sql } from "../sql/sql.ts";
import type { Client } from "./client.ts";

/**
 * PostgreSQL's own functions that hang on settings and on nothing else, though it calls them stable. What it calls immutable hangs on
 * its arguments; of all others nobody knows.
 */
const STEADY = `
  to_char to_date to_timestamp to_number date_trunc date_part extract timezone make_timestamptz make_interval date_bin
  generate_series concat concat_ws format array_to_string string_to_array to_json to_jsonb row_to_json array_to_json
  json_build_array json_build_object jsonb_build_array jsonb_build_object json_agg jsonb_agg json_object_agg jsonb_object_agg
  json_agg_strict jsonb_agg_strict json_object_agg_strict jsonb_object_agg_strict json_object_agg_unique jsonb_object_agg_unique
  json_populate_record json_populate_recordset jsonb_populate_record jsonb_populate_recordset json_to_record json_to_recordset
  jsonb_to_record jsonb_to_recordset jsonb_path_exists_tz jsonb_path_match_tz jsonb_path_query_tz jsonb_path_query_array_tz
  jsonb_path_query_first_tz to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery ts_headline
  quote_literal quote_nullable overlaps date time timetz timestamp timestamptz interval text money numeric
  convert convert_from convert_to length xml xml_is_well_formed ts_parse ts_debug ts_token_type json_to_tsvector jsonb_to_tsvector
  pg_typeof array_agg string_agg enum_first enum_last enum_range lower upper initcap regexp_replace unnest
`
  .trim()
  .split(/\s+/);

/** Settings by which the same query has another answer. */
const SETTINGS =
  "timezone datestyle intervalstyle extra_float_digits search_path default_text_search_config bytea_output xmlbinary lc_monetary lc_numeric lc_time lc_collate row_security".split(
    " ",
  );

/** Settings of databases and roles that a session of this one has, the one that builds among them: where roles are used, \`$1\`. */
const itsSettings = sql`
  select r.setdatabase, r.setrole, r.setconfig
  from pg_db_role_setting as r
  where r.setdatabase in (0, (select oid from pg_database where datname = current_database()))
    and (r.setrole = 0 or r.setrole in (select oid from pg_roles where rolname in (session_user, $1)))`;

const hash = (text: Sql) => sql`md5(coalesce(${text}, ''))`;
const list = (words: readonly string[]) => sql`string_to_array(${literal(words.join(" "))}, ' ')`;

/**
 * Everything that somebody made in the server and that can change what a query means. A crash is told by its counters, which begin
 * anew then.
 */
const world = sql`
  select ${hash(sql`concat_ws(
    '|',
    current_setting('server_version_num'),
    current_user,
    current_database(),
    (select string_agg(reset_val, ',' order by name) from pg_settings where lower(name) = any (${list(SETTINGS)})),
    (select stats_reset from pg_stat_database where datname = current_database()),
    pg_stat_get_bgwriter_stat_reset_time(),
    (select string_agg(concat_ws(',', setdatabase, setrole, setconfig), ';' order by setdatabase, setrole) from (${itsSettings}) as s),
    (select string_agg(concat_ws(',', extname, extversion), ';' order by extname) from pg_extension),
    (
      select string_agg(
        md5(concat_ws(',', n.nspname, p.proname, p.proargtypes, p.prorettype, p.provolatile, p.prosrc, p.probin, p.prosqlbody, p.proconfig)),
        '' order by n.nspname, p.proname, p.proargtypes
      )
      from pg_proc as p
      inner join pg_namespace as n
        on p.pronamespace = n.oid
      where p.oid >= 16384 and n.nspname !~ '^pg_temp'
    ),
    (select string_agg(concat_ws(',', enumtypid, enumlabel, enumsortorder), ';' order by enumtypid, enumsortorder) from pg_enum),
    (select string_agg(concat_ws(',', castsource, casttarget, castfunc, castcontext), ';' order by oid) from pg_cast where oid >= 16384),
    (select string_agg(concat_ws(',', oprname, oprleft, oprright, oprcode), ';' order by oid) from pg_operator where oid >= 16384),
    (select string_agg(concat_ws(',', contypid, pg_get_constraintdef(oid)), ';' order by oid) from pg_constraint where contypid <> 0)
  )`)}`;

const unsteadyFunctions = sql`
  select coalesce(jsonb_agg(distinct p.proname), '[]')
  from pg_proc as p
  where p.provolatile = 'v' and p.prokind <> 'a'
    or p.provolatile = 's' and (p.pronamespace <> 'pg_catalog'::regnamespace or not p.proname = any (${list(STEADY)}))`;

/** Of what somebody made. What an extension calls stable hangs on its settings: \`%\` of pg_trgm is no reason to build all that divides. */
const isUnsteady = sql`(
  p.oid >= 16384
  and (
    p.provolatile = 'v'
    or p.provolatile = 's'
    and not exists (select from pg_depend as d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
  )
)`;

const unsteadyOperators = sql`
  select coalesce(jsonb_agg(distinct o.oprname), '[]')
  from pg_operator as o
  inner join pg_proc as p
    on o.oprcode = p.oid
  where ${isUnsteady}`;

const unsteadyCasts = sql`
  select c.casttarget as type, c.castcontext <> 'e' as unwritten
  from pg_cast as c
  inner join pg_proc as p
    on c.castfunc = p.oid
  where ${isUnsteady}
  union all
  select t.oid, false
  from pg_type as t
  inner join pg_proc as p
    on t.typinput = p.oid
  where ${isUnsteady}`;

const unsteady = sql`
  jsonb_build_object(
    'functions', (${unsteadyFunctions}),
    'operators', (${unsteadyOperators}),
    'types', (select coalesce(jsonb_agg(distinct t.typname), '[]') from (${unsteadyCasts}) as c inner join pg_type as t on c.type = t.oid),
    'casts', exists (select from (${unsteadyCasts}) as c where c.unwritten)
  )`;

/** How many rows of a table were ever written, and into which file: rows that are others are more of them. */
const written = (oid: Sql) => sql`
  concat_ws(
    ',', pg_relation_filenode(${oid}), pg_stat_get_tuples_inserted(${oid}), pg_stat_get_tuples_updated(${oid}), pg_stat_get_tuples_deleted(${oid})
  )`;

/** The tables that are parts of a table \`c\`, or heirs. */
const parts = sql`
  with recursive kin(oid) as (
    select inhrelid from pg_inherits where inhparent = c.oid
    union
    select i.inhrelid from kin inner join pg_inherits as i on i.inhparent = kin.oid
  )
  select string_agg(concat_ws(',', kin.oid, ${written(sql`kin.oid`)}), ';' order by kin.oid) from kin`;

/** Of a relation \`c\`: null where nobody counts its rows. */
const rowsOf = sql`
  case
    when c.relkind in ('r', 'p', 'm') and current_setting('track_counts') = 'on'
      then concat_ws('|', ${written(sql`c.oid`)}, case when c.relhassubclass or c.relkind = 'p' then (${parts}) end)
  end`;

const shapeOf = sql`
  ${hash(sql`concat_ws(
    '|', c.oid, c.relkind, c.relowner, c.relacl, c.relrowsecurity, c.relforcerowsecurity, c.reloptions,
    (
      select string_agg(concat_ws(',', a.attname, a.atttypid, a.atttypmod, a.attcollation, a.attgenerated, a.attmissingval), ';' order by a.attnum)
      from pg_attribute as a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    ),
    case when c.relrowsecurity then (
      select string_agg(concat_ws(',', polname, polcmd, polpermissive, polroles, polqual, polwithcheck), ';' order by polname)
      from pg_policy where polrelid = c.oid
    ) end
  )`)}`;

/**
 * Whether a name without a schema may mean a relation of schema \`n\`: where a role has a search path of its own, which the one that
 * builds may be, any.
 */
const isVisible = sql`(
  n.nspname in ('public', session_user)
  or n.nspname = any (regexp_split_to_array((select replace(reset_val, '"', '') from pg_settings where name = 'search_path'), '\\s*,\\s*'))
  or exists (select from (${itsSettings}) as r, unnest(r.setconfig) as s(text) where s.text like 'search_path=%')
)`;

const relations = sql`
  select coalesce(jsonb_agg(jsonb_build_array(
    n.nspname, c.relname, ${shapeOf}, ${rowsOf}, ${isVisible}
  )), '[]')
  from pg_class as c
  inner join pg_namespace as n
    on c.relnamespace = n.oid
  where c.relkind in ('r', 'p', 'm', 'v', 'f', 'S')
    and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', ${literal(PRIVATE_SCHEMA)})`;

/**
 * Views that others made: what stands behind each is what they read, down to tables, ours among them.
 * @param views as `schema.name`
 */
const behindViews = (views: Sql) => sql`
  with recursive

  asked as (
    select c.oid, n.nspname, c.relname
    from unnest(${views}::text[], $2::text[]) as a(schema, name)
    inner join pg_namespace as n
      on n.nspname = a.schema
    inner join pg_class as c
      on c.relnamespace = n.oid and c.relname = a.name and c.relkind = 'v'
  ),

  behind(root, oid) as (
    select oid, oid from asked
    union
    select b.root, d.refobjid
    from behind as b
    inner join pg_rewrite as w
      on w.ev_class = b.oid
    inner join pg_depend as d
      on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
  )

  select coalesce(jsonb_agg(jsonb_build_array(a.nspname, a.relname, f.rows, f.definitions)), '[]') as found
  from asked as a
  cross join lateral (
    select
      case when bool_and(c.relkind = 'v' or ${rowsOf} is not null)
        then md5(string_agg(concat_ws(' ', c.oid, ${shapeOf}, coalesce(${rowsOf}, pg_get_viewdef(c.oid))), ';' order by c.oid))
      end as rows,
      jsonb_agg(pg_get_viewdef(c.oid)) filter (where c.relkind = 'v') as definitions
    from behind as b
    inner join pg_class as c
      on c.oid = b.oid
    where b.root = a.oid
  ) as f`;

/**
 * Reads what stands under the models. What others have committed and their sessions have not counted yet, which they do within
 * seconds, is not in it: it is as if they had committed later.
 * @param asked relations that may be views of others: `schema.name`, or `.name`
 */
export async function readGround(
  client: Client,
  asked: ReadonlySet<string>,
): Promise<Omit<Ground, "known" | "results">> {
  const { rows } = await client.query<Record<"world" | "unsteady" | "relations", string>>(
    sql`select (${world}) as world, ${unsteady} as unsteady, (${relations}) as relations`,
    [client.roles ? roleName(client.roles, "builder") : ""],
  );
  const row = rows[0]!;
  type Read = [schema: string, name: string, shape: string, rows: string | null, isVisible: boolean];
  const found = new Map<string, Stamp>(
    (JSON.parse(row.relations) as Read[]).map(([schema, name, shape, written, isVisible]) => [
      `${schema}.${name}`,
      { shape, rows: written, isVisible },
    ]),
  );
  await addViews(client, found, asked);
  return {
    world: `${VERSION} ${row.world}`,
    unsteady: JSON.parse(row.unsteady) as Unsteady,
    relations: Object.fromEntries(found),
  };
}

async function addViews(client: Client, found: Map<string, Stamp>, asked: ReadonlySet<string>): Promise<void> {
  const isAsked = (key: string, isVisible: boolean) =>
    asked.has(key) || (isVisible && asked.has(key.slice(key.indexOf("."))));
  const views = [...found].flatMap(([key, { rows, isVisible }]) =>
    rows === null && isAsked(key, isVisible) ? [split(key)] : [],
  );
  if (!views.length) return;
  const { rows } = await client.query<{ found: string }>(behindViews(sql`$1`), [
    views.map(([schema]) => schema),
    views.map(([, name]) => name),
  ]);
  for (const [schema, name, written, definitions] of JSON.parse(rows[0]!.found) as [
    string,
    string,
    string | null,
    string[],
  ][]) {
    const key = `${schema}.${name}`;
    found.set(key, { ...found.get(key)!, rows: written, definitions });
  }
}

/** A schema has no dot in its name where ours have; of others the first one counts. */
function split(key: string): [schema: string, name: string] {
  const at = key.indexOf(".");
  return [key.slice(0, at), key.slice(at + 1)];
}
