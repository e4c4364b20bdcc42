import { appendFileSync, copyFileSync } from "node:fs";
import { join } from "node:path";
import { sql } from "../../../sql/sql.ts";
import type { Client } from "../../client.ts";

/** What each start says, what the place of the cluster says, and what initdb found out about the machine. */
const NOT_OURS = new Set([
  "config_file",
  "data_directory",
  "dynamic_shared_memory_type",
  "external_pid_file",
  "hba_file",
  "ident_file",
  "listen_addresses",
  "port",
  "unix_socket_directories",
]);

/**
 * Gives the new cluster what people have set in the configuration of the old one, and who may come in how.
 * @returns settings that the new version does not know, which are left out
 */
export async function copyConfiguration(
  from: { readonly client: Client; readonly dataDir: string },
  to: { readonly client: Client; readonly dataDir: string },
): Promise<readonly string[]> {
  const [old, fresh] = [await settingsOf(from.client), await settingsOf(to.client)];
  const { rows } = await to.client.query<{ name: string }>(sql`select name from pg_settings`);
  const known = new Set(rows.map(({ name }) => name));
  const changed = [...old].filter(([name, value]) => !NOT_OURS.has(name) && fresh.get(name) !== value);
  const [taken, left] = [[] as string[], [] as string[]];
  for (const [name, value] of changed)
    if (known.has(name) || name.includes(".")) taken.push(`${name} = '${escaped(value)}'\n`);
    else left.push(name);
  if (taken.length)
    appendFileSync(join(to.dataDir, "postgresql.conf"), `\n# As it was set before the upgrade.\n${taken.join("")}`);
  for (const file of ["pg_hba.conf", "pg_ident.conf"]) copyFileSync(join(from.dataDir, file), join(to.dataDir, file));
  return left;
}

/** As the files say, not as the server was started now. */
async function settingsOf(client: Client): Promise<ReadonlyMap<string, string>> {
  const { rows } = await client.query<{ name: string; setting: string }>(sql`
    select name, setting
    from pg_file_settings
    where name is not null and setting is not null
    order by seqno`);
  return new Map(rows.map(({ name, setting }) => [name, setting])); // the last one counts
}

const escaped = (value: string) => value.replaceAll("\\", "\\\\").replaceAll("'", "''");
