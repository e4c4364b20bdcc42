import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { filesByLane } from "./support/lanes.ts";

const root = resolve(import.meta.dirname, "..");
const page = (name: string) => readFileSync(join(root, "docs", name), "utf8");

const tests = Object.values(filesByLane())
  .flat()
  .map((name) => ({ name, text: readFileSync(join(root, name), "utf8") }));

/** All that the pattern finds in names of tests, in order and once each. */
function used(pattern: RegExp, file = /./): string[] {
  const found = tests.filter(({ name }) => file.test(name)).flatMap(({ text }) => [...text.matchAll(pattern)]);
  return [...new Set(found.map(([, id]) => id!))].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

const listed = (text: string, pattern: RegExp) =>
  [...new Set([...text.matchAll(pattern)].map(([, id]) => id!))].sort((a, b) =>
    a.localeCompare(b, "en", { numeric: true }),
  );

test("every fault in the name of a test is in docs/faults.md, and every fault there has a test", () => {
  expect(used(/["'`]fault (\d+): /g)).toEqual(listed(page("faults.md"), /^\| (\d+) \|/gm));
});

test("every rule and case in the name of a test is in docs/rules.md, every one there has a test, and no name has another id", () => {
  const rules = page("rules.md");
  const history = /products\/scd2/;
  expect(used(/["'`](?:case )?\d+, (R\d+): /g, history)).toEqual(listed(rules, /^\| (R\d+) \|/gm));
  expect(used(/["'`](?:case )?(\d+)(?:, R\d+)?: /g, history)).toEqual(listed(rules, /\| (\d+) \|/g));
  expect(used(/["'`](§\d\.\d)/g)).toEqual(listed(rules, /^(§\d\.\d)/gm));
  expect(used(/["'`]((?:seed|issue|bug) \d+)/gi)).toEqual([]);
});
