import { afterAll, beforeAll, expect, test } from "vitest";
import { cli } from "../support/cli.ts";
import { sharedWarehouse } from "../support/warehouse.ts";

// `describe`: what one thing is, by the code and by the database.

let shop: Awaited<ReturnType<typeof sharedWarehouse>>;

beforeAll(async () => {
  shop = await sharedWarehouse({
    "till.sqlx": 'config { type: "declaration", schema: "raw", name: "till", columns: { id: "As the till counts" } }',
    "orders.sqlx": `config {
  type: "table", description: "One row per order.", tags: ["daily"], columns: { amount: { description: "In euros", tags: ["money"] } },
  assertions: { uniqueKey: ["id", "day"], nonNull: ["amount"] }, postgres: { indexes: [{ columns: ["day"] }] }
}
select id, amount, current_date as day from \${ref("raw", "till")}`,
    "sums.sqlx": 'config { type: "view" }\nselect sum(amount) as amount from ${ref("orders")}',
    "few.sqlx": 'config { type: "assertion" }\nselect id from ${ref("orders")} where id > 1',
    "sums_test.sqlx":
      'config { type: "test", dataset: "sums" }\ninput "orders" { select 1 as amount }\nselect 1 as amount',
  });
  await shop.sql(`create schema raw; create table raw.till (id int not null, amount numeric(10, 2));
    insert into raw.till values (1, 2), (2, 3); create table raw.extra (a int); comment on column raw.extra.a is 'By hand'`);
});
afterAll(() => shop?.end());

const described = async (...args: string[]) => {
  const { exitCode, stdout, stderr } = await cli(shop.project.dir, ["describe", ...args], {
    DATABASE_URL: shop.database.url,
  });
  return exitCode === 0 ? stdout : stderr;
};
const inJson = async (name: string) => JSON.parse(await described(name, "--json"));

test("before a run a model has the types that its query gives now, and nothing that only a run knows", async () => {
  expect(await inJson("orders")).toMatchObject({
    name: "marts.orders",
    kind: "table",
    state: "unpublished",
    description: "One row per order.",
    tags: ["daily"],
    file: "definitions/orders.sqlx",
    columns: [
      { name: "id", type: "integer", key: true, tested: ["unique with day"] },
      { name: "amount", type: "numeric(10,2)", description: "In euros", tags: ["money"], tested: ["not null"] },
      { name: "day", type: "date", key: true, tested: ["unique with id"] },
    ],
    reads: [{ name: "raw.till", kind: "source" }],
    readBy: [{ name: "marts.sums", kind: "view" }],
  });
  expect((await inJson("sums")).columns).toEqual([{ name: "amount", type: "numeric", tested: [] }]);
  expect((await inJson("sums")).unitTests).toEqual([{ name: "sums_test", file: "definitions/sums_test.sqlx" }]);
});

test("after a run its size, indexes, owner and verdicts are told, and an assertion's rows", async () => {
  await shop.run();
  const orders = await inJson("orders");
  expect(orders).toMatchObject({ state: "held", lastRun: { status: "held" } });
  expect(await described("few")).toMatch(/^assertions\.few {2}assertion\n[\s\S]*failed, 1 row that should not exist/);
  expect(await described("orders")).toMatch(/assertions\.few +failed \(1 row\)/);
  await shop.run({ assertions: "report" });
  expect(await described("orders")).toMatch(
    /^marts\.orders {2}table, published, built by release \d\nOne row per order\.\n[\s\S]*about 2 rows, [\s\S]*btree \(day\)[\s\S]*ok, in /,
  );
});

test("of a model whose code is another one now the columns are those of its query, and a mistake in it is told", async () => {
  const before = 'config { type: "view" }\nselect sum(amount) as amount from ${ref("orders")}';
  shop.project.write({ "sums.sqlx": `${before.replace("select", "select count(*) as n,")}` });
  expect((await inJson("sums")).columns.map(({ name, type }: Record<string, string>) => [name, type])).toEqual([
    ["n", "bigint"],
    ["amount", "numeric"],
  ]);
  shop.project.write({ "sums.sqlx": before.replace("sum(amount)", "sum(amounts)") });
  const wrong = await cli(shop.project.dir, ["describe", "sums"], { DATABASE_URL: shop.database.url });
  expect([wrong.exitCode, wrong.stdout, wrong.stderr]).toEqual([
    0,
    expect.stringMatching(/amount +numeric/),
    expect.stringMatching(/^warning its query cannot be read as it is now.*column "amounts" does not exist/),
  ]);
  shop.project.write({ "sums.sqlx": before });
});

test("sources are described as the server has them, and so is what the project does not know", async () => {
  expect(await inJson("till")).toMatchObject({
    kind: "source",
    columns: [
      { name: "id", type: "integer", description: "As the till counts", notNull: true },
      { name: "amount", type: "numeric(10,2)" },
    ],
    readBy: [{ name: "marts.orders" }],
  });
  expect(await inJson("raw.extra")).toMatchObject({
    kind: "foreign",
    columns: [{ name: "a", type: "integer", description: "By hand" }],
  });
});

test("without a database it says what the code says; a name that means nothing, or several things, is a mistake", async () => {
  const { exitCode, stdout, stderr } = await cli(shop.project.dir, ["describe", "orders"], {});
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining("this is what the code says")]);
  expect(stdout).toMatch(/^marts\.orders {2}table\n[\s\S]*amount +not null +money +In euros/);
  expect(await described("order")).toContain("did you mean marts.orders?");
  expect(await described("raw.nothing")).toContain("nothing is named raw.nothing");
  expect(await described("marts.*")).toContain("marts.* names several things");
});
