import { Ajv } from "ajv";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isPlainly } from "../../src/config/plainly.ts";
import { publishedSchema } from "../../src/config/published.ts";

const ajv = new Ajv({ strict: true, allowUnionTypes: true }).addVocabulary(["x-withheld"]);
const names = [
  ...(["postgres", "dataform", "workflow_settings", "ingest", "schedules", "dashboard"] as const),
  ...(["notifications", "server", "seed"] as const),
];

test.each([
  { indexes: [{ columns: ["a", "(lower(b))"], unique: true, using: "gin", include: ["c"], where: "a > 1" }] },
  { guard: { maxRowDrop: "0.5%", where: "a = 1", keepBy: ["id"] }, version: 3, live: false },
  { assertions: { severity: "warn", threshold: 5 }, grants: { select: ["reader"] } },
  {},
] as object[])("what is right is seen to be without the validator: %j", (block) => {
  expect(isPlainly(publishedSchema("postgres"), block)).toBe(true);
});

const WRONG: readonly unknown[] = [
  { indexes: [{}] },
  { indexes: [{ columns: [] }] },
  { indexes: [{ columns: [""] }] },
  { indexes: [{ columns: ["a"], using: "tree" }] },
  { index: [] },
  { guard: {} },
  { guard: { maxRowDrop: "half" } },
  { guard: { maxRowDrop: -1 } },
  { version: 1.5 },
  { version: "x".repeat(101) },
  { live: "yes" },
  { constructor: 1 },
  [],
  null,
];

test.each(WRONG.map((block) => [block] as const))("what is wrong is not: %j", (block) => {
  expect(isPlainly(publishedSchema("postgres"), block)).toBe(false);
});

test("whatever is plainly right is right to the validator, too, for every schema that is looked at so", () => {
  const words = [
    "indexes",
    "columns",
    "guard",
    "maxRowDrop",
    "where",
    "a",
    "5%",
    "live",
    "version",
    "vars",
    "warehouse",
  ];
  const key = fc.oneof(fc.constantFrom(...words), fc.constantFrom("constructor", "__proto__", "postgres"));
  const leaf = fc.oneof(key, fc.boolean(), fc.integer(), fc.constant(null), fc.constantFrom("", 1.5, 2 ** 60));
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      leaf,
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(key, tie("value"), { maxKeys: 3 }),
    ),
  }));
  const checks = names.map((name) => [publishedSchema(name), ajv.compile(publishedSchema(name))] as const);
  fc.assert(
    fc.property(value, (one) => checks.every(([schema, validate]) => !isPlainly(schema, one) || validate(one))),
    { numRuns: 1000 },
  );
});

test("of a keyword that is not known here nothing is sure", () => {
  expect(isPlainly({ type: "string", format: "date" }, "2026-01-01")).toBe(false);
});
