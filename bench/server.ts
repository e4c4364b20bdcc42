import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import type { ConnectionSettings } from "../src/model/connection-settings.ts";
import { freePort } from "../src/postgres/embedded/port.ts";
import { startEmbedded, stopEmbedded } from "../src/postgres/embedded/server.ts";
import { runTool } from "./process.ts";

export interface Server {
  /** "15.14" */
  readonly version: string;
  /** Whether clients can use TLS, without which the old command line refuses to connect. */
  readonly tls: boolean;
  /** An empty database of its own. */
  createDatabase(): Promise<ConnectionSettings>;
  dropDatabase(settings: ConnectionSettings): Promise<void>;
  stop(): Promise<void>;
}

export interface ServerChoice {
  readonly server: Server;
  /** Why the server has no TLS. */
  readonly note?: string;
}

const PASSWORD = "bench";

/** A server of its own with TLS where PostgreSQL is installed as Debian does it; the embedded one otherwise. */
export async function startServer(cacheDir: string): Promise<ServerChoice> {
  const bin = installedBinaries();
  const missing =
    bin === undefined ? "no PostgreSQL under /usr/lib/postgresql" : hasOpenssl() ? undefined : "no openssl";
  if (bin !== undefined && missing === undefined) return { server: await startInstalled(bin) };
  const stateDir = join(cacheDir, "embedded");
  const settings = await startEmbedded(stateDir);
  return {
    server: await serverAt(settings, async () => void (await stopEmbedded(stateDir))),
    note: `${missing}: the embedded PostgreSQL is used, which has no TLS`,
  };
}

/** The newest installed version's binaries. */
function installedBinaries(): string | undefined {
  const root = "/usr/lib/postgresql";
  if (!existsSync(root)) return undefined;
  return readdirSync(root)
    .filter((version) => Number(version) >= 15 && existsSync(join(root, version, "bin", "initdb")))
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(root, version, "bin"))[0];
}

function hasOpenssl(): boolean {
  try {
    runTool("openssl", ["version"]);
    return true;
  } catch {
    return false;
  }
}

async function startInstalled(bin: string): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), "dataform-bench-"));
  const owner = unprivileged();
  const data = join(folder, "data");
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, PASSWORD);
  for (const path of [folder, passwordFile]) if (owner) chownSync(path, owner.uid, owner.gid);
  const options = { cwd: folder, ...owner };
  runTool(
    join(bin, "initdb"),
    ["-D", data, "-U", "bench", "-E", "UTF8", "--locale=C.UTF-8", "-A", "scram-sha-256", "--pwfile", passwordFile],
    options,
  );
  makeCertificate(data, owner);
  const port = await freePort();
  // Everything else stays as PostgreSQL ships it: fsync on, 128 MB of shared buffers.
  const parameters = { listen_addresses: "127.0.0.1", port, unix_socket_directories: "", ssl: "on" };
  const flags = Object.entries(parameters).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const child = spawn(join(bin, "postgres"), ["-D", data, ...flags], { ...options, stdio: "ignore" });
  const stop = () => stopProcess(child, folder);
  // If the bench ends in the middle, the server ends with it.
  process.once("exit", () => {
    child.kill("SIGQUIT");
    rmSync(folder, { recursive: true, force: true });
  });
  const settings = {
    host: "127.0.0.1",
    port,
    database: "postgres",
    user: "bench",
    password: PASSWORD,
    ssl: { mode: "require" as const },
    source: "bench",
  };
  await untilReady(settings, child);
  return serverAt(settings, stop);
}

/** The server refuses to run as root. */
function unprivileged(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(runTool("id", [flag, "nobody"]));
  return { uid: id("-u"), gid: id("-g") };
}

function makeCertificate(data: string, owner: { readonly uid: number; readonly gid: number } | undefined): void {
  const key = join(data, "server.key");
  const certificate = join(data, "server.crt");
  runTool("openssl", [
    ...["req", "-new", "-x509", "-days", "2", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=localhost"],
    ...["-keyout", key, "-out", certificate],
  ]);
  chmodSync(key, 0o600);
  if (owner) for (const path of [key, certificate]) chownSync(path, owner.uid, owner.gid);
}

async function untilReady(settings: ConnectionSettings, child: ChildProcess): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await ask(settings, "select 1");
      return;
    } catch (error) {
      if (child.exitCode !== null || attempt > 100) throw new Error("the server did not start", { cause: error });
      await pause(100);
    }
  }
}

async function stopProcess(child: ChildProcess, folder: string): Promise<void> {
  if (child.exitCode === null) {
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGINT");
    await gone;
  }
  rmSync(folder, { recursive: true, force: true });
}

/** One that runs. */
export async function serverAt(settings: ConnectionSettings, stop: () => Promise<void>): Promise<Server> {
  const [row] = await ask(
    settings,
    "select current_setting('server_version') as version, current_setting('ssl') as ssl",
  );
  let made = 0;
  return {
    version: String(row!.version).split(" ")[0]!,
    tls: row!.ssl === "on",
    async createDatabase() {
      const database = `bench_${process.pid}_${++made}`;
      await ask(settings, `create database ${database} template template0`);
      return { ...settings, database };
    },
    async dropDatabase({ database }) {
      await ask(settings, `drop database ${database} with (force)`);
    },
    stop,
  };
}

/** One statement on a connection of its own; of plain `pg`, as the plain contestant's. */
export async function ask(settings: ConnectionSettings, sql: string): Promise<Record<string, unknown>[]> {
  const client = await openClient(settings);
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** With TLS where the settings want it; where they only prefer it, without where the server has none. */
export async function openClient(settings: ConnectionSettings): Promise<pg.Client> {
  const { mode } = settings.ssl;
  if (mode === "disable") return openWith(settings, false);
  return openWith(settings, true).catch((error: Error) => {
    if (mode === "prefer" && error.message.includes("does not support SSL")) return openWith(settings, false);
    throw error;
  });
}

async function openWith(settings: ConnectionSettings, tls: boolean): Promise<pg.Client> {
  const { host, port, database, user, password } = settings;
  const ssl = tls && { rejectUnauthorized: false };
  const client = new pg.Client({ host, port, database, user, password: password ?? "", ssl });
  client.on("error", () => {});
  await client.connect();
  return client;
}
