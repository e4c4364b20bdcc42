import { id } from "../sql/identifiers.ts";
import { sql } from "../sql/sql.ts";
import type { Client } from "./client.ts";

/** Opens a savepoint that stands until the transaction ends: messages take it on (`onSavepoint`). */
export async function openSavepoint(client: Client, name: string): Promise<void> {
  await client.query(sql`savepoint ${id(name)}`);
}

/** Goes back to a savepoint that stands, after a message that failed. */
export async function backToSavepoint(client: Client, name: string): Promise<void> {
  await client.query(sql`rollback to savepoint ${id(name)}`);
}

/**
 * Goes back to a savepoint and ends it. Savepoints that stay open stand in one another, and PostgreSQL goes through all of
 * them for each row of a catalog that it looks at: a thousand of them cost more than what was done between them.
 */
export async function undoSavepoint(client: Client, name: string): Promise<void> {
  await client.script(sql`rollback to savepoint ${id(name)}; release savepoint ${id(name)}`);
}
