import { type Client, withTransaction } from "../../postgres/client.ts";
import { relationExists } from "../../postgres/relations.ts";
import { relationId } from "../../sql/identifiers.ts";
import { sql } from "../../sql/sql.ts";
import type { StreamKey } from "./ledger.ts";
import { loadTable } from "./ledger-tables.ts";

/** Loads that are named. */
const MOST_NAMED = 10;

/** Loads that the ledger says landed rows, of which the table has none any more: the newest, and how many more. */
export interface GoneLoads {
  readonly goneLoads: readonly string[];
  readonly moreGoneLoads: number;
}

/** Those of a table; it is looked up load by load, for most have their rows at one place. */
export async function goneLoadsOf(client: Client, { schema, source, stream, table }: StreamKey): Promise<GoneLoads> {
  const name = relationId({ schema, name: table });
  const isThere = await relationExists(client, name);
  const has = isThere ? sql`exists (select from ${name} as t where t._load_id = l.load_id)` : sql`false`;
  return withTransaction(client, async () => {
    // A table of which nothing is known by its loads would be read for each that is gone.
    await client.query(sql`set local enable_seqscan = off`);
    const { rows } = await client.query<Record<"load_id" | "count", string>>(
      sql`
        select load_id, count(*) over () as count
        from ${loadTable(schema)} as l
        where source = $1 and stream = $2 and table_name = $3 and status = 'loaded' and rows > 0
          and coalesce((to_jsonb(l.*) ->> 'is_gone')::boolean, false) is false
          and not ${has}
        order by load_id desc
        limit $4`,
      [source, stream, table, MOST_NAMED],
    );
    const all = Number(rows[0]?.count ?? 0);
    return { goneLoads: rows.map(({ load_id }) => load_id), moreGoneLoads: all - rows.length };
  });
}
