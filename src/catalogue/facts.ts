import type { Manifest } from "../model/catalog.ts";
import type { RelationFacts } from "../model/site.ts";
import { type Target, targetKey } from "../model/target.ts";
import type { Client } from "../postgres/client.ts";
import { literal } from "../sql/literals.ts";
import { PRIVATE_SCHEMA } from "../sql/names.ts";
import { type Sql, sql } from "../sql/sql.ts";

/** Characters of a value that is shown as one end of a range. */
const LONGEST_BOUND = 60;

/**
 * Columns, comments, sizes, indexes and rights of relations, by `schema.name`; what the planner's sample says of a model is
 * that of its private table. No relation is read. What is not there is not in the answer, nor a value of what has row-level security.
 */
export async function readFacts(
  client: Client,
  targets: readonly Target[],
  manifest: Manifest,
): Promise<ReadonlyMap<string, RelationFacts>> {
  const asked = targets.map((target) => {
    const entry = manifest[targetKey(target)];
    const table = entry && (entry.storage?.table ?? entry.object);
    return [target.schema, target.name, table ? PRIVATE_SCHEMA : target.schema, table ?? target.name] as const;
  });
  // Of arrays the planner knows how many there are, of JSON it does not: 1,000 models took a minute and a half.
  const columns = [0, 1, 2, 3].map((at) => asked.map((one) => one[at]));
  const { rows } = await client.query<{ key: string; facts: string }>(factsQuery, columns);
  return new Map(rows.map(({ key, facts }) => [key, JSON.parse(facts) as RelationFacts]));
}

/** By the index: `col_description` is a query of its own for each column. */
const commentOn = (column: Sql) => sql`(
  select told.description
  from pg_description as told
  where told.objoid = found.shown and told.classoid = 'pg_class'::regclass and told.objsubid = ${column}
)`;

const factsQuery = sql`
with

asked as (
  select *
  from unnest($1::name[], $2::name[], $3::name[], $4::name[]) as asked (schema, name, kept_schema, kept_name)
),

found as (
  select asked.schema, asked.name, asked.kept_schema, asked.kept_name, shown.oid as shown, shown.relowner, shown.relacl,
    kept.oid as kept, kept.relkind, kept.reltuples,
    -- a superuser sees the statistics of what policies keep from others
    shown.relrowsecurity or coalesce(kept.relrowsecurity, false) as has_policies
  from asked
  join pg_class as shown
    on shown.relname = asked.name and shown.relnamespace = to_regnamespace(quote_ident(asked.schema))
  left join pg_class as kept
    on kept.relname = asked.kept_name and kept.relnamespace = to_regnamespace(quote_ident(asked.kept_schema))
),

columns as (
  select
    found.shown,
    json_agg(
      json_strip_nulls(json_build_object(
        'name', a.attname,
        'type', format_type(a.atttypid, a.atttypmod),
        'comment', ${commentOn(sql`a.attnum`)},
        'isNotNull', coalesce(stored.attnotnull, a.attnotnull),
        'about', case when about.attname is not null then json_strip_nulls(json_build_object(
          'nullShare', about.null_frac::text,
          'distinct', case
            when about.n_distinct > 0 then about.n_distinct::bigint
            when about.n_distinct < 0 and found.reltuples > 0 then round((-about.n_distinct * found.reltuples)::numeric)
          end,
          'low', case when not found.has_policies then left(about.bounds[1], ${literal(LONGEST_BOUND)}) end,
          'high', case
            when not found.has_policies then left(about.bounds[array_length(about.bounds, 1)], ${literal(LONGEST_BOUND)})
          end
        )) end
      ))
      order by a.attnum
    ) as columns
  from found
  join pg_attribute as a on a.attrelid = found.shown and a.attnum > 0 and not a.attisdropped
  left join pg_attribute as stored
    on stored.attrelid = found.kept and stored.attname = a.attname and stored.attnum > 0 and not stored.attisdropped
  -- One by one, by the indexes of the catalogue: the planner takes those that are joined for few, and compares each with each.
  left join lateral (
    select s.attname, s.null_frac, s.n_distinct, s.histogram_bounds::text::text[] as bounds
    from pg_stats as s
    where s.schemaname = found.kept_schema and s.tablename = found.kept_name and s.attname = a.attname
    order by s.inherited desc
    limit 1
  ) as about
    on true
  group by found.shown
),

indexes as (
  select
    found.shown,
    json_agg(
      concat_ws(' ', case when i.indisprimary then 'primary key' when i.indisunique then 'unique' end,
        regexp_replace(pg_get_indexdef(i.indexrelid), '^.*? USING ', ''))
      order by i.indisprimary desc, i.indisunique desc, i.indexrelid
    ) as indexes
  from found
  join pg_index as i on i.indrelid = found.kept
  group by found.shown
),

rights as (
  select grants.shown, json_agg(json_build_array(grants.grantee, grants.privileges) order by grants.grantee) as grants
  from (
    select
      found.shown,
      case when acl.grantee = 0 then 'PUBLIC' else pg_get_userbyid(acl.grantee)::text end as grantee,
      string_agg(lower(acl.privilege_type), ', ' order by acl.privilege_type) as privileges
    from found
    cross join lateral aclexplode(found.relacl) as acl
    where acl.grantee <> found.relowner
    group by 1, 2
  ) as grants
  group by grants.shown
)

select
  concat(found.schema, '.', found.name) as key,
  json_strip_nulls(json_build_object(
    'columns', coalesce(columns.columns, '[]'),
    'comment', ${commentOn(sql`0`)},
    'stored', json_build_object(
      'owner', pg_get_userbyid(found.relowner),
      'rows', case when found.relkind in ('r', 'm', 'p') and found.reltuples >= 0 then found.reltuples::bigint end,
      'bytes', case when found.relkind in ('r', 'm') then pg_total_relation_size(found.kept) end,
      'hasPolicies', case when found.has_policies then true end,
      'indexes', coalesce(indexes.indexes, '[]'),
      'grants', coalesce(rights.grants, '[]')
    )
  )) as facts
from found
left join columns on columns.shown = found.shown
left join indexes on indexes.shown = found.shown
left join rights on rights.shown = found.shown`;
