import { randomUUID } from "node:crypto";
import { connect as connectSocket } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cli } from "../support/cli.ts";
import { type Serving, serving } from "../support/serving.ts";
import { sharedWarehouse, type Warehouse } from "../support/warehouse.ts";

const files = {
  "dataform.json": JSON.stringify({ project: "shop", warehouse: "postgres", defaultSchema: "shop" }),
  "ingest/events.yaml": `version: 1
source: events
collect: { maxEventBytes: 2000, maxRequestBytes: 20000 }
streams:
  - name: page_viewed
    table: page_viewed
    partition: { by: load_date, keepDays: 30 }
    recordSchema:
      type: object
      required: [url]
      properties:
        url: { type: string }
        ms: { type: integer }
        amount: { type: number, postgresType: "numeric(6,2)" }
  - name: page_viewed_2
    table: page_viewed_2
    type: page_viewed
    version: 2
    drift: quarantine
    recordSchema: { type: object, required: [page], properties: { page: { type: string } } }
`,
  "definitions/one.sqlx": 'config { type: "view" }\nselect 1 as id',
  "serve/server.yaml":
    "cors: { origins: [https://shop.example] }\nlimits: { requestTime: 2s, drainTime: 5s }\nmetrics: { access: public }\n",
};

let shop: Warehouse & { end(): Promise<void> };
let server: Serving;
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  shop = await sharedWarehouse(files);
  await shop.run();
  server = await serving(shop, (end) => void ends.push(end), [], ["collect"]);
});
afterAll(async () => {
  for (const end of ends) await end();
  await shop?.end();
});

interface Told {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: readonly { readonly event: string; readonly reason: string }[];
}

const JSON_TYPE = { "content-type": "application/json" };
const post = (body: string | Buffer, headers: Record<string, string> = JSON_TYPE, path = "events") =>
  fetch(`${server.url}${path}`, {
    method: "POST",
    body: typeof body === "string" ? body : new Uint8Array(body),
    headers,
  });
const send = async (events: unknown, headers?: Record<string, string>) => {
  const answer = await post(JSON.stringify(events), headers);
  return [answer.status, (await answer.json()) as Told] as const;
};
const viewed = (data: object, more: object = {}) => ({ id: randomUUID(), type: "page_viewed", data, ...more });
const accepted = (count: number) => [200, { accepted: count, duplicates: 0, rejected: [] }];
const ended = () =>
  expect
    .poll(() => shop.rows("select count(*) from raw._load where status = 'loading'"), {
      timeout: 15_000,
      interval: 200,
    })
    .toEqual(["0"]);

test("an event is in its table, with every digit and what was said around it, once it is answered", async () => {
  const event = `{"id":"e1","type":"page_viewed","time":"2026-11-30T09:00:00.123456Z","sent_at":"${new Date().toISOString()}","data":{"url":"/a","ms":9007199254740993,"amount":1.50,"more":1.00}}`;
  expect((await post(event)).status).toBe(200);
  expect(
    await shop.rows(
      `select url, ms, amount, _extra, _event_id, _write_key, _occurred_at = '2026-11-30T09:00:00.123456Z', _event_at = _occurred_at,
         _received_at - _sent_at < interval '1 minute', _load_date = (now() at time zone 'UTC')::date
       from raw.page_viewed where _event_id = 'e1'`,
    ),
  ).toEqual(['/a|9007199254740993|1.50|{"more": 1.00}|e1||t|t|t|t']);
});

test("one event, a list, a list with what is around it and lines are taken, packed or not", async () => {
  const list = [viewed({ url: "/l1" }), viewed({ url: "/l2" })];
  const lines = [viewed({ url: "/n1" }), viewed({ url: "/n2" })].map((one) => JSON.stringify(one)).join("\n");
  expect(await send(viewed({ url: "/one" }))).toEqual(accepted(1));
  expect(await send(list)).toEqual(accepted(2));
  expect(await send({ sent_at: "2026-11-30T09:00:00Z", events: [viewed({ url: "/w" })] })).toEqual(accepted(1));
  expect(await (await post(lines, { "content-type": "application/x-ndjson" })).json()).toEqual(accepted(2)[1]);
  const packed = gzipSync(JSON.stringify(viewed({ url: "/gz" })));
  expect(await (await post(packed, { ...JSON_TYPE, "content-encoding": "gzip" })).json()).toEqual(accepted(1)[1]);
  expect(await send([])).toEqual(accepted(0));
  expect(await shop.rows(`select url from raw.page_viewed where url ~ '^/(one|l.|w|n.|gz)$' order by url`)).toEqual([
    "/gz",
    "/l1",
    "/l2",
    "/n1",
    "/n2",
    "/one",
    "/w",
  ]);
});

test("a page's beacon needs no header: text, its key in the address or beside its events", async () => {
  const beacon = await post(JSON.stringify({ events: [viewed({ url: "/beacon" })], key: "x" }), {
    "content-type": "text/plain;charset=UTF-8",
    origin: "https://shop.example",
  });
  expect([beacon.status, beacon.headers.get("access-control-allow-origin")]).toEqual([200, "https://shop.example"]);
  expect(beacon.headers.get("access-control-allow-credentials")).toBe("true");
  const asked = await fetch(`${server.url}events`, {
    method: "OPTIONS",
    headers: { origin: "https://shop.example", "access-control-request-method": "POST" },
  });
  expect([asked.status, asked.headers.get("access-control-allow-methods")]).toEqual([204, "POST"]);
});

test("an event that is sent again counts once, in its request and in later ones; with another body it is refused and kept", async () => {
  const event = viewed({ url: "/again" }, { time: "2026-11-30T09:00:00Z" });
  const told = { accepted: 1, duplicates: 1, rejected: [] };
  expect(await send([event, { ...event, sent_at: "2026-11-30T09:00:05Z" }])).toEqual([200, told]);
  expect(await send(event)).toEqual([200, { accepted: 0, duplicates: 1, rejected: [] }]);
  const [, other] = await send({ ...event, data: { url: "/other" } });
  expect(other.rejected).toEqual([
    { event: "event 1", reason: "id: an event of this name came before, and said something else" },
  ]);
  expect(await shop.rows(`select url from raw.page_viewed where _event_id = '${event.id}'`)).toEqual(["/again"]);
  expect(
    await shop.rows(`select record::jsonb ->> 'url' from raw._rejected where record like '%${event.id}%'`),
  ).toEqual(["/other"]);
});

test("many who send the same at once land it once", async () => {
  const event = viewed({ url: "/storm" });
  const told = await Promise.all(Array.from({ length: 30 }, () => send([viewed({ url: "/beside" }), event])));
  const sum = (of: (one: Told) => number) => told.reduce((all, [, one]) => all + of(one), 0);
  expect([sum((one) => one.accepted), sum((one) => one.duplicates)]).toEqual([31, 29]);
  expect(await shop.rows(`select count(*) from raw.page_viewed where url = '/storm'`)).toEqual(["1"]);
});

test("an event that is wrong takes no other along, and is kept with why: by its schema, by the server, by its type", async () => {
  const events = [
    viewed({ url: "/good" }),
    viewed({ ms: 1 }),
    viewed({ url: "/n", amount: 123456.5 }),
    viewed({ url: "/nul\0" }),
    { ...viewed({}), type: "page_vewed" },
    { ...viewed({}), version: 3 },
    { type: "page_viewed" },
    7,
    { ...viewed({ page: "p", user: 1 }), version: 2 },
  ];
  const [status, told] = await send(events);
  expect([status, told.accepted]).toEqual([200, 1]);
  expect(told.rejected).toEqual([
    { event: "event 2", reason: "url: is missing" },
    { event: "event 3", reason: "amount: numeric field overflow" },
    { event: "event 4", reason: "url: has a NUL character, which PostgreSQL cannot store" },
    {
      event: "event 5",
      reason: 'type: "page_vewed" is not declared; there is page_viewed, did you mean "page_viewed"?',
    },
    { event: "event 6", reason: 'version: 3 of "page_viewed" is not declared; there are 1, 2' },
    { event: "event 7", reason: "id: is missing" },
    { event: "event 8", reason: "is not a JSON object" },
    { event: "event 9", reason: "user: the schema does not know this field" },
  ]);
  const { stdout } = await cli(shop.project.dir, ["ingest", "rejects", "--json", "--url", shop.database.url]);
  const kept = JSON.parse(stdout) as { reason: string }[];
  for (const { reason } of told.rejected) expect(kept.map((one) => one.reason)).toContain(reason);
});

test("what was wrong may be sent again when it is right, under its name; a try of before is then no event any more", async () => {
  const id = randomUUID();
  const wrong = { id, type: "page_viewed", data: { ms: 1 } };
  expect((await send(wrong))[1].rejected).toHaveLength(1);
  // the same again is the same reject
  expect((await send(wrong))[1].rejected).toEqual([{ event: "event 1", reason: "url: is missing" }]);
  expect(await shop.rows(`select count(*) from raw._rejected where record like '%${id}%'`)).toEqual(["1"]);
  expect(await send({ ...wrong, data: { url: "/right" } })).toEqual(accepted(1));
  await ended();
  shop.project.write({ "ingest/events.yaml": files["ingest/events.yaml"].replace("required: [url]", "required: []") });
  const replayed = await cli(shop.project.dir, ["ingest", "replay", "events.page_viewed", "--url", shop.database.url]);
  shop.project.write(files);
  expect(replayed.exitCode, replayed.stderr).toBe(0);
  expect(await shop.rows(`select url from raw.page_viewed where _event_id = '${id}'`)).toEqual(["/right"]);
});

test("loads are whole ones: each is seen before its rows, ends after seconds, and its figures are its rows", async () => {
  expect(await send([viewed({ url: "/load" }), viewed({})])).toMatchObject([200, { accepted: 1 }]);
  await ended();
  expect(
    await shop.rows(`
      select l.load_id from raw._load as l
      where l.stream = 'page_viewed' and l.replay_of is null and (
        l.rows <> (select count(*) from raw.page_viewed as r where r._load_id = l.load_id)
        or l.rejected <> (select count(*) from raw._rejected as r where r.load_id = l.load_id)
        or l.finished_at < l.started_at)`),
  ).toEqual([]);
  expect(
    await shop.rows("select count(*) > 0 from raw.page_viewed where _load_id not in (select load_id from raw._load)"),
  ).toEqual(["f"]);
  expect(await shop.rows("select details -> 'reasons' is not null from raw._load where rejected > 0 limit 1")).toEqual([
    "t",
  ]);
});

test("its figures are events by outcome, refusals by why, commits, room and open loads, by source; the records are told by who serves", async () => {
  const figures = async () => {
    const body = await (await fetch(`${server.url}metrics`)).text();
    const lines = body.split("\n").filter((line) => line.startsWith("dataform_"));
    return new Map(lines.map((line) => [line.replace(/ \S+$/, ""), Number(line.split(" ").at(-1))]));
  };
  const source = 'source="events"';
  const counts = async () => {
    const all = await figures();
    const events = ["accepted", "duplicate", "rejected"].map(
      (outcome) => `dataform_events_total{${source},outcome="${outcome}"}`,
    );
    const refused = `dataform_event_requests_refused_total{${source},why="too-large"}`;
    return [...events, refused, `dataform_event_commit_duration_seconds_count{${source},made="yes"}`].map(
      (name) => all.get(name) ?? 0,
    );
  };
  const before = await counts();
  const event = viewed({ url: "/counted" });
  await send([event, event, viewed({})]);
  expect((await post("x".repeat(30_000))).status).toBe(413);
  expect((await counts()).map((count, at) => count - before[at]!)).toEqual([1, 1, 1, 1, 1]);
  const all = await figures();
  expect(all.get(`dataform_event_room_bytes{${source}}`)).toBe(32 * 1024 * 1024);
  expect(all.get(`dataform_event_queue_bytes{${source}}`)).toBe(0);
  expect(all.get(`dataform_event_open_load_seconds{${source}}`)).toBeLessThan(60);
  expect([...all.keys()].filter((name) => /dataform_(record|last_run|stream)/.test(name))).toEqual([]);
});

test("what is too large, in no format that is read or no text is refused with what to do", async () => {
  const status = async (body: string | Buffer, headers?: Record<string, string>) => {
    const answer = await post(body, headers);
    return [answer.status, ((await answer.json()) as { detail?: string }).detail];
  };
  const large = JSON.stringify(viewed({ url: "x".repeat(30_000) }));
  expect((await status(large))[0]).toBe(413);
  expect(await status(gzipSync(large), { ...JSON_TYPE, "content-encoding": "gzip" })).toEqual([
    413,
    "unpacked it is larger than 20000 bytes",
  ]);
  const [, told] = await send([viewed({ url: "x".repeat(3_000) }), viewed({ url: "/small" })]);
  expect([told.accepted, told.rejected]).toEqual([
    1,
    [{ event: "event 1", reason: "is larger than 2000 bytes (maxEventBytes)" }],
  ]);
  expect(await status("{}", { ...JSON_TYPE, "content-encoding": "zstd" })).toEqual([
    415,
    "Content-Encoding zstd is not read; there are gzip, deflate and br",
  ]);
  expect((await status("{}", { ...JSON_TYPE, "content-encoding": "gzip" }))[1]).toBe("the body is not gzip");
  expect((await status("<a/>", { "content-type": "application/xml" }))[0]).toBe(415);
  expect((await status(Buffer.from([0x22, 0xff, 0x22])))[1]).toBe("the body is not UTF-8");
  expect((await post("nonsense")).status).toBe(400);
  const read = await fetch(`${server.url}events`);
  expect([read.status, read.headers.get("allow")]).toEqual([405, "POST"]);
});

test("a body that never ends is not waited for", async () => {
  const { port } = new URL(server.url);
  const socket = connectSocket(Number(port), "127.0.0.1");
  socket.write(
    "POST /events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
  );
  let answer = "";
  for await (const chunk of socket) answer += chunk;
  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
});

test("a source of events is collected and not fetched, and a fetched one not collected", async () => {
  const fetched = await cli(shop.project.dir, ["ingest", "events", "--url", shop.database.url]);
  expect([fetched.exitCode, fetched.stderr]).toEqual([
    2,
    expect.stringContaining("`dataform collect events` takes them"),
  ]);
  const listed = await cli(shop.project.dir, ["ingest", "ls"]);
  expect(listed.stdout).toMatch(/events\.page_viewed_2 +collect +POST \/events page_viewed 2/);
});

test("once a key is made, events need one with their scope, and an event is of the key's name: two keys are one sender", async () => {
  const add = async (name: string, scope = "collect") => {
    const { stdout, stderr } = await cli(shop.project.dir, [
      "keys",
      "add",
      name,
      "--scope",
      scope,
      "--json",
      "--url",
      shop.database.url,
    ]);
    expect(stdout, stderr).not.toBe("");
    return (JSON.parse(stdout) as { key: string }).key;
  };
  const [web, web2, app, none] = [await add("web"), await add("web"), await add("app"), await add("none", "other")];
  const event = viewed({ url: "/keyed" });
  await expect
    .poll(async () => (await send(viewed({ url: "/early" })))[0], { timeout: 10_000, interval: 100 })
    .toBe(401);
  const by = (key: string) => send(event, { ...JSON_TYPE, authorization: `Bearer ${key}` });
  // the last one that was made is known: all are
  await expect.poll(async () => (await by(none))[0], { timeout: 10_000, interval: 100 }).toBe(403);
  expect(await by(web)).toEqual(accepted(1));
  expect((await by(web2))[1].duplicates).toBe(1);
  expect(await by(app)).toEqual(accepted(1));
  const beside = await post(JSON.stringify({ key: web, events: [event] }), { "content-type": "text/plain" });
  expect([beside.status, ((await beside.json()) as Told).duplicates]).toEqual([200, 1]);
  const inAddress = await post(JSON.stringify(event), { "content-type": "text/plain" }, `events?key=${web}`);
  expect(inAddress.status).toBe(200);
  expect((await post(JSON.stringify(event), { "content-type": "text/plain" }, "events?key=dfk_x")).status).toBe(401);
  const rows = await shop.rows(`select _write_key from raw.page_viewed where _event_id = '${event.id}' order by 1`);
  expect(rows).toEqual(["app", "web"]);
});

test("`dataform serve --collect` takes events beside its pages; told to end, it lands what waits first", async () => {
  const both = await serving(shop, (end) => void ends.push(end), ["--collect", "--no-api", "--every", "300ms"]);
  const { key } = JSON.parse(
    (await cli(shop.project.dir, ["keys", "add", "late", "--scope", "collect", "--json", "--url", shop.database.url]))
      .stdout,
  ) as { key: string };
  const by = { "x-api-key": key };
  await expect
    .poll(async () => (await both.post("events", [], by)).status, { timeout: 10_000, interval: 100 })
    .toBe(200);
  expect((await both.ask("/")).status).toBe(200);
  const waiting = both.post("events", viewed({ url: "/waiting" }), by);
  await expect.poll(async () => (await both.ask("/readyz")).status).toBe(200);
  await both.end();
  expect((await waiting).json()).toMatchObject({ accepted: 1 });
  expect(await shop.rows("select count(*) from raw.page_viewed where url = '/waiting'")).toEqual(["1"]);
  await ended();
});
