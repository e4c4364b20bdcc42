import type { ServerResponse } from "node:http";
import { createServer } from "node:net";
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { sendJson, startApi } from "../../support/ingest-api.ts";
import { item } from "../../support/ingest-declaration.ts";
import { failure, readAll, testClock } from "../../support/reading.ts";

const good = (response: ServerResponse) => sendJson(response, { data: [item(1)] });

describe("fault 66: a server that is busy or broken", () => {
  test("with a storm of 429 is waited for as long as it says, and given up after the attempts", async () => {
    const api = await startApi((_, response) => sendJson(response, {}, 429, { "retry-after": "3" }));
    const clock = testClock();
    const error = await failure(readAll(api.url, { options: clock }));
    expect(error).toMatchObject({ code: "429", found: "HTTP 429" });
    expect(error.message).toContain("gave up after 4 attempts");
    expect(clock.slept).toEqual([3, 3, 3]);
  });

  test("with a storm of 429 that says nothing is waited for longer and longer", async () => {
    const api = await startApi((_, response) => sendJson(response, {}, 429));
    const clock = testClock();
    const retry = { attempts: 10, maxDelaySeconds: 20 };
    await failure(readAll(api.url, { rest: { retry }, options: { ...clock, random: () => 1 } }));
    expect(clock.slept).toEqual([0.5, 1, 2, 4, 8, 16, 20, 20, 20]);
  });

  test("is given up when all waits together are too long", async () => {
    const api = await startApi((_, response) => sendJson(response, {}, 429, { "retry-after": "25" }));
    const clock = testClock();
    const error = await failure(
      readAll(api.url, { rest: { retry: { attempts: 100, maxDelaySeconds: 30 } }, options: clock }),
    );
    expect(error.message).toContain("waited 600 s in all");
    expect(clock.slept).toHaveLength(24);
  });

  test.each([500, 502, 503, 504, 408])("with %i is asked again", async (status) => {
    const api = await startApi((_, response, n) => (n < 3 ? sendJson(response, {}, status) : good(response)));
    expect(await readAll(api.url)).toHaveLength(1);
    expect(api.requests).toHaveLength(3);
  });

  test.each([400, 404, 410, 422, 501])("with %i is not asked again", async (status) => {
    const api = await startApi((_, response) => sendJson(response, {}, status));
    expect((await failure(readAll(api.url))).code).toBe(String(status));
    expect(api.requests).toHaveLength(1);
  });

  test("that resets the connection is asked again", async () => {
    const api = await startApi((request, response, n) => (n < 3 ? request.socket.resetAndDestroy() : good(response)));
    expect(await readAll(api.url)).toHaveLength(1);
  });

  test("that sends something that is not HTTP is given up", async () => {
    const server = createServer((socket) => socket.end("SSH-2.0-OpenSSH_9.9\r\n"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    expect((await failure(readAll(`http://127.0.0.1:${port}`))).message).toContain("gave up after 4 attempts");
  });

  test("whose body drips for ever is not waited for", async () => {
    const api = await startApi((_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const drip = setInterval(() => response.write(" "), 20);
      response.on("close", () => clearInterval(drip));
    });
    const rest = { timeoutSeconds: 1, retry: { attempts: 2, maxDelaySeconds: 1 } };
    const error = await failure(readAll(api.url, { rest }));
    expect(error.found).toBe("no full answer within 1 s");
    expect(api.requests).toHaveLength(2);
  });

  test("that cuts a packed answer is asked again", async () => {
    const packed = gzipSync(JSON.stringify({ data: [item(1)] }));
    const api = await startApi((_, response, n) => {
      response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" });
      response.end(n === 1 ? packed.subarray(0, packed.length - 12) : packed);
    });
    expect(await readAll(api.url)).toHaveLength(1);
    expect(api.requests).toHaveLength(2);
  });
});

describe("fault 69: an answer that is not the API's", () => {
  test("such as a login page with 200 is refused at once", async () => {
    const api = await startApi((_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>"));
    expect((await failure(readAll(api.url))).message).toContain("does not answer with JSON");
    expect(api.requests).toHaveLength(1);
  });

  test("such as one without a type is refused", async () => {
    const api = await startApi((_, response) => response.writeHead(200).end('{"data":[]}'));
    expect((await failure(readAll(api.url))).found).toContain("HTTP 200, no content type");
  });

  test.each(["iso-8859-1", "utf-16", '"windows-1252"'])("such as one in %s is refused", async (charset) => {
    const api = await startApi((_, response) =>
      sendJson(response, { data: [] }, 200, { "content-type": `application/json; charset=${charset}` }),
    );
    expect((await failure(readAll(api.url))).message).toContain("answers in another encoding");
  });

  test("such as a bomb of two layers is refused", async () => {
    const bomb = gzipSync(gzipSync(Buffer.alloc(80 * 1024 * 1024)));
    const api = await startApi((_, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip, gzip" }).end(bomb);
    });
    expect((await failure(readAll(api.url))).message).toContain("is too large");
  });

  test.each(["file:///etc/passwd", "gopher://127.0.0.1/", "http://169.254.169.254/", "http://[::1]/", "https://"])(
    "such as a redirect to %s is not followed",
    async (location) => {
      const api = await startApi((_, response) => response.writeHead(302, { location }).end());
      expect((await failure(readAll(api.url))).message).toContain("redirects to another host");
      expect(api.requests).toHaveLength(1);
    },
  );

  test("such as a redirect to an allowed host is followed without the credentials, also on the way back", async () => {
    const seen: unknown[] = [];
    const other = await startApi((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(302, { location: `${api.url}/back` }).end();
    });
    const api = await startApi((request, response) => {
      seen.push(request.headers.authorization);
      if (request.url === "/back") good(response);
      else response.writeHead(302, { location: `${other.url}/elsewhere` }).end();
    });
    expect(await readAll(api.url, { rest: { allowHosts: ["127.0.0.1"] } })).toHaveLength(1);
    expect(seen).toEqual([expect.stringContaining("Bearer"), undefined, undefined]);
  });

  test("such as a redirect to an allowed name in a private network is not followed", async () => {
    const api = await startApi((_, response) => response.writeHead(302, { location: "http://cdn.example.com/" }).end());
    const options = { lookup: async () => [{ address: "192.168.1.1", family: 4 }] };
    const error = await failure(readAll(api.url, { rest: { allowHosts: ["cdn.example.com"] }, options }));
    expect(error).toMatchObject({ expected: "a public address", found: "192.168.1.1" });
    expect(api.requests).toHaveLength(1);
  });
});

describe("a rate limit", () => {
  const date = "Sat, 31 Jan 2026 12:00:00 GMT";
  const second = Date.parse(date) / 1000;

  test.each([
    ["Retry-After", { "retry-after": "7" }],
    ["Retry-After as a date", { "retry-after": "Sat, 31 Jan 2026 12:00:07 GMT" }],
    ["seconds", { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "7" }],
    ["a time", { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(second + 7) }],
    ["a time in milliseconds", { "x-rate-limit-remaining": "0", "x-rate-limit-reset": String(second * 1000 + 7000) }],
    ["a date", { "ratelimit-remaining": "0", "ratelimit-reset": "2026-01-31T12:00:07Z" }],
  ])("that is used up with a good answer is kept to before the next request: %s", async (_, headers) => {
    const api = await startApi((__, response, n) =>
      sendJson(response, { data: [item(n)], next_cursor: n === 1 ? "c" : null }, 200, { date, ...headers }),
    );
    const clock = testClock();
    const waits: string[] = [];
    const onWait = (_seconds: number, reason: string) => void waits.push(reason);
    expect(await readAll(api.url, { options: { ...clock, onWait } })).toHaveLength(2);
    // Not after the last page.
    expect(clock.slept).toEqual([7]);
    expect(waits).toEqual(["the rate limit is used up"]);
  });

  test("of which something is left costs no time", async () => {
    const headers = { "x-ratelimit-remaining": "1", "x-ratelimit-reset": "600" };
    const api = await startApi((_, response, n) =>
      sendJson(response, { data: [], next_cursor: n === 1 ? "c" : null }, 200, headers),
    );
    const clock = testClock();
    await readAll(api.url, { options: clock });
    expect(clock.slept).toEqual([]);
  });

  test.each([429, 403])("that is used up with %i is waited for by its reset", async (status) => {
    const headers = { date, "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(second + 9) };
    const api = await startApi((_, response, n) =>
      n === 1 ? sendJson(response, {}, status, headers) : good(response),
    );
    const clock = testClock();
    expect(await readAll(api.url, { options: clock })).toHaveLength(1);
    expect(clock.slept).toEqual([9]);
  });

  test("that lasts longer than is allowed fails", async () => {
    const headers = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "3600" };
    const api = await startApi((_, response) => sendJson(response, { data: [], next_cursor: "c" }, 200, headers));
    const error = await failure(readAll(api.url, { options: testClock() }));
    expect(error.message).toContain("the server asks to wait 3600 s, more than 30 s");
    expect(error.found).toBe("the rate limit is used up");
  });
});
