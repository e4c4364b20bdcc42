import { analysed } from "../../src/lineage/analysed.ts";
import { treeOfRule } from "../../src/lineage/ask.ts";
import { required } from "../../src/lineage/tree/nodes.ts";
import type { Client } from "../../src/postgres/client.ts";
import { sql } from "../../src/sql/sql.ts";

/** What the server keeps of a view: its tree, and the columns that its rule depends on. */
const views = sql`
  select c.relname as name, w.ev_action::text as tree,
    coalesce((
      select jsonb_agg(distinct d.refobjid || '.' || d.refobjsubid)
      from pg_depend as d
      join pg_class as r
        on r.oid = d.refobjid and r.relkind = any('{r,v,m,f,p}')
      where d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
        and d.refobjid <> c.oid and d.refobjsubid <> 0
    ), '[]') as columns
  from pg_class as c
  join pg_namespace as n
    on n.oid = c.relnamespace
  join pg_rewrite as w
    on w.ev_class = c.oid
  where n.nspname <> all(array['pg_catalog', 'information_schema']) and c.relkind = 'v'
  order by c.relname`;

/** Of a relation below it the server keeps no dependency: it cannot be dropped (`FirstUnpinnedObjectId`). */
const FIRST_UNPINNED = 12_000;

/** Compares, view by view, what is read in its tree with what the server itself says that it depends on. */
export async function compareWithServer(client: Client): Promise<{ readonly views: number; readonly wrong: string[] }> {
  const { rows } = await client.query<Record<"name" | "tree" | "columns", string>>(views);
  const wrong = rows.flatMap(({ name, tree, columns }) => {
    const { named } = analysed(required(treeOfRule(tree), "query"));
    const isKept = (column: string) => !column.endsWith(".0") && Number(column.split(".")[0]) >= FIRST_UNPINNED;
    const read = [...named].filter(isKept).sort();
    const depended = (JSON.parse(columns) as string[]).sort();
    return read.join() === depended.join() ? [] : [`${name}: ${read.join(" ")} instead of ${depended.join(" ")}`];
  });
  return { views: rows.length, wrong };
}
