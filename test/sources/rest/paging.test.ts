import { describe, expect, test } from "vitest";
import type { PagingDeclaration } from "../../../src/model/declarations.ts";
import { readPages } from "../../../src/sources/rest/rest.ts";
import { type Handler, sendJson, startApi } from "../../support/ingest-api.ts";
import { item, restConnector, stream } from "../../support/ingest-declaration.ts";
import { failure, readAll, testClock, valuesOf } from "../../support/reading.ts";

const many = Array.from({ length: 25 }, (_, n) => item(n));
const byPage: PagingDeclaration = { pageParam: "page", limitParam: "limit", limit: 10, maxPages: 100 };
const byOffset: PagingDeclaration = { offsetParam: "offset", limitParam: "limit", limit: 10, maxPages: 100 };
const byLink: PagingDeclaration = { nextLink: "links.next", maxPages: 100 };

/** Serves a list by page or by offset; gives at most `cap` records a page. */
function list(records: readonly object[], { cap = 100, firstPage = 1, total = false } = {}): Handler {
  return (request, response) => {
    const query = new URL(request.url!, "http://x").searchParams;
    const limit = Math.min(Number(query.get("limit") ?? cap), cap);
    const offset = Number(query.get("offset") ?? (Number(query.get("page") ?? firstPage) - firstPage) * limit);
    const data = records.slice(offset, offset + limit);
    sendJson(response, total ? { data, meta: { count: records.length } } : { data });
  };
}

describe("pages that are counted", () => {
  test("are read until one is shorter than the limit", async () => {
    const api = await startApi(list(many));
    expect(await valuesOf(readAll(api.url, { rest: { paging: byPage } }))).toEqual(many);
    expect(api.requests).toEqual(["/items?limit=10&page=1", "/items?limit=10&page=2", "/items?limit=10&page=3"]);
  });

  test("are read until one is empty", async () => {
    const api = await startApi(list(many.slice(0, 20), { firstPage: 0 }));
    const paging = { ...byPage, firstPage: 0 };
    expect(await valuesOf(readAll(api.url, { rest: { paging } }))).toEqual(many.slice(0, 20));
    expect(api.requests.at(-1)).toBe("/items?limit=10&page=2");
    expect(api.requests).toHaveLength(3);
  });

  test("that have a record of the page before are told: it moved while they were turned", async () => {
    const pages = [
      [
        { id: 3, n: 1 },
        { id: 2, n: 1 },
      ],
      [
        { id: 2, n: 5 },
        { id: 1, n: 1 },
      ],
      [{ id: 0, n: 1 }],
    ];
    const api = await startApi((_, response, n) => sendJson(response, { data: pages[n - 1] ?? [] }));
    const told: string[] = [];
    const paging = { ...byPage, limit: 2 };
    const options = { onWarning: (text: string) => told.push(text), sleep: async () => {} };
    for await (const _ of readPages(restConnector(api.url, { paging }), stream({}), null, options)) void _;
    expect(told).toEqual([expect.stringMatching(/page 2, record 1 was on the page before, too: records moved/)]);
    const days = await startApi((_, response, n) =>
      sendJson(response, {
        data:
          n < 3
            ? [
                { id: 1, n },
                { id: 1, n: -n },
              ]
            : [],
      }),
    );
    for await (const _ of readPages(restConnector(days.url, { paging }), stream({}), null, options)) void _;
    expect(told).toHaveLength(1);
  });

  test("are read to the number of all records and no further", async () => {
    const api = await startApi(list(many.slice(0, 20), { total: true }));
    const paging = { ...byPage, totalPath: "meta.count" };
    expect(await readAll(api.url, { rest: { paging } })).toHaveLength(20);
    expect(api.requests).toHaveLength(2);
  });

  test("are all read when the API gives fewer records a page than it is asked for", async () => {
    for (const paging of [byPage, byOffset]) {
      const api = await startApi(list(many, { cap: 4 }));
      expect(await valuesOf(readAll(api.url, { rest: { paging } }))).toEqual(many);
    }
  });

  test.each([400, 404])("end when the API answers %i for the page after a short first one", async (status) => {
    const api = await startApi((request, response, n) =>
      n === 1 ? list(many.slice(0, 3))(request, response, n) : sendJson(response, { error: "no such page" }, status),
    );
    expect(await readAll(api.url, { rest: { paging: byPage } })).toHaveLength(3);
  });

  test("end when the API serves a short first page for every number", async () => {
    const api = await startApi((_, response) => sendJson(response, { data: many.slice(0, 3) }));
    expect(await readAll(api.url, { rest: { paging: byPage } })).toHaveLength(3);
    expect(api.requests).toHaveLength(2);
  });

  test("fail when a page after a full one is refused", async () => {
    const api = await startApi((request, response, n) =>
      n === 1 ? list(many)(request, response, n) : sendJson(response, {}, 404),
    );
    expect((await failure(readAll(api.url, { rest: { paging: byPage } }))).code).toBe("404");
  });

  test.each([byPage, byOffset])(
    "fault 67: that are all the same, since the API ignores the parameter, are a circle",
    async (paging) => {
      const api = await startApi((_, response) => sendJson(response, { data: many.slice(0, 10) }));
      const error = await failure(readAll(api.url, { rest: { paging } }));
      expect(error.message).toContain("goes in a circle");
      expect(error.found).toBe("page 2 has the records of the page before");
      expect(api.requests).toHaveLength(2);
    },
  );

  test("fault 67: without end are refused", async () => {
    const api = await startApi((_, response, n) => {
      const data = Array.from({ length: 10 }, (__, index) => item(n * 10 + index));
      sendJson(response, { data });
    });
    const error = await failure(readAll(api.url, { rest: { paging: { ...byOffset, maxPages: 5 } } }));
    expect(error.message).toContain("more than 5 pages");
    expect(api.requests).toHaveLength(5);
  });

  test("fault 67: that shift, because a record goes away while they are read, are noticed by the total", async () => {
    const api = await startApi((request, response, n) =>
      list(n === 1 ? many : many.slice(1), { total: true })(request, response, n),
    );
    const paging = { ...byOffset, totalPath: "meta.count" };
    const error = await failure(readAll(api.url, { rest: { paging } }));
    expect(error).toMatchObject({ expected: "25 records (meta.count)", found: "24 records" });
  });
});

describe("offsets", () => {
  test("count the records that came", async () => {
    const api = await startApi(list(many));
    expect(await valuesOf(readAll(api.url, { rest: { paging: byOffset } }))).toEqual(many);
    const offsets = api.requests.map((url) => new URL(url, "http://x").searchParams.get("offset"));
    expect(offsets).toEqual(["0", "10", "20"]);
  });
});

describe("cursors", () => {
  test("keep every digit of a number", async () => {
    const api = await startApi((_, response, n) =>
      sendJson(
        response,
        `{"data":[${JSON.stringify(item(n))}],"next_cursor":${n === 1 ? "12345678901234567890" : null}}`,
      ),
    );
    expect(await readAll(api.url)).toHaveLength(2);
    expect(api.requests[1]).toContain("cursor=12345678901234567890");
  });

  test("may serve a page twice: the loader knows the records", async () => {
    const api = await startApi((_, response, n) =>
      sendJson(response, { data: [item(1)], next_cursor: n < 3 ? `c${n}` : null }),
    );
    expect(await readAll(api.url)).toHaveLength(3);
  });

  test("that are no text are refused", async () => {
    const api = await startApi((_, response) => sendJson(response, { data: [], next_cursor: { id: 1 } }));
    expect((await failure(readAll(api.url))).message).toBe('the answer has no text at "next_cursor"');
  });
});

describe("next links", () => {
  test("in the answer are followed, relative ones too", async () => {
    const api = await startApi((request, response, n) => {
      const next = n === 1 ? "?after=10" : n === 2 ? `http://${request.headers.host}/items?after=20` : null;
      sendJson(response, { data: many.slice((n - 1) * 10, n * 10), links: { next } });
    });
    expect(await valuesOf(readAll(api.url, { rest: { paging: byLink } }))).toEqual(many);
    expect(api.requests).toEqual(["/items", "/items?after=10", "/items?after=20"]);
  });

  test("in the Link header are followed", async () => {
    const api = await startApi((_, response, n) => {
      const others = '</items?p=0>; rel="prev first", </items?p=9,9>; title="a, b"; rel=last';
      const link = n < 3 ? `${others}, </items?p=${n + 1}>; title="next; one"; REL="start next"` : others;
      sendJson(response, { data: [item(n)] }, 200, { link });
    });
    const paging = { nextLink: "link", maxPages: 10 };
    expect(await readAll(api.url, { rest: { paging } })).toHaveLength(3);
    expect(api.requests).toEqual(["/items", "/items?p=2", "/items?p=3"]);
  });

  test("may stand under a name with a dot, and the same as a path is refused: it would end with the first page", async () => {
    const api = await startApi((_, response, n) =>
      sendJson(response, { "odata.items": [item(n)], ...(n % 2 ? { "@odata.nextLink": "/items?p=2" } : {}) }),
    );
    const read = (nextLink: string, records: string) =>
      readAll(api.url, { rest: { paging: { nextLink, maxPages: 10 } }, stream: { records } });
    expect(await read("@odata\\.nextLink", "odata\\.items")).toHaveLength(2);
    const hint = (path: string) => `a dot in a name is written \\.: '${path}'`;
    expect(await failure(read("@odata.nextLink", "odata\\.items"))).toMatchObject({
      message: 'the answer has "@odata.nextLink" as one name, and not as a path',
      hint: hint("@odata\\.nextLink"),
    });
    expect((await failure(read("link", "odata.items"))).hint).toBe(hint("odata\\.items"));
  });

  test("fault 67: that lead back are a circle, and their query is not shown", async () => {
    const api = await startApi((_, response, n) =>
      sendJson(response, { data: [item(n)], links: { next: `/items?token=hidden&p=${n % 2}` } }),
    );
    const error = await failure(readAll(api.url, { rest: { paging: byLink } }), ["hidden"]);
    expect(error.message).toContain("goes in a circle");
    expect(api.requests).toHaveLength(3);
  });

  test("fault 67: that lead to the first page are a circle", async () => {
    const api = await startApi((_, response) => sendJson(response, { data: [item(1)], links: { next: "/items" } }));
    expect((await failure(readAll(api.url, { rest: { paging: byLink } }))).message).toContain("goes in a circle");
    expect(api.requests).toHaveLength(1);
  });

  test("fault 71: to another host are refused", async () => {
    const other = await startApi((_, response) => sendJson(response, { data: [] }));
    for (const next of [`${other.url}/items`, "http://169.254.169.254/latest/meta-data", "file:///etc/passwd"]) {
      const api = await startApi((_, response) => sendJson(response, { data: [item(1)], links: { next } }));
      const error = await failure(readAll(api.url, { rest: { paging: byLink } }));
      expect(error.message).toContain("which is not allowed");
    }
    expect(other.requests).toEqual([]);
  });

  test("to an allowed host are followed without the credentials", async () => {
    const seen: unknown[] = [];
    const other = await startApi((request, response) => {
      seen.push(request.headers.authorization, request.headers["x-tenant"]);
      sendJson(response, { data: [item(2)], links: {} });
    });
    const api = await startApi((request, response) => {
      seen.push(request.headers.authorization, request.headers["x-tenant"]);
      sendJson(response, { data: [item(1)], links: { next: `${other.url}/more` } });
    });
    const rest = { paging: byLink, headers: { "X-Tenant": "7" }, allowHosts: ["127.0.0.1"] };
    expect(await readAll(api.url, { rest })).toHaveLength(2);
    expect(seen).toEqual([expect.stringContaining("Bearer"), "7", undefined, undefined]);
  });

  test("fault 71: to an allowed name with a private address are refused, whatever DNS said before", async () => {
    const api = await startApi((_, response) =>
      sendJson(response, { data: [item(1)], links: { next: "http://cdn.example.com/more" } }),
    );
    const rest = { paging: byLink, allowHosts: ["cdn.example.com"] };
    const lookup = async () => [{ address: "10.0.0.7", family: 4 }];
    const error = await failure(readAll(api.url, { rest, options: { lookup } }));
    expect(error).toMatchObject({ expected: "a public address", found: "10.0.0.7" });
  });
});

describe("windows", () => {
  const window = { startParam: "from", endParam: "to", start: "2026-01-01", days: 10, lookbackDays: 3 };
  const ranges = (requests: readonly string[]) =>
    requests.map((url) => {
      const query = new URL(url, "http://x").searchParams;
      return `${query.get("from")}..${query.get("to")}`;
    });
  const rest = { paging: undefined };
  const cursor = { field: "updated_at" };

  test("go from the start to today, each day in one of them", async () => {
    const api = await startApi((_, response, n) => sendJson(response, { data: [item(n)] }));
    const records = await readAll(api.url, { rest, stream: { window, cursor }, options: testClock() });
    expect(ranges(api.requests)).toEqual([
      "2026-01-01..2026-01-10",
      "2026-01-11..2026-01-20",
      "2026-01-21..2026-01-30",
      "2026-01-31..2026-01-31",
    ]);
    expect(records.map(({ position }) => position)).toEqual([1, 2, 3, 4].map((n) => `page ${n}, record 1`));
  });

  test.each([
    ["2026-01-28T23:30:00Z", "2026-01-25..2026-01-31"],
    ["2026-01-28", "2026-01-25..2026-01-31"],
    ["2026-01-28T23:30:00-02:00", "2026-01-26..2026-01-31"],
    ["2026-01-28 23:30:00.5-02", "2026-01-26..2026-01-31"],
    [String(Date.parse("2026-01-28T23:30:00Z")), "2026-01-25..2026-01-31"],
    [String(Date.parse("2026-01-28T23:30:00Z") / 1000), "2026-01-25..2026-01-31"],
    ["2026-01-02", "2026-01-01..2026-01-10"],
    ["2027-07-01", "2026-01-31..2026-01-31"],
  ])("begin again some days before the cursor: %s", async (since, first) => {
    const api = await startApi((_, response) => sendJson(response, { data: [] }));
    await readAll(api.url, { rest, since, stream: { window, cursor }, options: testClock() });
    expect(ranges(api.requests)[0]).toBe(first);
    expect(ranges(api.requests).at(-1)).toMatch(/\.\.2026-01-31$/);
  });

  test("are each paged to the end", async () => {
    const api = await startApi((request, response) => {
      const query = new URL(request.url!, "http://x").searchParams;
      const next_cursor = query.has("cursor") ? null : "more";
      sendJson(response, { data: [item(1)], next_cursor });
    });
    const records = await readAll(api.url, { since: "2026-01-20", stream: { window, cursor }, options: testClock() });
    expect(records).toHaveLength(4);
    expect(records.at(-1)!.position).toBe("page 4, record 1");
  });

  test("cannot begin at a cursor that is no date", async () => {
    for (const since of ["item-7", "2026-13-45", "12"]) {
      const error = await failure(readAll("http://127.0.0.1:1", { since, stream: { window, cursor } }));
      expect(error.message).toContain("is no date to begin a window at");
    }
  });
});
