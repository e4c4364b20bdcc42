import type { Column } from "../model/catalog.ts";
import { literal } from "../sql/literals.ts";
import { type Identifier, join, type Sql, sql } from "../sql/sql.ts";
import type { Client } from "./client.ts";

/** The columns of `pg_class c` in a catalog query, as one jsonb value: the text that `readColumns` takes. */
export const columnsOf = sql`(
  select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
    'name', a.attname,
    'type', format_type(a.atttypid, a.atttypmod),
    'collation', case when a.attcollation <> t.typcollation then a.attcollation::regcollation::text end,
    'addedType', case when t.oid >= 16384 then t.oid::bigint end
  )) order by a.attnum), '[]')
  from pg_attribute a
  -- One by one, by the index: the planner goes through the types from the first one on, for each relation anew.
  cross join lateral (select y.oid, y.typcollation from pg_type y where y.oid = a.atttypid offset 0) t
  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)`;

/** Of a type that does not come with PostgreSQL: its oid. */
interface Found extends Column {
  readonly addedType?: number;
}

/** Each of the lists that `columnsOf` gave, with the equality of its types. */
export async function readColumns(client: Client, lists: readonly string[]): Promise<Column[][]> {
  const found = lists.map((list) => JSON.parse(list) as Found[]);
  const added = new Set(found.flat().flatMap(({ addedType }) => addedType ?? []));
  if (!added.size) return found;
  const { rows } = await client.query<{ oid: string; equality: string }>(equalitiesQuery, [[...added]]);
  const equalities = new Map(rows.map(({ oid, equality }) => [Number(oid), equality]));
  return found.map((columns) =>
    columns.map(({ addedType, ...column }) => {
      const equality = equalities.get(addedType ?? 0);
      return equality === undefined ? column : { ...column, equality };
    }),
  );
}

/** The schema of the equality by which btree indexes tell values of a type apart, where it is not PostgreSQL's own. */
const equalitiesQuery = sql`
with recursive base as (
  select t.oid as type, t.oid, t.typbasetype from pg_type t where t.oid = any($1::oid[])
  union all
  select b.type, t.oid, t.typbasetype from base b join pg_type t on t.oid = b.typbasetype
)
select base.type as oid, s.nspname as equality
from base
join pg_opclass o on o.opcintype = base.oid and o.opcdefault and o.opcmethod = (select oid from pg_am where amname = 'btree')
join pg_amop p on p.amopfamily = o.opcfamily and p.amopstrategy = 3
  and p.amoplefttype = o.opcintype and p.amoprighttype = o.opcintype
join pg_operator q on q.oid = p.amopopr
join pg_namespace s on s.oid = q.oprnamespace
where base.typbasetype = 0 and s.nspname <> 'pg_catalog'`;

/**
 * One jsonb value for each of the relations, by oid; asks nothing where there are none.
 * @param piece over `pg_class c`
 */
export async function readPieces<T>(client: Client, piece: Sql, oids: readonly string[]): Promise<Map<string, T>> {
  if (!oids.length) return new Map();
  const { rows } = await client.query<Record<"oid" | "piece", string>>(
    sql`select c.oid, ${piece} as piece from pg_class c where c.oid = any($1::oid[])`,
    [oids],
  );
  return new Map(rows.map((row) => [row.oid, JSON.parse(row.piece) as T]));
}

/** Whether a relation is there. */
export async function relationExists(client: Client, relation: Identifier): Promise<boolean> {
  const { rows } = await client.query<{ found: string }>(sql`select to_regclass($1) is not null as found`, [
    relation.toString(),
  ]);
  return rows[0]!.found === "t";
}

/**
 * How many relations of these names are in the schema, as the catalog's rows say: behind a lock, what its last holder made.
 * `to_regclass` says what this session remembers, which a statement that opens no relation does not bring up to date.
 */
export function countRelations(schema: string, names: readonly string[]): Sql {
  return sql`(
    select count(*)
    from pg_class as c
    join pg_namespace as n
      on n.oid = c.relnamespace
    where n.nspname = ${literal(schema)} and c.relname = any(array[${join(names.map(literal), ", ")}])
  )`;
}
