import { expect, test } from "vitest";
import { compile } from "../../src/compile/compile.ts";
import { cli } from "../support/cli.ts";
import { statuses, stepOf, type Warehouse, warehouse } from "../support/warehouse.ts";

// What a model promises of its columns: told before anything is built, and never published otherwise.

const orders = (query: string, contract = CONTRACT, more = "") => `config {
  type: "table",
  assertions: { nonNull: ["id"] },
  postgres: {
    contract: {
${contract}
    }
  }${more}
}
${query}`;
const CONTRACT = `      id: "bigint not null",
      amount: "numeric(18, 2)",
      at: "timestamptz"`;
const KEPT = "select 1::int8 as id, 1.5::decimal(18, 2) as amount, now() as at";

const shopOf = (query: string) =>
  warehouse({ "orders.sqlx": orders(query), "above.sqlx": 'config { type: "view" }\nselect id from ${ref("orders")}' });

const planned = ({ project, database }: Warehouse) => cli(project.dir, ["plan", "--url", database.url]);

test("a contract that is kept is published, whatever name each type is called by", async () => {
  const shop = await shopOf(KEPT);
  expect((await planned(shop)).exitCode).toBe(0);
  expect((await shop.run()).status).toBe("success");
});

test.each([
  [
    "another type",
    "select 1::int8 as id, 1.5::float8 as amount, now() as at",
    "amount double precision",
    "orders.sqlx:7:7",
  ],
  [
    "other digits",
    "select 1::int8 as id, 1.5::numeric(18, 3) as amount, now() as at",
    "amount numeric(18,3)",
    "orders.sqlx:7:7",
  ],
  ["a column less", "select 1::int8 as id, now() as at", "no amount", "orders.sqlx:7:7"],
  ["a column more", `${KEPT}, 'x' as extra`, "extra text, which it does not have", "orders.sqlx:5:5"],
])(
  "with %s a plan fails at its line, and a run publishes neither it nor what reads it",
  async (_, query, found, at) => {
    const shop = await shopOf(query);
    const { exitCode, stdout, stderr } = await planned(shop);
    expect([exitCode, `${stdout}${stderr}`]).toEqual([1, expect.stringContaining(found)]);
    expect(`${stdout}${stderr}`).toContain(at);
    const report = await shop.run();
    expect(statuses(report)).toMatchObject({ "marts.orders": "failed", "marts.above": "skipped" });
    expect(stepOf(report, "marts.orders").error).toMatchObject({
      message: "marts.orders does not keep its contract",
      found: expect.stringContaining(found),
      location: { file: "definitions/orders.sqlx" },
    });
    expect(await shop.rows("select count(*) from pg_views where viewname in ('orders', 'above')")).toEqual(["0"]);
  },
);

test("a column that is described behind its contract, too, is told at the contract", async () => {
  const shop = await warehouse({
    "orders.sqlx": orders(
      "select 1::int8 as id, 'x' as amount, now() as at",
      CONTRACT,
      ',\n  columns: { amount: "what was paid" }',
    ),
  });
  const { stdout, stderr } = await planned(shop);
  expect(`${stdout}${stderr}`).toContain("orders.sqlx:7:7");
});

test("what is published stays where a new version breaks the contract, of views and incremental models, too", async () => {
  const files = (query: string) => ({
    "definitions/seen.sqlx": orders(query).replace('"table"', '"view"'),
    "definitions/kept.sqlx": orders(query).replace('"table"', '"incremental"'),
  });
  const shop = await warehouse(files(KEPT));
  expect((await shop.run()).status).toBe("success");
  expect((await shop.run()).status).toBe("success");
  shop.project.write(files("select 1::int8 as id, 'x' as amount, now() as at"));
  const report = await shop.run({ fullRefresh: true });
  expect(statuses(report)).toMatchObject({ "marts.seen": "failed", "marts.kept": "failed" });
  expect(await shop.rows("select amount from marts.kept limit 1")).toEqual(["1.50"]);
});

test("what nobody can keep is told when it is compiled", async () => {
  const shop = await warehouse({
    "orders.sqlx": orders(
      KEPT,
      `      id: "bigint not null",\n      amount: "18 digits",\n      at: "timestamptz not null"`,
    ),
  });
  await expect(compile(shop.project.dir)).rejects.toMatchObject({
    errors: [
      { message: expect.stringContaining("contract: amount has no type"), found: "18 digits", location: { line: 7 } },
      {
        message: expect.stringContaining("nothing holds that at is never NULL"),
        hint: 'add "at" to assertions: { nonNull: […] }',
        location: { line: 8 },
      },
    ],
  });
});

test("a type of one's own is named with its schema or without", async () => {
  const shop = await warehouse({
    "a.sqlx": `config { type: "table", postgres: { contract: { kind: "kind", other: "own.kind[]" } } }
select 'a'::own.kind as kind, array['a'::own.kind] as other`,
  });
  await shop.sql("create schema own; create type own.kind as enum ('a')");
  expect((await shop.run()).status).toBe("success");
});
