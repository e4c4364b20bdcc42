import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectionUrl } from "../../src/model/connection-settings.ts";
import { cli } from "../support/cli.ts";
import { answerOf, type StartedMcp, startMcp } from "../support/mcp.ts";
import { sharedWarehouse, type Warehouse } from "../support/warehouse.ts";

const files = {
  "dataform.json": '{ "project": "shop", "warehouse": "postgres", "defaultSchema": "shop" }',
  "definitions/orders.sqlx": `config {
  type: "table",
  description: "What customers bought, one row per order.",
  columns: { id: "Names an order.", email: { description: "Of whoever ordered.", tags: ["pii"] }, amount: "In euros." },
  assertions: { uniqueKey: ["id"], nonNull: ["id"] }
}
select 9007199254740993 + n as id, 'user' || n || '@example.com' as email, n * 1.10 as amount, n % 2 = 0 as is_even
from generate_series(1, 250) as n`,
  "definitions/spend.sqlx": `config { type: "view", description: "Spend of each day.", columns: { cost: "What it cost." } }
select current_date as day, sum(amount) as cost from \${ref("orders")}`,
  "definitions/salaries.sqlx": `config { type: "table", schema: "hidden", description: "What people earn, beside what orders bring." }
select 1 as person, 5000 as salary`,
  "definitions/ratio.sqlx": `config { type: "view", description: "Orders for each salary." }
select count(*) as orders, (select sum(salary) from \${ref("hidden", "salaries")}) as salaries from \${ref("orders")}`,
  "definitions/no_salary_of_orders.sqlx": `config { type: "assertion" }
select o.id from \${ref("orders")} as o join \${ref("hidden", "salaries")} as s on s.person = o.id`,
};

let shop: Warehouse & { end(): Promise<void> };
let reader: string;
let mcp: StartedMcp;

beforeAll(async () => {
  shop = await sharedWarehouse(files);
  await shop.run();
  reader = `mcp_${shop.database.settings.database}`;
  await shop.sql(`create role ${reader} login password 'reads';
    create sequence shop.numbers;
    grant usage on schema shop to ${reader};
    grant select on all tables in schema shop to ${reader};
    grant usage on sequence shop.numbers to ${reader}`);
  const asReader = connectionUrl({ ...shop.database.settings, user: reader, password: "reads" }, { password: true });
  const { args, env } = documented();
  expect([args.slice(0, 3), Object.keys(env)]).toEqual([
    ["dataform", "mcp", "--project-dir"],
    ["DATABASE_URL", "DATAFORM_READER_URL"],
  ]);
  mcp = await startMcp([...args.slice(1, 3), shop.project.dir, "--query-rows", "200", "--query-timeout", "500ms"], {
    DATABASE_URL: shop.database.url,
    DATAFORM_READER_URL: asReader,
  });
});
afterAll(async () => {
  await mcp?.client.close();
  await shop?.sql(`drop owned by ${reader}; drop role ${reader}`);
  await shop?.end();
});

/** What the page tells clients to start. */
function documented(): { readonly args: readonly string[]; readonly env: Readonly<Record<string, string>> } {
  const page = readFileSync(join(import.meta.dirname, "../../docs/mcp.md"), "utf8");
  return JSON.parse(/```json\n(.*?)```/s.exec(page)![1]!).mcpServers.warehouse;
}

const call = (name: string, args: Record<string, unknown> = {}) => answerOf(mcp.client, name, args);

async function told<T>(name: string, args: Record<string, unknown> = {}): Promise<T> {
  const { text, isError } = await call(name, args);
  expect(isError, text).toBe(false);
  return JSON.parse(text) as T;
}

interface Relation {
  readonly name: string;
  readonly columns_found?: readonly { readonly name: string }[];
}

test("a client is told of four tools that only read", async () => {
  const { tools } = await mcp.client.listTools();
  expect(tools.map(({ name }) => name)).toEqual(["search_catalogue", "describe_relation", "lineage", "query"]);
  expect(tools.every(({ annotations }) => annotations?.readOnlyHint)).toBe(true);
  expect(mcp.client.getInstructions()).toContain("warehouse of shop");
  expect(mcp.said()).toContain(`read as ${reader}`);
});

test("relations are found by words of names, columns and descriptions, of one release, which is said", async () => {
  const found = await told<{ release: number; found: number; relations: Relation[] }>("search_catalogue", {
    words: "cost per day",
  });
  expect(found.release).toBe(1);
  expect(found.relations[0]).toMatchObject({
    name: "shop.spend",
    columns_found: [{ name: "day" }, { name: "cost", type: "numeric", description: "What it cost." }],
  });
  const all = await told<{ found: number; cut: string; relations: Relation[] }>("search_catalogue", { limit: 1 });
  expect([all.found, all.relations.length, all.cut]).toEqual([3, 1, "there are 3: say more words, or a higher limit"]);
});

test("a relation is described with keys, types, tags and tests, and without a value of any row", async () => {
  const { text } = await call("describe_relation", { name: "orders" });
  expect(JSON.parse(text)).toMatchObject({
    release: 1,
    name: "shop.orders",
    kind: "table",
    state: "published",
    description: "What customers bought, one row per order.",
    key: ["id"],
    columns: [
      { name: "id", type: "bigint", key: true },
      { name: "email", type: "text", description: "Of whoever ordered.", tags: ["pii"] },
      { name: "amount", type: "numeric", description: "In euros." },
      { name: "is_even", type: "boolean" },
    ],
    read_by: ["shop.ratio", "shop.spend"],
  });
  expect(text).toContain('"description":"One row per id.","verdict":"ok"');
  expect(text).not.toContain("@example");
});

test("lineage goes up and down from a column", async () => {
  expect(await told("lineage", { name: "shop.orders.amount" })).toMatchObject({
    release: 1,
    of: "shop.orders.amount",
    up: [],
    down: [{ from: "shop.orders.amount", to: "shop.spend.cost", kinds: ["computed"], depth: 1 }],
  });
});

test("rows come with every digit, and an answer that is cut says how many it gave", async () => {
  const query = "select id, amount, is_even, null as nothing, email from shop.orders order by id; -- all";
  const found = await told<{ given: number; rows: unknown[][] }>("query", { sql: query, limit: 2 });
  expect(found).toMatchObject({
    release: 1,
    given: 2,
    cut: expect.stringMatching(/^there are more rows than 2: aggregate, or go on/),
    columns: [{ name: "id", type: "bigint" }, { type: "numeric" }, { type: "boolean" }, {}, { type: "text" }],
    rows: [
      ["9007199254740994", "1.10", false, null, "user1@example.com"],
      ["9007199254740995", "2.20", true, null, "user2@example.com"],
    ],
  });
  expect(await told("query", { sql: "select count(*) from shop.orders" })).toEqual({
    release: 1,
    given: 1,
    columns: [{ name: "count", type: "bigint" }],
    rows: [["250"]],
  });
});

test("long values, and many of them, are cut and counted", async () => {
  const wide = await told<Record<string, unknown> & { rows: string[][] }>("query", {
    sql: "select repeat('é', 5000) as v, array[1.10, n] as a from generate_series(1, 200) as n",
    limit: 200,
  });
  expect(wide.given).toBe(24);
  expect(wide).toMatchObject({ cut_values: 24, cut: expect.stringContaining("at most 100000 characters") });
  expect(wide.rows[0]).toEqual([`${"é".repeat(4000)}…`, ["1.10", "1"]]);
});

test.each([
  ["insert into shop.numbers_kept values (1)", "expected: one select"],
  ["copy shop.orders to program 'id'", "expected: one select"],
  ["select 1; select 2", "found:    2 statements"],
  ["select nextval('shop.numbers')", "cannot execute nextval() in a read-only transaction"],
  [
    "with gone as (delete from shop.orders returning 1) select * from gone",
    "WITH clause containing a data-modifying statement must be at the top level",
  ],
  ["set role postgres", "expected: one select"],
  ["select set_config('role', 'postgres', false)", "permission denied to set role"],
  ["select * from hidden.salaries", "permission denied for schema hidden"],
  ["select * from _dataform.release", "permission denied for schema _dataform"],
  ["select pg_sleep(60)", "the query was ended\n  expected: an answer within 500 ms"],
  ["select emial from shop.orders", 'column "emial" does not exist\n  1 | select emial from shop.orders'],
])("what does more than it may is refused with what to do: %s", async (sql, message) => {
  const { isError, text } = await call("query", { sql });
  expect([isError, text]).toEqual([true, expect.stringContaining(message)]);
});

test("of what the login may not read not even a name is told", async () => {
  for (const [name, args] of [
    ["search_catalogue", {}],
    ["search_catalogue", { words: "salaries" }],
    ["describe_relation", { name: "shop.ratio" }],
    ["describe_relation", { name: "shop.orders" }],
    ["lineage", { name: "shop.ratio" }],
    ["lineage", { name: "shop.ratio.salaries" }],
  ] as const) {
    const { text } = await call(name, args);
    expect(text.replaceAll("shop.ratio.salaries", "")).not.toMatch(/hidden|no_salary/);
  }
  for (const tool of ["describe_relation", "lineage"]) {
    // As of a name that nothing has.
    const answers = await Promise.all(["hidden.salaries", "hidden.velocity"].map((name) => call(tool, { name })));
    const [there, nowhere] = answers.map(({ text }) => text.replaceAll(/salaries|velocity/g, "…"));
    expect([answers[0]!.isError, there]).toEqual([true, nowhere]);
  }
  await shop.sql(`grant usage on schema hidden to ${reader}; grant select on hidden.salaries to ${reader}`);
  expect(await told("describe_relation", { name: "hidden.salaries" })).toMatchObject({ read_by: ["shop.ratio"] });
  await shop.sql(`revoke all on schema hidden from ${reader}; revoke all on hidden.salaries from ${reader}`);
  expect((await call("describe_relation", { name: "hidden.salaries" })).isError).toBe(true);
});

test("an answer after a release was published is of that one, with what its code says", async () => {
  shop.project.write({
    "definitions/spend.sqlx": `config { type: "view", description: "Spend until now." }
select current_date as day, sum(amount) as cost, count(*) as orders from \${ref("orders")}`,
  });
  await shop.run();
  expect(await told("describe_relation", { name: "shop.spend" })).toMatchObject({
    release: 2,
    description: "Spend until now.",
    columns: [{ name: "day" }, { name: "cost" }, { name: "orders", type: "bigint" }],
  });
  expect(await told("query", { sql: "select orders from shop.spend" })).toMatchObject({ release: 2, rows: [["250"]] });
});

test.each([
  ["query", {}, "query needs the argument sql\n  expected: one select, without a semicolon\n  found:    no argument"],
  [
    "query",
    { sql: "select 1", limit: 201 },
    "limit of query is wrong\n  expected: a whole number from 1 to 200\n  found:    201",
  ],
  [
    "query",
    { sql: "select 1", limt: 1 },
    "query has no argument limt\n  expected: sql, limit\n  found:    limt\n  → did you mean limit?",
  ],
  ["lineage", { name: "shop.orders", direction: "left" }, "expected: one of up, down, both"],
  ["describe_relation", { name: "shop.ordrs" }, "did you mean shop.orders?"],
  [
    "qeury",
    {},
    "there is no tool qeury\n  expected: search_catalogue, describe_relation, lineage, query\n  found:    qeury\n  → did you mean query?",
  ],
])("a call that is wrong is answered with what was expected: %s %j", async (name, args, message) => {
  const { isError, text } = await call(name, args);
  expect([isError, text]).toEqual([true, expect.stringContaining(message)]);
});

test("a reader who is no other user of the database is refused before anything is asked", async () => {
  const { exitCode, stderr } = await cli(shop.project.dir, [
    "mcp",
    "--url",
    shop.database.url,
    "--reader-url",
    "postgresql://",
  ]);
  expect([exitCode, stderr]).toEqual([
    2,
    expect.stringContaining("--reader-url (DATAFORM_READER_URL) means nothing here"),
  ]);
});

test("it ends with its client, whatever it is doing", async () => {
  void call("query", { sql: "select count(*) from generate_series(1, 1000000000)" }).catch(() => {});
  await mcp.client.close();
  await mcp.ended;
  expect(() => process.kill(mcp.pid, 0)).toThrow("ESRCH");
  expect(mcp.said().trim().split("\n")).toHaveLength(1);
});

test("without another login it reads as `dataform query` does, a superuser's text, too; it ends with SIGTERM", async () => {
  const own = await startMcp(["mcp", "--project-dir", shop.project.dir, "--url", shop.database.url], {});
  expect(await answerOf(own.client, "query", { sql: "select salary from hidden.salaries" })).toMatchObject({
    isError: false,
    text: expect.stringContaining('"rows":[[5000]]'),
  });
  expect(await answerOf(own.client, "query", { sql: "select nextval('shop.numbers')" })).toMatchObject({
    isError: true,
    text: expect.stringContaining("permission denied for sequence numbers"),
  });
  expect((await answerOf(own.client, "describe_relation", { name: "shop.orders" })).text).toContain(
    "no_salary_of_orders",
  );
  process.kill(own.pid, "SIGTERM");
  await own.ended;
  expect(own.said()).toContain("SIGTERM: ending");
});
