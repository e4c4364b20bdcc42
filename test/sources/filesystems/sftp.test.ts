import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { FilesDeclaration } from "../../../src/model/declarations.ts";
import { openFilesystem } from "../../../src/sources/filesystems/open.ts";
import { temporaryFolder } from "../../support/servers/child.ts";
import { contentOf, failure, filesConnector, impatient, PASSWORD, secret } from "../../support/servers/connector.ts";
import { cuttingProxy } from "../../support/servers/cut.ts";
import { hasSftp, type SftpServer, sftpProject, startSftp } from "../../support/servers/sftp.ts";

function put(server: SftpServer, path: string, content: string | Uint8Array): void {
  mkdirSync(join(server.folder, path, ".."), { recursive: true });
  writeFileSync(join(server.folder, path), content);
}

async function open(server: SftpServer, changes: Partial<FilesDeclaration> = {}, port = server.port) {
  const { user, hostKey, privateKey } = server;
  const settings = { user, hostKey, privateKey: secret(privateKey), projectDir: sftpProject, ...changes };
  const filesystem = await openFilesystem(
    filesConnector(`sftp://127.0.0.1:${port}${server.folder}`, settings),
    impatient,
  );
  onTestFinished(() => filesystem.close());
  return filesystem;
}

describe.skipIf(!hasSftp)("a real SSH server (needs openssh-server and test/servers)", () => {
  test("lists files with size and time, and reads them", async () => {
    const server = await startSftp();
    const data = randomBytes(3_000_000);
    put(server, "2026/a.csv", data);
    put(server, "ä b [1].csv", "22");
    put(server, ".hidden.csv", "");
    symlinkSync("/etc/passwd", join(server.folder, "passwd.csv"));
    utimesSync(join(server.folder, "ä b [1].csv"), 0, Date.UTC(2026, 10, 21, 10) / 1000);
    const filesystem = await open(server);
    const files = await filesystem.list("**/*.csv");
    expect(files.map(({ path, size }) => [path, size])).toEqual([
      ["2026/a.csv", 3_000_000],
      ["ä b [1].csv", 2],
    ]);
    expect(files[1]!.modifiedAt).toBe("2026-11-21T10:00:00.000Z");
    const [one, two] = await Promise.all(files.map(contentOf));
    expect(one!.equals(data)).toBe(true);
    expect(two!.toString()).toBe("22");
    expect(await filesystem.list("missing/*.csv")).toEqual([]);
    for await (const _ of await files[0]!.open()) break;
    expect((await contentOf(files[0]!)).equals(data)).toBe(true);
  });

  test("that breaks off is taken up where it broke off", async () => {
    const server = await startSftp();
    const data = randomBytes(2_000_000);
    put(server, "a.bin", data);
    const proxy = await cuttingProxy(server.port, [500_000, 500_000]);
    const filesystem = await open(server, {}, proxy.port);
    const [file] = await filesystem.list("a.bin");
    expect((await contentOf(file!)).equals(data)).toBe(true);
    expect(proxy.connections()).toBe(3);
  });

  test("that breaks off every time is given up, with how far it came", async () => {
    const server = await startSftp();
    put(server, "a.bin", randomBytes(2_000_000));
    const proxy = await cuttingProxy(server.port, [100_000, 100_000, 100_000, 100_000, 100_000, 100_000]);
    const filesystem = await open(server, {}, proxy.port);
    const [file] = await filesystem.list("a.bin");
    expect((await failure(contentOf(file!))).message).toMatch(/broke off after \d+ of 2000000 bytes/);
  });

  test("that falls silent is given up, and asked again by another connection", async () => {
    const server = await startSftp();
    const data = randomBytes(1_000_000);
    put(server, "a.bin", data);
    const proxy = await cuttingProxy(server.port, [300_000], "silent");
    const filesystem = await open(server, { timeoutSeconds: 5 }, proxy.port);
    const [file] = await filesystem.list("a.bin");
    expect((await contentOf(file!)).equals(data)).toBe(true);
    expect(proxy.connections()).toBe(2);
  });

  test("is known by its key, however the fingerprint is written", async () => {
    const server = await startSftp();
    put(server, "a.csv", "1");
    for (const hostKey of [server.hostKey, server.hostKey.slice(7), `256 ${server.hostKey} me@host (ED25519)`, "any"]) {
      expect(await (await open(server, { hostKey })).list("*")).toHaveLength(1);
    }
  });

  test("with another key, or without one in the declaration, is refused and told before any password goes", async () => {
    const server = await startSftp();
    const { hostKey: _, ...without } = filesConnector(`sftp://127.0.0.1:${server.port}/`, {
      projectDir: sftpProject,
      user: "me",
      password: secret(PASSWORD),
    });
    const filesystem = await openFilesystem(without, impatient);
    onTestFinished(() => filesystem.close());
    const missing = await failure(filesystem.list("*"));
    expect(missing).toMatchObject({ found: server.hostKey, exitCode: 2 });
    expect(missing.message).toContain("files.hostKey is missing");
    const wrong = await failure((await open(server, { hostKey: `SHA256:${"A".repeat(43)}` })).list("*"));
    expect(wrong).toMatchObject({ found: server.hostKey, exitCode: 1 });
    for (const hostKey of ["", "x", server.hostKey.slice(0, -1)]) {
      await failure((await open(server, { hostKey })).list("*"));
    }
  });

  test("that does not let us in is not asked again, and nothing secret is said", async () => {
    const server = await startSftp();
    const { privateKey: _, ...connector } = filesConnector(`sftp://127.0.0.1:${server.port}${server.folder}`, {
      projectDir: sftpProject,
      user: server.user,
      hostKey: server.hostKey,
      password: secret(PASSWORD),
    });
    const proxy = await cuttingProxy(server.port, []);
    const at = connector.at.replace(`:${server.port}`, `:${proxy.port}`);
    const filesystem = await openFilesystem({ ...connector, at }, impatient);
    onTestFinished(() => filesystem.close());
    expect((await failure(filesystem.list("*"))).hint).toContain("files.password or files.privateKey");
    expect(proxy.connections()).toBe(1);
    const broken = await open(server, { privateKey: secret(`no key ${PASSWORD}`) });
    expect((await failure(broken.list("*"))).message).toContain("does not let us in");
  });

  test("a file that changed since it was listed is refused", async () => {
    const server = await startSftp();
    put(server, "a.csv", "1234");
    put(server, "b.csv", "1234");
    utimesSync(join(server.folder, "a.csv"), 0, 1000);
    const [a] = await (await open(server)).list("*.csv");
    put(server, "a.csv", "5678");
    expect((await failure(contentOf(a!))).message).toContain("changed while it was read");
  });

  test("a folder that is missing or closed is refused", async () => {
    const server = await startSftp();
    const connector = filesConnector(`sftp://127.0.0.1:${server.port}/nowhere/at/all`, {
      projectDir: sftpProject,
      user: server.user,
      hostKey: server.hostKey,
      privateKey: secret(server.privateKey),
    });
    const filesystem = await openFilesystem(connector, impatient);
    onTestFinished(() => filesystem.close());
    expect((await failure(filesystem.list("*"))).message).toContain("/nowhere/at/all cannot be read");
    put(server, "closed/a.csv", "1");
    chmodSync(join(server.folder, "closed"), 0);
    if (process.getuid?.() !== 0) {
      expect((await failure((await open(server)).list("closed/*"))).hint).toContain("no right");
    }
    chmodSync(join(server.folder, "closed"), 0o755);
  });
});

test("without its package sftp says what to install", async () => {
  const connector = filesConnector("sftp://127.0.0.1/x", { projectDir: temporaryFolder() });
  expect(await failure(openFilesystem(connector))).toMatchObject({ hint: "npm install ssh2-sftp-client" });
});
