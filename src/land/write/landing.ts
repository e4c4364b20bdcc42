import type { Client } from "../../postgres/client.ts";
import { undoSavepoint } from "../../postgres/savepoint.ts";
import { lookUpLocally } from "../../sql/session.ts";
import { sql } from "../../sql/sql.ts";

// Rows land between the two. What stands on the table is others': a trigger, an index, a check of a domain.

export async function beginLanding(client: Client): Promise<void> {
  await client.script(sql`savepoint landing; ${lookUpLocally("theirs")}`);
}

export async function endLanding(client: Client): Promise<void> {
  await client.script(sql`release savepoint landing; ${lookUpLocally("ours")}`);
}

/** Takes back what landed since `beginLanding`. */
export async function undoLanding(client: Client): Promise<void> {
  await undoSavepoint(client, "landing");
}
