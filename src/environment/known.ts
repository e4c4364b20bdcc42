import type { Known } from "../model/ground.ts";
import type { Client } from "../postgres/client.ts";
import { sql } from "../sql/sql.ts";

/** Of what each action of an environment was built when it went well last, by `schema.name`. Nothing where no run has recorded it. */
export async function readKnown(client: Client, environment: string): Promise<ReadonlyMap<string, Known>> {
  const there = await client.query<{ there: string }>(sql`select to_regclass('_dataform.state') is not null as there`);
  if (there.rows[0]!.there !== "t") return new Map();
  const { rows } = await client.query<{ known: string }>(
    sql`
      select coalesce(jsonb_agg(jsonb_build_array(schema_name || '.' || name, content)), '[]') as known
      from _dataform.state
      where environment = $1`,
    [environment],
  );
  return new Map(JSON.parse(rows[0]!.known) as [string, Known][]);
}
