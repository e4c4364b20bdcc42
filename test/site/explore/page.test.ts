import fc from "fast-check";
import { expect, test } from "vitest";
import { FIGURES, OPERATORS, UNITS } from "../../../src/model/explore.ts";
import { fileOf } from "../../../src/site/page/explore/kept.ts";
import { chartsOf, shapeOf, titleOf } from "../../../src/site/page/explore/shape.ts";
import { suggest } from "../../../src/site/page/explore/suggest.ts";
import { CHARTS, notUnderstood, queryOf, type View, viewIn } from "../../../src/site/page/explore/view.ts";

test("an address says all that is chosen", () => {
  const name = fc.string({ minLength: 1, unit: "grapheme" });
  const sort = fc.record({ column: name, descending: fc.boolean() });
  const picked = fc.record(
    {
      from: fc.record({ schema: name, name }),
      groups: fc.array(
        fc.oneof(fc.record({ column: name }), fc.record({ column: name, unit: fc.constantFrom(...UNITS) })),
      ),
      figures: fc.array(
        fc.oneof(
          fc.constant({ of: "count" as const }),
          fc.record({ of: fc.constantFrom(...FIGURES.filter((of) => of !== "count")), column: name }),
        ),
      ),
      where: fc.array(
        fc.oneof(
          fc.record({ column: name, operator: fc.constant("is null" as const) }),
          fc.record({ column: name, operator: fc.constantFrom(...OPERATORS), value: fc.string({ unit: "grapheme" }) }),
        ),
      ),
      sort,
    },
    { requiredKeys: ["from", "groups", "figures", "where"] },
  );
  const shown = { chart: fc.constantFrom(...CHARTS), x: name, series: name, y: fc.array(name, { minLength: 1 }) };
  const limit = fc.integer({ min: 1, max: 5_000 });
  const views: fc.Arbitrary<View> = fc.oneof(
    fc.record({ ...shown, limit, picked }, { requiredKeys: ["limit", "picked"] }),
    fc.record({ ...shown, limit, sort, sql: fc.string() }, { requiredKeys: ["limit", "sql"] }),
    fc.record({ limit }),
  );
  fc.assert(
    fc.property(views, (view) => {
      expect(viewIn(new URLSearchParams(String(queryOf(view))))).toEqual(view);
    }),
    { numRuns: 500 },
  );
});

test("an address that was cut or mistyped is no error, and what cannot be read of it is told", () => {
  const query = new URLSearchParams(
    "from=%25E0%25/b&by=decade:day&figure=sum&figure=x:y&where=[1,2]&where={&chart=pie&limit=-1",
  );
  expect(viewIn(query)).toEqual({
    limit: 1_000,
    picked: { from: { schema: "%E0%", name: "b" }, groups: [{ column: "day" }], figures: [], where: [] },
  });
  expect(notUnderstood(query)).toEqual(["figure", "where", "chart"]);
  expect(notUnderstood(new URLSearchParams("by=:day"))).toEqual(["by"]);
});

const FROM = { from: { schema: "shop", name: "orders" }, where: [] };
const number = (name: string) => ({ name, type: "numeric" });

test("an answer is shown as it suits: days as lines, names as bars, no group as a number, rows as a table", () => {
  const sum = { of: "sum", column: "amount" } as const;
  const shape = (view: View, ...columns: { name: string; type: string }[]) => shapeOf(view, columns);
  const of = (groups: { column: string }[]): View => ({ limit: 10, picked: { ...FROM, groups, figures: [sum] } });
  expect(shape(of([{ column: "day" }]), { name: "day", type: "date" }, number("sum_of_amount"))).toEqual({
    ...{ chart: "line", x: ["day"], y: ["sum_of_amount"] },
    order: [{ column: "day", descending: false }],
  });
  expect(shape(of([{ column: "state" }]), { name: "state", type: "text" }, number("sum_of_amount"))).toEqual({
    ...{ chart: "bar", x: ["state"], y: ["sum_of_amount"] },
    order: [
      { column: "sum_of_amount", descending: true },
      { column: "state", descending: false },
    ],
  });
  expect(shape(of([]), number("sum_of_amount"))).toMatchObject({ chart: "number", x: [], y: ["sum_of_amount"] });
  const rows: View = { limit: 10, picked: { ...FROM, groups: [], figures: [] } };
  expect(shape(rows, number("id"), { name: "state", type: "text" }, number("amount"))).toEqual({
    ...{ chart: "table", x: ["id", "state"], y: ["amount"], order: [] },
  });
  expect(chartsOf(rows, [number("id")])).toEqual(["table"]);
  expect(titleOf(of([{ column: "state" }]))).toBe("Sum of amount by state");
  expect(fileOf("Sum of amount, by  state!")).toBe("sum-of-amount-by-state.yaml");
  expect(fileOf("Öl")).toBe("l.yaml");
});

const column = (name: string, type = "text") => ({ name, type, description: "" });
const relation = (schema: string, name: string, ...columns: ReturnType<typeof column>[]) => ({
  ...{ schema, name, kind: "table", group: "marts", summary: "", columns },
});
const RELATIONS = [
  relation("shop", "orders", column("id", "bigint"), column("state"), column("user")),
  relation("shop", "customers", column("id"), column("name")),
  relation("odd", "Two Words", column("n")),
];

/** The caret stands at the bar. */
function suggested(text: string, isAsked = false): readonly string[] {
  const caret = text.indexOf("|");
  return suggest(text.replace("|", ""), caret, RELATIONS, isAsked)?.all.map((one) => one.text) ?? [];
}

test.each([
  ["select * from |", ["shop.orders", "shop.customers", 'odd."Two Words"']],
  ["select * from sh|", ["shop.orders", "shop.customers"]],
  ["select * from shop.c|", ["customers"]],
  ["select st| from shop.orders", ["state"]],
  ["select o.| from shop.orders as o join shop.customers as c on true", ["id", "state", '"user"']],
  ["select c.n| from shop.orders as o join shop.customers c on true", ["name"]],
  ["select shop.orders.s| from shop.orders", ["state"]],
  ['select n from odd."Tw|', ['"Two Words"']],
  ["select 'st|' from shop.orders", []],
  ["select 1 -- st|", []],
  ["select state| from shop.orders", []],
  ["select | from shop.orders", []],
  ["select x fro|", ["from"]],
])("what may stand at the caret: %s", (text, expected) => {
  expect(suggested(text)).toEqual(expected);
});

test("whoever asks without a word begun is told the columns first", () => {
  expect(suggested("select | from shop.orders", true).slice(0, 3)).toEqual(["id", "state", '"user"']);
});
