import type { SiteSample } from "../model/site.ts";
import { type Target, targetKey } from "../model/target.ts";
import type { Client } from "../postgres/client.ts";
import { undoSavepoint } from "../postgres/savepoint.ts";
import { connectionLost, postgresError } from "../postgres/sqlstate.ts";
import { relationId } from "../sql/identifiers.ts";
import { sql } from "../sql/sql.ts";

/** How long one relation is looked at: a view that takes longer has no sample. */
const LONGEST = sql`set local statement_timeout = '2s'`;

/** Characters of a value that are kept. */
const WIDEST = 300;

/**
 * Ten rows of each relation, as whoever asks may read them, by `schema.name`; those that cannot be read in time have none.
 * @param client in a transaction that only reads
 */
export async function readSamples(
  client: Client,
  targets: readonly Target[],
): Promise<ReadonlyMap<string, SiteSample>> {
  const samples = new Map<string, SiteSample>();
  await client.query(LONGEST);
  for (const target of targets) {
    await client.query(sql`savepoint sample`);
    try {
      const { columns, rows } = await client.table(sql`select * from ${relationId(target)} limit 10`);
      samples.set(targetKey(target), { columns, rows: rows.map((row) => row.map(shortened)) });
    } catch (error) {
      if (!postgresError(error) || connectionLost(error)) throw error;
      await undoSavepoint(client, "sample");
    }
  }
  return samples;
}

function shortened(value: string | null): string | null {
  return value !== null && value.length > WIDEST ? `${value.slice(0, WIDEST)}…` : value;
}
