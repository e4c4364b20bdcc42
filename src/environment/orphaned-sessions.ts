import { setTimeout as pause } from "node:timers/promises";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { withClient } from "../postgres/client.ts";
import { sql } from "../sql/sql.ts";

/**
 * Ends sessions that lost their client, and waits until they are gone: they may go on with their statement, or hold
 * locks, until the server notices. What they did is known only then.
 */
export async function endSessions(
  settings: ConnectionSettings,
  applicationNames: readonly string[],
  processId?: number,
): Promise<void> {
  // Only the user who began a session may end it, so these connections take no role.
  for (const login of [settings, ...(settings.publisher ? [settings.publisher] : [])])
    await withClient(login, { applicationName: "dataform-cancel", names: "ours" }, async (client) => {
      for (;;) {
        const { rows } = await client.query(
          sql`select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and split_part(application_name, ' ', 1) = any($1::text[])
           and ($2::integer is null or pid = $2) and pg_has_role(usesysid, 'usage')`,
          [applicationNames, processId ?? null],
        );
        if (!rows.length) return;
        await pause(20);
      }
    });
}

/** The names of all sessions of a run. */
export function sessionNames(runId: string): string[] {
  return ["run", "build", "publish"].map((part) => `dataform-${part}-${runId}`);
}
