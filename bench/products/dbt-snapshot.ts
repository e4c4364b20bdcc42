// The statements of a dbt snapshot with strategy timestamp, as dbt-postgres sends them.

function scdId(relation: string): string {
  const column = (name: string) => `coalesce(cast(${relation}${name} as varchar), '')`;
  return `md5(${column("customer_id")} || '|' || ${column("updated_at")})`;
}

/** What dbt-postgres sends for the first snapshot. */
export const firstSnapshot = `create table dbt.snapshot as
  select *, ${scdId("")} as dbt_scd_id, updated_at as dbt_updated_at, updated_at as dbt_valid_from,
    nullif(updated_at, updated_at) as dbt_valid_to
  from (select * from dbt.source) as sbq`;

/** What dbt-postgres sends for a snapshot with strategy timestamp: its staging table, the update, the insert. */
export const dbtStatements = [
  `create temporary table snapshot__dbt_tmp as
  with snapshot_query as (select * from dbt.source),
  snapshotted_data as (select *, customer_id as dbt_unique_key from dbt.snapshot where dbt_valid_to is null),
  source_data as (
    select *, customer_id as dbt_unique_key, updated_at as dbt_updated_at, updated_at as dbt_valid_from,
      nullif(updated_at, updated_at) as dbt_valid_to, ${scdId("")} as dbt_scd_id
    from snapshot_query
  ),
  insertions as (
    select 'insert' as dbt_change_type, source_data.*
    from source_data
    left outer join snapshotted_data on snapshotted_data.dbt_unique_key = source_data.dbt_unique_key
    where snapshotted_data.dbt_unique_key is null or snapshotted_data.dbt_valid_from < source_data.updated_at
  ),
  updates as (
    select 'update' as dbt_change_type, source_data.customer_id, source_data.name, source_data.city, source_data.tier,
      source_data.credit, source_data.updated_at, source_data.dbt_unique_key, source_data.dbt_updated_at,
      source_data.dbt_valid_from, source_data.updated_at as dbt_valid_to, snapshotted_data.dbt_scd_id
    from source_data
    join snapshotted_data on snapshotted_data.dbt_unique_key = source_data.dbt_unique_key
    where snapshotted_data.dbt_valid_from < source_data.updated_at
  )
  select * from insertions union all select * from updates`,
  `update dbt.snapshot set dbt_valid_to = dbt_internal_source.dbt_valid_to
  from snapshot__dbt_tmp as dbt_internal_source
  where dbt_internal_source.dbt_scd_id::text = dbt.snapshot.dbt_scd_id::text
    and dbt_internal_source.dbt_change_type::text in ('update', 'delete') and dbt.snapshot.dbt_valid_to is null`,
  `insert into dbt.snapshot
  select customer_id, name, city, tier, credit, updated_at, dbt_scd_id, dbt_updated_at, dbt_valid_from, dbt_valid_to
  from snapshot__dbt_tmp where dbt_change_type::text = 'insert'`,
];

/** The table that dbt looks at, as it is after a load; its time is not counted. */
export function changedSource(load: number): string {
  return `update dbt.source set tier = c.tier, credit = c.credit, updated_at = c.updated_at
    from raw.customers c where c._load_id = ${load} and c.customer_id = source.customer_id`;
}
