import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type ConnectionSettings, connectionUrl, type SslMode } from "../../src/model/connection-settings.ts";
import { type Client, withClient } from "../../src/postgres/client.ts";
import { run } from "../../src/run/run.ts";
import { sql } from "../../src/sql/sql.ts";
import { makeAuthority, makeCertificate } from "../support/certificates.ts";
import { cli, succeeds } from "../support/cli.ts";
import { start } from "../support/program.ts";
import { temporaryFolder } from "../support/servers/child.ts";
import { hasPgBouncer, startPgBouncer } from "../support/servers/pgbouncer.ts";
import { ticking } from "../support/ticking.ts";

const urlOf = (settings: ConnectionSettings) => connectionUrl(settings, { password: true });

async function untilAsleep(client: Client): Promise<void> {
  const asleep = sql`select pid from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()`;
  const count = async () => (await client.query(asleep)).rowCount;
  await expect.poll(count, { timeout: 30_000, interval: 20 }).toBe(1);
}

describe.skipIf(!hasPgBouncer)("PgBouncer", () => {
  test("in session mode runs releases, takes what the URL sets, and cancels", async () => {
    const { settings, client, project, runOn } = await ticking(0);
    const refusing = await startPgBouncer(settings, { pool_mode: "session" });
    const passingOver = await startPgBouncer(settings, { pool_mode: "session", ignore_startup_parameters: "options" });
    const options = "-c lock_timeout=7s --statement-timeout=9min -c datestyle=ISO,\\ DMY";
    for (const pooled of [refusing, passingOver])
      await withClient({ ...pooled, options }, { duty: "builder" }, async (session) => {
        await session.reset();
        const { rows } = await session.query(sql`
          select current_setting('lock_timeout') as lock, current_setting('statement_timeout') as statement,
            current_setting('datestyle') as dates, pg_backend_pid()::text as pid`);
        expect(rows).toEqual([{ lock: "7s", statement: "9min", dates: "ISO, DMY", pid: String(session.processId) }]);
        const sleeping = session.query(sql`select pg_sleep(60)`).catch((error: Error) => error);
        await untilAsleep(client);
        await session.cancel();
        expect(await sleeping).toMatchObject({ code: "57014" });
      });

    expect((await runOn(refusing)).status).toBe("success");
    project.write({ "slow.sqlx": `config { type: "table" }\nselect 1 as id from pg_sleep(600)` });
    const stop = new AbortController();
    const running = run(await project.compile(), refusing, { signal: stop.signal, wait: true });
    await untilAsleep(client);
    stop.abort();
    expect((await running).status).toBe("cancelled");
  });

  test("that wants TLS is reached as psql reaches it: by every mode but disable, which is told why", async () => {
    const { settings, project } = await ticking(0);
    const { certificate, key } = makeCertificate(makeAuthority("pooler"), "localhost", ["localhost"]);
    const folder = temporaryFolder();
    chmodSync(folder, 0o755);
    const put = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const pooled = await startPgBouncer(settings, {
      pool_mode: "session",
      client_tls_sslmode: "require",
      client_tls_key_file: put("key.pem", key),
      client_tls_cert_file: put("crt.pem", certificate),
    });
    const reached = (mode: SslMode) =>
      withClient({ ...pooled, ssl: { mode } }, { duty: "builder" }, async (session) => session.processId > 0);
    for (const mode of ["allow", "prefer", "require"] as const)
      expect([mode, await reached(mode)]).toEqual([mode, true]);
    const bound = { ...pooled, ssl: { mode: "require" }, channelBinding: "require" } as const;
    await expect(withClient(bound, { duty: "builder" }, async () => {})).rejects.toMatchObject({ code: "UNBOUND" });
    const plain = urlOf({ ...pooled, ssl: { mode: "disable" } });
    const { exitCode, stderr } = await cli(project.dir, ["query", "select 1"], { DATABASE_URL: plain });
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("lets nobody in without TLS: sslmode=require")]);
  });

  test.each([
    ["transaction mode", { pool_mode: "transaction" }],
    [
      "transaction mode, whose servers take turns",
      { pool_mode: "transaction", server_round_robin: 1, min_pool_size: 5 },
    ],
    ["transaction mode with one server", { pool_mode: "transaction", default_pool_size: 1 }],
    ["statement mode", { pool_mode: "statement" }],
  ])("in %s is refused with advice before anything is set, locked or made", async (_, how) => {
    const { settings, project, rows } = await ticking(0);
    const url = urlOf(await startPgBouncer(settings, how));
    for (const command of ["run", "publish", "roles --apply", "env ls"]) {
      const { exitCode, stderr } = await cli(project.dir, command.split(" "), { DATABASE_URL: url });
      expect([command, exitCode], stderr).toEqual([command, 2]);
      expect(stderr).toContain(
        "is a pooler that gives each transaction another session of the server (transaction pooling)",
      );
      expect(stderr).toContain("name the host and port of the server itself, or of a pool in session mode");
    }
    expect(await rows("select count(*) from pg_namespace where nspname = '_dataform'")).toEqual(["0"]);
    const left = await rows(
      "select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())",
    );
    expect(left).toEqual(["0"]);
  });

  test("in transaction mode no scheduler begins: its locks, and what it is told, are of a session", async () => {
    const { settings, project, rows } = await ticking(0);
    project.write({ "schedules.yaml": 'schedules: { one: { cron: "@daily", steps: [{ run: {} }] } }' });
    const url = urlOf(await startPgBouncer(settings, { pool_mode: "transaction" }));
    const { end, said } = start(["--project-dir", project.dir, "schedule"], url);
    expect(await end, said()).toBe(2);
    expect(said()).toContain("a pooler that gives each transaction another session");
    const byHand = await cli(project.dir, ["schedule", "run", "one"], { DATABASE_URL: url });
    expect([byHand.exitCode, byHand.stderr]).toEqual([2, expect.stringContaining("or of a pool in session mode")]);
    expect(await rows("select count(*) from pg_namespace where nspname = '_dataform'")).toEqual(["0"]);
  });

  test("in transaction mode serves query and export, with the settings that a URL names, and leaves none behind", async () => {
    const { settings, project } = await ticking(0);
    // Whoever comes next gets the same process.
    const url = urlOf(await startPgBouncer(settings, { pool_mode: "transaction", default_pool_size: 1 }));
    const said = async (args: readonly string[], options?: string) => {
      const env = { DATABASE_URL: url, ...(options ? { PGOPTIONS: options } : {}) };
      return (await succeeds(cli(project.dir, args, env))).stdout;
    };
    const names = ["statement_timeout", "lock_timeout", "search_path"];
    const asked = `select ${names.map((name) => `current_setting('${name}') as ${name}`).join(", ")}`;
    const [given] = JSON.parse(await said(["query", asked, "--json"], "-c statement_timeout=9min -c lock_timeout=7s"));
    expect(given).toEqual({ statement_timeout: "9min", lock_timeout: "7s", search_path: '"$user", public' });
    expect(await said(["export", "raw.tick", "-", "--to", "csv"], "-c statement_timeout=9min")).toMatch(/^n\b/);
    await cli(project.dir, ["run"], { DATABASE_URL: url });
    const [after] = JSON.parse(await said(["query", asked, "--json"]));
    expect(after).toEqual({ statement_timeout: "0", lock_timeout: "5min", search_path: '"$user", public' });
  });
});
