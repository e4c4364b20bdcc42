import { readFileSync, renameSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { backupEmbedded, restoreEmbedded, rotatePasswords } from "../../src/postgres/embedded/care.ts";
import { embeddedReader } from "../../src/postgres/embedded/reader.ts";
import { embeddedStatus, startEmbedded, stopEmbedded } from "../../src/postgres/embedded/server.ts";
import { cli } from "../support/cli.ts";
import { ask, folder, project } from "../support/embedded.ts";

const db = async (stateDir: string, ...args: string[]) => {
  const { exitCode: code, stdout, stderr } = await cli(dirname(stateDir), ["db", ...args]);
  return { code, stdout, stderr };
};

test("a backup is one state of a server at work, and is restored in another project, with rows, roles and a password of its own", async () => {
  const original = project();
  const settings = await startEmbedded(original);
  await ask(settings, "create table pair (side text primary key, n int)");
  await ask(settings, "insert into pair values ('a', 0), ('b', 0)");
  await ask(
    settings,
    "create table wide as select n, repeat(md5(n::text), 20) as filler from generate_series(1, 30000) n",
  );
  expect(await db(original, "sql", "create role bi login password 'x''y'; grant select on pair to bi")).toMatchObject({
    code: 0,
    stderr: expect.stringContaining("2 statements"),
  });

  // Both rows change in one transaction, over and over, while it is written.
  const file = join(folder(), "deep", "today.tar.gz");
  let written = false;
  const atWork = (async () => {
    while (!written) await ask(settings, "update pair set n = n + 1");
  })();
  const bytes = await backupEmbedded(original, file).finally(() => (written = true));
  await atWork;
  expect(statSync(file)).toMatchObject({ size: bytes });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  await expect(backupEmbedded(original, file)).rejects.toMatchObject({ message: `${file} is there already` });
  const later = await ask(settings, "select max(n) as n from pair");

  const copy = project();
  const restored = await restoreEmbedded(copy, file);
  expect(restored.port).not.toBe(settings.port);
  expect(restored.password).not.toBe(settings.password);
  const state = `select max(n) - min(n) as torn, max(n) between 1 and ${later!.n} as within, (select count(*) from wide) as wide from pair`;
  expect(await ask(restored, state)).toEqual({
    torn: "0",
    within: "t",
    wide: "30000",
  });
  expect(await ask({ ...restored, user: "bi", password: "x'y" }, "select count(*) as n from pair")).toEqual({ n: "2" });
  await expect(restoreEmbedded(copy, file)).rejects.toMatchObject({ hint: expect.stringContaining("db reset") });

  // A file that was cut, or is something else, leaves nothing behind.
  truncateSync(file, Math.floor(bytes / 2));
  const other = project();
  const refused = { message: `${file} is no whole backup of an embedded PostgreSQL` };
  await expect(restoreEmbedded(other, file)).rejects.toMatchObject(refused);
  writeFileSync(file, "no archive");
  await expect(restoreEmbedded(other, file)).rejects.toMatchObject(refused);
  expect(await embeddedStatus(other)).toMatchObject({ state: "absent" });
  await expect(restoreEmbedded(other, `${file}.not`)).rejects.toMatchObject({ code: "ENOENT" });
});

test("a server that was stopped is backed up, and is stopped again", async () => {
  const stateDir = project();
  await expect(backupEmbedded(stateDir, "x")).rejects.toMatchObject({
    message: "this project has no embedded database",
  });
  await startEmbedded(stateDir);
  await stopEmbedded(stateDir);
  const file = join(folder(), "a.tar.gz");
  await backupEmbedded(stateDir, file);
  expect(await embeddedStatus(stateDir)).toMatchObject({ state: "stopped", crashed: false });
});

test("rotate changes the passwords of superuser and reader, also when the one we have is lost or wrong", async () => {
  const stateDir = project();
  const first = await startEmbedded(stateDir);
  const reader = await embeddedReader(stateDir, first);
  await ask(first, "create table kept as select 1 as a");
  const second = await rotatePasswords(stateDir);
  for (const old of [first, reader]) await expect(ask(old, "select 1")).rejects.toMatchObject({ code: "28P01" });
  expect(await ask(await embeddedReader(stateDir, second), "select a from kept")).toEqual({ a: "1" });

  // As if it had been ended between the server and the file.
  await ask(second, "alter role postgres password 'other'");
  await expect(startEmbedded(stateDir)).rejects.toMatchObject({ hint: expect.stringContaining("db rotate") });
  const third = await rotatePasswords(stateDir);
  expect(await ask(third, "select a from kept")).toEqual({ a: "1" });

  const file = join(stateDir, "postgres", "server.json");
  renameSync(file, `${file}.lost`);
  await expect(startEmbedded(stateDir)).rejects.toMatchObject({ hint: expect.stringContaining("db rotate") });
  expect(await ask(await rotatePasswords(stateDir), "select a from kept")).toEqual({ a: "1" });
  expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ port: expect.any(Number) });
});

test("db sql sends statements one by one and shows their rows; db login is for who only reads", async () => {
  const stateDir = project();
  writeFileSync(join(dirname(stateDir), "dataform.json"), '{ "warehouse": "postgres", "defaultSchema": "marts" }');
  const made = await db(
    stateDir,
    "sql",
    "create table t (id int); insert into t values (1), (2); select count(*) as n, null as x from t",
  );
  expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/n {2}x\s+─.*\s+2/s) });
  const broken = await db(stateDir, "sql", "insert into t values (3); select nothing from t");
  expect(broken).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/column "nothing" does not exist[\s\S]*select nothing from t/),
  });
  for (const [schema, said] of [
    ["others", /drop what the detail names first, each by itself/],
    ["_dataform", /models read it, .*`dataform gc --keep-releases 1 --keep-for 0s`/],
  ] as const) {
    const text = `create schema ${schema}; create view ${schema}.v as select id from t; drop table t`;
    const { stderr } = await db(stateDir, "sql", text);
    expect(stderr).toMatch(said);
    expect(stderr).toMatch(/found: +view \w+\.v depends on table t\n/);
    expect(stderr).not.toMatch(/cascade/i);
    await db(stateDir, "sql", `drop view ${schema}.v; drop schema ${schema}`);
  }
  expect((await db(stateDir, "sql", "select max(id) as m from t; vacuum t")).stdout).toContain("3");
  expect(await db(stateDir, "sql", " -- nothing")).toMatchObject({ code: 2 });

  const login = JSON.parse((await db(stateDir, "login", "--json")).stdout);
  const { settings } = await embeddedStatus(stateDir);
  expect(login).toMatchObject({
    host: "127.0.0.1",
    port: settings!.port,
    database: "dataform",
    user: "dataform_reader",
  });
  expect((await db(stateDir, "login")).stdout).toContain(`password ${login.password}`);
  expect(await ask({ ...settings!, ...login }, "select count(*) as n from t")).toEqual({ n: "3" });
  await expect(ask({ ...settings!, ...login }, "insert into t values (4)")).rejects.toMatchObject({ code: "42501" });
});
