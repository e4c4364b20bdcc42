import { join } from "node:path";
import { resolveConnection } from "../config/connection.ts";
import type { ConnectionSettings } from "../model/connection.ts";
import { startEmbedded } from "../postgres/embedded/server.ts";
import type { Shell } from "./shell.ts";

/** The folder of the embedded server and of other state that is not committed. */
export function stateDirectory(shell: Shell): string {
  return join(shell.projectDir, ".dataform");
}

/** The database the person named, or the embedded PostgreSQL, started when it is not running. */
export async function openDatabase(shell: Shell, options: { readonly url?: string }): Promise<ConnectionSettings> {
  const named = resolveConnection(shell.env, { url: options.url, projectDir: shell.projectDir });
  return named ?? (await startEmbedded(stateDirectory(shell)));
}
