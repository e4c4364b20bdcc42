import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { sql } from "../../sql/sql.ts";
import { type Client, withClient } from "../client.ts";
import { withLock } from "./lock.ts";
import * as state from "./state.ts";

/** The login that may read everything and nothing else. */
const NAME = "dataform_reader";

/** The settings of the embedded server for who only reads: no superuser. The login is made when it is first asked for. */
export async function embeddedReader(
  stateDir: string,
  settings: ConnectionSettings,
  { tell }: { readonly tell?: (what: string) => void } = {},
): Promise<ConnectionSettings> {
  const password =
    state.readStored(stateDir)?.reader ??
    (await withLock(state.lockOf(stateDir), () => make(stateDir, settings), tell));
  return { ...settings, user: NAME, password };
}

async function make(stateDir: string, settings: ConnectionSettings): Promise<string> {
  return state.readStored(stateDir)!.reader ?? setReaderPassword(stateDir, settings);
}

/** A new one, for who holds the lock. */
export async function setReaderPassword(stateDir: string, settings: ConnectionSettings): Promise<string> {
  const reader = state.secret();
  await withClient(settings, {}, (client) => makeLogin(client, reader));
  state.writeStored(stateDir, { ...state.readStored(stateDir)!, reader });
  return reader;
}

/** Where it is there, somebody was stopped before its password was kept. */
async function makeLogin(client: Client, password: string): Promise<void> {
  const { rows } = await client.query(sql`select from pg_roles where rolname = ${literal(NAME)}`);
  if (!rows.length) await client.query(sql`create role ${id(NAME)} bypassrls in role pg_read_all_data, pg_monitor`);
  await client.query(sql`alter role ${id(NAME)} login password ${literal(password)}`);
}
