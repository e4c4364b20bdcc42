with

"changes" as (
  with

  "compared" as (
    select release.environment, release.release_id, release.manifest, base.manifest as base_manifest
    from "_dataform"."release" as release
    left join "_dataform"."release" as base
      on base.environment = release.environment and base.release_id = release.base_release_id
    where release.manifest is not null and (release.base_release_id is null or base.manifest is not null)
  ),

  "entries" as (
    select
      compared.environment,
      compared.release_id,
      entry.model,
      false as is_before,
      entry.told ->> 'fingerprint' as fingerprint,
      entry.told ->> 'release' as built_in
    from compared
    cross join lateral jsonb_each("compared"."manifest") as entry (model, told)
    union all
    select
      compared.environment,
      compared.release_id,
      entry.model,
      true as is_before,
      entry.told ->> 'fingerprint' as fingerprint,
      entry.told ->> 'release' as built_in
    from compared
    cross join lateral jsonb_each("compared"."base_manifest") as entry (model, told)
  )

  select
    environment,
    release_id,
    model,
    case
      when not bool_or(is_before) then 'added'
      when bool_and(is_before) then 'removed'
      when max("fingerprint") filter (where is_before) is distinct from max("fingerprint") filter (where not is_before) then 'changed'
      when max("built_in") filter (where is_before) is distinct from max("built_in") filter (where not is_before) then 'rebuilt'
      else 'kept'
    end as change
  from entries
  group by environment, release_id, model
),

"counted" as (
  select
    environment,
    release_id,
    count(*) filter (where change <> 'removed') as models,
    count(*) filter (where change = 'added') as added,
    count(*) filter (where change = 'removed') as removed,
    count(*) filter (where change = 'changed') as changed,
    count(*) filter (where change = 'rebuilt') as rebuilt
  from changes
  group by environment, release_id
)

select
  release.environment,
  release.release_id,
  release.base_release_id,
  release.content_of,
  release.run_id,
  release.status,
  release.built_at,
  release.published_at,
  release.status = 'published' and release.release_id = environment.release_id as is_current,
  release.manifest is not null and release.status <> 'discarded' as is_kept,
  case when release.manifest is not null then (select count(*) from jsonb_object_keys(release.manifest)) end as models,
  counted.added,
  counted.removed,
  counted.changed,
  counted.rebuilt,
  (
    select sum(pg_total_relation_size(stored.oid))
    from jsonb_each(release.manifest) as entry (model, told)
    cross join lateral unnest(array[
      entry.told ->> 'object', entry.told #>> '{storage,table}', entry.told #>> '{storage,undo}'
    ]) as object (name)
    inner join pg_class as stored
      on stored.relname = object.name
      and stored.relnamespace = to_regnamespace('_dataform')
      and stored.relkind in ('r', 'm')
  )::bigint as bytes
from "_dataform"."release" as release
inner join "_dataform"."environment" as environment
  on environment.name = release.environment
left join counted
  on counted.environment = release.environment and counted.release_id = release.release_id
