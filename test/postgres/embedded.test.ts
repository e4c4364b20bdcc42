import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { ConnectionSettings } from "../../src/model/connection-settings.ts";
import { findNative, hydrate } from "../../src/postgres/embedded/binaries.ts";
import { embeddedStatus, resetEmbedded, startEmbedded, stopEmbedded } from "../../src/postgres/embedded/server.ts";
import { upgradeEmbedded } from "../../src/postgres/embedded/upgrade/upgrade.ts";
import * as support from "../support/embedded.ts";
import { ask, bystander, elsewhere, isRoot, killServer, nobody, occupy, project } from "../support/embedded.ts";

test("is made once, starts again at the same URL, and outlives the process that started it", async () => {
  const stateDir = project();
  expect(await embeddedStatus(stateDir)).toMatchObject({ state: "absent" });
  const first = await elsewhere("startEmbedded", [stateDir]);
  const status = await embeddedStatus(stateDir);
  expect(status).toMatchObject({ state: "running", version: expect.stringMatching(/^18\./), settings: first });
  expect(status.dataDir).toBe(join(stateDir, "postgres", "data"));
  expect(existsSync(status.logFile!)).toBe(true);
  expect(statSync(join(stateDir, "postgres", "server.json")).mode & 0o777).toBe(0o600);

  expect(await startEmbedded(stateDir)).toEqual(first);
  expect((await embeddedStatus(stateDir)).pid).toBe(status.pid);
  await ask(first, "create table kept as select 1 as a");
  expect(await stopEmbedded(stateDir)).toBe(true);
  expect(await stopEmbedded(stateDir)).toBe(false);
  expect(await embeddedStatus(stateDir)).toMatchObject({ state: "stopped", crashed: false, version: "18" });
  expect(await startEmbedded(stateDir)).toEqual(first);
  expect(await ask(first, "select a from kept")).toEqual({ a: "1" });

  await resetEmbedded(stateDir);
  expect(existsSync(join(stateDir, "postgres"))).toBe(false);
  expect(await embeddedStatus(stateDir)).toMatchObject({ state: "absent" });
});

test("has the settings we promise, and takes no other password", async () => {
  const settings = await startEmbedded(project());
  const names = ["TimeZone", "fsync", "listen_addresses", "max_locks_per_transaction", "unix_socket_directories"];
  const shown = names.map((name) => `current_setting('${name}') as "${name}"`);
  expect(await ask(settings, `select ${shown}, current_setting('server_encoding') as encoding, lower('ÄПИ')`)).toEqual({
    TimeZone: "UTC",
    fsync: "on",
    listen_addresses: "127.0.0.1",
    max_locks_per_transaction: "256",
    unix_socket_directories: "",
    encoding: "UTF8",
    lower: "äпи",
  });
  await expect(ask({ ...settings, password: "wrong" }, "select 1")).rejects.toMatchObject({ code: "28P01" });
});

describe("the programs", () => {
  test("get the links that npm did not make", async () => {
    const native = support.packageWithoutLinks();
    await startEmbedded(project(), { native });
    expect(existsSync(join(native, "lib", "libpq.so.5"))).toBe(process.platform === "linux");
  });

  test("get links that the package forgot to list", () => {
    const native = join(support.folder(), "native");
    mkdirSync(join(native, "lib"), { recursive: true });
    const files = { "libicudata.77.1.dylib": "libicudata.77.dylib", "libx.so.60.2": "libx.so.60" };
    for (const file of Object.keys(files)) writeFileSync(join(native, "lib", file), file);
    hydrate(native);
    hydrate(native);
    for (const [file, link] of Object.entries(files)) {
      expect(readFileSync(join(native, "lib", link), "utf8")).toBe(file);
    }
  });

  test("are copied from a read-only package without links", async () => {
    const native = support.packageWithoutLinks();
    chmodSync(join(native, "lib"), 0o555);
    onTestFinished(() => chmodSync(join(native, "lib"), 0o755));
    const stateDir = project(0o755, isRoot ? nobody : undefined);
    await elsewhere("startEmbedded", [stateDir, { native }], isRoot ? nobody : undefined);
    expect(await embeddedStatus(stateDir)).toMatchObject({ state: "running" });
    expect(existsSync(join(native, "lib", "libpq.so.5"))).toBe(false);
  });

  test("do not exist for every system", () => {
    const message = "there is no embedded PostgreSQL for this system";
    const hint = expect.stringContaining("DATABASE_URL");
    const find = (platform: string, arch: string, musl: boolean) => () => findNative({ platform, arch, musl });
    expect(find("linux", "riscv64", false)).toThrow(expect.objectContaining({ message, hint }));
    expect(find("linux", "x64", true)).toThrow(expect.objectContaining({ message, hint }));
  });
});

describe.runIf(isRoot)("as root", () => {
  test("the server is another user's, also where that user may enter neither project nor package", async () => {
    const stateDir = project(0o700);
    const native = support.packageWithoutLinks(0o700);
    const settings = await startEmbedded(stateDir, { native });
    expect(await ask(settings, "select 1 as a")).toEqual({ a: "1" });
    const { dataDir } = await embeddedStatus(stateDir);
    expect(dataDir).not.toContain(stateDir);
    expect(statSync(dataDir).uid).not.toBe(0);

    await stopEmbedded(stateDir);
    expect(await startEmbedded(stateDir, { native })).toEqual(settings);
    await resetEmbedded(stateDir);
    expect(existsSync(dirname(dataDir))).toBe(false);
  });

  test("a copied project gets a database of its own, and cannot delete the original's; a moved one keeps its", async () => {
    const original = project(0o700);
    const settings = await startEmbedded(original);
    const { dataDir } = await embeddedStatus(original);
    await ask(settings, "create table kept as select 1 as a");

    const copy = project(0o700);
    cpSync(original, copy, { recursive: true });
    const copiedFrom = dirname(original);
    expect(await embeddedStatus(copy)).toMatchObject({ state: "absent", copiedFrom });
    expect(await stopEmbedded(copy)).toBe(false);
    expect(await resetEmbedded(copy)).toBe(dirname(dataDir));
    cpSync(original, copy, { recursive: true });
    const own = await startEmbedded(copy);
    expect(own.password).not.toBe(settings.password);
    expect(await ask(own, "select to_regclass('kept') as kept")).toEqual({ kept: null });
    expect((await embeddedStatus(copy)).dataDir).not.toBe(dataDir);
    await resetEmbedded(copy);
    expect(await ask(settings, "select a from kept")).toEqual({ a: "1" });

    const moved = project(0o700);
    renameSync(original, moved);
    expect(await startEmbedded(moved)).toEqual(settings);
    // Now it is this project's: a copy of it is one, too.
    cpSync(moved, original, { recursive: true });
    expect(await embeddedStatus(original)).toMatchObject({ state: "absent", copiedFrom: dirname(moved) });
    expect(await resetEmbedded(moved)).toBe(undefined);
    expect(existsSync(dirname(dataDir))).toBe(false);
  });

  test("in somebody's project the server and its files are theirs", async () => {
    const stateDir = project(0o700, nobody);
    const settings = await startEmbedded(stateDir);
    expect((await embeddedStatus(stateDir)).dataDir).toContain(stateDir);
    await stopEmbedded(stateDir);
    expect(await elsewhere("startEmbedded", [stateDir], nobody)).toEqual(settings);
  });
});

describe("the cluster", () => {
  test("is made anew after an interrupted initdb", async () => {
    const stateDir = project();
    const half = () => readdirSync(join(stateDir, "postgres")).filter((name) => name.startsWith("data.tmp"));
    const kill = support.startElsewhere("startEmbedded", [stateDir]);
    const begun = () => {
      const [folder] = existsSync(join(stateDir, "postgres")) ? half() : [];
      return folder ? readdirSync(join(stateDir, "postgres", folder)).length : 0;
    };
    await expect.poll(begun, { interval: 5, timeout: 30_000 }).toBeGreaterThan(0);
    await kill();
    expect(half()).toHaveLength(1);
    expect(await embeddedStatus(stateDir)).toMatchObject({ state: "absent" });
    const settings = await startEmbedded(stateDir);
    expect(await ask(settings, "select current_database()")).toEqual({ current_database: "dataform" });
    expect(half()).toEqual([]);
  });

  test("of another major version is refused and left alone", async () => {
    const { stateDir, dataDir } = await stopped();
    for (const [major, hint] of [
      ["17", "`dataform db upgrade`"],
      ["19", "install the release of dataform-postgres that made it"],
    ]) {
      writeFileSync(join(dataDir, "PG_VERSION"), `${major}\n`);
      await expect(startEmbedded(stateDir)).rejects.toMatchObject({
        name: "UserError",
        message: expect.stringContaining(`made by PostgreSQL ${major}, this release brings 18`),
        hint: expect.stringContaining(hint!),
      });
      expect(await embeddedStatus(stateDir)).toMatchObject({ state: "stopped", version: major });
    }
    await expect(upgradeEmbedded(stateDir, { events: { say() {}, progress() {} } })).rejects.toMatchObject({
      message: expect.stringContaining("made by PostgreSQL 19"),
    });
  });

  test("without its password file is not overwritten", async () => {
    const { stateDir } = await stopped();
    renameSync(join(stateDir, "postgres", "server.json"), join(stateDir, "elsewhere.json"));
    await expect(startEmbedded(stateDir)).rejects.toMatchObject({
      message: expect.stringContaining("lost its password"),
    });
  });

  test("moves with its project", async () => {
    const { stateDir, settings } = await stopped();
    const moved = join(support.folder(), ".dataform");
    onTestFinished(() => support.reset(moved));
    renameSync(stateDir, moved);
    expect(await startEmbedded(moved)).toEqual(settings);
  });

  test("with a broken setting fails with the server's own words", async () => {
    const { stateDir, dataDir } = await stopped();
    appendFileSync(join(dataDir, "postgresql.conf"), "no_such_setting = 1\n");
    await expect(startEmbedded(stateDir)).rejects.toMatchObject({
      message: "the embedded PostgreSQL did not start",
      found: expect.stringContaining("no_such_setting"),
    });
  });
});

describe("what is not this project's", () => {
  const precious = () => {
    const home = support.folder();
    mkdirSync(join(home, "data"));
    writeFileSync(join(home, "data", "PG_VERSION"), "18\n");
    return home;
  };

  test("is not deleted, started or stopped because a server.json names it", async () => {
    const stateDir = project();
    const home = precious();
    mkdirSync(join(stateDir, "postgres"), { recursive: true });
    writeFileSync(join(stateDir, "postgres", "server.json"), JSON.stringify({ port: 1, password: "x", outside: home }));
    const unknown = { message: `${home} is not known to be this project's`, expected: expect.stringContaining(home) };
    await expect(startEmbedded(stateDir)).rejects.toMatchObject(unknown);
    await expect(stopEmbedded(stateDir)).rejects.toMatchObject(unknown);
    expect(await resetEmbedded(stateDir)).toBe(home);
    expect(existsSync(join(home, "data", "PG_VERSION"))).toBe(true);
    expect(existsSync(join(stateDir, "postgres"))).toBe(false);
  });

  test.each([".dataform", "postgres"])("is neither used nor deleted through a link called %s", async (link) => {
    const { stateDir } = await stopped();
    const trap = join(support.folder(), ".dataform");
    if (link === "postgres") mkdirSync(trap);
    const place = link === "postgres" ? join(trap, link) : trap;
    symlinkSync(link === "postgres" ? join(stateDir, link) : stateDir, place);
    const refused = { message: expect.stringContaining("is not known to be this project's") };
    await expect(startEmbedded(trap)).rejects.toMatchObject(refused);
    await expect(resetEmbedded(trap)).rejects.toMatchObject(refused);
    expect(await embeddedStatus(stateDir)).toMatchObject({ state: "stopped" });
  });

  test("a link of one's own to a larger disk works, and is deleted through", async () => {
    const disk = support.folder();
    const stateDir = join(support.folder(), ".dataform");
    symlinkSync(disk, stateDir);
    await startEmbedded(stateDir);
    await resetEmbedded(stateDir);
    expect(readdirSync(disk)).toEqual([]);
  });

  test("is not written through a link where server.json is made", async () => {
    const stateDir = project();
    const theirs = join(support.folder(), "theirs");
    writeFileSync(theirs, "as it was");
    mkdirSync(join(stateDir, "postgres"), { recursive: true });
    symlinkSync(theirs, join(stateDir, "postgres", "server.json.tmp"));
    await startEmbedded(stateDir);
    expect(readFileSync(theirs, "utf8")).toBe("as it was");
  });

  test.each(["[]", "null", '{"port":"x","password":"p"}', '{"port":5,"password":"p","outside":5}'])(
    "a server.json of %s is refused with its place",
    async (text) => {
      const stateDir = project();
      mkdirSync(join(stateDir, "postgres"), { recursive: true });
      writeFileSync(join(stateDir, "postgres", "server.json"), text);
      await expect(startEmbedded(stateDir)).rejects.toMatchObject({
        message: expect.stringContaining("server.json"),
        hint: expect.stringContaining("db reset"),
      });
    },
  );
});

describe("after kill -9", () => {
  test("the next start recovers what was committed", async () => {
    const stateDir = project();
    const settings = await startEmbedded(stateDir);
    await ask(settings, "create table kept as select 1 as a");
    await killServer(stateDir);
    expect(await startEmbedded(stateDir)).toEqual(settings);
    expect(await ask(settings, "select a from kept")).toEqual({ a: "1" });
  });

  test("a program that got the server's process number is neither taken for it nor harmed", async () => {
    const stateDir = project();
    const settings = await startEmbedded(stateDir);
    const { dataDir } = await embeddedStatus(stateDir);
    await killServer(stateDir);
    const pid = bystander(dataDir);
    const file = join(dataDir, "postmaster.pid");
    writeFileSync(file, readFileSync(file, "utf8").replace(/^\d+/, String(pid)));
    expect(await embeddedStatus(stateDir)).toMatchObject({ state: "stopped", crashed: true });
    expect(await stopEmbedded(stateDir)).toBe(false);
    expect(await startEmbedded(stateDir)).toEqual(settings);
    expect(process.kill(pid, 0)).toBe(true);
  });
});

describe("the lock", () => {
  test("lets one of several processes make the server, and all return it", async () => {
    const stateDir = project();
    const starts = [1, 2, 3].map(() => elsewhere("startEmbedded", [stateDir]));
    const [first, ...others] = await Promise.all(starts);
    for (const other of others) expect(other).toEqual(first);
    expect(await ask(first!, "select 1 as a")).toEqual({ a: "1" });
    expect(existsSync(join(stateDir, "postgres", "lock"))).toBe(false);
  });

  test("of a process that is gone is taken over", async () => {
    const { stateDir, settings } = await stopped();
    const lock = join(stateDir, "postgres", "lock");
    writeFileSync(lock, JSON.stringify({ pid: 2 ** 22 + 1, host: hostname(), token: "old" }));
    expect(await startEmbedded(stateDir)).toEqual(settings);
    expect(existsSync(lock)).toBe(false);
  });
});

test("a state folder that cannot be written is named, with a way out", async () => {
  const folder = support.folder(0o555);
  const stateDir = join(folder, ".dataform");
  await expect(elsewhere("startEmbedded", [stateDir], isRoot ? nobody : undefined)).rejects.toMatchObject({
    message: expect.stringContaining(`cannot write to ${stateDir}`),
    found: expect.stringContaining("EACCES"),
    hint: expect.stringContaining("DATABASE_URL"),
  });
});

describe("the port", () => {
  test("is changed for good when another program has taken it", async () => {
    const { stateDir, settings } = await stopped();
    await occupy(settings.port);
    const changed = await startEmbedded(stateDir);
    expect(changed.port).not.toBe(settings.port);
    expect((await embeddedStatus(stateDir)).settings).toEqual(changed);
  });

  test("that was asked for is that one, or an error", async () => {
    const { stateDir, settings } = await stopped();
    await occupy(settings.port);
    const taken = { message: expect.stringContaining(`port ${settings.port} on 127.0.0.1 is taken`) };
    await expect(startEmbedded(stateDir, { port: settings.port })).rejects.toMatchObject(taken);
    await expect(startEmbedded(stateDir, { port: 99_999 })).rejects.toMatchObject({ expected: "1024 to 65535" });

    const chosen = await startEmbedded(stateDir);
    await expect(startEmbedded(stateDir, { port: settings.port })).rejects.toMatchObject({
      message: expect.stringContaining(`runs on port ${chosen.port} already`),
    });
    await stopEmbedded(stateDir);
    expect(await startEmbedded(stateDir, { port: chosen.port })).toEqual(chosen);
  });
});

async function stopped(): Promise<{ stateDir: string; settings: ConnectionSettings; dataDir: string }> {
  const stateDir = project();
  const settings = await startEmbedded(stateDir);
  await stopEmbedded(stateDir);
  return { stateDir, settings, dataDir: join(stateDir, "postgres", "data") };
}
