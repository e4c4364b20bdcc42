import { cte, withCtes } from "../../sql/ctes.ts";
import { labelOf } from "../../sql/ddl.ts";
import { literal } from "../../sql/literals.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import type { Ledger, RecordTables } from "./tables.ts";

/**
 * One row a raw table, a model of an environment with what all its kept releases store, and a table of the records: its size now.
 * Partitions count with their table.
 */
export function storage(rawSchemas: readonly string[]): Sql {
  const relations = sql`
    select
      relation.oid,
      schema.nspname as schema_name,
      relation.relname as name,
      relation.relkind,
      relation.reltuples,
      ${labelOf(sql`told.description`)} as label
    from pg_class as relation
    inner join pg_namespace as schema
      on schema.oid = relation.relnamespace
    left join pg_description as told
      on told.classoid = 'pg_class'::regclass and told.objoid = relation.oid and told.objsubid = 0
    where relation.relkind in ('r', 'm', 'p')
      and not relation.relispartition
      and schema.nspname in (${[...rawSchemas, "_dataform"].map(literal)})`;
  const sorted = sql`
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
    from relations`;
  return withCtes(
    [cte("relations", relations, { materialized: true }), cte("sorted", sorted)],
    sql`
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
      group by sorted.kind, sorted.environment, sorted.relation`,
  );
}

/** One row a model and run that stored it, and a raw table and load: its size at that moment. */
export function storageOverTime(tables: RecordTables, ledgers: readonly Ledger[]): Sql {
  return join([storedOverTime(tables), ...(ledgers.length ? [landedOverTime(ledgers)] : [])], "\nunion all\n");
}

/** Of these, those of models. */
export function storedOverTime({ run, step }: RecordTables): Sql {
  return sql`
    select
      'private' as kind,
      run.environment,
      step.schema_name || '.' || step.name as relation,
      run.run_id::text as written_by,
      run.finished_at as measured_at,
      step.bytes,
      step.rows
    from ${step} as step
    inner join ${run} as run
      on run.run_id = step.run_id
    where step.bytes is not null and run.finished_at is not null`;
}

/** Of these, those of raw tables. */
export function landedOverTime(ledgers: readonly Ledger[]): Sql {
  const landed = ledgers.map(
    ({ schema, _load }) => sql`
      select
        'raw' as kind,
        '' as environment,
        ${literal(schema)} || '.' || table_name as relation,
        load_id::text as written_by,
        finished_at as measured_at,
        (details ->> 'table_bytes')::bigint as bytes,
        rows
      from ${_load}
      where status not in ('failed', 'loading') and details ? 'table_bytes'`,
  );
  return join(landed, "\nunion all\n");
}
