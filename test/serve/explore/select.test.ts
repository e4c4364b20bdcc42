import fc from "fast-check";
import { expect, test } from "vitest";
import { type ExploreRelation, namesOf, type Picked } from "../../../src/model/explore.ts";
import { keptSelect } from "../../../src/serve/explore/kept-select.ts";
import { selectOf } from "../../../src/serve/explore/picked-select.ts";
import { splitStatements } from "../../../src/sql/split.ts";

const column = (name: string, type: string) => ({ name, type, description: "" });
const relation = (name: string, columns: ExploreRelation["columns"]): ExploreRelation => ({
  ...{ schema: "shop", name, kind: "table", group: "marts", summary: "" },
  columns,
});
const ORDERS = relation("orders", [
  column("id", "bigint"),
  column("at", "timestamp with time zone"),
  column("state", "text"),
  column("amount", "numeric(12,2)"),
]);
const picked = (more: Partial<Picked> = {}): Picked => ({
  ...{ from: { schema: "shop", name: "orders" }, groups: [], figures: [], where: [] },
  ...more,
});
const select = (more: Partial<Picked>) => selectOf(picked(more), [ORDERS], 10).toString();

test("what is picked is one select, which a person may go on with", () => {
  expect(
    select({
      groups: [{ column: "at", unit: "month" }, { column: "state" }],
      figures: [{ of: "count" }, { of: "sum", column: "amount" }, { of: "distinct", column: "id" }],
      where: [
        { column: "state", operator: "contains", value: "it's" },
        { column: "amount", operator: ">=", value: "10" },
        { column: "id", operator: "is not null" },
      ],
      sort: { column: "sum_of_amount", descending: true },
    }),
  ).toMatchInlineSnapshot(`
    "select
    date_trunc('month', "at" at time zone 'UTC')::date as "month_of_at",
    "state" as "state",
    count(*) as "count",
    sum("amount") as "sum_of_amount",
    count(distinct "id") as "distinct_of_id"
    from "shop"."orders"
    where strpos(lower("state"::text), lower('it''s')) > 0 and "amount" >= '10' and "id" is not null
    group by 1, 2
    order by "sum_of_amount" desc nulls last, "month_of_at" nulls last, "state" nulls last
    limit 10"
  `);
  expect(select({})).toBe('select\n"id",\n"at",\n"state",\n"amount"\nfrom "shop"."orders"\nlimit 10');
});

test.each([
  [{ from: { schema: "hidden", name: "orders" } }, "there is no relation hidden.orders that may be read here"],
  [{ groups: [{ column: "amout" }] }, "shop.orders has no column amout that may be read here"],
  [{ groups: [{ column: "state", unit: "day" }] }, "state has no by day"],
  [{ figures: [{ of: "sum", column: "state" }] }, "state has no sum"],
  [{ figures: [{ of: "max" }] }, "max is of a column"],
  [{ where: [{ column: "id", operator: "=" }] }, "the filter of id compares with nothing"],
  [{ where: [{ column: "state", operator: "=", value: "\0" }] }, "the filter of state compares with nothing"],
  [{ sort: { column: "state", descending: true }, figures: [{ of: "count" }] }, "no column state to sort by"],
] as [Partial<Picked>, string][])("what the catalogue does not have is refused: %j", (more, message) => {
  expect(() => select(more)).toThrow(message);
});

test("no name and no value is anything but a name and a value", () => {
  const name = fc.string({ minLength: 1, maxLength: 20, unit: "binary" }).filter((text) => !text.includes("\0"));
  fc.assert(
    fc.property(name, name, fc.string({ unit: "binary" }), (table, field, value) => {
      const odd = { ...relation(table, [column(field, "text")]) };
      const one = { column: field, operator: "=", value: value.replaceAll("\0", "") } as const;
      const text = selectOf(picked({ from: odd, groups: [{ column: field }], where: [one] }), [odd], 5).toString();
      expect(splitStatements(text)).toEqual([text]);
      // Of the text there is nothing left but what we wrote.
      const bare = text.replaceAll(/E?'(?:[^']|'')*'/g, "?").replaceAll(/"(?:[^"]|"")*"/g, "$");
      expect(bare).toBe("select\n$ as $\nfrom $.$\nwhere $ = ?\ngroup by 1\norder by $ nulls last\nlimit 5");
    }),
    { numRuns: 60 },
  );
});

test.each([
  [
    { groups: [{ column: "column_3" }], figures: [{ of: "count" }, { of: "count" }] },
    ["column_3", "count", "column_4"],
  ],
  [{ groups: [{ column: "count" }], figures: [{ of: "count" }] }, ["count", "column_2"]],
  [{ groups: [{ column: "é".repeat(30), unit: "quarter" }], figures: [] }, ["column_1"]],
] as [Pick<Picked, "groups" | "figures">, string[]][])(
  "every column of an answer has a name of its own: %j",
  (from, names) => {
    expect(namesOf(from)).toEqual(names);
  },
);

const OURS = new Set(["shop.orders", "Odd.Name"]);
const kept = (text: string) => keptSelect(text, ({ schema, name }) => OURS.has(`${schema}.${name}`));

test.each([
  [
    'select * from SHOP.orders as o join "Odd"."Name" using (id)',
    'select * from ${ref("shop", "orders")} as o join ${ref("Odd", "Name")} using (id)',
  ],
  [
    "with a as (select id from shop.orders) select * from a",
    'with a as (select id from ${ref("shop", "orders")}) select * from a',
  ],
  [
    "select 'shop.orders' from pg_catalog.pg_class -- shop.orders",
    "select 'shop.orders' from pg_catalog.pg_class -- shop.orders",
  ],
  ["table shop.orders", 'table ${ref("shop", "orders")}'],
])("a dashboard's select names what the project publishes: %s", (text, expected) => {
  expect(kept(text)).toEqual({ select: expected });
});

test("what a dashboard would read as a placeholder is not kept", () => {
  expect(kept("select '${x}' from shop.orders")).toEqual({ why: expect.stringContaining("${") });
});
