import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cli } from "../support/cli.ts";
import { type Headers, type Serving, serving } from "../support/serving.ts";
import { sharedWarehouse, type Warehouse, warehouse } from "../support/warehouse.ts";

const SECRET = "hidden-4711";

const files = {
  "dataform.json": JSON.stringify({ project: "shop", warehouse: "postgres", defaultSchema: "shop" }),
  "definitions/orders.sqlx": `config { type: "table", assertions: { uniqueKey: ["id"], nonNull: ["id"] } }
select n as id, 'order ' || n as word, n % 2 as half, '${SECRET}' || n as hidden from generate_series(1, 20) as n`,
  // More than the buffers between a server and who reads it hold.
  "definitions/long.sqlx": `config { type: "view", assertions: { uniqueKey: ["id"], nonNull: ["id"] } }
select n as id, repeat('x', 2000) as filler from generate_series(1, 8000) as n`,
  "serve/shop.yaml": `title: Shop
endpoints:
  - path: /orders
    title: Orders
    from: shop.orders
    columns: [id, word, half]
    order: [half desc, id]
    limit: 3
    parameters:
      id: { column: id }
      since: { column: id, operator: ">=" }
      some: { column: id, operator: in }
      word: { column: word, operator: starts with }
      has: { column: word, operator: contains }
  - path: /orders/{word}/same
    title: Of a word
    from: shop.orders
    columns: [id]
    parameters: { word: { column: word } }
  - path: /open
    title: For everybody
    from: shop.orders
    columns: [id]
    access: public
  - path: /long
    title: Long
    from: shop.long
    scope: bulk
`,
};

let shop: Warehouse & { end(): Promise<void> };
let server: Serving;
let other: Serving;
const ends: (() => unknown)[] = [];

const keys = async (...args: string[]) => {
  const { exitCode, stdout, stderr } = await cli(shop.project.dir, ["keys", ...args, "--url", shop.database.url]);
  return { exitCode, stdout, stderr };
};
const added = async (...args: string[]) => {
  const { exitCode, stdout, stderr } = await keys("add", ...args, "--json");
  expect(exitCode, stderr).toBe(0);
  return JSON.parse(stdout) as { readonly id: string; readonly key: string };
};
const bearer = (key: string): Headers => ({ authorization: `Bearer ${key}` });
const status = async (path: string, headers?: Headers) => (await server.ask(path, headers)).status;
/** A running server looks once a second. */
const soon = { timeout: 10_000, interval: 100 };
const becomes = (wanted: number, path: string, headers?: Headers) =>
  expect.poll(() => status(path, headers), soon).toBe(wanted);

beforeAll(async () => {
  shop = await sharedWarehouse(files);
  await shop.run();
  await shop.run({ environment: "other", actions: ["orders"] }).catch(() => {});
  server = await serving(shop, (end) => void ends.push(end), ["--no-site", "--streams", "1"]);
});
afterAll(async () => {
  for (const end of ends) await end();
  await shop?.end();
});

test("elsewhere than on this machine nothing starts to which nobody could say who they are", async () => {
  const refused = await cli(shop.project.dir, ["serve", "--host", "0.0.0.0", "--url", shop.database.url]);
  expect([refused.exitCode, refused.stderr]).toEqual([
    2,
    expect.stringContaining("on 0.0.0.0 others reach the server"),
  ]);
  expect(refused.stderr).toContain("`dataform keys add <name> --scope <scope>` makes a key; --public says");
  const alone = await cli(shop.project.dir, ["serve", "--host", "0.0.0.0", "--no-api", "--url", shop.database.url]);
  expect([alone.exitCode, alone.stderr]).toEqual([2, expect.stringContaining("--public shows them")]);
});

test("until a key is made whoever is on this machine may ask, and nobody through a proxy", async () => {
  expect(server.said()).toContain("no key is made: whoever is on this machine may ask");
  expect(await status("orders")).toBe(200);
  const through = await server.ask("orders", { "x-forwarded-for": "203.0.113.9" });
  expect([through.status, through.body]).toEqual([401, expect.stringContaining("came through a proxy")]);
});

test("once a key is made, endpoints that are not public need one with their scope, in either header", async () => {
  const { exitCode, stdout, stderr } = await keys("add", "billing", "--scope", "shop,extra", "--expires", "90d");
  expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^dfk_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$/)]);
  expect(stderr).toMatch(/of billing may ask for shop, extra, until .*; it is not shown again/);
  await becomes(401, "orders");
  expect(server.said()).toContain("endpoints ask who it is: 1 valid key");
  expect(server.said()).toContain("no endpoint asks for scope extra of billing: there are shop, bulk");
  for (const headers of [bearer(stdout), { "x-api-key": stdout }]) expect(await status("orders", headers)).toBe(200);
  expect(await status("open")).toBe(200);
  const lacking = await server.ask("long", bearer(stdout));
  expect([lacking.status, lacking.headers["www-authenticate"], lacking.body]).toEqual([
    403,
    'Bearer realm="dataform", error="insufficient_scope", scope="bulk"',
    expect.stringContaining("this needs scope bulk; the key has shop, extra"),
  ]);
  const none = await server.ask("orders");
  expect([none.status, none.headers["www-authenticate"]]).toEqual([401, 'Bearer realm="dataform"']);
  // A name that is known, and a text that is none.
  for (const wrong of [`${stdout.slice(0, -1)}${stdout.endsWith("A") ? "B" : "A"}`, "x", "__proto__"]) {
    const refused = await server.ask("orders", bearer(wrong));
    expect([refused.status, refused.headers["www-authenticate"]]).toEqual([
      401,
      'Bearer realm="dataform", error="invalid_token"',
    ]);
  }
  const { body: tagged, headers } = await server.ask("orders", bearer(stdout));
  expect(tagged).toContain("order 1");
  // Who may not ask learns nothing of what there is.
  expect(await status("orders", { "if-none-match": headers.etag! })).toBe(401);
  expect(headers.vary).toContain("Authorization, X-API-Key");
});

test("the key itself is nowhere: not in the database, not in the list", async () => {
  const { key, id } = await added("hidden", "--scope", "shop");
  const stored = await shop.rows(`select k::text from _dataform.api_key as k where key_id = '${id}'`);
  const list = await keys("ls", "--json");
  expect(`${stored.join()}${list.stdout}`).not.toContain(key.split("_").slice(2).join("_"));
  expect(JSON.parse(list.stdout)).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ id, name: "hidden", state: "valid", scopes: ["shop"], rate: null, expiresAt: null }),
    ]),
  );
  expect((await keys("ls")).stdout).toMatch(/billing +valid +shop, extra/);
});

test("a name has two keys while it changes them, and the first is revoked by its id", async () => {
  const first = await added("rotating", "--scope", "shop");
  const second = await added("rotating", "--scope", "shop");
  for (const { key } of [first, second]) await becomes(200, "orders", bearer(key));
  const third = await keys("add", "rotating", "--scope", "shop");
  expect([third.exitCode, third.stderr]).toEqual([2, expect.stringContaining(`keys revoke ${first.id}`)]);
  const unclear = await keys("revoke", "rotating");
  expect([unclear.exitCode, unclear.stderr]).toEqual([2, expect.stringContaining("--all revokes both")]);
  expect(await keys("revoke", first.id)).toMatchObject({ exitCode: 0 });
  await becomes(401, "orders", bearer(first.key));
  expect(await status("orders", bearer(second.key))).toBe(200);
  expect(JSON.parse((await keys("revoke", "rotating", "--json")).stdout)).toMatchObject([
    { id: second.id, state: "revoked" },
  ]);
  await becomes(401, "orders", bearer(second.key));
  expect((await keys("revoke", "rotating")).stderr).toContain("rotating has no key that is valid");
  expect((await keys("revoke", "nobody")).stderr).toContain("there is no key nobody");
});

test("a key that has expired, or is of another environment, is none", async () => {
  const valid = await added("valid", "--scope", "shop");
  const expired = await added("short", "--scope", "shop", "--expires", "1ms");
  const elsewhere = await added("there", "--scope", "shop", "--environment", "other");
  await becomes(200, "orders", bearer(valid.key));
  for (const { key } of [expired, elsewhere]) expect(await status("orders", bearer(key))).toBe(401);
  expect((await keys("ls", "--environment", "other")).stdout).toContain("there");
  const unknown = await keys("add", "x", "--scope", "shop", "--environment", "none");
  expect([unknown.exitCode, unknown.stderr]).toEqual([2, expect.stringContaining("there is no environment none")]);
});

test("a key is made before anything has run, as a collector's is, and is good for what then runs", async ({
  onTestFinished,
}) => {
  const fresh = await warehouse(files, onTestFinished, "empty");
  const { stdout } = await cli(fresh.project.dir, [
    "keys",
    "add",
    "early",
    "--scope",
    "shop",
    "--url",
    fresh.database.url,
  ]);
  await fresh.run();
  const early = await serving(fresh, onTestFinished);
  expect((await early.ask("orders", bearer(stdout.trim()))).status).toBe(200);
  expect((await early.ask("orders")).status).toBe(401);
});

test("a key may ask as often as it says, and is told when again", async () => {
  const { key } = await added("often", "--scope", "shop", "--rate", "3/d");
  await becomes(200, "orders", bearer(key));
  const answers = [];
  for (let n = 0; n < 3; n++) answers.push(await server.ask("orders", bearer(key)));
  expect(answers.map((answer) => answer.status)).toEqual([200, 200, 429]);
  const seconds = Number(answers[2]!.headers["retry-after"]);
  expect(seconds).toBeGreaterThan(86_400 / 3 - 600);
  expect(seconds).toBeLessThanOrEqual(86_400 / 3);
});

test.each([
  [["add", "a b", "--scope", "shop"], "letters, digits"],
  [["add", "a"], "--scope"],
  [["add", "a", "--scope", "shop", "--rate", "0/s"], "100/s"],
  [["add", "a", "--scope", "shop", "--rate", "5/w"], "100/s"],
  [["add", "a", "--scope", "shop", "--expires", "90"], "90d"],
  [["add", "a", "--scope", "shop", "--expires", "99999999d"], "36500d"],
])("keys %j is refused", async (args, said) => {
  const { exitCode, stderr } = await keys(...args);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining(said)]);
});

test("a request that has two keys is refused, whichever headers they are in", async () => {
  const { key } = await added("twice", "--scope", "shop");
  await becomes(200, "orders", bearer(key));
  const both: Headers[] = [
    { "x-api-key": [key, "other"] },
    { "x-api-key": ["other", key] },
    { ...bearer(key), "x-api-key": key },
    { authorization: [`Bearer ${key}`, "Bearer other"] },
  ];
  for (const headers of both) expect([headers, await status("orders", headers)]).toEqual([headers, 400]);
  // What is no key of ours a proxy may have put there.
  expect(await status("orders", { authorization: "Basic eDp5", "x-api-key": key })).toBe(200);
});

test("what a key began ends when it is revoked, and its connection is there for the next", async () => {
  const slow = await added("slow", "--scope", "bulk");
  const next = await added("next", "--scope", "bulk");
  await becomes(200, "long?limit=1", bearer(next.key));
  const [response] = (await once(
    get(`${server.url}long.csv`, { headers: bearer(slow.key) as Record<string, string>, agent: false }),
    "response",
  )) as [IncomingMessage];
  expect(response.statusCode).toBe(200);
  // There is one connection for streams, and it is taken: the rows are not read.
  const waiting = server.ask("long.ndjson", bearer(next.key));
  await keys("revoke", "slow");
  expect((await waiting).body.trimEnd().split("\n")).toHaveLength(8_000);
  await expect(
    (async () => {
      for await (const _ of response);
    })(),
  ).rejects.toThrow();
});

test("where a page goes on, every server of the database reads", async () => {
  const { key } = await added("pages", "--scope", "shop");
  await becomes(200, "orders", bearer(key));
  other = await serving(shop, (end) => void ends.push(end), ["--no-site", "--connections", "1", "--queue", "1"]);
  const { next } = (await server.ask("orders", bearer(key))).json<{ next: string }>();
  const second = await other.ask(next, bearer(key));
  expect([second.status, second.json<{ data: object[] }>().data]).toEqual([
    200,
    [7, 9, 11].map((id) => ({ id, word: `order ${id}`, half: 1 })),
  ]);
});

test("of requests for which there is no place to wait, each is told to come again", async () => {
  const { key } = await added("busy", "--scope", "shop");
  await expect.poll(async () => (await other.ask("orders", bearer(key))).status, soon).toBe(200);
  const [name] = await shop.rows(
    "select manifest #>> '{shop.orders,object}' from _dataform.release where environment = 'main'",
  );
  await shop.sql(`begin; lock table _dataform."${name}" in access exclusive mode`);
  const asked = [11, 12, 13, 14].map((id) =>
    other.ask(`orders?since=${id}`, { ...bearer(key), "cache-control": "max-age=0" }),
  );
  const first = await Promise.race(asked);
  expect([first.status, first.headers["retry-after"]]).toEqual([503, "1"]);
  await shop.sql("rollback");
  const all = (await Promise.all(asked)).map((answer) => answer.status);
  expect(all.toSorted()).toEqual([200, 200, 503, 503]);
});

test("no text in any parameter or header is anything but a value, and what is not declared is never answered", async () => {
  const { key } = await added("attacker", "--scope", "shop");
  await becomes(200, "orders", bearer(key));
  const nasty = fc.oneof(
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.constantFrom(
      ...[
        "'; drop table shop.orders; --",
        "1 or 1=1",
        "1) union select hidden from shop.orders --",
        "hidden",
        "$1",
        "\\",
      ],
      ...["{1,2}", "1,2,3", "a\u0000b", "%27", "${hidden}", "1e999", "-1", "9".repeat(40), "../../orders", "__proto__"],
    ),
  );
  const names = fc.constantFrom(
    "id",
    "since",
    "some",
    "word",
    "has",
    "limit",
    "cursor",
    "release",
    "format",
    "numbers",
    "hidden",
    "columns",
  );
  const header = nasty.map((text) => text.replace(/[^\x20-\x7e]/g, "?"));
  await fc.assert(
    fc.asyncProperty(names, nasty, header, header, async (name, value, accept, tag) => {
      const query = `${name}=${encodeURIComponent(value.toWellFormed())}`;
      const headers = {
        ...bearer(key),
        accept: `application/json, ${accept}`,
        "if-none-match": tag,
        "accept-encoding": "identity",
      };
      for (const path of [`orders?${query}`, `orders/${encodeURIComponent(value.toWellFormed())}/same`]) {
        const answer = await server.ask(path, headers);
        expect([200, 304, 400, 404, 410], `${path}: ${answer.body}`).toContain(answer.status);
        expect(answer.body).not.toContain(SECRET);
      }
      expect(
        (await server.ask("orders", { ...headers, authorization: `Bearer ${tag}`, "x-api-key": accept })).status,
      ).not.toBe(500);
    }),
    { numRuns: 40 },
  );
  expect(await shop.rows("select count(*) from shop.orders")).toEqual(["20"]);
  expect(server.said()).not.toContain("Error");
});

test("on another host only who has a key is answered, and no page is shown", async () => {
  const { key } = await added("remote", "--scope", "shop");
  const remote = await serving(shop, (end) => void ends.push(end), ["--host", "0.0.0.0"]);
  expect((await remote.ask("orders")).status).toBe(401);
  expect((await remote.ask("orders", bearer(key))).status).toBe(200);
  expect((await remote.ask("")).status).toBe(404);
  expect(remote.said()).toContain("the pages are not shown: a browser sends no key");
});

test("--public asks for no key", async () => {
  const all = await serving(shop, (end) => void ends.push(end), ["--no-site", "--public"]);
  expect((await all.ask("orders", { "x-forwarded-for": "203.0.113.9" })).status).toBe(200);
  expect(all.said()).toContain("no key is asked for (--public)");
});

test("keys go with their environment when it is renamed or dropped", async () => {
  const env = (...args: string[]) => cli(shop.project.dir, ["env", ...args, "--url", shop.database.url]);
  expect(await env("rename", "other", "third")).toMatchObject({ exitCode: 0 });
  expect((await keys("ls", "--environment", "third")).stdout).toContain("there");
  expect(await env("drop", "third", "--yes")).toMatchObject({ exitCode: 0 });
  expect(await shop.rows("select distinct environment from _dataform.api_key")).toEqual(["main"]);
});
