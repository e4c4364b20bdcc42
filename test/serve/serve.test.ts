import { connect } from "node:net";
import { buffer } from "node:stream/consumers";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { Ajv } from "ajv";
import formats from "ajv-formats";
import { parquetReadObjects } from "hyparquet";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { cli } from "../support/cli.ts";
import { type Serving, serving } from "../support/serving.ts";
import { sharedWarehouse, type Warehouse, warehouse } from "../support/warehouse.ts";

// The values are as long as programs lose, or as texts must not be taken for anything else.
const orders = (more: string) => `config {
  type: "table",
  columns: { order_id: "Names an order.", customer: "Who ordered." },
  assertions: { uniqueKey: ["order_id"], nonNull: ["order_id", "customer"] }
}
select
  9007199254740993 + n as order_id,
  n % 3 as customer,
  case when n % 5 > 0 then date '2026-01-01' + n % 4 end as day,
  (n * 1.10)::numeric(20, 2) as amount,
  case n % 4 when 0 then 'a "quoted", text' when 1 then '=1+1' when 2 then e'two\\nlines' end as note,
  timestamptz '2026-01-01 00:00:00.123456+02' as at,
  array[1.10, n] as parts,
  n % 2 = 0 as is_even,
  jsonb_build_object('n', n) as more
from generate_series(1, 50) as n ${more}`;

const files = {
  "dataform.json": JSON.stringify({
    project: "shop",
    warehouse: "postgres",
    defaultSchema: "shop",
    retention: { releases: 2, releasesFor: "0s" },
  }),
  "definitions/orders.sqlx": orders(""),
  "definitions/states.sqlx": `config {
  type: "incremental", uniqueKey: ["id"], assertions: { nonNull: ["id"] }
}
select id, (select count(*) from \${ref("states_seen")}) as round from generate_series(1, 4) as id`,
  "definitions/states_seen.sqlx": 'config { type: "declaration", schema: "raw", name: "states_seen" }',
  "definitions/outside.sqlx": `config { type: "operations", hasOutput: true }
create table if not exists \${self()} (id int primary key, word text);
---
insert into \${self()} values (1, 'one'), (2, 'two') on conflict do nothing`,
  "serve/shop.yaml": `title: Shop
endpoints:
  - path: /orders
    title: Orders
    from: shop.orders
    order: [day desc, customer, order_id desc]
    limit: 7
    most: 20
    parameters:
      customer: { column: customer }
      from: { column: day, operator: ">=" }
      note: { column: note, operator: starts with }
      has: { column: note, operator: contains }
      numbers_of: { column: order_id, operator: in }
      state: { column: note, schema: { enum: [paid, sent] } }
  - path: /customers/{customer}/orders
    title: Orders of a customer
    from: shop.orders
    where: amount > 5
    columns: [order_id, amount]
    parameters: { customer: { column: customer, schema: { type: integer, maximum: 99 } } }
  - path: /states
    title: States
    from: shop.states
    limit: 2
  - path: /outside
    title: In no release
    from: shop.outside
    order: [id]
    limit: 1
    cache: 1000s
`,
};

const ajv = new Ajv({ strict: false });
formats.default(ajv);

interface OpenApi {
  readonly paths: Readonly<
    Record<
      string,
      {
        readonly get: {
          readonly parameters: readonly { readonly name: string }[];
          readonly responses: {
            readonly 200: {
              readonly content: {
                readonly "application/json": {
                  readonly schema: { readonly properties: Readonly<Record<string, unknown>> };
                };
              };
            };
          };
        };
      }
    >
  >;
  readonly components: {
    readonly responses: {
      readonly Problem: { readonly content: Readonly<Record<"application/problem+json", { readonly schema: object }>> };
    };
  };
}

interface Body {
  readonly data: readonly Readonly<Record<string, unknown>>[];
  readonly release: number | null;
  readonly truncated: boolean;
  readonly next: string | null;
}

let shop: Warehouse & { end(): Promise<void> };
let server: Serving;

beforeAll(async () => {
  shop = await sharedWarehouse(files);
  await shop.sql("create schema raw; create table raw.states_seen (round int); insert into raw.states_seen values (1)");
  await shop.run();
  server = await serving(shop, () => {});
});
afterAll(async () => {
  await server?.end();
  await shop?.end();
});

async function walk(path: string) {
  const rows: Body["data"][number][] = [];
  const releases = new Set<number | null>();
  for (let next: string | null = path; next; ) {
    const answer = await server.ask(next);
    expect(answer.status, answer.body).toBe(200);
    const body = answer.json<Body>();
    expect(answer.headers.link).toBe(body.truncated ? `<${body.next}>; rel="next"` : undefined);
    expect(answer.headers["dataform-release"]).toBe(String(body.release));
    rows.push(...body.data);
    releases.add(body.release);
    next = body.next;
  }
  return { rows, releases: [...releases] };
}

/** All that comes over the connection, but for the time. */
async function toTheByte(path: string, headers: Readonly<Record<string, string>>): Promise<string> {
  const { host, port } = new URL(server.url);
  const socket = connect(Number(port), "127.0.0.1");
  const lines = Object.entries({ host, connection: "close", ...headers }).map(([name, value]) => `${name}: ${value}`);
  socket.write(`GET /${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
  return (await buffer(socket)).toString("latin1").replace(/^Date: .*\r\n/m, "");
}

const ids = (rows: Body["data"]) => rows.map((row) => row.order_id);

test("pages have each row once, in the order that is declared, also where it is NULL there", async () => {
  const { rows } = await walk("orders");
  const wanted = await shop.rows(
    "select order_id from shop.orders order by day desc nulls last, customer, order_id desc",
  );
  expect(ids(rows)).toEqual(wanted);
  const some = await walk("orders?from=2026-01-03&limit=3");
  expect(ids(some.rows)).toEqual(
    await shop.rows(
      "select order_id from shop.orders where day >= '2026-01-03' order by day desc, customer, order_id desc",
    ),
  );
});

test("values are what the server says: numbers of any length as texts, moments as ISO 8601, NULL as null", async () => {
  const { data } = (await server.ask("orders?numbers_of=9007199254740997")).json<Body>();
  expect(data).toEqual([
    {
      order_id: "9007199254740997",
      customer: 1,
      day: "2026-01-01",
      amount: "4.40",
      note: 'a "quoted", text',
      at: "2025-12-31T22:00:00.123456+00:00",
      parts: ["1.10", "4"],
      is_even: true,
      more: { n: 4 },
    },
  ]);
  expect((await server.ask("orders?numbers_of=9007199254740997&numbers=json")).body).toContain(
    '"order_id":9007199254740997,"customer":1,"day":"2026-01-01","amount":4.40',
  );
});

test("each parameter filters as it says, together and for many at once", async () => {
  const asked = [
    ["note=%3D1", "note like '=1%'"],
    ["has=%22quo", `note like '%"quo%'`],
    ["has=%25", "false"],
    ["customer=2&from=2026-01-02", "customer = 2 and day >= '2026-01-02'"],
    ["numbers_of=9007199254740994,9007199254740995", "order_id in (9007199254740994, 9007199254740995)"],
  ] as const;
  for (const [query, condition] of asked) {
    const { rows } = await walk(`orders?limit=20&${query}`);
    expect(ids(rows).toSorted(), query).toEqual(
      (await shop.rows(`select order_id from shop.orders where ${condition}`)).toSorted(),
    );
  }
  // More than there are connections: those that wait are asked for together.
  const customers = Array.from({ length: 60 }, (_, n) => n % 5);
  const answers = await Promise.all(customers.map((one) => server.ask(`customers/${one}/orders?limit=${one + 1}`)));
  for (const [at, { body, json }] of answers.entries()) {
    const wanted = await shop.rows(
      `select order_id from shop.orders where amount > 5 and customer = ${customers[at]} order by order_id limit ${customers[at]! + 1}`,
    );
    expect(ids(json<Body>().data), body).toEqual(wanted);
  }
});

test("CSV, NDJSON and Parquet have all rows, by ending, by query and by Accept", async () => {
  const csv = await server.ask("orders.csv?from=2026-01-04");
  expect(csv.headers["content-type"]).toContain("text/csv");
  expect(csv.body).toBe(
    (
      await shop.rows(
        `select string_agg(line, e'\\n') || e'\\n' from (
          select 'order_id,customer,day,amount,note,at,parts,is_even,more' as line, 0 as place
          union all select concat_ws(',', order_id, customer, day, amount,
            case when note ~ '["\\n]' then '"' || replace(note, '"', '""') || '"' else coalesce(note, '') end,
            '2025-12-31 22:00:00.123456+00', '"' || parts::text || '"', case when is_even then 't' else 'f' end,
            '"' || replace(more::text, '"', '""') || '"'),
            row_number() over (order by day desc, customer, order_id desc)
          from shop.orders where day >= '2026-01-04' order by 2) as l`,
      )
    )[0],
  );
  const ndjson = await server.ask("orders?format=ndjson");
  expect(
    ndjson.body
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).order_id),
  ).toEqual(ids((await walk("orders")).rows));
  const parquet = await server.ask("orders", { accept: "application/vnd.apache.parquet" });
  const { buffer, byteOffset, length } = parquet.bytes;
  const file = buffer.slice(byteOffset, byteOffset + length) as ArrayBuffer;
  expect((await parquetReadObjects({ file, columns: ["order_id"] })).map((row) => String(row.order_id))).toEqual(
    ids((await walk("orders")).rows),
  );
  const packed = await server.ask("orders.csv", { "accept-encoding": "gzip" });
  expect(gunzipSync(packed.bytes).toString().split("\n")[0]).toBe(
    "order_id,customer,day,amount,note,at,parts,is_even,more",
  );
  const small = await server.ask("orders?limit=20", { "accept-encoding": "br, gzip;q=0.5" });
  expect(JSON.parse(brotliDecompressSync(small.bytes).toString()).data).toHaveLength(20);
});

test.each<[string, number, RegExp]>([
  ["orders?custmer=1", 400, /custmer is no parameter of this address; did you mean customer\?/],
  ["orders?customer=one", 400, /customer must be an integer/],
  ["orders?customer=1&customer=2", 400, /customer is said twice/],
  ["orders?customer=99999999999", 400, /customer must be <= 2147483647/],
  ["orders?numbers_of=99999999999999999999", 400, /must be an integer from -2\^63/],
  ["orders?from=2026-02-30", 400, /from must match format ..date/],
  ["orders?state=lost", 400, /state must be one of paid, sent/],
  ["orders?limit=21", 400, /limit must be a whole number from 1 to 20/],
  ["orders?limit=0&from=x", 400, /from must match.*limit must be/],
  ["orders?cursor=nonsense", 400, /cursor is not one that this server has given out/],
  ["orders?release=99", 410, /release 99 is not kept any more/],
  ["orders?format=xml", 400, /format must be one of json, ndjson, csv, parquet/],
  ["orders.csv?limit=3", 400, /limit is for pages of JSON/],
  ["customers/x/orders", 400, /customer must be an integer/],
  ["customers/100/orders", 400, /customer must be <= 99/],
  ["customers/%00/orders", 400, /customer/],
  ["customers", 404, /nothing at this address/],
  ["outside?release=1", 400, /is in no release/],
  ["%zz", 400, /not a valid url component/],
])("%s is answered %i", async (path, status, detail) => {
  const answer = await server.ask(path);
  expect(answer.status).toBe(status);
  expect(answer.headers["content-type"]).toContain("application/problem+json");
  expect(answer.body).toMatch(detail);
  expect(answer.json().status).toBe(status);
});

test("a request that waits for a tag is answered without its rows until there is another release; pages go on in theirs", async () => {
  const first = await server.ask("orders");
  const tag = first.headers.etag!;
  expect((await server.ask("orders", { "if-none-match": tag })).status).toBe(304);
  expect((await server.ask("orders?limit=3", { "if-none-match": '"other", *' })).status).toBe(304);
  const { next, release } = first.json<Body>();
  const states = (await server.ask("states")).json<Body>();
  expect(states.data).toEqual([
    { id: 1, round: "1" },
    { id: 2, round: "1" },
  ]);
  shop.project.write({ "definitions/orders.sqlx": orders("where n > 10") });
  await shop.sql("insert into raw.states_seen values (2)");
  await shop.run();
  // The database is asked, whatever has been heard.
  const second = await server.ask("orders", { "if-none-match": tag, "cache-control": "no-cache" });
  expect(second.status).toBe(200);
  expect(second.json<Body>().release).toBeGreaterThan(release!);
  const goesOn = await walk(next!);
  expect(goesOn.releases).toEqual([release]);
  expect(goesOn.rows).toHaveLength(43);
  expect((await walk("orders")).rows).toHaveLength(40);
  expect((await walk(`orders?release=${release}`)).rows).toHaveLength(50);
  expect((await server.ask(`orders.ndjson?release=${release}`)).body.trim().split("\n")).toHaveLength(50);
  // An incremental model's rows of before are where they were.
  const before = (await server.ask(states.next!)).json<Body>();
  expect(before).toMatchObject({
    release,
    data: [
      { id: 3, round: "1" },
      { id: 4, round: "1" },
    ],
  });
  expect((await walk("states")).rows.map(({ round }) => round)).toEqual(["2", "2", "2", "2"]);
  await shop.run();
  await shop.run();
  const gone = await server.ask(next!);
  expect(gone.status).toBe(410);
  expect(gone.json()).toMatchObject({ current: expect.any(Number), type: expect.stringMatching(/release-gone$/) });
});

test("an answer that is given again is the same to the last byte, and only to the same request", async () => {
  const etag = { "if-none-match": (await server.ask("orders")).headers.etag! };
  const requests = [
    ["orders", {}],
    ["orders", etag],
    ["orders", { "if-none-match": "" }],
    ["orders", { accept: "" }],
    ["orders", { accept: "text/csv" }],
    ["orders?limit=20&numbers=json", {}],
    ["orders?limit=20", { "accept-encoding": "br, gzip" }],
    ["orders?limit=20", { "accept-encoding": "gzip" }],
    ["orders?limit=20", { "accept-encoding": "gzip", ...etag }],
    ["orders?limit=0", {}],
    ["states.json", { origin: "https://elsewhere.example" }],
  ] as const;
  // The whole way is gone for whoever says anything of what is kept.
  const whole = await Promise.all(
    requests.map(([path, headers]) => toTheByte(path, { ...headers, "cache-control": "max-age=0" })),
  );
  for (let time = 0; time < 4; time++)
    for (const [at, [path, headers]] of requests.entries()) expect(await toTheByte(path, headers)).toBe(whole[at]);
  const statuses = whole.map((answer) => Number(answer.slice(9, 12)));
  expect(statuses).toEqual([200, 304, 200, 406, 200, 200, 200, 200, 200, 400, 200]);
  expect((await server.ask("orders", { host: "elsewhere.example" })).status).toBe(421);
  expect((await server.ask("orders", { "x-forwarded-for": "203.0.113.9" })).status).toBe(401);
});

test("what is in no release has no tag, and is kept as long as it says", async () => {
  const first = await server.ask("outside");
  expect(first.headers.etag).toBeUndefined();
  expect(first.headers["cache-control"]).toBe("private, max-age=1000");
  expect(first.json<Body>()).toMatchObject({ data: [{ id: 1, word: "one" }], release: null, truncated: true });
  await shop.sql("update shop.outside set word = 'uno' where id = 1");
  expect((await server.ask("outside")).json<Body>().data).toEqual([{ id: 1, word: "one" }]);
  expect((await server.ask("outside", { "cache-control": "no-cache" })).json<Body>().data).toEqual([
    { id: 1, word: "uno" },
  ]);
  expect((await server.ask(first.json<Body>().next!)).json<Body>().data).toEqual([{ id: 2, word: "two" }]);
});

test("the document of the endpoints says what is answered: parameters, columns with their meaning, problems", async () => {
  const document = (await server.ask("openapi.json")).json<OpenApi>();
  expect(Object.keys(document.paths)).toEqual(["/orders", "/customers/{customer}/orders", "/states", "/outside"]);
  const { parameters, responses } = document.paths["/orders"]!.get;
  expect(parameters.find(({ name }) => name === "from")).toMatchObject({ in: "query", schema: { format: "date" } });
  expect(parameters.find(({ name }) => name === "limit")).toMatchObject({ schema: { default: 7, maximum: 20 } });
  const page = responses[200].content["application/json"].schema;
  expect((page.properties.data as { items: { properties: object } }).items.properties).toMatchObject({
    order_id: { type: ["string", "null"], format: "int64", description: "Names an order." },
    amount: { type: ["string", "null"], format: "decimal" },
    customer: { type: ["integer", "null"], description: "Who ordered." },
  });
  const isPage = ajv.compile({ ...page, components: document.components });
  for (const path of ["orders", "customers/1/orders", "states", "outside"]) {
    const schema = document.paths[path === "customers/1/orders" ? "/customers/{customer}/orders" : `/${path}`]!;
    const check = ajv.compile(schema.get.responses[200].content["application/json"].schema);
    expect(check((await server.ask(path)).json()), ajv.errorsText(check.errors)).toBe(true);
  }
  expect(isPage((await server.ask("states")).json())).toBe(false);
  const isProblem = ajv.compile(document.components.responses.Problem.content["application/problem+json"].schema);
  expect(isProblem((await server.ask("orders?limit=0")).json())).toBe(true);
  const docs = await server.ask("docs/");
  expect(docs.headers["content-security-policy"]).toContain("default-src 'none'; script-src 'self'");
  expect((await server.ask("docs/swagger-ui-bundle.js")).headers["content-type"]).toContain("text/javascript");
});

test("only reads are answered, and only to who names this machine", async () => {
  const { status, headers } = await fetch(`${server.url}orders`, { method: "DELETE" });
  expect([status, headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  const head = await fetch(`${server.url}orders`, { method: "HEAD", headers: { "accept-encoding": "identity" } });
  expect([head.status, await head.text(), head.headers.get("etag")]).toEqual([
    200,
    "",
    (await server.ask("orders")).headers.etag,
  ]);
  expect((await server.ask("orders", { host: "elsewhere.example" })).status).toBe(421);
});

test("a server starts before anything is published, and says what it waits for; a record of before is told", async () => {
  const house = await warehouse(files);
  await house.sql("create schema raw; create table raw.states_seen (round int)");
  const early = await serving(house, onTestFinished);
  for (const path of ["orders", "outside"]) {
    const answer = await early.ask(path);
    expect([answer.status, answer.headers["retry-after"]], answer.body).toEqual([503, "30"]);
  }
  await house.run();
  await expect.poll(async () => (await early.ask("orders")).status, { timeout: 60_000 }).toBe(200);
  await expect.poll(async () => (await early.ask("outside")).status, { timeout: 60_000 }).toBe(200);
  await early.end();
  // As a version before keys left it.
  await house.sql(
    "drop table _dataform.api_key; alter table _dataform.metadata drop column secret; update _dataform.metadata set version = 4",
  );
  const args = ["serve", "--no-site", "--port", "0", "--url", house.database.url];
  const { exitCode, stderr } = await cli(house.project.dir, args);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("was made by an older version");
});
