with

"relations" as materialized (
  select
    relation.oid,
    schema.nspname as schema_name,
    relation.relname as name,
    relation.relkind,
    relation.reltuples,
    (case when case when strpos(told.description, E'\\') = 0 then told.description ~ E'^\\{"environment":"[^"\\x01-\\x1f]*","target":"[^"\\x01-\\x1f]*","release":\\d{1,15}\\}$' else told.description ~ E'^\\{"environment":"(?:[^"\\\\\\x01-\\x1f]|\\\\["\\\\bfnrt]|\\\\u00(?:0[1-9a-f]|1[0-9a-f]))*","target":"(?:[^"\\\\\\x01-\\x1f]|\\\\["\\\\bfnrt]|\\\\u00(?:0[1-9a-f]|1[0-9a-f]))*","release":\\d{1,15}\\}$' end then told.description::jsonb end) as label
  from pg_class as relation
  inner join pg_namespace as schema
    on schema.oid = relation.relnamespace
  left join pg_description as told
    on told.classoid = 'pg_class'::regclass and told.objoid = relation.oid and told.objsubid = 0
  where relation.relkind in ('r', 'm', 'p')
    and not relation.relispartition
    and schema.nspname in ('raw', 'it''s', '_dataform')
),

"sorted" as (
  select
    case
      when relations.label is not null then 'private'
      when relations.schema_name = '_dataform' or relations.name in ('_load', '_rejected', '_file', '_drift', '_token') then 'record'
      when exists (
        select from pg_attribute as landed
        where landed.attrelid = relations.oid and landed.attname = '_load_id' and not landed.attisdropped
      ) then 'raw'
    end as kind,
    coalesce(relations.label ->> 'environment', '') as environment,
    coalesce(relations.label ->> 'target', relations.schema_name || '.' || relations.name) as relation,
    relations.oid,
    relations.relkind,
    relations.reltuples
  from relations
)

select
  sorted.kind,
  sorted.environment,
  sorted.relation,
  count(*) as tables,
  sum(
    case
      when sorted.relkind = 'p' then (
        select sum(pg_total_relation_size(part.relid)) from pg_partition_tree(sorted.oid) as part
      )
      else pg_total_relation_size(sorted.oid)
    end
  )::bigint as bytes,
  sum(sorted.reltuples) filter (where sorted.reltuples >= 0)::bigint as rows
from sorted
where sorted.kind is not null
group by sorted.kind, sorted.environment, sorted.relation
