import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { takeLock } from "../../postgres/advisory-lock.ts";
import { type Client, withClient, withTransaction } from "../../postgres/client.ts";
import { relationExists } from "../../postgres/relations.ts";
import type { Exchanged, TokenStore } from "../../sources/http/kept-token.ts";
import { commentOn, createSchemaOnce } from "../../sql/ddl.ts";
import { id } from "../../sql/identifiers.ts";
import { sql } from "../../sql/sql.ts";
import { within } from "../../wait/timers.ts";
import type { Waiting } from "./ledger-tables.ts";

/** Longer than a server that is asked again and again takes to answer. */
const DEADLINE = 600_000;
/** Milliseconds that one who goes waits for an answer that may hold a token. */
const LAST_WAIT = 10_000;

/**
 * Refresh tokens that servers gave in place of others, in the ledger of a schema. Kept apart from the load, and by a rehearsal, too:
 * the one before counts no more, whatever becomes of the records.
 */
export function tokenStore(
  settings: ConnectionSettings,
  schema: string,
  { signal, onWait, onLost }: Waiting & { readonly onLost: (why: string) => void },
): TokenStore & { readonly settled: () => Promise<unknown> } {
  const working = new Set<Promise<unknown>>();
  const exchange = async <T>(name: string, ask: (kept: string | undefined) => Promise<Exchanged<T>>): Promise<T> => {
    let asked: Exchanged<T> | undefined;
    // Not ended by the signal: once the server was asked, its answer has to be kept.
    const exchanged = withClient(settings, { duty: "loader", onWait }, async (client) => {
      await takeLock(client, `dataform refresh token ${name}`, {
        ...{ deadline: DEADLINE, signal, tell: onWait, reach: "session" },
        taken: "another ingest renews the refresh token",
        hint: "wait till it has ended, or end it",
      });
      asked = await ask(await read(client, schema, name));
      if (asked.keep !== undefined) await write(client, schema, [name, asked.keep]);
      return asked.result;
    });
    return exchanged.catch((error: Error) => {
      if (!asked) throw error;
      onLost(error.message);
      return asked.result;
    });
  };
  return {
    exchange: (name, ask) => {
      const work = exchange(name, ask).finally(() => working.delete(work));
      working.add(work);
      return work;
    },
    /** Nobody who goes leaves an answer behind. */
    settled: () => within(LAST_WAIT, Promise.allSettled(working), () => []),
  };
}

const tokenTable = (schema: string) => id(schema, "_token");

async function read(client: Client, schema: string, name: string): Promise<string | undefined> {
  if (!(await relationExists(client, tokenTable(schema)))) return undefined;
  const { rows } = await client.query<{ sealed: string }>(sql`select sealed from ${tokenTable(schema)} where id = $1`, [
    name,
  ]);
  return rows[0]?.sealed;
}

async function write(client: Client, schema: string, row: readonly [id: string, sealed: string]): Promise<void> {
  if (!(await relationExists(client, tokenTable(schema)))) await makeTable(client, schema);
  await client.query(
    sql`
      insert into ${tokenTable(schema)} (id, sealed)
      values ($1, $2)
      on conflict (id) do update set sealed = excluded.sealed, replaced_at = now()`,
    [...row],
  );
}

function makeTable(client: Client, schema: string): Promise<void> {
  const table = tokenTable(schema);
  return withTransaction(client, async () => {
    await takeLock(client, "dataform ingest ledger", {
      reach: "transaction",
      deadline: 60_000,
      taken: "another ingest makes its tables",
      hint: "try again when it has ended, or end it",
    });
    await client.script(createSchemaOnce(schema));
    await client.script(sql`
      create table if not exists ${table} (
        id text primary key,
        sealed text not null,
        replaced_at timestamptz not null default now()
      );

      ${commentOn("table", table, "Refresh tokens that servers gave in place of those in the environment, sealed with a key derived from these")}`);
  });
}
