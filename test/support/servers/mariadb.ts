import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Connection, createConnection } from "mysql2/promise";
import { freePort } from "../../../src/postgres/embedded/port.ts";

const PROGRAMS = ["/usr/sbin/mariadbd", "/usr/bin/mariadb-install-db", "/usr/bin/my_print_defaults"];
const PASSWORD = "p@ss/w:rd";

/** Why there is no MariaDB for the tests; undefined where there is one. */
export const noMariadb = PROGRAMS.every((path) => existsSync(path))
  ? undefined
  : "needs mariadb-server-core and mariadb-client-core";

export interface TestMariadb {
  readonly port: number;
  /** mysql://… of the user `reader`, with its password. */
  url(database?: string, parameters?: string): string;
  readonly password: string;
  /** As administrator, in the database `shop`. */
  sql(text: string): Promise<readonly Record<string, unknown>[]>;
  /** The root certificate of the server's TLS. */
  readonly ca: string;
  stop(): Promise<void>;
}

/** A MariaDB of its own on a free port, in a temporary folder, with a user `reader` and an empty database `shop`. */
export async function startMariadb(): Promise<TestMariadb> {
  const folder = mkdtempSync(join(tmpdir(), "dataform-mariadb-"));
  const run = (program: string, args: string[]) => execFileSync(program, args, { cwd: folder, stdio: "pipe" });
  const data = join(folder, "data");
  const user = process.getuid?.() === 0 ? ["--user=root"] : [];
  run(PROGRAMS[1]!, [
    "--no-defaults",
    `--datadir=${data}`,
    "--auth-root-authentication-method=normal",
    "--skip-test-db",
    ...user,
  ]);
  certificates(folder, run);
  const port = await freePort();
  const server = spawn(
    PROGRAMS[0]!,
    [
      "--no-defaults",
      `--datadir=${data}`,
      `--socket=${join(folder, "s")}`,
      `--pid-file=${join(folder, "pid")}`,
      "--bind-address=127.0.0.1",
      `--port=${port}`,
      "--character-set-server=utf8mb4",
      "--default-time-zone=+02:00",
      "--innodb-buffer-pool-size=64M",
      `--ssl-cert=${join(folder, "cert.pem")}`,
      `--ssl-key=${join(folder, "key.pem")}`,
      ...user,
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  await ready(server);
  const admin = await createConnection({ socketPath: join(folder, "s"), user: "root", multipleStatements: true });
  await admin.query(`
    create database shop;
    create user reader@'%' identified by '${PASSWORD}';
    grant select, insert, update, delete on shop.* to reader@'%';
    use shop`);
  return {
    port,
    url: (database = "shop", parameters = "") =>
      `mysql://reader:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/${database}${parameters}`,
    password: PASSWORD,
    sql: async (text) => rowsOf(admin, text),
    ca: join(folder, "cert.pem"),
    async stop() {
      await admin.end();
      server.kill("SIGTERM");
      if (server.exitCode === null && server.signalCode === null) await once(server, "exit");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function rowsOf(admin: Connection, text: string): Promise<readonly Record<string, unknown>[]> {
  const [rows] = await admin.query(text);
  return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : [];
}

/** A certificate for 127.0.0.1 that is its own root. */
function certificates(folder: string, run: (program: string, args: string[]) => void): void {
  writeFileSync(
    join(folder, "openssl.cnf"),
    "[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n[dn]\nCN=localhost\n" +
      "[ext]\nsubjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=critical,CA:TRUE\n",
  );
  const files = ["-keyout", "key.pem", "-out", "cert.pem"];
  run("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-config", "openssl.cnf", ...files]);
}

/** Returns when the server says that it takes connections; throws what it said when it ends instead. */
async function ready(server: ChildProcess): Promise<void> {
  let said = "";
  await new Promise<void>((resolve, reject) => {
    server.stderr!.on("data", (chunk) => {
      said += chunk;
      if (said.includes("ready for connections")) resolve();
    });
    server.once("exit", () => reject(new Error(`mariadbd ended:\n${said}`)));
  });
  server.stderr!.removeAllListeners("data");
  server.stderr!.resume();
}
