import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { adoptApis } from "../../src/compile/apis.ts";
import { readApis } from "../../src/config/load-endpoints.ts";
import { formatUserError } from "../../src/model/errors.ts";
import type { Action } from "../../src/model/graph.ts";

const base = { file: "", tags: [], dependencies: [], disabled: false, columns: [] };
const action = (name: string, kind: string, more = {}): [string, Action] => [
  `marts.${name}`,
  { ...base, kind, target: { schema: "marts_dev", name }, ...more } as unknown as Action,
];
const assertion = (of: string, name: string, holds: object, postgres = {}): [string, Action] =>
  action(`${of}_${name}`, "assertion", { parent: { schema: "marts_dev", name: of }, holds, postgres });

const ACTIONS = [
  action("orders", "table"),
  assertion("orders", "key", { unique: ["order_id"] }),
  assertion("orders", "rows", { neverNull: ["order_id", "day"] }),
  action("keyed", "incremental", { uniqueKey: ["id"] }),
  action("warned", "table"),
  assertion("warned", "key", { unique: ["id"] }, { severity: "warn" }),
  assertion("warned", "rows", { neverNull: ["id"] }),
  action("made", "operations", { hasOutput: true }),
];

/** Reads endpoints of a project that has marts.orders and the like, in the database marts_dev.orders. */
function read(files: Readonly<Record<string, string>>) {
  const dir = mkdtempSync(join(tmpdir(), "serve-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, "serve"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, "serve", name), text);
  const found = readApis(dir);
  const names = new Map(ACTIONS.map(([key, { target }]) => [key, target]));
  const actions = ACTIONS.map(([, one]) => one);
  const adopted = adoptApis(found, actions, names);
  return { ...adopted, notes: found.notes, errors: [...found.errors, ...adopted.errors] };
}

const api = (endpoint: string) => `title: Shop
endpoints:
  - path: /orders
    title: Orders
    ${endpoint.replaceAll("\n", "\n    ")}
`;
const ORDERS = "from: marts.orders";

test.each<[string, string, string, ...string[]]>([
  // What is written, where it is wrong, what is said.
  ["an unknown key", api(`${ORDERS}\nwher: x`), "6:5", 'unknown property "wher"', "did you mean"],
  ["no relation", api("limit: 3"), "3:5", '"from" is missing'],
  [
    "a relation that is none",
    api("from: marts.order"),
    "5:11",
    "no relation marts.order",
    "did you mean marts.orders?",
  ],
  ["an order that is not unique", api(`${ORDERS}\norder: [day]`), "6:12", "end it in order_id"],
  ["no order, and no key", api("from: marts.warned"), "5:11", "give marts_dev.warned assertions"],
  ["a key that only warns", api("from: marts.warned\norder: [id]"), "6:12", "does not end in a key"],
  ["a key that may be NULL", api("from: marts.keyed"), "5:11", 'add ["id"] to assertions: { nonNull }'],
  [
    "a column of the order twice",
    api(`${ORDERS}\norder: [day, day desc, order_id]`),
    "6:18",
    "the order has day twice",
  ],
  ["no order of what is in no release", api("from: marts.made"), "5:11", "is in no release", "order: […]"],
  ["a column twice", api(`${ORDERS}\ncolumns: [day, order_id, day]`), "6:30", "column day stands there twice"],
  ["a page longer than it may be", api(`${ORDERS}\nlimit: 200\nmost: 100`), "6:12", "limit is at most 100"],
  ["time of a model's answer", api(`${ORDERS}\ncache: 30s`), "6:12", "cache: release, or none"],
  [
    "a release of what is in none",
    api("from: marts.made\norder: [id]\ncache: release"),
    "7:12",
    "nothing tells when it changes",
  ],
  ["a condition that ends its parenthesis", api(`${ORDERS}\nwhere: a) or (true`), "6:12", "one SQL condition"],
  [
    "a parameter without a column",
    api(`${ORDERS}\nparameters: { day: { operator: "<" } }`),
    "6:24",
    '"column" is missing',
  ],
  [
    "an operator that is none",
    api(`${ORDERS}\nparameters: { day: { column: day, operator: like } }`),
    "6:49",
    "one of =, <>",
  ],
  [
    "a parameter that all have",
    api(`${ORDERS}\nparameters: { limit: { column: day } }`),
    "6:19",
    "limit is a parameter of every endpoint",
  ],
  [
    "required, and with a default",
    api(`${ORDERS}\nparameters: { d: { column: day, required: true, default: x } }`),
    "6:53",
    "leave required or default out",
  ],
  [
    "a schema that is none",
    api(`${ORDERS}\nparameters: { d: { column: day, schema: { type: integr } } }`),
    "6:45",
    "no JSON Schema of a value",
  ],
  [
    "a default that its schema refuses",
    api(`${ORDERS}\nparameters: { d: { column: day, schema: { type: integer }, default: x } }`),
    "6:73",
    "must be an integer",
  ],
])("%s is told at its place", (_, text, place, ...said) => {
  const { errors } = read({ "shop.yaml": text });
  const told = errors.map((error) => formatUserError(error)).join("\n");
  expect(told).toContain(`serve/shop.yaml:${place}`);
  for (const words of said) expect(told).toContain(words);
  expect(errors).toHaveLength(1);
  // What, where, expected, found, and what to do.
  const [{ expected, found, hint }] = errors as [(typeof errors)[number]];
  expect([expected, found, hint]).toEqual([expect.any(String), expect.any(String), expect.any(String)]);
});

test.each<[string, string]>([
  ["/orders/{id}", "nothing says what {id} filters by"],
  ["/{id}", "a path that begins with a parameter"],
  ["/docs/orders", "begin with /docs are the server's own"],
  ["orders", "path"],
  ["/orders//x", "path"],
  ["/orders/{a-b}", "path"],
])("the path %s is told", (path, said) => {
  const { errors } = read({ "shop.yaml": api(ORDERS).replace("/orders", path) });
  expect(errors.map((error) => formatUserError(error)).join("\n")).toContain(said);
});

test("two endpoints at one address are told, whatever their parameters are called and whichever file they are in", () => {
  const at = (path: string) =>
    api(`${ORDERS}\nparameters: { a: { column: day }, b: { column: day } }`).replace("/orders", path);
  const { errors } = read({ "a.yaml": at("/orders/{a}"), "b.yaml": at("/orders/{b}") });
  expect(errors.map(({ message }) => message)).toEqual(["/orders/{b} stands in serve/a.yaml already"]);
});

test("an endpoint without an order has the key of its model, and what the server does with it is asked beforehand", () => {
  const { actions, errors } = read({
    "shop.yaml": api(`${ORDERS}\nwhere: day is not null\nparameters: { d: { column: day, operator: in } }`),
  });
  expect(errors).toEqual([]);
  const [endpoint] = actions[0]!.endpoints;
  expect(endpoint).toMatchObject({
    released: true,
    order: [{ column: "order_id", neverNull: true }],
    cache: "release",
    scope: "shop",
  });
  expect(endpoint!.check.replaceAll("\uE000", "")).toMatchInlineSnapshot(`
    "-- /orders
    select
      answer.*
    from "marts_dev"."orders" as answer
    where true
    and (
    day is not null
    )
    and answer."day" = any (array[answer."day"])
    order by answer."order_id""
  `);
});
