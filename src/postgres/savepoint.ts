import { id } from "../sql/identifiers.ts";
import { sql } from "../sql/sql.ts";
import type { Client } from "./client.ts";

/**
 * Goes back to a savepoint and ends it. Savepoints that stay open stand in one another, and PostgreSQL goes through all of
 * them for each row of a catalog that it looks at: a thousand of them cost more than what was done between them.
 */
export async function undoSavepoint(client: Client, name: string): Promise<void> {
  await client.script(sql`rollback to savepoint ${id(name)}; release savepoint ${id(name)}`);
}
