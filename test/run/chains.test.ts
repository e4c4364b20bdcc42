import { expect, test } from "vitest";
import type { Segment } from "../../src/model/plan.ts";
import { chainsOf } from "../../src/run/chains.ts";

/** Steps by name, each with those that it waits for. */
const steps = (waits: Readonly<Record<string, readonly string[]>>) =>
  Object.entries(waits).map(([name, before]) => ({
    target: { schema: "marts", name },
    waitsFor: before.map((one) => `marts.${one}`),
  })) as unknown as Segment["steps"];

test.each([
  ["nothing", {}, 0],
  ["models that wait for none", { a: [], b: [], c: [] }, 3],
  ["a chain, though its last waits for all", { a: [], b: ["a"], c: ["a", "b"] }, 1],
  ["two leaves of one root", { a: [], b: ["a"], c: ["a"] }, 2],
  ["a chain with a leaf at each of its models", { a: [], b: ["a"], c: ["b"], x: ["a"], y: ["b"], z: ["c"] }, 3],
])("%s: no more steps can be at work at once than there are chains", (_, waits, expected) => {
  expect(chainsOf(steps(waits))).toBe(expected);
});
