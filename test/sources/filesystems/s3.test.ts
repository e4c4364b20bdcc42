import { createHash, createHmac, randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import type { FilesDeclaration } from "../../../src/model/declarations.ts";
import { endlessListing } from "../../../src/sources/filesystems/endless.ts";
import { openFilesystem } from "../../../src/sources/filesystems/open.ts";
import { openS3Folder } from "../../../src/sources/filesystems/s3-folder.ts";
import { startApi } from "../../support/ingest-api.ts";
import { contentOf, failure, filesConnector, impatient, PASSWORD, secret } from "../../support/servers/connector.ts";
import { cuttingProxy } from "../../support/servers/cut.ts";
import { hasS3, type S3Server, startS3 } from "../../support/servers/s3.ts";

async function open(at: string, s3: FilesDeclaration["s3"]) {
  const filesystem = await openFilesystem(filesConnector(at, { s3: s3! }), impatient);
  onTestFinished(() => filesystem.close());
  return filesystem;
}

const keysOf = (server: S3Server, endpoint = server.endpoint) => ({
  endpoint,
  accessKeyId: secret(server.accessKeyId),
  secretAccessKey: secret(server.secretAccessKey),
});

describe.skipIf(!hasS3)("a real store (needs test/servers)", () => {
  test("lists what is below the prefix, with size, time and version, and reads it", async () => {
    const server = await startS3();
    const data = randomBytes(2_000_000);
    await server.put("out/orders-1.csv", "1");
    await server.put("out/2026/orders-2.csv", data);
    await server.put("out/ä b+c%20&=.csv", "name");
    await server.put("out/.hidden.csv", "");
    await server.put("outer/orders-3.csv", "");
    const filesystem = await open("s3://inbox/out/", keysOf(server));
    const files = await filesystem.list("**/*.csv");
    expect(files.map(({ path }) => path)).toEqual(["2026/orders-2.csv", "orders-1.csv", "ä b+c%20&=.csv"]);
    expect(files[0]).toMatchObject({ size: 2_000_000, version: expect.stringMatching(/^"[0-9a-f]{32}"$/) });
    expect(Date.parse(files[0]!.modifiedAt!)).toBeGreaterThan(Date.now() - 60_000);
    expect((await contentOf(files[0]!)).equals(data)).toBe(true);
    expect((await contentOf(files[2]!)).toString()).toBe("name");
    expect(await filesystem.list("orders-[2-9]*")).toEqual([]);
    expect(await (await open("s3://inbox", keysOf(server))).list("outer/*")).toHaveLength(1);
  });

  test("that breaks off is taken up where it broke off", async () => {
    const server = await startS3();
    const data = randomBytes(1_000_000);
    await server.put("big.bin", data);
    const proxy = await cuttingProxy(server.port, [300_000, 300_000]);
    const behind = await open("s3://inbox", keysOf(server, `http://127.0.0.1:${proxy.port}`));
    const [file] = await behind.list("big.bin");
    expect((await contentOf(file!)).equals(data)).toBe(true);
    expect(proxy.connections()).toBe(3);
  });

  test("refuses wrong keys and unknown buckets in its own words, without ours", async () => {
    const server = await startS3();
    const wrong = { ...keysOf(server), accessKeyId: secret(PASSWORD) };
    expect(await failure((await open("s3://inbox", wrong)).list("*"))).toMatchObject({
      code: "InvalidAccessKeyId",
      hint: "check files.s3.accessKeyId",
    });
    expect(await failure((await open("s3://nowhere", keysOf(server))).list("*"))).toMatchObject({
      code: "NoSuchBucket",
    });
  });

  test("whose file is replaced after it was listed is refused", async () => {
    const server = await startS3();
    await server.put("a.csv", "1234");
    const [file] = await (await open("s3://inbox", keysOf(server))).list("a.csv");
    await server.put("a.csv", "5678");
    expect((await failure(contentOf(file!))).message).toContain("changed while it was read");
  });
});

test("pages that always have a next one end after an hour, and a million files before that", async () => {
  let page = 0;
  const api = await startApi((_, response) => {
    const key = `<Key>a%zz${page++}</Key>`;
    const object = `<Contents>${key}<Size>1</Size><LastModified>2026-11-21T10:00:00Z</LastModified></Contents>`;
    const next = `<IsTruncated>true</IsTruncated><NextContinuationToken>${page}</NextContinuationToken>`;
    response.end(`<ListBucketResult>${object}${next}</ListBucketResult>`);
  });
  let minutes = 0;
  const deps = { ...impatient, now: () => 60 * minutes++ };
  const filesystem = await openFilesystem(filesConnector("s3://inbox", { s3: { endpoint: api.url } }), deps);
  onTestFinished(() => filesystem.close());
  expect(await failure(filesystem.list("*"))).toMatchObject({
    message: `the listing of ${api.url}/inbox/ does not end`,
    found: "an hour, with 61 files so far",
  });
  const goOn = endlessListing("inbox", { now: () => 0 });
  goOn(1_000_000);
  expect(() => goOn(1_000_001)).toThrow("the listing of inbox does not end");
});

test("an escape that is none is told: in the address, and in what a store lists", async () => {
  await expect(openFilesystem(filesConnector("s3://inbox/a%zz"), impatient)).rejects.toMatchObject({
    message: "files.at is not the address of a folder",
    found: "a % sign that is not an escape",
  });
  const api = await startApi((_, response) =>
    response.end(
      "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>a%zz</Key><Size>1</Size><LastModified>2026-11-21T10:00:00Z</LastModified></Contents></ListBucketResult>",
    ),
  );
  const filesystem = await open("s3://inbox", { endpoint: api.url });
  expect(await failure(filesystem.list("*"))).toMatchObject({ found: "an object without key, size or time" });
});

describe("signatures", () => {
  const accessKeyId = secret("AKIDEXAMPLE");

  /** A store of one object that checks every signature by the letter of Amazon's description, region eu-central-1. */
  async function strictStore(key: string) {
    const wrong: string[] = [];
    const api = await startApi((request, response) => {
      if (!isSigned(request, PASSWORD, "eu-central-1")) {
        wrong.push(request.url!);
        return response.writeHead(403).end("<Error><Code>SignatureDoesNotMatch</Code></Error>");
      }
      if (!request.url!.includes("list-type")) return response.end("1");
      response.end(
        `<ListBucketResult><Contents><Key>${key}</Key><Size>1</Size><LastModified>2026-11-21T10:00:00Z</LastModified></Contents></ListBucketResult>`,
      );
    });
    return { api, wrong };
  }

  test("are right, for keys with every kind of character and for a session", async () => {
    const key = "out/ä b+c%20=(1)!'~*.csv";
    const { api, wrong } = await strictStore(key);
    const s3 = { endpoint: api.url, region: "eu-central-1", accessKeyId, secretAccessKey: secret(PASSWORD) };
    for (const keys of [s3, { ...s3, sessionToken: secret("token/+=") }]) {
      const [file] = await (await open("s3://inbox/out", keys)).list("*.csv");
      expect((await contentOf(file!)).toString()).toBe("1");
    }
    expect(wrong).toEqual([]);
  });

  test("are right for what is written, each time that it is sent", async () => {
    const got: (readonly [method: string, body: string, sum: boolean])[] = [];
    const api = await startApi((request, response) => {
      if (!isSigned(request, PASSWORD, "eu-central-1")) return response.writeHead(403).end();
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const body = Buffer.concat(chunks);
        const sum = createHash("sha256").update(body).digest("hex") === request.headers["x-amz-content-sha256"];
        got.push([request.method!, body.toString(), sum]);
        response.writeHead(got.length === 1 ? 503 : 200, { "retry-after": "0" }).end();
      });
    });
    const s3 = { endpoint: api.url, region: "eu-central-1", accessKeyId, secretAccessKey: secret(PASSWORD) };
    const folder = await openS3Folder({ to: "s3://inbox/a%20b/", s3 });
    onTestFinished(() => folder.close());
    const text = "ä".repeat(100_000);
    const [bytes, sha256] = [Buffer.byteLength(text), createHash("sha256").update(text).digest("hex")];
    await folder.put("x/=(1)!'~*.parquet", { open: () => Readable.from([Buffer.from(text)]), bytes, sha256 });
    expect(got).toEqual([
      ["PUT", text, true],
      ["PUT", text, true],
    ]);
    expect(await failure(folder.put("large", { open: () => Readable.from([]), bytes: 6e9, sha256 }))).toMatchObject({
      found: "6000000000 bytes",
    });
  });

  test("that are wrong are refused, and the key is not shown", async () => {
    const { api } = await strictStore("a");
    const s3 = { endpoint: api.url, accessKeyId, secretAccessKey: secret(PASSWORD) };
    expect(await failure((await open("s3://inbox", s3)).list("*"))).toMatchObject({ code: "SignatureDoesNotMatch" });
  });
});

/** AWS Signature Version 4 for S3, from the request as it came. */
function isSigned(request: IncomingMessage, secretKey: string, region: string): boolean {
  const [, scope, signedHeaders, signature] =
    /Credential=[^/]+\/([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]+)$/.exec(
      request.headers.authorization ?? "",
    ) ?? [];
  const date = String(request.headers["x-amz-date"]);
  if (scope !== `${date.slice(0, 8)}/${region}/s3/aws4_request`) return false;
  const [path, query = ""] = request.url!.split("?");
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
  const parameters = [...new URLSearchParams(query)].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort();
  const headers = signedHeaders!.split(";").map((name) => `${name}:${String(request.headers[name]).trim()}\n`);
  const canonical = [
    request.method,
    path!
      .split("/")
      .map((part) => encode(decodeURIComponent(part)))
      .join("/"),
    parameters.join("&"),
    headers.join(""),
    signedHeaders,
    request.headers["x-amz-content-sha256"],
  ].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", date, scope, createHash("sha256").update(canonical).digest("hex")].join("\n");
  const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();
  const key = scope.split("/").reduce<string | Buffer>(hmac, `AWS4${secretKey}`);
  return hmac(key, toSign).toString("hex") === signature;
}

describe("the listing of a store", () => {
  const object = (key: string) =>
    `<Contents><Key>${key}</Key><LastModified>2026-11-21T10:00:00.000Z</LastModified><ETag>"e"</ETag><Size>1</Size></Contents>`;
  const page = (inside: string) =>
    `<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inside}</ListBucketResult>`;
  const next = (token: string) =>
    `<IsTruncated>true</IsTruncated><NextContinuationToken>${token}</NextContinuationToken>`;

  const serving = async (answer: (query: URLSearchParams) => string) => {
    const api = await startApi((request, response) => {
      response.setHeader("content-type", "application/xml");
      response.end(answer(new URL(request.url!, "http://x").searchParams));
    });
    return { api, filesystem: await open("s3://inbox/out", { endpoint: api.url }) };
  };

  test("is read page by page, its keys decoded", async () => {
    const pages: Record<string, string> = {
      first: page(`${object("out/a%2Bb+c.csv")}<EncodingType>url</EncodingType>${next("t+/=")}`),
      "t+/=": page(`${object("out/%C3%A4.csv")}<EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>`),
    };
    const { api, filesystem } = await serving((query) => pages[query.get("continuation-token") ?? "first"]!);
    expect((await filesystem.list("*.csv")).map(({ path }) => path)).toEqual(["a+b c.csv", "ä.csv"]);
    expect(api.requests[0]).toBe("/inbox/?list-type=2&encoding-type=url&prefix=out%2F");
  });

  test("is asked only for keys that can match", async () => {
    const { api, filesystem } = await serving(() => page("<IsTruncated>false</IsTruncated>"));
    await filesystem.list("2026/orders-*.{csv,xml}");
    expect(api.requests[0]).toContain("prefix=out%2F2026%2Forders-");
  });

  test("never leads out of the prefix", async () => {
    const keys = ["out/../secret.csv", "out//x.csv", "out/", "other/a.csv", "out/ok.csv"];
    const { filesystem } = await serving(() => page(keys.map(object).join("")));
    expect((await filesystem.list("**")).map(({ path }) => path)).toEqual(["ok.csv"]);
  });

  test("that goes in a circle, or does not say how it goes on, is refused", async () => {
    const circle = await serving(() => page(next("same")));
    expect((await failure(circle.filesystem.list("*"))).message).toContain("goes in a circle");
    const lost = await serving(() => page("<IsTruncated>true</IsTruncated>"));
    expect((await failure(lost.filesystem.list("*"))).found).toContain("another page");
  });

  test("fault 61: a DOCTYPE is refused, and so is what is no listing", async () => {
    const bomb = `<!DOCTYPE x [<!ENTITY a "aaaa">]><ListBucketResult>&a;</ListBucketResult>`;
    expect((await failure((await serving(() => bomb)).filesystem.list("*"))).found).toContain("DOCTYPE");
    for (const answer of ["<html/>", "no XML", page(object("x")).slice(0, -30), page("<Contents/>"), ""]) {
      await failure((await serving(() => answer)).filesystem.list("*"));
    }
  });
});

test("a bucket of another region says which", async () => {
  const api = await startApi((_, response) => {
    const body = "<Error><Code>PermanentRedirect</Code><Message>elsewhere</Message></Error>";
    response.writeHead(301, { "x-amz-bucket-region": "eu-central-1" }).end(body);
  });
  const filesystem = await open("s3://inbox", { endpoint: api.url });
  expect(await failure(filesystem.list("*"))).toMatchObject({ hint: "write files.s3.region: eu-central-1" });
});

test("one key without the other is refused", async () => {
  const error = await failure(openFilesystem(filesConnector("s3://inbox", { s3: { accessKeyId: secret("A") } })));
  expect(error.message).toContain("secretAccessKey");
});
