import { join } from "node:path";
import { readProject } from "../compile/project.ts";
import { resolveConnection } from "../config/connection.ts";
import type { ConnectionSettings } from "../model/connection-settings.ts";
import { embeddedStatus, startEmbedded } from "../postgres/embedded/server.ts";
import type { Shell } from "./shell.ts";

/** The folder of the embedded server and of other state that is not committed. */
function stateDirectory(shell: Shell): string {
  return join(shell.projectDir, ".dataform");
}

/** The database the person named, or the embedded PostgreSQL, started when it is not running. */
export async function openDatabase(
  shell: Shell,
  options: { readonly url?: string; readonly roles?: string },
): Promise<ConnectionSettings> {
  const named = resolveConnection(shell.env, { url: options.url, projectDir: shell.projectDir });
  const settings = named ?? (await openEmbedded(shell));
  const roles = options.roles ?? shell.env.DATAFORM_ROLES;
  return roles ? { ...settings, roles } : settings;
}

/** Starts the project's own server; in a folder that is no project, none is made. */
async function openEmbedded(shell: Shell): Promise<ConnectionSettings> {
  const { state } = await embeddedStatus(stateDirectory(shell));
  if (state === "absent") {
    readProject(shell.projectDir);
    shell.say(`making an embedded PostgreSQL in ${stateDirectory(shell)}`);
  }
  return startEmbedded(stateDirectory(shell));
}
