import { randomBytes } from "node:crypto";
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { FilesDeclaration } from "../../../src/model/declarations.ts";
import { openFilesystem } from "../../../src/sources/filesystems/open.ts";
import { unusedUrl } from "../../support/ingest-api.ts";
import { contentOf, failure, filesConnector, impatient, PASSWORD, secret } from "../../support/servers/connector.ts";
import { cuttingFtpProxy } from "../../support/servers/cut.ts";
import { type FtpServer, hasFtp, startFtp } from "../../support/servers/ftp.ts";

function put(server: FtpServer, path: string, content: string | Uint8Array): void {
  mkdirSync(join(server.folder, path, ".."), { recursive: true });
  writeFileSync(join(server.folder, path), content);
}

const open = (at: string, changes: Partial<FilesDeclaration> = {}, ca?: string) =>
  openFilesystem(filesConnector(at, changes), { ...impatient, ...(ca ? { ca } : {}) });

const secure = ({ url }: FtpServer) => url.replace("ftp:", "ftps:");

describe.skipIf(!hasFtp)("a real FTP server (needs vsftpd)", () => {
  test("lists files with size and time, and reads them", async () => {
    const server = await startFtp();
    const data = randomBytes(3_000_000);
    put(server, "out/2026/a.csv", data);
    put(server, "out/b c [1].csv", "22");
    put(server, "out/.hidden.csv", "");
    put(server, "out/d.txt", "");
    symlinkSync("b c [1].csv", join(server.folder, "out/link.csv"));
    utimesSync(join(server.folder, "out/b c [1].csv"), 0, Date.UTC(2026, 10, 21, 10) / 1000);
    const filesystem = await open(`${server.url}/out`);
    const files = await filesystem.list("**/*.csv");
    expect(files.map(({ path, size }) => [path, size])).toEqual([
      ["2026/a.csv", 3_000_000],
      ["b c [1].csv", 2],
    ]);
    expect(files[1]!.modifiedAt).toBe("2026-11-21T10:00:00.000Z");
    expect((await contentOf(files[0]!)).equals(data)).toBe(true);
    expect((await contentOf(files[1]!)).toString()).toBe("22");
    expect(await filesystem.list("missing/*.csv")).toEqual([]);
    await filesystem.close();
  });

  test("two files can be read at once, and one left in the middle", async () => {
    const server = await startFtp();
    const data = randomBytes(3_000_000);
    put(server, "a.bin", data);
    put(server, "b.bin", data);
    const filesystem = await open(`${server.url}/`);
    const [a, b] = await filesystem.list("*.bin");
    const [one, two] = await Promise.all([contentOf(a!), contentOf(b!)]);
    expect(one.equals(data) && two.equals(data)).toBe(true);
    for await (const _ of await a!.open()) break;
    expect((await contentOf(a!)).equals(data)).toBe(true);
  });

  test("a transfer that breaks off is taken up where it broke off", async () => {
    const server = await startFtp();
    const data = randomBytes(2_000_000);
    put(server, "a.bin", data);
    // The first transfer is the listing.
    const proxy = await cuttingFtpProxy(server.port, [undefined, 700_000, 700_000]);
    const filesystem = await open(server.url.replace(String(server.port), String(proxy.port)));
    const [file] = await filesystem.list("a.bin");
    expect((await contentOf(file!)).equals(data)).toBe(true);
    expect(proxy.connections()).toBe(4);
  });

  test("a transfer that breaks off every time is given up, with how far it came", async () => {
    const server = await startFtp();
    put(server, "a.bin", randomBytes(2_000_000));
    const proxy = await cuttingFtpProxy(server.port, [undefined, 100_000, 100_000, 100_000, 100_000]);
    const filesystem = await open(server.url.replace(String(server.port), String(proxy.port)));
    const [file] = await filesystem.list("a.bin");
    expect((await failure(contentOf(file!))).message).toMatch(/broke off after \d+ of 2000000 bytes$/);
  });

  test("a file that changed or went since it was listed is refused", async () => {
    const server = await startFtp();
    put(server, "a.csv", "1234");
    put(server, "b.csv", "1234");
    const filesystem = await open(server.url);
    const [a, b] = await filesystem.list("*.csv");
    put(server, "a.csv", "12345678");
    expect((await failure(contentOf(a!))).message).toContain("changed while it was read");
    utimesSync(join(server.folder, "b.csv"), 0, 1000);
    expect((await failure(contentOf(b!))).message).toContain("changed while it was read");
  });

  test("a wrong user or folder is refused at once, without the password", async () => {
    const server = await startFtp();
    const wrong = await open(server.url, { user: "somebody", password: secret(PASSWORD) });
    expect(await failure(wrong.list("*"))).toMatchObject({ code: "530", hint: "check files.user and files.password" });
    const filesystem = await open(`${server.url}/nowhere`);
    expect(await failure(filesystem.list("*"))).toMatchObject({ code: "550" });
  });

  test("ftps reads over TLS with a certificate that is trusted, and refuses any other", async () => {
    const server = await startFtp({ tls: true });
    put(server, "a.csv", "1234");
    const trusting = await open(secure(server), {}, server.certificate);
    const [file] = await trusting.list("*.csv");
    expect((await contentOf(file!)).toString()).toBe("1234");
    const careful = await open(secure(server));
    expect(await failure(careful.list("*.csv"))).toMatchObject({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
    const plain = await open(server.url);
    expect(await failure(plain.list("*.csv"))).toMatchObject({ code: "530" });
  });
});

test("a server that is not there, or says nothing, is given up after so many tries", async () => {
  const gone = await open((await unusedUrl()).replace("http:", "ftp:"));
  expect(await failure(gone.list("*"))).toMatchObject({
    code: "ECONNREFUSED",
    found: expect.stringContaining("tried 4 times"),
  });
  const silent = createServer(() => {}).listen(0, "127.0.0.1");
  onTestFinished(() => void silent.close());
  await new Promise((resolve) => silent.once("listening", resolve));
  const { port } = silent.address() as { port: number };
  const filesystem = await open(`ftp://127.0.0.1:${port}`, {
    timeoutSeconds: 0.2,
    retry: { attempts: 2, maxDelaySeconds: 1 },
  });
  expect((await failure(filesystem.list("*"))).found).toMatch(/timeout.*tried 2 times/i);
});
