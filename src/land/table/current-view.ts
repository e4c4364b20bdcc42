import { CURRENT_LOADS, currentViewOf } from "../../model/declarations.ts";
import type { Client } from "../../postgres/client.ts";
import { commentOn } from "../../sql/ddl.ts";
import { id, relationId } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import type { RawTable } from "./raw-table.ts";

/** How the comment of each such view begins. */
const COUNTS = "What counts now of ";

interface Found {
  /** Columns of the table, in its order. */
  readonly columns: readonly string[];
  readonly isFree: boolean;
  readonly comment: string | null;
  readonly seen: readonly string[];
}

/**
 * The statements that make `<table>_current` what it has to be: the rows of the loads that count, for each slice those of its last
 * load. None where it is that, where the table is missing, or where something else has the name.
 */
export async function currentView(client: Client, table: RawTable): Promise<readonly Sql[]> {
  const name = currentViewOf(table.name);
  if (name === undefined) return [];
  const view = id(table.schema, name);
  const found = await look(client, table, view);
  const comment = commentOf(table);
  if (!found?.isFree || (found.comment === comment && found.seen.join() === found.columns.join())) return [];
  // One whose columns were renamed cannot be replaced.
  const isPrefix = found.seen.every((column, index) => column === found.columns[index]);
  return [
    ...(isPrefix ? [] : [sql`drop view ${view}`]),
    sql`
      create or replace view ${view} as
      ${queryOf(table, found.columns)}`,
    commentOn("view", view, comment),
  ];
}

/** The view of another table's rows that has the name of this one, which it gives up. */
export async function viewInTheWay(client: Client, table: RawTable): Promise<Sql | undefined> {
  const name = relationId(table);
  const { rows } = await client.query(
    sql`
      select from pg_class
      where oid = to_regclass($1) and relkind = 'v' and obj_description(oid, 'pg_class') like ${literal(`${COUNTS}%`)}`,
    [name.toString()],
  );
  return rows.length ? name : undefined;
}

/** It says all of the definition but the columns, so that it tells another one. */
function commentOf({ name, slicedBy }: RawTable): string {
  const slices = slicedBy?.length ? `, of each ${slicedBy.join(", ")} the last load` : "";
  return `${COUNTS}${name}: the rows of the loads in ${CURRENT_LOADS}${slices}`;
}

function queryOf(table: RawTable, columns: readonly string[]): Sql {
  const { schema, name, slicedBy = [] } = table;
  const listed = join(
    columns.map((column) => sql`t.${id(column)}`),
    ",\n",
  );
  const loads = (what: Sql) => sql`
    select ${what}
    from ${id(schema, CURRENT_LOADS)}
    where table_name = ${literal(name)}`;
  if (!slicedBy.length)
    return sql`
      select
        ${listed}
      from ${relationId(table)} as t
      where t._load_id in (
        ${loads(sql`load_id`)}
      )`;
  return sql`
    select
      ${listed}
    from (
      select
        t.*,
        l.batch_id as _dataform_batch,
        max(l.batch_id) over (partition by ${join(
          slicedBy.map((column) => sql`t.${id(column)}`),
          ", ",
        )}) as _dataform_last
      from ${relationId(table)} as t
      join (
        ${loads(sql`load_id, batch_id`)}
      ) as l
        on l.load_id = t._load_id
    ) as t
    where t._dataform_batch = t._dataform_last`;
}

async function look(client: Client, table: RawTable, view: Sql): Promise<Found | undefined> {
  const columnsOf = (relation: Sql) => sql`
    coalesce(
      (
        select json_agg(attname order by attnum)
        from pg_attribute
        where attrelid = ${relation} and attnum > 0 and not attisdropped
      ),
      '[]'
    )`;
  const { rows } = await client.query<Record<"columns" | "seen", string> & { free: string; comment: string | null }>(
    sql`
      select
        ${columnsOf(sql`t.oid`)} as columns,
        v.oid is null or v.relkind = 'v' and coalesce(obj_description(v.oid, 'pg_class') like ${literal(`${COUNTS}%`)}, false) as free,
        obj_description(v.oid, 'pg_class') as comment,
        ${columnsOf(sql`v.oid`)} as seen
      from pg_class t
      left join pg_class v on v.oid = to_regclass($2)
      where t.oid = to_regclass($1)`,
    [relationId(table).toString(), view.toString()],
  );
  const row = rows[0];
  if (!row) return undefined;
  return {
    columns: JSON.parse(row.columns) as string[],
    isFree: row.free === "t",
    comment: row.comment,
    seen: JSON.parse(row.seen) as string[],
  };
}
