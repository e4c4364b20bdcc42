import type { ColumnName, Lineage, LineageRelation } from "../model/lineage.ts";
import { type Target, targetKey } from "../model/target.ts";
import { type Client, withNames } from "../postgres/client.ts";
import { sql } from "../sql/sql.ts";

/**
 * The part of a lineage that a role may see: of each relation the columns that it may read, by the rights on what stands under
 * its name. Trees of queries can be read by everybody; what is shown to others goes through here. What makes no relation, as
 * an assertion, and what is not there is seen by nobody.
 * @param role its name; without one, whoever is connected
 */
export async function readableLineage(client: Client, lineage: Lineage, role?: string): Promise<Lineage> {
  const targets = lineage.relations.map(({ target }) => target);
  return restricted(lineage, await readableColumns(client, targets, role));
}

/** Of each relation, by `schema.name`, the columns that a role may read. One that it may not read, or that is not there, has no entry. */
export async function readableColumns(
  client: Client,
  targets: readonly Target[],
  role?: string,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const { rows } = await withNames(client, "ours", () =>
    client.query<Record<"schema" | "name" | "columns", string>>(readableQuery, [
      targets.map(({ schema }) => schema),
      targets.map(({ name }) => name),
      role ?? null,
    ]),
  );
  return new Map(rows.map((row) => [targetKey(row), new Set(JSON.parse(row.columns) as string[])]));
}

const readableQuery = sql`
  select n.nspname as schema, c.relname as name, coalesce(jsonb_agg(a.attname) filter (where a.attname is not null), '[]') as columns
  from unnest($1::name[], $2::name[]) as wanted (schema, name)
  join pg_namespace as n
    on n.nspname = wanted.schema and has_schema_privilege(coalesce($3::name, current_user), n.oid, 'usage')
  join pg_class as c
    on c.relnamespace = n.oid and c.relname = wanted.name and c.relkind = any('{r,v,m,f,p}')
  join pg_attribute as a
    on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      and has_column_privilege(coalesce($3::name, current_user), c.oid, a.attnum, 'select')
  group by n.nspname, c.relname`;

/** Only these columns, of these relations. Pure. */
function restricted(lineage: Lineage, readable: ReadonlyMap<string, ReadonlySet<string>>): Lineage {
  const isSeen = ({ relation, column }: ColumnName) => readable.get(relation)?.has(column) === true;
  const relations = lineage.relations.flatMap((relation): LineageRelation[] => {
    const columns = readable.get(targetKey(relation.target));
    if (!columns) return [];
    return [
      {
        ...relation,
        columns: relation.columns.flatMap((one) =>
          columns.has(one.name) ? [{ ...one, from: one.from.filter(isSeen) }] : [],
        ),
        rowsBy: relation.rowsBy.filter(isSeen),
        unused: relation.unused.filter(isSeen),
        reads: relation.reads.filter((key) => readable.has(key)),
        // A statement, or what the server says of one, may name what is not to be seen.
        untold: relation.untold.length ? [{ why: "something of it: whoever may read all of it is told" }] : [],
      },
    ];
  });
  return { ...lineage, relations };
}
