import { createReadStream, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fastify from "fastify";
import { describe, expect, onTestFinished, test } from "vitest";
import type { FilesDeclaration } from "../../../src/model/declarations.ts";
import { openFilesystem } from "../../../src/sources/filesystems/open.ts";
import { unpack } from "../../../src/sources/unpack/unpack.ts";
import { startApi, unusedUrl } from "../../support/ingest-api.ts";
import { temporaryFolder } from "../../support/servers/child.ts";
import { contentOf, failure, filesConnector, impatient, PASSWORD, secret } from "../../support/servers/connector.ts";

const content = Buffer.from("id,name\n".repeat(50_000));
const ETAG = '"v1"';

interface Served {
  readonly etag?: string;
  /** Bytes after which the connection of GET number n, counted from 0, is cut. */
  readonly cuts?: readonly number[];
  /** Whether it can begin in the middle. */
  readonly ranges?: boolean;
  readonly data?: () => Buffer;
}

/** A web server with one file that breaks off. Tells the Range of every GET. */
async function serving({ etag, cuts = [], ranges = true, data = () => content }: Served = {}) {
  const asked: (string | undefined)[] = [];
  const api = await startApi((request: IncomingMessage, response: ServerResponse) => {
    const whole = data();
    const begin = ranges ? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0) : 0;
    const part = whole.subarray(begin);
    response.writeHead(begin > 0 ? 206 : 200, {
      "content-length": part.length,
      ...(begin > 0 ? { "content-range": `bytes ${begin}-${whole.length - 1}/${whole.length}` } : {}),
      ...(etag ? { etag } : {}),
    });
    if (request.method === "HEAD") return response.end();
    const cut = cuts[asked.length];
    asked.push(request.headers.range);
    if (cut === undefined) return response.end(part);
    response.write(part.subarray(0, cut), () => response.destroy());
  });
  return { url: api.url, asked };
}

async function only(url: string, changes: Partial<FilesDeclaration> = {}, name = "a.csv") {
  const filesystem = await openFilesystem(filesConnector(url, changes), impatient);
  onTestFinished(() => filesystem.close());
  const [file] = await filesystem.list(name);
  return file!;
}

test("a file of a real web framework is read with its size, time and version", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "a.csv"), content);
  const app = fastify();
  app.route({
    method: ["GET", "HEAD"],
    url: "/out/ä b/a.csv",
    handler: (_, reply) =>
      reply
        .headers({ etag: ETAG, "last-modified": "Sat, 21 Nov 2026 10:00:00 GMT", "content-length": content.length })
        .type("text/csv")
        .send(createReadStream(join(folder, "a.csv"))),
  });
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  onTestFinished(() => app.close());
  const file = await only(`${url}/out`, {}, "ä b/a.csv");
  const { path, size, modifiedAt, version } = file;
  expect({ path, size, modifiedAt, version }).toEqual({
    path: "ä b/a.csv",
    size: content.length,
    modifiedAt: "2026-11-21T10:00:00.000Z",
    version: ETAG,
  });
  expect((await contentOf(file)).equals(content)).toBe(true);
  expect((await contentOf(file)).equals(content)).toBe(true);
});

test("several files can be named, and those that are not there are left out", async () => {
  const api = await startApi((request, response) => {
    response.writeHead(request.url === "/in/b.csv" ? 404 : 200, { "content-length": 1 });
    response.end(request.method === "HEAD" ? undefined : "x");
  });
  const filesystem = await openFilesystem(filesConnector(`${api.url}/in/`), impatient);
  onTestFinished(() => filesystem.close());
  expect((await filesystem.list("{a,b,c}.csv")).map(({ path }) => path)).toEqual(["a.csv", "c.csv"]);
});

test("a pattern with wildcards is refused: a web server has no listing", async () => {
  const filesystem = await openFilesystem(filesConnector("https://files.example"), impatient);
  expect((await failure(filesystem.list("*.csv"))).message).toContain("wildcards");
  await filesystem.close();
});

test("a server without HEAD is asked by GET", async () => {
  const api = await startApi((request, response) => {
    response.writeHead(request.method === "HEAD" ? 405 : 200, { "content-length": content.length });
    response.end(request.method === "HEAD" ? undefined : content);
  });
  const file = await only(api.url);
  expect(file.size).toBe(content.length);
  expect((await contentOf(file)).equals(content)).toBe(true);
});

test("a gzip file is passed on as stored, also when the server calls it an encoding", async () => {
  const packed = gzipSync(content);
  const api = await startApi((request, response) => {
    expect(request.headers["accept-encoding"]).toBe("identity");
    response.writeHead(200, { "content-length": packed.length, "content-encoding": "gzip" });
    response.end(request.method === "HEAD" ? undefined : packed);
  });
  const file = await only(api.url, {}, "a.csv.gz");
  const chunks: Uint8Array[] = [];
  for await (const chunk of unpack(await file.open(), file.path, { maxBytes: 1e9 })) chunks.push(chunk);
  expect(Buffer.concat(chunks).equals(content)).toBe(true);
});

describe("a connection that breaks off", () => {
  test("is taken up where it broke off, as often as it takes", async () => {
    const { url, asked } = await serving({ etag: ETAG, cuts: [100_000, 50_000, 1] });
    expect((await contentOf(await only(url))).equals(content)).toBe(true);
    expect(asked[0]).toBeUndefined();
    expect(asked).toHaveLength(4);
    expect(asked.slice(1).every((range) => /^bytes=\d+-$/.test(range!))).toBe(true);
  });

  test("is read again from its beginning by a server without ranges", async () => {
    const { url, asked } = await serving({ etag: ETAG, cuts: [100_000], ranges: false });
    expect((await contentOf(await only(url))).equals(content)).toBe(true);
    expect(asked).toHaveLength(2);
  });

  test("is an error, with how far it came, when it does not end", async () => {
    const { url, asked } = await serving({ etag: ETAG, cuts: [10, 10, 10, 10, 10] });
    const error = await failure(contentOf(await only(url)));
    expect(error.message).toMatch(/broke off after \d+ of 400000 bytes$/);
    expect(asked).toHaveLength(4);
  });

  test("is an error when nothing says that the file is still the same", async () => {
    const { url } = await serving({ cuts: [100_000] });
    expect((await failure(contentOf(await only(url)))).expected).toContain("ETag");
  });

  test("is never mended with the end of another file", async () => {
    const versions = [content, content, Buffer.from("X".repeat(content.length))];
    let number = 0;
    const api = await startApi((request, response) => {
      const data = versions[Math.min(number++, 2)]!;
      const begin = Number(/(\d+)/.exec(request.headers.range ?? "")?.[1] ?? 0);
      const etag = data === content ? ETAG : '"v2"';
      const same = request.headers["if-range"] === etag;
      response.writeHead(same ? 206 : 200, {
        etag,
        "content-length": same ? data.length - begin : data.length,
        ...(same ? { "content-range": `bytes ${begin}-${data.length - 1}/${data.length}` } : {}),
      });
      if (request.method === "HEAD") return response.end();
      if (number === 2) return void response.write(data.subarray(0, 1000), () => response.destroy());
      response.end(data);
    });
    const error = await failure(contentOf(await only(api.url)));
    expect(error).toMatchObject({ expected: ETAG, found: '"v2"' });
  });

  test("in the middle of a chunked answer is noticed too", async () => {
    let gets = 0;
    const api = await startApi((request, response) => {
      response.writeHead(200, { etag: ETAG });
      if (request.method === "HEAD") return response.end();
      if (++gets > 1) return response.end(content);
      response.write(content.subarray(0, 1000), () => response.destroy());
    });
    expect((await contentOf(await only(api.url))).equals(content)).toBe(true);
    expect(gets).toBe(2);
  });

  test("a reader that stops early closes it", async () => {
    let closed = () => {};
    const end = new Promise<void>((resolve) => (closed = resolve));
    const api = await startApi((request, response) => {
      response.writeHead(200);
      if (request.method === "HEAD") return response.end();
      response.on("close", closed);
      response.write(content);
    });
    for await (const _ of await (await only(api.url)).open()) break;
    await end;
  });
});

describe("fault 66: a busy or silent server", () => {
  test("is asked again after the time it says", async () => {
    const slept: number[] = [];
    const api = await startApi((request, response, n) => {
      if (n <= 2) return response.writeHead(n === 1 ? 429 : 503, { "retry-after": "7" }).end();
      response.writeHead(200, { "content-length": 1 }).end(request.method === "HEAD" ? undefined : "x");
    });
    const filesystem = await openFilesystem(filesConnector(api.url), {
      sleep: async (seconds) => void slept.push(seconds),
    });
    onTestFinished(() => filesystem.close());
    // HEAD is answered by 429, and so its GET by 503.
    expect(await filesystem.list("a.csv")).toHaveLength(1);
    expect(slept).toEqual([7]);
  });

  test("that asks for more time than allowed is given up", async () => {
    const api = await startApi((_, response) => response.writeHead(503, { "retry-after": "3600" }).end());
    expect((await failure(only(api.url))).found).toBe("HTTP 503");
  });

  test("is given up when it says nothing for so long", async () => {
    const api = await startApi(() => {});
    const error = await failure(only(api.url, { timeoutSeconds: 1, retry: { attempts: 2, maxDelaySeconds: 1 } }));
    expect(error).toMatchObject({ code: "UND_ERR_HEADERS_TIMEOUT" });
    expect(error.found).toContain("tried 2 times");
  });

  test("is given up when it stops in the middle of the file", async () => {
    const api = await startApi((request, response) => {
      response.writeHead(200, { etag: ETAG, "content-length": content.length });
      if (request.method === "HEAD") return response.end();
      response.write(content.subarray(0, 1000));
    });
    const file = await only(api.url, { timeoutSeconds: 1, retry: { attempts: 1, maxDelaySeconds: 1 } });
    expect(await failure(contentOf(file))).toMatchObject({ code: "UND_ERR_BODY_TIMEOUT" });
  });

  test("that is not there is an error without secrets", async () => {
    const url = await unusedUrl();
    const error = await failure(only(url, { user: "me", password: secret(PASSWORD) }));
    expect(error).toMatchObject({ code: "ECONNREFUSED" });
  });
});

describe("fault 69: an answer that is not the file", () => {
  const answering = (status: number, headers: Record<string, string | number>, body = "<html>log in</html>") =>
    startApi((request, response) => {
      response.writeHead(status, headers).end(request.method === "HEAD" ? undefined : body);
    });

  test("a web page in place of the file is refused, unless a page is asked for", async () => {
    const api = await answering(200, { "content-type": "text/html; charset=utf-8" });
    expect(await failure(only(api.url))).toMatchObject({ message: `${api.url}/a.csv is a web page` });
    expect((await contentOf(await only(api.url, {}, "report.html"))).toString()).toContain("log in");
  });

  test("a refusal names what to check", async () => {
    const api = await answering(403, {});
    expect((await failure(only(api.url))).hint).toContain("files.password");
    const broken = await answering(418, {});
    expect(await failure(only(broken.url))).toMatchObject({ code: "418" });
  });

  test("an encoding that was not asked for is refused", async () => {
    const api = await answering(200, { "content-encoding": "br" });
    expect(await failure(only(api.url))).toMatchObject({ found: "br" });
  });

  test("a gzip bomb is refused while it unpacks", async () => {
    const bomb = gzipSync(Buffer.alloc(48 * 1024 * 1024));
    const api = await startApi((request, response) => {
      response.writeHead(200, { "content-length": bomb.length });
      response.end(request.method === "HEAD" ? undefined : bomb);
    });
    const file = await only(api.url, {}, "a.csv.gz");
    const read = async () => {
      for await (const _ of unpack(await file.open(), file.path, { maxBytes: 1e12 }));
    };
    expect((await failure(read())).message).toContain("100 times");
  });

  test("a body longer than it was listed is refused", async () => {
    let size = 10;
    const api = await startApi((request, response) => {
      response.writeHead(200, { "content-length": size });
      response.end(request.method === "HEAD" ? undefined : content.subarray(0, size));
    });
    const file = await only(api.url);
    size = 20;
    expect(await failure(contentOf(file))).toMatchObject({ expected: "10 bytes", found: "20 bytes or more" });
  });
});

describe("credentials", () => {
  const seen = async (changes: Partial<FilesDeclaration>) => {
    const headers: IncomingMessage["headers"][] = [];
    const api = await startApi((request, response) => {
      headers.push(request.headers);
      response.writeHead(200, { "content-length": 1 }).end(request.method === "HEAD" ? undefined : "x");
    });
    await contentOf(await only(api.url, changes));
    expect(headers).toHaveLength(2);
    return headers[1]!;
  };

  test("user and password go as Basic, headers as they are", async () => {
    const basic = await seen({ user: "me", password: secret(PASSWORD) });
    expect(basic.authorization).toBe(`Basic ${Buffer.from(`me:${PASSWORD}`).toString("base64")}`);
    expect((await seen({ headers: { "X-Api-Key": secret(PASSWORD) } }))["x-api-key"]).toBe(PASSWORD);
  });

  test("fault 71: never go to another host, and only an allowed one is followed at all", async () => {
    const headers: IncomingMessage["headers"][] = [];
    const other = await startApi((request, response) => {
      headers.push(request.headers);
      response.writeHead(200, { "content-length": 1 }).end(request.method === "HEAD" ? undefined : "x");
    });
    const api = await startApi((_, response) => response.writeHead(302, { location: `${other.url}/file` }).end());
    const credentials = { user: "me", password: secret(PASSWORD), headers: { "x-api-key": secret(PASSWORD) } };
    const refused = await failure(only(api.url, credentials));
    expect(refused.message).toContain("is not allowed");
    expect(other.requests).toEqual([]);
    const file = await only(api.url, { ...credentials, allowHosts: [new URL(other.url).host] });
    expect((await contentOf(file)).toString()).toBe("x");
    expect(headers).toHaveLength(2);
    expect(JSON.stringify(headers)).not.toMatch(/authorization|x-api-key/);
  });
});

test.each(["https://user:pw@host/x", "https://host/x?token=1", "https://host/#x", "http://", "s3:///x"])(
  "the place %s is refused, and not shown",
  async (at) => {
    const error = await failure(openFilesystem(filesConnector(at)), "pw@", "token=1");
    expect(error.message).toContain("files.at");
  },
);

test.each(["file:///etc", "gopher://host/x", "gs://bucket"])("the place %s is none", async (at) => {
  expect((await failure(openFilesystem(filesConnector(at)))).expected).toContain("sftp");
});
