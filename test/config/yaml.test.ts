import { expect, test } from "vitest";
import { parseYaml } from "../../src/config/yaml.ts";

test.each([
  ["a: { amount: numeric(38, 2), b: text }", "numeric(38, 2)", 14],
  ["a: { amount: numeric(38, 2) }", "numeric(38, 2)", 14],
  ["[text, numeric(10,2)]", "numeric(10,2)", 8],
  ["a:\n  - { type: decimal(10,\n      2), x: 1 }", "decimal(10,\n      2)", 13],
  ["{ check: coalesce(a, b) > 0 }", "coalesce(a, b) > 0", 10],
])("a text with a comma in brackets is told apart from two values: %s", (text, meant, column) => {
  expect(() => parseYaml(text, "x.yaml")).toThrow(
    expect.objectContaining({
      message: "a comma within { } or [ ] ends a text, also one within brackets",
      location: { file: "x.yaml", line: text.startsWith("a:\n") ? 2 : 1, column },
      expected: JSON.stringify(meant),
      hint: "put the text in quotes",
    }),
  );
});

test.each([
  ['a: { amount: "numeric(38, 2)", b: text }', { a: { amount: "numeric(38, 2)", b: "text" } }],
  ["a: numeric(38, 2)", { a: "numeric(38, 2)" }],
  ["[f(x), :-(, ok]", ["f(x)", ":-(", "ok"]],
  ['{ "a(": 1, "b)": 2 }', { "a(": 1, "b)": 2 }],
])("brackets that do not go on behind a comma are texts as any: %s", (text, value) => {
  expect(parseYaml(text, "x.yaml").value).toEqual(value);
});
