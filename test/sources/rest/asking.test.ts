import { describe, expect, test } from "vitest";
import { sendJson, startApi } from "../../support/ingest-api.ts";
import { item } from "../../support/ingest-declaration.ts";
import { bodyOf, failure, readAll, testClock, valuesOf } from "../../support/reading.ts";

const paging = { cursorParam: "pageToken", cursorPath: "next", limitParam: "size", limit: 2, maxPages: 10 };

describe("pages that are asked for by POST", () => {
  test("have what turns them in the body, beside what is asked", async () => {
    const asked: string[] = [];
    const api = await startApi(async (request, response, n) => {
      asked.push(`${request.method} ${request.url} ${request.headers["content-type"]} ${await bodyOf(request)}`);
      sendJson(response, { data: [item(n)], ...(n === 1 ? { next: "0012" } : {}) });
    });
    const body = { query: "select a where day between '{start}' and '{end}'", deep: [{ since: "{since}" }], n: 1 };
    const window = { start: "2026-01-30", days: 7, lookbackDays: 0 };
    const reading = { rest: { paging }, stream: { body, window, params: { key: "k {start}" } }, options: testClock() };
    expect(await valuesOf(readAll(api.url, reading))).toEqual([item(1), item(2)]);
    const sent = { query: "select a where day between '2026-01-30' and '2026-01-31'", deep: [{ since: "" }], n: 1 };
    const place = "POST /items?key=k+2026-01-30 application/json";
    expect(asked).toEqual([
      `${place} ${JSON.stringify({ ...sent, size: 2 })}`,
      `${place} ${JSON.stringify({ ...sent, pageToken: "0012", size: 2 })}`,
    ]);
  });

  test("are asked for again, with the same body, when the API is busy", async () => {
    const bodies: string[] = [];
    const api = await startApi(async (request, response, n) => {
      bodies.push(await bodyOf(request));
      if (n === 1) sendJson(response, {}, 429, { "retry-after": "3" });
      else sendJson(response, { data: [] });
    });
    const clock = testClock();
    await readAll(api.url, { rest: { paging }, stream: { body: { a: 1 } }, options: clock });
    expect(clock.slept).toEqual([3]);
    expect(bodies).toEqual(['{"a":1,"size":2}', '{"a":1,"size":2}']);
  });
});

describe("a window", () => {
  test("may stand in the path, part by part, and is not encoded there", async () => {
    const api = await startApi((_, response) => sendJson(response, { data: [] }));
    const day = (name: string) => `(year:{${name}.year},month:{${name}.month},day:{${name}.day})`;
    const path = `/items?range=(start:${day("start")},end:${day("end")})&of=List(a%3A1)`;
    const window = { start: "2026-01-05", days: 20, lookbackDays: 0 };
    await readAll(api.url, { rest: { paging: undefined }, stream: { path, window }, options: testClock() });
    const range = (start: number, end: number) =>
      `/items?range=(start:(year:2026,month:1,day:${start}),end:(year:2026,month:1,day:${end}))&of=List(a%3A1)`;
    expect(api.requests).toEqual([range(5, 24), range(25, 31)]);
  });
});

describe("an API that tells errors in HTTP 200", () => {
  const status = { path: "meta.code", ok: ["0"], retry: ["40100"] };

  test("is asked again where the code says that it is busy", async () => {
    const api = await startApi((_, response, n) =>
      sendJson(response, n < 3 ? { meta: { code: 40100 }, data: [] } : { meta: { code: 0 }, data: [item(1)] }),
    );
    const waits: string[] = [];
    const options = { ...testClock(), random: () => 1, onWait: (_: number, reason: string) => void waits.push(reason) };
    const reading = { rest: { paging: undefined, status }, options };
    expect(await valuesOf(readAll(api.url, reading))).toEqual([item(1)]);
    expect(waits).toEqual(["meta.code 40100", "meta.code 40100"]);
  });

  test("fails with the answer for any other code, also where a list of records is there", async () => {
    const api = await startApi((_, response) =>
      sendJson(response, { meta: { code: 7, why: "no permission" }, data: [] }),
    );
    const error = await failure(readAll(api.url, { rest: { paging: undefined, status }, options: testClock() }));
    expect(error).toMatchObject({ expected: "meta.code 0", code: "7" });
    expect(error.found).toContain("no permission");
    expect(api.requests).toHaveLength(1);
  });
});

describe("an answer without the list of records", () => {
  test("has none where that is declared, and is an error otherwise", async () => {
    const api = await startApi((_, response) => sendJson(response, { other: 1 }));
    const plain = { rest: { paging: undefined }, options: testClock() };
    expect(await readAll(api.url, { ...plain, stream: { recordsOptional: true } })).toEqual([]);
    expect((await failure(readAll(api.url, plain))).message).toContain('no list of records at "data"');
  });

  test("that has something else in its place is an error all the same", async () => {
    const api = await startApi((_, response) => sendJson(response, { data: { error: "no" } }));
    const reading = { rest: { paging: undefined }, stream: { recordsOptional: true }, options: testClock() };
    expect((await failure(readAll(api.url, reading))).message).toContain('no list of records at "data"');
  });
});
