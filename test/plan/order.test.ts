import { expect, test } from "vitest";
import { UserError } from "../../src/model/errors.ts";
import { dependenciesOf, dependentsOf, inDependencyOrder } from "../../src/plan/order.ts";

const target = (name: string) => ({ schema: "marts", name });
const nodes = (graph: Readonly<Record<string, readonly string[]>>) =>
  Object.entries(graph).map(([name, dependencies]) => ({
    target: target(name),
    dependencies: dependencies.map(target),
  }));
const namesOf = (keys: Iterable<string>) => [...keys].map((key) => key.replace("marts.", "")).sort();

test("each comes after what it depends on; who does not depend on the other keeps the order given", () => {
  const given = nodes({ report: ["daily"], z: [], daily: ["orders", "elsewhere"], orders: [], a: [] });
  expect(inDependencyOrder(given).map((node) => node.target.name)).toEqual(["orders", "daily", "report", "z", "a"]);
});

test("a diamond is no circle", () => {
  const given = nodes({ top: ["left", "right"], left: ["bottom"], right: ["bottom"], bottom: [] });
  const order = inDependencyOrder(given).map((node) => node.target.name);
  expect([order[0], order[3]]).toEqual(["bottom", "top"]);
});

test.each([
  ["itself", { a: ["a"] }],
  ["one another", { a: ["b"], b: ["a"] }],
  ["others in a long circle", { start: ["a"], a: ["b"], b: ["c"], c: ["a"] }],
])("models that depend on %s are refused", (_, graph) => {
  expect(() => inDependencyOrder(nodes(graph))).toThrow(UserError);
  expect(() => inDependencyOrder(nodes(graph))).toThrow("the models depend on each other in a circle");
});

test("a chain of 100,000 models is put in order", () => {
  const chain = Array.from({ length: 100_000 }, (_, index) => ({
    target: target(`m${index}`),
    dependencies: index < 99_999 ? [target(`m${index + 1}`)] : [],
  }));
  const order = inDependencyOrder(chain);
  expect([order[0]!.target.name, order.at(-1)!.target.name]).toEqual(["m99999", "m0"]);
});

test("dependents and dependencies are those through others too, and not the roots themselves", () => {
  const given = nodes({ orders: [], daily: ["orders"], report: ["daily"], customers: [] });
  expect(namesOf(dependentsOf(given, ["marts.orders"]))).toEqual(["daily", "report"]);
  expect(namesOf(dependenciesOf(given, ["marts.report"]))).toEqual(["daily", "orders"]);
  expect(namesOf(dependentsOf(given, []))).toEqual([]);
});
