import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ConnectionSettings } from "../../../src/model/connection-settings.ts";
import { freePort } from "../../../src/postgres/embedded/port.ts";
import { findProgram, startChild, temporaryFolder } from "./child.ts";

const program = findProgram("pgbouncer");

/** Whether this machine has PgBouncer (Debian: pgbouncer). */
export const hasPgBouncer = program !== undefined;

/** PgBouncer in front of the server. Anybody comes in as the user of the settings. */
export async function startPgBouncer(
  settings: ConnectionSettings,
  options: Readonly<Record<string, string | number>>,
): Promise<ConnectionSettings> {
  const folder = temporaryFolder();
  const port = await freePort();
  const { host, user, password } = settings;
  const lines = {
    listen_addr: "127.0.0.1",
    listen_port: port,
    unix_socket_dir: "",
    auth_type: "any",
    ...options,
  };
  const file = join(folder, "pgbouncer.ini");
  const server = `host=${host} port=${settings.port} user=${user} password=${password ?? ""}`;
  const text = Object.entries(lines).map(([name, value]) => `${name} = ${value}\n`);
  writeFileSync(file, `[databases]\n* = ${server}\n[pgbouncer]\n${text.join("")}`, { mode: 0o644 });
  chmodSync(folder, 0o755);
  // It does not run as root.
  const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  await startChild(program!, [file], port, nobody);
  return { ...settings, host: "127.0.0.1", port, ssl: { mode: "prefer" } };
}
