import { afterAll, beforeAll, expect, test } from "vitest";
import { cli } from "../support/cli.ts";
import { sharedWarehouse } from "../support/warehouse.ts";

// `show` and `query`: rows by the names of the project.

let shop: Awaited<ReturnType<typeof sharedWarehouse>>;

beforeAll(async () => {
  shop = await sharedWarehouse({
    "raw.sqlx": 'config { type: "declaration", schema: "marts", name: "given" }',
    "orders.sqlx": 'config { type: "table" }\nselect n as id, n * 1.50 as amount from generate_series(1, 20) as n',
    "big.sqlx":
      'config { type: "view", assertions: { rowConditions: ["amount < 30"] } }\nselect * from ${ref("orders")} where amount > 3 -- large',
    "sums.sqlx":
      'config { type: "table" }\nselect count(*) as n, sum(big.amount) as amount from ${ref("big")}, ${ref("orders")} as o where o.id = big.id',
    "does.sqlx": 'config { type: "operations" }\nselect 1',
  });
  await shop.run({ actions: ["orders"] });
});
afterAll(() => shop?.end());

const said = async (...args: string[]) => {
  const { exitCode, stdout, stderr } = await cli(shop.project.dir, args, { DATABASE_URL: shop.database.url });
  return exitCode === 0 ? `${stdout}\n${stderr}`.trim() : stderr;
};

test("a model is shown as its code says now; what was never built is computed for it, and told", async () => {
  expect(await said("show", "sums")).toBe(
    "n  amount\n──  ──────\n18  310.50\nnot built, and computed for this: marts.big\n1 row",
  );
  expect(JSON.parse(await said("show", "big", "--limit", "2", "--json", "--quiet"))).toEqual([
    { id: 3, amount: 4.5 },
    { id: 4, amount: 6 },
  ]);
  expect(await said("show", "orders")).toMatch(/10 rows$/);
  expect(await said("show", "marts_big_assertions_rowConditions", "--quiet")).toMatch(/amount < 30[\s\S]*30\.00/);
});

test("ref() in a select is a relation of the project: in show built or not, in query as readers see it", async () => {
  for (const ref of ['ref("big")', "ref('big')", '${ref("marts", "big")}', 'ref("db", "marts", "big")'])
    expect(await said("show", `select count(*) from ${ref} as b where b.id > 4`, "--quiet")).toMatch(
      /^count\n─+\n +16/,
    );
  expect(await said("query", 'select max(amount) from ref("orders")', "--quiet")).toBe("max\n─────\n30.00");
  expect(await said("query", "select 'ref(\"orders\")' as text, 1 as href", "--quiet")).toContain('ref("orders")');
  expect(await said("query", 'select 1 from ref("big")')).toContain('relation "marts.big" does not exist');
});

test.each([
  [["show", "sum"], "did you mean marts.sums?"],
  [["show", 'select 1 from ref("sum")'], "did you mean marts.sums?"],
  [["query", 'select 1 from ref("sum")'], "did you mean marts.sums?"],
  [["show", "does"], "marts.does has no rows"],
  [["show", "delete from marts.orders returning *"], "the query is not one select"],
  [["show", "given"], 'relation "marts.given" does not exist'],
])("%j says what is wrong", async (words, message) => {
  expect(await said(...words)).toContain(message);
});
