import { readdirSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Diagnosis, Finding } from "../../../src/cli/doctor/findings.ts";
import { type ConnectionSettings, connectionUrl } from "../../../src/model/connection-settings.ts";
import { cli } from "../../support/cli.ts";
import { testProject } from "../../support/project.ts";
import { guarded, uniquePrefix } from "../../support/roles.ts";
import { hasPgBouncer, startPgBouncer } from "../../support/servers/pgbouncer.ts";
import { type Warehouse, warehouse } from "../../support/warehouse.ts";

const shop = {
  "orders.sqlx": 'config { type: "table", schema: "doctored" }\nselect 1 as id',
  "totals.sqlx": 'config { type: "view", schema: "doctored" }\nselect count(*) from ${ref("orders")}',
};

const urlOf = (settings: ConnectionSettings) => connectionUrl(settings, { password: true });

/** What is not all right, and how the command ended. */
async function wrongIn(dir: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { exitCode, stdout } = await cli(dir, ["doctor", ...args, "--json"], env);
  const { status, findings } = JSON.parse(stdout) as Diagnosis;
  return { exitCode, status, findings, wrong: findings.filter(({ level }) => level !== "ok") };
}

const said = (findings: readonly Finding[]) =>
  findings.map(({ check, level, found, cure }) => `${level} ${check}: ${found} → ${cure}`).join("\n");

/** A role of the server for this test, that may log in. */
async function login({ sql, database }: Warehouse): Promise<ConnectionSettings> {
  const user = `${uniquePrefix()}_user`;
  await sql(`create role ${user} login password 'secret'`);
  // Registered last, so that it runs while the database is there.
  onTestFinished(() => sql(`drop owned by ${user}; drop role ${user}`));
  return { ...database.settings, user, password: "secret" };
}

test("where all is well each check is a line, and neither the database nor the folder is changed", async () => {
  const { project, database, rows } = await warehouse(shop, onTestFinished, "empty");
  const before = readdirSync(project.dir, { recursive: true });
  const env = { DATABASE_URL: database.url };
  const { exitCode, stdout, stderr } = await cli(project.dir, ["doctor"], env, 100);
  expect([exitCode, stderr]).toEqual([0, "nothing is wrong"]);
  expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  for (const line of [
    /^ {2}ok {7}compiles +2 actions, 2 models among them$/m,
    /^ {2}ok {7}database +postgresql:.*:\*\*\*@.* \(DATABASE_URL\)$/m,
    /^ {2}ok {7}login +as \w+, a superuser, in [\d.]+ ms$/m,
    /^ {2}ok {7}encryption +none, and none is needed: the server is on this machine$/m,
    /^ {2}ok {7}version +PostgreSQL \d+\.\d+$/m,
    /^ {2}ok {7}encoding +UTF8$/m,
    /^ {2}ok {7}schemas +\w+ may make what is needed in _dataform, doctored$/m,
    /^ {2}ok {7}environment +main: nothing has run here yet$/m,
  ])
    expect(stdout).toMatch(line);
  expect(await rows("select count(*) from pg_namespace where nspname = '_dataform'")).toEqual(["0"]);
  expect(readdirSync(project.dir, { recursive: true })).toEqual(before);
  const debug = await cli(project.dir, ["debug", "."], env);
  expect([debug.exitCode, debug.stderr]).toEqual([0, "nothing is wrong"]);
});

test("code whose answer cannot be kept is told, with what it asks for", async () => {
  const project = testProject({ "definitions/today.js": "publish('today').query(`select ${Date.now()} as at`);" });
  const { stdout } = await cli(project.dir, ["doctor", "--url", "postgresql://me:x@127.0.0.1:1/db"], {}, 200);
  expect(stdout).toMatch(/^ {2}ok {7}compiles .*, compiled for each command, as its code asks for Date\.now$/m);
});

test("a project with mistakes and a server that is not there are told in one go, each with its cure", async () => {
  const { project } = await warehouse({ "a.sqlx": 'config { type: "tabel" }\nselect 1' });
  const { exitCode, stdout, stderr } = await cli(project.dir, ["doctor", "--url", "postgresql://me:x@127.0.0.1:1/db"]);
  expect([exitCode, stderr]).toEqual([1, "2 errors; what a server has to say is left out: none is reached"]);
  expect(stdout).toContain('    definitions/a.sqlx:1:10: unknown type "tabel"');
  expect(stdout).toMatch(/error +login +cannot connect to PostgreSQL at .*ECONNREFUSED.*\n.*→ start the server/);
  const nowhere = await wrongIn(project.dir, [], { DATABASE_URL: "mysql://me@there/db" });
  expect([nowhere.exitCode, said(nowhere.wrong)]).toEqual([
    1,
    expect.stringMatching(
      /error compiles: 1 mistake.*\nerror database: DATABASE_URL .* found a URL that begins with mysql/,
    ),
  ]);
  const noProject = await wrongIn(`${project.dir}/definitions`, ["--url", "embedded"]);
  expect(said(noProject.wrong)).toMatch(/^error project: .* is not a Dataform project: expected a dataform.json/);
});

test("a login that may make nothing is told what it lacks, as a run would tell it, until it may", async () => {
  const house = await warehouse(shop, onTestFinished, "empty");
  await house.sql("create schema doctored");
  const { project, database, sql } = house;
  const settings = await login(house);
  const url = urlOf(settings);
  const { exitCode, wrong } = await wrongIn(project.dir, ["--url", url]);
  expect([exitCode, said(wrong)]).toEqual([
    1,
    `error schemas: user ${settings.user} has not the rights that a run needs: it may not make schema _dataform, and it may make nothing in schema doctored → \`dataform roles --prefix df --apply\`, as an administrator, makes the project's schemas and grants what is needed`,
  ]);
  const run = await cli(project.dir, ["run", "--url", url]);
  expect([run.exitCode, run.stderr]).toEqual([2, expect.stringContaining("has not the rights that a run needs")]);
  await sql(
    `grant create on database ${database.settings.database} to ${settings.user}; grant create on schema doctored to ${settings.user}`,
  );
  expect((await wrongIn(project.dir, ["--url", url])).status).toBe("ok");
  expect((await cli(project.dir, ["run", "--url", url])).exitCode).toBe(0);
});

test("settings that get in a run's way are warnings, and the exit code is 0; a session that only reads is an error", async () => {
  const house = await warehouse(shop);
  const { project, sql, database } = house;
  const { user } = await login(house);
  const name = database.settings.database;
  const url = urlOf({ ...database.settings, user, password: "secret" });
  await sql(
    `grant create on database ${name} to ${user}; alter database ${name} connection limit 9;
     alter database ${name} set statement_timeout = '30s'; alter database ${name} set track_counts = off`,
  );
  const args = ["--environment", "dev", "--concurrency", "32"];
  const { exitCode, status, wrong } = await wrongIn(project.dir, [...args, "--url", database.url]);
  expect([exitCode, status]).toEqual([0, "warning"]);
  expect(said(wrong)).toMatch(
    /^warning connections: .*left \(the limit of the database\); a run with --concurrency 32 takes up to 36 → .*\nwarning timeouts: statement_timeout is 30s: .*\nwarning row counts: track_counts is off: .*$/,
  );
  await sql(`alter role ${user} connection limit 3; alter role ${user} set default_transaction_read_only = on`);
  const reading = await wrongIn(project.dir, [...args, "--url", url]);
  expect(reading.exitCode).toBe(1);
  expect(said(reading.wrong)).toContain(
    "error writing: sessions of this login only read: default_transaction_read_only",
  );
  expect(said(reading.wrong)).toContain("(the limit of the login)");
});

test("the environment is told as it is: what is published, who holds it, and whose it is", async () => {
  const { project, database, run } = await warehouse(shop);
  await run();
  const env = { DATABASE_URL: database.url };
  const { findings } = await wrongIn(project.dir, [], env);
  expect(said(findings)).toMatch(/ok environment: main: release 1, published \d{4}-.*, with 2 models \(/);
  await cli(project.dir, ["env", "hold", "--reason", "month end"], env);
  const held = await wrongIn(project.dir, [], env);
  expect([held.exitCode, said(held.wrong)]).toEqual([
    0,
    expect.stringMatching(/^warning hold: environment main is held since .*: month end → `dataform env unhold main`/),
  ]);
  project.write({
    "dataform.json": JSON.stringify({ project: "another", warehouse: "postgres", defaultSchema: "x" }),
  });
  const strange = await wrongIn(project.dir, [], env);
  expect([strange.exitCode, said(strange.wrong)]).toEqual([
    1,
    expect.stringMatching(
      /error owner: environment main of this database belongs to another project: expected .*, found project test/,
    ),
  ]);
});

test("a database of another encoding, and a record of another version, are told as a run would tell them", async () => {
  const { project, database, sql } = await warehouse(shop);
  const name = `${database.settings.database}_ascii`;
  await sql(`create database ${name} encoding 'SQL_ASCII' locale 'C' locale_provider libc template template0`);
  onTestFinished(() => sql(`drop database ${name}`));
  const ascii = await wrongIn(project.dir, ["--url", urlOf({ ...database.settings, database: name })]);
  expect([ascii.exitCode, said(ascii.wrong)]).toEqual([
    1,
    expect.stringMatching(
      /^error encoding: the database does not hold Unicode text: expected encoding UTF8, found SQL_ASCII/,
    ),
  ]);
  await sql("update _dataform.metadata set version = 999");
  const newer = await wrongIn(project.dir, ["--url", database.url]);
  expect([newer.exitCode, said(newer.wrong)]).toEqual([1, expect.stringContaining("by a newer version")]);
  await sql("update _dataform.metadata set version = 1");
  const older = await wrongIn(project.dir, ["--url", database.url]);
  expect([older.exitCode, said(older.findings)]).toEqual([
    0,
    expect.stringMatching(/ok record: layout 1, which the next run brings to \d+/),
  ]);
});

test("with roles each login is tried as what a run has it act as", async () => {
  const prefix = uniquePrefix();
  const { project, database, apply, login } = await guarded(prefix, shop);
  const missing = await wrongIn(project.dir, ["--roles", prefix, "--url", database.url]);
  expect(said(missing.wrong)).toContain(`as an administrator`);
  expect((await apply()).exitCode).toBe(0);
  const { user, ...settings } = await login("builder", "publisher");
  const both = await wrongIn(project.dir, ["--roles", prefix, "--url", urlOf({ ...settings, user })]);
  expect([both.exitCode, said(both.wrong)]).toEqual([0, ""]);
  expect(said(both.findings)).toContain(`ok role: ${user} can act as ${prefix}_publisher`);
  const builder = urlOf(await login("builder"));
  const alone = await wrongIn(project.dir, ["--roles", prefix, "--url", builder]);
  expect([alone.exitCode, said(alone.wrong)]).toEqual([
    1,
    expect.stringMatching(new RegExp(`error role: user \\w+ cannot act as role ${prefix}_publisher`)),
  ]);
});

describe.skipIf(!hasPgBouncer)("a pooler", () => {
  test("that keeps sessions is told; one that gives each transaction another is an error, as it is to a run", async () => {
    const { project, database } = await warehouse(shop);
    const keeping = await startPgBouncer(database.settings, { pool_mode: "session" });
    const kept = await wrongIn(project.dir, ["--url", urlOf(keeping)]);
    expect([kept.exitCode, said(kept.findings)]).toEqual([0, expect.stringContaining("ok pooler: one is between")]);
    const changing = await startPgBouncer(database.settings, { pool_mode: "transaction" });
    const changed = await wrongIn(project.dir, ["--url", urlOf(changing)]);
    expect([changed.exitCode, said(changed.wrong)]).toEqual([
      1,
      expect.stringMatching(/^error pooler: .*transaction pooling.* → runs are refused here: name the host and port/),
    ]);
  });
});
