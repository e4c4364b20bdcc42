import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { RestDeclaration, RestStream } from "../../../src/model/declarations.ts";
import { UserError } from "../../../src/model/errors.ts";
import { readRetryAfter } from "../../../src/sources/http/rate-limit.ts";
import type { SourceRecord } from "../../../src/sources/json/document.ts";
import { type RestOptions, readPages } from "../../../src/sources/rest/rest.ts";
import { feed, sendJson, startApi, unusedUrl } from "../../support/ingest-api.ts";
import { item, restConnector, stream, TOKEN } from "../../support/ingest-declaration.ts";

const many = Array.from({ length: 25 }, (_, n) => item(n));

async function readAll(
  url: string,
  changes: Partial<RestDeclaration> = {},
  options: RestOptions = {},
  streamChanges: Partial<RestStream> = {},
): Promise<SourceRecord[]> {
  const records: SourceRecord[] = [];
  const impatient = { sleep: async () => {}, ...options };
  for await (const page of readPages(restConnector(url, changes), stream(streamChanges), null, impatient)) {
    records.push(...page.records);
  }
  return records;
}

async function failure(promise: Promise<unknown>): Promise<UserError> {
  const error = await promise.then(
    () => expect.fail("nothing was thrown"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UserError);
  expect(JSON.stringify({ ...(error as UserError), message: (error as UserError).message })).not.toContain(TOKEN);
  return error as UserError;
}

describe("paging", () => {
  test("follows the cursor to the last page and knows where each record was", async () => {
    const api = await startApi(feed(() => many));
    const records = await readAll(api.url);
    expect(records.map((record) => record.value)).toEqual(many);
    expect(records[17]!.position).toBe("page 2, record 8");
    expect(api.requests).toEqual(["/items?limit=10", "/items?limit=10&cursor=10", "/items?limit=10&cursor=20"]);
  });

  test("stops when the cursor leads in a circle", async () => {
    const api = await startApi((_, response) => sendJson(response, { data: [item(1)], next_cursor: "same" }));
    const error = await failure(readAll(api.url));
    expect(error.message).toContain("goes in a circle");
    expect(api.requests).toHaveLength(2);
  });

  test("stops when there is no last page", async () => {
    const api = await startApi((_, response, n) => sendJson(response, { data: [], next_cursor: `c${n}` }));
    const paging = { ...restConnector("").paging!, maxPages: 5 };
    expect((await failure(readAll(api.url, { paging }))).message).toContain("more than 5 pages");
  });

  test("notices that the source sent fewer records than it has", async () => {
    const api = await startApi((_, response) => sendJson(response, { data: [item(1)], next_cursor: null, total: 2 }));
    const error = await failure(readAll(api.url));
    expect(error).toMatchObject({ expected: "2 records (total)", found: "1 record" });
  });

  test("says which key holds the records when the declared one does not", async () => {
    const api = await startApi((_, response) => sendJson(response, { data: [] }));
    const error = await failure(readAll(api.url, {}, {}, { records: "dat" }));
    expect(error).toMatchObject({ found: "the keys data", hint: 'did you mean "data"?' });
  });
});

describe("a busy or broken server", () => {
  const once = (number: number, first: (response: import("node:http").ServerResponse) => void) =>
    startApi((_, response, n) => (n <= number ? first(response) : sendJson(response, { data: [item(1)] })));

  test("is given the time it asks for with 429 and Retry-After", async () => {
    const api = await once(1, (response) => sendJson(response, {}, 429, { "retry-after": "7" }));
    const slept: number[] = [];
    await readAll(api.url, {}, { sleep: async (seconds) => void slept.push(seconds) });
    expect(slept).toEqual([7]);
  });

  test("fails when it asks for more time than is allowed", async () => {
    const api = await once(1, (response) => sendJson(response, {}, 429, { "retry-after": "3600" }));
    const error = await failure(readAll(api.url));
    expect(error.message).toContain("asks to wait 3600 s, more than 30 s");
    expect(error.code).toBe("429");
  });

  test("is asked again after growing, random waits when it answers 500", async () => {
    const api = await once(3, (response) => sendJson(response, {}, 500));
    const slept: number[] = [];
    const options = { sleep: async (seconds: number) => void slept.push(seconds), random: () => 0.5 };
    expect(await readAll(api.url, {}, options)).toHaveLength(1);
    expect(slept).toEqual([0.25, 0.5, 1]);
  });

  test("is given up after the allowed number of attempts", async () => {
    const api = await startApi((_, response) => sendJson(response, {}, 503));
    const error = await failure(readAll(api.url));
    expect(error.message).toContain("gave up after 4 attempts");
    expect(error.found).toBe("HTTP 503");
    expect(api.requests).toHaveLength(4);
  });

  test("may cut the connection in the middle of a body", async () => {
    const api = await once(1, (response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
      response.write('{"data": [');
      setImmediate(() => response.destroy());
    });
    expect(await readAll(api.url)).toHaveLength(1);
  });

  test("may send half a JSON text", async () => {
    const api = await once(1, (response) => sendJson(response, '{"data": [{"id": '));
    expect(await readAll(api.url)).toHaveLength(1);
  });

  test("is not waited for when its body never ends", async () => {
    const api = await startApi((_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write("{");
    });
    const retry = { attempts: 1, maxDelaySeconds: 1 };
    const error = await failure(readAll(api.url, { timeoutSeconds: 0.3, retry }));
    expect(error.found).toBe("no full answer within 0.3 s");
  });

  test("that is down is named", async () => {
    const url = await unusedUrl();
    const error = await failure(readAll(url));
    expect(error.message).toContain(`no answer from ${url}/items`);
    expect(error).toMatchObject({ code: "ECONNREFUSED", hint: "start the service, or correct rest.baseUrl" });
  });
});

describe("an answer without a list", () => {
  test("has no records: HTTP 204, null, and a list that is null", async () => {
    for (const body of [undefined, "null", '{"data":null,"next_cursor":null}']) {
      const api = await startApi((_, response) => {
        if (body === undefined) response.writeHead(204).end();
        else response.writeHead(200, { "content-type": "application/json" }).end(body);
      });
      expect(await readAll(api.url)).toEqual([]);
    }
  });

  test("may have it in its records, which give what they have to those inside; pages are counted by theirs", async () => {
    const order = (id: number) => ({ id, lines: [{ sku: `a${id}` }, ...(id === 2 ? [7] : [])] });
    const api = await startApi((request, response) => {
      const offset = Number(new URL(request.url!, "http://x").searchParams.get("offset"));
      sendJson(response, { data: [1, 2, 3].slice(offset, offset + 2).map(order) });
    });
    const paging = { offsetParam: "offset", limitParam: "limit", limit: 2, maxPages: 10 };
    const within = stream({ records: "data[].lines[]", parent: { order_id: "../id" } });
    const found: string[] = [];
    for await (const { records, rejected = [] } of readPages(restConnector(api.url, { paging }), within, null))
      for (const { position, ...one } of [...records, ...rejected])
        found.push(`${position} ${"reason" in one ? one.reason : ""}`);
    expect(found).toEqual([
      "page 1, record 1, lines 1 ",
      "page 1, record 2, lines 1 ",
      "page 1, record 2, lines 2 is not a JSON object",
      "page 2, record 1, lines 1 ",
    ]);
    const records = await readAll(
      api.url,
      { paging },
      {},
      { records: "data[].lines[]", parent: { order_id: "../id" } },
    );
    expect(records.map((record) => record.text())).toEqual([
      '{"order_id":1,"sku":"a1"}',
      '{"order_id":2,"sku":"a2"}',
      '{"order_id":3,"sku":"a3"}',
    ]);
  });
});

describe("an answer that is not the API's", () => {
  test("such as an HTML page is refused with its first characters", async () => {
    const api = await startApi((_, response) => {
      response.writeHead(200, { "content-type": "text/html" }).end("<html>\n<title>Log in</title>");
    });
    const error = await failure(readAll(api.url));
    expect(error.message).toContain("does not answer with JSON");
    expect(error.found).toBe("HTTP 200, text/html: <html> <title>Log in</title>");
    expect(api.requests).toHaveLength(1);
  });

  test("such as an HTML page that calls itself JSON is refused at once, with its first characters", async () => {
    const api = await startApi((_, response) => {
      response.writeHead(200, { "content-type": "application/json" }).end(" <!doctype html><title>Log in</title>");
    });
    expect(await failure(readAll(api.url))).toMatchObject({
      message: `${api.url}/items does not answer with JSON`,
      found: "HTTP 200, application/json: <!doctype html><title>Log in</title>",
    });
    expect(api.requests).toHaveLength(1);
  });

  test("such as a redirect to another host is not followed, and the token does not go there", async () => {
    const other = await startApi((_, response) => sendJson(response, { data: [] }));
    const api = await startApi((_, response) => response.writeHead(302, { location: `${other.url}/login` }).end());
    const error = await failure(readAll(api.url));
    expect(error.message).toContain("redirects to another host");
    expect(other.requests).toEqual([]);
  });

  test("such as a redirect to a file is not followed", async () => {
    const api = await startApi((_, response) => response.writeHead(302, { location: "file:///etc/passwd" }).end());
    expect((await failure(readAll(api.url))).message).toContain("redirects to another host");
  });

  test("such as a redirect within the host is followed, but not for ever", async () => {
    const api = await startApi((request, response) =>
      request.url!.startsWith("/new")
        ? sendJson(response, { data: [item(1)] })
        : response.writeHead(308, { location: "/new" }).end(),
    );
    expect(await readAll(api.url)).toHaveLength(1);
    const loop = await startApi((_, response) => response.writeHead(302, { location: "/again" }).end());
    expect((await failure(readAll(loop.url))).message).toContain("redirects without end");
  });

  test("such as another encoding is refused", async () => {
    const api = await startApi((_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(Buffer.from('{"data": ["Gr\xfc\xdfe"]}', "latin1"));
    });
    expect((await failure(readAll(api.url))).message).toContain("another encoding");
  });

  test("such as a decompression bomb is refused before it fills the memory", async () => {
    const bomb = gzipSync(Buffer.alloc(80 * 1024 * 1024, 32));
    const api = await startApi((_, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" }).end(bomb);
    });
    expect((await failure(readAll(api.url))).message).toContain("too large");
  });

  test("to a wrong token names the variable, and never shows the token even where the server repeats it", async () => {
    const api = await startApi((request, response) => {
      sendJson(response, { error: `bad header ${request.headers.authorization}` }, 401);
    });
    const error = await failure(readAll(api.url));
    expect(error.message).toContain("does not accept the token in SHOP_TOKEN");
    expect(error.found).toContain("<SHOP_TOKEN>");
  });
});

describe("numbers", () => {
  test("keep every digit, also next to strings that look like them", async () => {
    const record =
      '{"id":"12345678901234567890","updated_at":"2026-01-01T00:00:00Z","amount":9007199254740993,' +
      '"price":0.1234567890123456789,"tags":[1e400,"number0:5","\\u006eumber1:\\"6"]}';
    const api = await startApi((_, response) => sendJson(response, `{"data":[${record}]}`));
    const [read] = await readAll(api.url);
    expect(read!.fieldText("amount")).toBe("9007199254740993");
    expect(read!.fieldText("price")).toBe("0.1234567890123456789");
    expect(read!.text()).toBe(record);
  });
});

describe("Retry-After", () => {
  test("is read as seconds or as a date, and ignored as anything else", () => {
    const now = Date.parse("2026-01-01T00:00:00Z");
    expect(readRetryAfter("12", now)).toBe(12);
    expect(readRetryAfter("Thu, 01 Jan 2026 00:00:30 GMT", now)).toBe(30);
    expect(readRetryAfter("Thu, 01 Jan 2025 00:00:30 GMT", now)).toBe(0);
    expect(readRetryAfter("soon", now)).toBeUndefined();
    expect(readRetryAfter(null, now)).toBeUndefined();
  });
});
