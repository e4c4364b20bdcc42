import { cte, withCtes } from "../../sql/ctes.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import type { RecordTables } from "./tables.ts";

/** One row a model of a release, and of the one that it was published upon: what became of it. */
export function releaseChanges({ release }: RecordTables): Sql {
  const compared = sql`
    select release.environment, release.release_id, release.manifest, base.manifest as base_manifest
    from ${release} as release
    left join ${release} as base
      on base.environment = release.environment and base.release_id = release.base_release_id
    where release.manifest is not null and (release.base_release_id is null or base.manifest is not null)`;
  const entriesOf = (manifest: string, isBefore: boolean) => sql`
    select
      compared.environment,
      compared.release_id,
      entry.model,
      ${literal(isBefore)} as is_before,
      entry.told ->> 'fingerprint' as fingerprint,
      entry.told ->> 'release' as built_in
    from compared
    cross join lateral jsonb_each(${id("compared", manifest)}) as entry (model, told)`;
  // Side by side, not joined: how many models a manifest has the planner does not know, and it would compare each with each.
  const entries = join([entriesOf("manifest", false), entriesOf("base_manifest", true)], "\nunion all\n");
  const of = (column: string, side: Sql) => sql`max(${id(column)}) filter (where ${side})`;
  const differs = (column: string) =>
    sql`${of(column, sql`is_before`)} is distinct from ${of(column, sql`not is_before`)}`;
  return withCtes(
    [cte("compared", compared), cte("entries", entries)],
    sql`
      select
        environment,
        release_id,
        model,
        case
          when not bool_or(is_before) then 'added'
          when bool_and(is_before) then 'removed'
          when ${differs("fingerprint")} then 'changed'
          when ${differs("built_in")} then 'rebuilt'
          else 'kept'
        end as change
      from entries
      group by environment, release_id, model`,
  );
}

/** One row a release that is recorded, collected ones too. */
export function releases(tables: RecordTables): Sql {
  const { release, environment } = tables;
  const counted = sql`
    select
      environment,
      release_id,
      count(*) filter (where change <> 'removed') as models,
      count(*) filter (where change = 'added') as added,
      count(*) filter (where change = 'removed') as removed,
      count(*) filter (where change = 'changed') as changed,
      count(*) filter (where change = 'rebuilt') as rebuilt
    from changes
    group by environment, release_id`;
  return withCtes(
    [cte("changes", releaseChanges(tables)), cte("counted", counted)],
    sql`
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
      from ${release} as release
      inner join ${environment} as environment
        on environment.name = release.environment
      left join counted
        on counted.environment = release.environment and counted.release_id = release.release_id`,
  );
}

/** One row a run and release that it was to publish. */
export function publishingWaits({ publishing, run }: RecordTables): Sql {
  return sql`
    select
      publishing.run_id,
      publishing.release_id,
      run.environment,
      publishing.outcome,
      coalesce(run.started_at + publishing.start_seconds * interval '1 second', run.started_at) as started_at,
      publishing.start_seconds,
      publishing.seconds,
      publishing.horizon_seconds,
      publishing.lock_seconds,
      publishing.attempts
    from ${publishing} as publishing
    inner join ${run} as run
      on run.run_id = publishing.run_id`;
}
