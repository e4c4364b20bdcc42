import { tryLock } from "../postgres/advisory-lock.ts";
import type { Client } from "../postgres/client.ts";
import { literal } from "../sql/literals.ts";
import { type Sql, sql } from "../sql/sql.ts";

const NAME = "dataform:schedulers:";

/** What every scheduler of an environment holds as long as it lives: by that others know that one does. */
export async function showScheduler(client: Client, environment: string): Promise<void> {
  await tryLock(client, `${NAME}${environment}`, "shared");
}

/** The name of that lock. */
export const schedulersLock = (environment: Sql) => sql`${literal(NAME)} || ${environment}`;
