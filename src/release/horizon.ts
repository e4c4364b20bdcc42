import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "../postgres/client.ts";
import { sql } from "../sql/sql.ts";

export type HorizonPolicy = "wait" | "publish" | "fail";

/**
 * Waits until no transaction is left whose snapshot is older than the builds. Such a reader would find the new
 * tables empty: it sees the new views, because names are looked up now, but not the rows, which came after its snapshot.
 * Returns what is still open when the time is up, or undefined when nothing is.
 * @param builtAt clock_timestamp() after the last build committed
 */
export async function waitForHorizon(
  client: Client,
  builtAt: string,
  options: { readonly timeout: number; readonly signal: AbortSignal; readonly onWait?: (what: string) => void },
): Promise<string | undefined> {
  const started = performance.now();
  let told = false;
  for (;;) {
    // By start and not by age of xmin: one long writer drags everybody's xmin back, and the wait would not end.
    const { rows } = await client.query<{ reader: string }>(
      sql`select format('process %s (%s) in a transaction since %s', pid, coalesce(nullif(application_name, ''), 'no application name'), xact_start) as reader
       from pg_stat_activity
       where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
         and backend_xmin is not null and xact_start <= $1::timestamptz
       order by xact_start`,
      [builtAt],
    );
    if (!rows.length) return undefined;
    const readers = rows.map(({ reader }) => reader).join("; ");
    if (performance.now() - started > options.timeout || options.signal.aborted) return readers;
    if (!told && performance.now() - started > 500) {
      options.onWait?.(`older transactions must end first, or they would read new tables as empty: ${readers}`);
      told = true;
    }
    await pause(20);
  }
}

/** Whether this role sees the transactions of others; without that the wait cannot protect them. */
export async function seesOthers(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ sees: string }>(
    sql`select pg_has_role(current_user, 'pg_read_all_stats', 'usage') as sees`,
  );
  return rows[0]!.sees === "t";
}
