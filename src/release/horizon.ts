import type { Client } from "../postgres/client.ts";
import { describeSession, preparedBefore } from "../postgres/holders.ts";
import { sql } from "../sql/sql.ts";
import { until } from "../wait/until.ts";

export type HorizonPolicy = "wait" | "publish" | "fail";

interface OpenTransaction {
  /** Its virtual transaction: known of every transaction, whatever a session tells of itself. */
  readonly transaction: string;
  readonly reader: string;
}

/**
 * Waits until no transaction is left whose snapshot is older than the builds. Such a reader would find the new
 * tables empty: it sees the new views, because names are looked up now, but not the rows, which came after its snapshot.
 * Returns what is still open when the time is up, or undefined when nothing is.
 *
 * A snapshot that may be older is told by its xmin, so also one that was imported, and one of a session that does not tell
 * when it began. While a transaction writes that is older than the builds, every snapshot has such an xmin: those that are
 * open at first are waited for then, and those that begin while one of these could still hand its snapshot on.
 * @param builtBy a transaction id that was given out after the last build had committed
 */
export async function waitForHorizon(
  client: Client,
  builtBy: string,
  options: { readonly timeout: number; readonly signal: AbortSignal; readonly onWait?: (what: string) => void },
): Promise<string | undefined> {
  const { timeout, signal, onWait } = options;
  let first: ReadonlySet<string> | undefined;
  let waitedFor: ReadonlySet<string> = new Set();
  let readers = "";
  const look = async (): Promise<true | undefined> => {
    const open = await openTransactions(client, builtBy);
    const all = new Set(open.map(({ transaction }) => transaction));
    waitedFor = first === undefined || first.size ? all : common(waitedFor, all);
    first = first === undefined ? all : common(first, all);
    if (!waitedFor.size) return true;
    const waited = open.filter(({ transaction }) => waitedFor.has(transaction));
    readers = waited.map(({ reader }) => reader).join("; ") + (await heldBack(client, builtBy));
    return undefined;
  };
  const describe = () => `older transactions must end first, or they would read new tables as empty: ${readers}`;
  const wait = { look, every: 20, deadline: timeout, signal, describe, tell: onWait, toldAfter: 500 };
  return (await until(wait)) ? undefined : readers;
}

/** Transactions of this database whose snapshot may be from before `builtBy`. Everybody may see as much of the others. */
async function openTransactions(client: Client, builtBy: string): Promise<readonly OpenTransaction[]> {
  const { rows } = await client.query<{ transaction: string; reader: string }>(
    sql`
      select
        l.virtualtransaction as transaction,
        format(
          '%s, in a transaction since %s',
          ${describeSession}, coalesce(date_trunc('second', a.xact_start)::text, 'a time it does not tell')
        ) as reader
      from pg_stat_activity as a
      join pg_locks as l
        on l.pid = a.pid and l.locktype = 'virtualxid' and l.virtualxid = l.virtualtransaction
      where a.datname = current_database()
        and a.pid <> pg_backend_pid()
        -- The workers of autovacuum have no user, and read no view.
        and a.usesysid is not null
        and age(a.backend_xmin) > age($1::xid)
      order by a.xact_start, a.pid`,
    [builtBy],
  );
  return rows;
}

/**
 * A prepared transaction reads nothing and is not waited for. But while there is an older one every snapshot is from before it ends,
 * so that none can be told from one that is older than the builds.
 */
async function heldBack(client: Client, builtBy: string): Promise<string> {
  const { rows } = await client.query<{ prepared: string | null }>(preparedBefore(sql`$1::xid`), [builtBy]);
  const prepared = rows[0]?.prepared;
  return prepared
    ? `; every snapshot counts as old as long as there are the prepared transactions ${prepared}: \`rollback prepared\` or \`commit prepared\` ends one`
    : "";
}

function common(some: ReadonlySet<string>, others: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...some].filter((one) => others.has(one)));
}
