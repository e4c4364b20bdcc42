import { randomUUID } from "node:crypto";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { TestProject } from "vitest/node";
import { parseConnectionUrl } from "../../src/config/connection.ts";
import { prepareMetadata } from "../../src/environment/layout.ts";
import { type ConnectionSettings, connectionUrl } from "../../src/model/connection-settings.ts";
import { withClient } from "../../src/postgres/client.ts";
import { embeddedStatus, startEmbedded, stopEmbedded } from "../../src/postgres/embedded/server.ts";
import { script } from "../../src/sql/authored.ts";
import { literal } from "../../src/sql/literals.ts";
import { sql } from "../../src/sql/sql.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Which server a lane asks: a URL, or the major of an embedded one. */
    server: string;
    /** Whether the lane tries all cases of what is tried at every point, or some of each kind. */
    everyCase: boolean;
    /** A superuser's URL of the server that all tests share. */
    serverUrl: string;
    /** What databases of tests are copies of: one with nothing in it. */
    empty: string;
    /** Another, which has the record of runs already, as all but a first run find it. */
    recorded: string;
  }
}

/** The embedded server that the package installs. */
const EMBEDDED = "18";

interface Server {
  readonly settings: ConnectionSettings;
  stop(): Promise<void>;
}

type Running = Map<string, { readonly server: Promise<Server>; lanes: number }>;

/** Those that run, with how many lanes use them. Each lane has this module for itself, and all have one process. */
const shared = globalThis as { dataformTestServers?: Running };
shared.dataformTestServers ??= new Map();
const running = shared.dataformTestServers;

/** The PostgreSQL of a lane, for the whole run: one by its URL, or an embedded one that is gone afterwards. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const name = project.config.provide.server!;
  const used = running.get(name) ?? { server: serverOf(name), lanes: 0 };
  running.set(name, used);
  used.lanes++;
  const { settings, stop } = await used.server;
  const empty = `test_template_${randomUUID().slice(0, 8)}`;
  await withClient(settings, {}, (client) => client.query(script(`create database ${empty} template template0`)));
  // A quarter of the files less to copy, a thousand times.
  await withClient({ ...settings, database: empty }, {}, (client) => client.query(sql`vacuum full`));
  // The first session of a database writes what the next ones read of its catalogs: it is copied, too.
  await withClient({ ...settings, database: empty }, {}, (client) => client.query(sql`select`));
  // To make the record was a seventh of what a run costs the server.
  const recorded = `${empty}_recorded`;
  await withClient(settings, {}, (client) => client.query(script(`create database ${recorded} template ${empty}`)));
  await withClient({ ...settings, database: recorded }, {}, (client) => prepareMetadata(client));
  project.provide("serverUrl", connectionUrl(settings, { password: true }));
  project.provide("empty", empty);
  project.provide("recorded", recorded);
  return async () => {
    for (const name of [empty, recorded])
      await withClient(settings, {}, (client) => client.query(script(`drop database ${name}`)));
    if (--used.lanes === 0) await stop();
  };
}

async function serverOf(server: string): Promise<Server> {
  if (server.includes("://"))
    return { settings: parseConnectionUrl(server, "TEST_DATABASE_URL"), stop: async () => {} };
  const native = server === EMBEDDED ? undefined : nativeOf(server);
  const folder = mkdtempSync(join(tmpdir(), "dataform-test-"));
  chmodSync(folder, 0o755); // as root, the server user has to get in
  const stateDir = join(folder, ".dataform");
  const settings = await startEmbedded(stateDir, native === undefined ? {} : { native });
  const { pid, dataDir } = await embeddedStatus(stateDir);
  // A password in the old way: what the new one computes takes 2 ms, and a test logs in ten times.
  const logins = join(dataDir, "pg_hba.conf");
  writeFileSync(logins, readFileSync(logins, "utf8").replaceAll("scram-sha-256", "md5"));
  await withClient(settings, {}, async (client) => {
    await client.script(
      script(`set password_encryption = md5; alter role ${settings.user} password ${literal(settings.password!)}`),
    );
    // Nothing here survives the machine: to wait for its disk would only cost time.
    await client.query(sql`alter system set fsync = off`);
    await client.query(sql`select pg_reload_conf()`);
  });
  // Where the run is ended from outside, there is no time to ask.
  const leave = () => {
    process.kill(pid!, "SIGQUIT");
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", leave);
  const stop = async () => {
    await stopEmbedded(stateDir);
    process.off("exit", leave);
    rmSync(folder, { recursive: true, force: true });
  };
  return { settings, stop };
}

/** The programs of another major than the one that people get: they are installed for tests only. */
function nativeOf(major: string): string {
  const native = resolve(import.meta.dirname, `../servers/node_modules/postgres-${major}/native`);
  if (existsSync(native)) return native;
  throw new Error(`no PostgreSQL ${major}: npm ci --prefix test/servers --ignore-scripts installs it`);
}
