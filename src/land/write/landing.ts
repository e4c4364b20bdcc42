import type { Client } from "../../postgres/client.ts";
import { undoSavepoint } from "../../postgres/savepoint.ts";
import { lookUpLocally, setAll } from "../../sql/session.ts";
import { sql } from "../../sql/sql.ts";
import { LOADING_SETTINGS } from "../table/server-types.ts";

// Rows land between the two. What stands on the table is others': a trigger, an index, a check of a domain.

export async function beginLanding(client: Client): Promise<void> {
  await client.script(sql`savepoint landing; ${lookUpLocally("theirs")}`);
}

/** Makes a session one that lands, in transaction after transaction. What is answered for is on disk, whatever the login is used to. */
export async function makeLanding(client: Client): Promise<void> {
  await client.query(setAll(LOADING_SETTINGS, "session"));
  await client.query(
    sql`select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'`,
  );
}

/** The same where what fails takes the whole transaction along. */
export const BEGIN_LANDING_ALL = lookUpLocally("theirs");

/** Where more comes behind it. */
export const END_LANDING_ALL = lookUpLocally("ours");

export async function endLanding(client: Client): Promise<void> {
  await client.script(sql`release savepoint landing; ${lookUpLocally("ours")}`);
}

/** Takes back what landed since `beginLanding`. */
export async function undoLanding(client: Client): Promise<void> {
  await undoSavepoint(client, "landing");
}
