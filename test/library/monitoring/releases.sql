with

"changes" as (
  with

  "entries" as (
    select
      release.environment,
      release.release_id,
      entry.model,
      entry.told ->> 'fingerprint' as fingerprint,
      entry.told ->> 'release' as built_in
    from "_dataform"."release" as release
    cross join lateral jsonb_each(release.manifest) as entry (model, told)
  ),

  "compared" as (
    select release.environment, release.release_id, release.base_release_id
    from "_dataform"."release" as release
    left join "_dataform"."release" as base
      on base.environment = release.environment and base.release_id = release.base_release_id
    where release.manifest is not null and (release.base_release_id is null or base.manifest is not null)
  ),

  "now_there" as (
    select
      compared.environment,
      compared.release_id,
      after.model,
      case
        when before.model is null then 'added'
        when before.fingerprint is distinct from after.fingerprint then 'changed'
        when before.built_in is distinct from after.built_in then 'rebuilt'
        else 'kept'
      end as change
    from compared
    inner join entries as after on "after"."environment" = compared.environment and "after"."release_id" = "compared"."release_id"
    left join entries as before on "before"."environment" = compared.environment and "before"."release_id" = "compared"."base_release_id" and before.model = after.model
  ),

  "gone" as (
    select compared.environment, compared.release_id, before.model, 'removed' as change
    from compared
    inner join entries as before on "before"."environment" = compared.environment and "before"."release_id" = "compared"."base_release_id"
    left join entries as after on "after"."environment" = compared.environment and "after"."release_id" = "compared"."release_id" and after.model = before.model
    where after.model is null
  )

  select * from now_there
  union all
  select * from gone
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
