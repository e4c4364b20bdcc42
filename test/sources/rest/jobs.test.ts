import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { RestStream } from "../../../src/model/declarations.ts";
import { type Handler, sendJson, startApi } from "../../support/ingest-api.ts";
import { item, TOKEN } from "../../support/ingest-declaration.ts";
import { bodyOf, failure, readAll, testClock, valuesOf } from "../../support/reading.ts";

type Job = NonNullable<RestStream["job"]>;

const job: Job = {
  method: "POST",
  body: { report: "orders" },
  idPath: "report.id",
  statusPath: "/reports/{id}",
  statusField: "state",
  done: ["DONE"],
  failed: ["FAILED"],
  resultPath: "/reports/{id}/rows",
  pollSeconds: 5,
  timeoutSeconds: 60,
};
const ID = "12345678901234567890";

/** Takes an order, is not ready for some questions, then has the report. */
function reports({ states = ["QUEUED", "RUNNING", "DONE"], status = {} as object, rows = {} as object } = {}): Handler {
  let asked = 0;
  return (request, response) => {
    const { pathname } = new URL(request.url!, "http://x");
    if (pathname === "/items") sendJson(response, `{"report": {"id": ${ID}}}`, 202);
    else if (pathname === `/reports/${ID}`)
      sendJson(response, { state: states[Math.min(asked++, states.length - 1)], ...status });
    else if (pathname === `/reports/${ID}/rows`) sendJson(response, { data: [item(1), item(2)], ...rows });
    else sendJson(response, {}, 404);
  };
}

describe("a report", () => {
  test("is ordered, waited for and fetched", async () => {
    const orders: unknown[] = [];
    const answer = reports();
    const api = await startApi(async (request, response, n) => {
      if (n === 1) orders.push(request.method, request.headers["content-type"], await bodyOf(request));
      answer(request, response, n);
    });
    const clock = testClock();
    const waits: string[] = [];
    const onWait = (_seconds: number, reason: string) => void waits.push(reason);
    const reading = { rest: { paging: undefined }, stream: { job, params: { shop: "7" } } };
    expect(await valuesOf(readAll(api.url, { ...reading, options: { ...clock, onWait } }))).toEqual([item(1), item(2)]);
    expect(orders).toEqual(["POST", "application/json", '{"report":"orders"}']);
    const status = `/reports/${ID}`;
    expect(api.requests).toEqual(["/items?shop=7", status, status, status, `${status}/rows`]);
    expect(clock.slept).toEqual([5, 5]);
    expect(waits).toEqual(["the report is QUEUED", "the report is RUNNING"]);
  });

  test("is fetched page by page", async () => {
    const answer = reports();
    const api = await startApi((request, response, n) => {
      const query = new URL(request.url!, "http://x").searchParams;
      const next_cursor = request.url!.includes("/rows") && !query.has("cursor") ? "second" : null;
      if (request.url!.includes("/rows")) sendJson(response, { data: [item(n)], next_cursor });
      else answer(request, response, n);
    });
    const records = await readAll(api.url, { stream: { job }, options: testClock() });
    expect(records.map(({ position }) => position)).toEqual(["page 1, record 1", "page 2, record 1"]);
    expect(api.requests.at(-1)).toBe(`/reports/${ID}/rows?limit=10&cursor=second`);
  });

  test("is ordered for each window, whose days may stand in the order", async () => {
    const bodies: string[] = [];
    const answer = reports({ states: ["DONE"] });
    const api = await startApi(async (request, response, n) => {
      if (request.method === "POST") bodies.push(`${request.url} ${await bodyOf(request)}`);
      answer(request, response, n);
    });
    const window = { startParam: "from", endParam: "to", start: "2026-01-29", days: 2, lookbackDays: 0 };
    const body = { range: [{ from: "{start}", to: "{end}" }], since: "{since}", keep: ["{other}", 1, null] };
    const stream = { job: { ...job, body }, window, cursor: { field: "updated_at" } };
    const since = "2026-01-30T10:00:00Z";
    await readAll(api.url, { rest: { paging: undefined }, stream, since, options: testClock() });
    const filled = { range: [{ from: "2026-01-30", to: "2026-01-31" }], since, keep: ["{other}", 1, null] };
    expect(bodies).toEqual([`/items?from=2026-01-30&to=2026-01-31 ${JSON.stringify(filled)}`]);
  });

  test("that is ordered by GET has no body", async () => {
    const api = await startApi(reports({ states: ["DONE"] }));
    const stream = { job: { ...job, method: "GET" as const } };
    expect(await readAll(api.url, { rest: { paging: undefined }, stream, options: testClock() })).toHaveLength(2);
  });

  test("that fails is shown with what its status says, without the token", async () => {
    const api = await startApi(reports({ states: ["RUNNING", "FAILED"], status: { why: `too many rows ${TOKEN}` } }));
    const error = await failure(readAll(api.url, { stream: { job }, options: testClock() }));
    expect(error.message).toBe(`the report of ${api.url}/reports/${ID} failed`);
    expect(error.found).toBe('{"state":"FAILED","why":"too many rows <SHOP_TOKEN>"}');
  });

  test("that is never ready is given up", async () => {
    for (const states of [["RUNNING"], [undefined as unknown as string]]) {
      const api = await startApi(reports({ states }));
      const clock = testClock();
      const error = await failure(readAll(api.url, { stream: { job }, options: clock }));
      expect(error.message).toContain("was not ready within 60 s");
      expect(clock.slept).toHaveLength(12);
    }
  });

  test("whose order gives no id is refused with the answer", async () => {
    const api = await startApi((_, response) => sendJson(response, { error: "no such report" }));
    const error = await failure(readAll(api.url, { stream: { job }, options: testClock() }));
    expect(error).toMatchObject({ expected: 'an id at "report.id"', found: '{"error":"no such report"}' });
  });

  test("whose id has slashes stays below its path", async () => {
    const api = await startApi((_, response, n) =>
      sendJson(response, n === 1 ? { report: { id: "../../admin?x=1" } } : { state: "FAILED" }),
    );
    await failure(readAll(api.url, { stream: { job }, options: testClock() }));
    expect(api.requests[1]).toBe("/reports/..%2F..%2Fadmin%3Fx%3D1");
  });

  test("fault 66: whose status is not to be had for a while is waited for", async () => {
    const answer = reports({ states: ["RUNNING", "DONE"] });
    const api = await startApi((request, response, n) =>
      n === 2 || n === 4 ? sendJson(response, {}, 502) : answer(request, response, n),
    );
    const records = await readAll(api.url, { rest: { paging: undefined }, stream: { job }, options: testClock() });
    expect(records).toHaveLength(2);
  });
});

describe("a file of a report", () => {
  const { resultPath: _, ...others } = job;
  const fileJob: Job = { ...others, resultUrlField: "files.url" };
  const rows = JSON.stringify({ data: [item(1), item(2)] });
  const reading = { stream: { job: fileJob }, options: testClock() };

  /** An API whose report is at the URL. */
  const pointing = (url: string) => startApi(reports({ states: ["DONE"], status: { files: { url } } }));

  test("of the API itself is fetched with the credentials, and without paging parameters", async () => {
    const seen: unknown[] = [];
    const answer = reports({ states: ["DONE"], status: { files: { url: "/files/1?sig=a%2Bb" } } });
    const api = await startApi((request, response, n) => {
      if (!request.url!.startsWith("/files")) return answer(request, response, n);
      seen.push(request.headers.authorization);
      return sendJson(response, rows);
    });
    expect(await readAll(api.url, reading)).toHaveLength(2);
    expect(seen).toEqual([`Bearer ${TOKEN}`]);
    expect(api.requests.at(-1)).toBe("/files/1?sig=a%2Bb");
  });

  test.each([
    ["as JSON", "application/json", Buffer.from(rows)],
    ["as it is stored", "binary/octet-stream", Buffer.from(rows)],
    ["packed", "application/x-gzip", gzipSync(rows)],
  ])("at an allowed host is fetched without the credentials, %s", async (_, type, content) => {
    const seen: unknown[] = [];
    const store = await startApi((request, response) => {
      seen.push(request.headers.authorization, request.headers["x-tenant"], request.url);
      response.writeHead(200, { "content-type": type }).end(content);
    });
    const api = await pointing(`${store.url}/file?sig=1`);
    const rest = { allowHosts: ["127.0.0.1"], headers: { "X-Tenant": "7" } };
    expect(await valuesOf(readAll(api.url, { ...reading, rest }))).toEqual([item(1), item(2)]);
    expect(seen).toEqual([undefined, undefined, "/file?sig=1"]);
  });

  test("fault 46: that unpacks to more than 64 MB is refused", async () => {
    const store = await startApi((_, response) => {
      const bomb = gzipSync(Buffer.alloc(80 * 1024 * 1024, 32));
      response.writeHead(200, { "content-type": "application/gzip" }).end(bomb);
    });
    const api = await pointing(store.url);
    const error = await failure(readAll(api.url, { ...reading, rest: { allowHosts: ["127.0.0.1"] } }));
    expect(error.message).toContain("is too large");
  });

  test("that is cut is asked for again", async () => {
    const packed = gzipSync(rows);
    const store = await startApi((_, response, n) => {
      const content = n === 1 ? packed.subarray(0, packed.length - 4) : packed;
      response.writeHead(200, { "content-type": "application/gzip" }).end(content);
    });
    const api = await pointing(store.url);
    expect(await readAll(api.url, { ...reading, rest: { allowHosts: ["127.0.0.1"] } })).toHaveLength(2);
  });

  test("that is a web page is refused", async () => {
    const store = await startApi((_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<p>"));
    const api = await pointing(store.url);
    const error = await failure(readAll(api.url, { ...reading, rest: { allowHosts: ["127.0.0.1"] } }));
    expect(error.message).toContain("does not answer with JSON");
  });

  test.each([
    "http://127.0.0.1:9/file",
    "http://localhost:9/file",
    "http://169.254.169.254/latest/meta-data",
    "http://[::1]/file",
    "http://[::ffff:10.0.0.1]/file",
    "http://0x7f000001/file",
    "file:///etc/passwd",
  ])("fault 71: at %s is refused", async (url) => {
    const api = await pointing(url);
    expect((await failure(readAll(api.url, reading))).message).toContain("which is not allowed");
  });

  test.each([["10.1.2.3"], ["127.0.0.1"], ["fd00::1"]])(
    "fault 71: at a name with the address %s is refused",
    async (address) => {
      const api = await pointing("http://store.example.com/file");
      const lookup = async () => [
        { address: "203.0.114.1", family: 4 },
        { address, family: address.includes(":") ? 6 : 4 },
      ];
      const error = await failure(readAll(api.url, { ...reading, options: { ...testClock(), lookup } }));
      expect(error.found).toBe(address);
    },
  );

  test("at a name with a public address is connected to", async () => {
    const api = await pointing("http://store.example.com/file");
    const asked: string[] = [];
    const lookup = async (name: string) => {
      asked.push(name);
      throw Object.assign(new Error("no such name"), { code: "ENOTFOUND" });
    };
    const error = await failure(readAll(api.url, { ...reading, options: { ...testClock(), lookup } }));
    expect(error.code).toBe("ENOTFOUND");
    expect(new Set(asked)).toEqual(new Set(["store.example.com"]));
  });

  test("that the status answer does not name is refused", async () => {
    const api = await startApi(reports({ states: ["DONE"] }));
    const error = await failure(readAll(api.url, reading));
    expect(error.message).toContain("is ready and nothing says where");
  });
});
