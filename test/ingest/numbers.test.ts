import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { Place } from "../../src/config/place.ts";
import { recordSchemaOf } from "../../src/config/record-schema.ts";
import { parseYaml } from "../../src/config/yaml.ts";
import { compileProperty } from "../../src/land/check/checker.ts";

const folder = resolve(import.meta.dirname, "../../ingest/schemas");
const NO_NUMBERS = ["NaN", "nan", "Infinity", "-Infinity", "+infinity", "inf", "-inf"];
/** Types that have such values. Whole numbers have none: the server refuses the row. */
const NUMERIC = /^(?:numeric|double precision|real)/;

/** Numbers of the products' records, with what each refuses. */
const numbers = readdirSync(folder).flatMap((name) => {
  const yaml = parseYaml(readFileSync(join(folder, name), "utf8"), name);
  const schema = recordSchemaOf(yaml.value, name, new Place(yaml));
  return schema.columns
    .filter(({ type }) => NUMERIC.test(type))
    .map((column) => ({ what: `${name}: ${column.name}`, check: compileProperty(schema, column.name) }));
});

test("what is no number, or no finite one, is a reject in every number of every product's records", () => {
  expect(numbers.length).toBeGreaterThan(20);
  const taken = numbers.flatMap(({ what, check }) =>
    NO_NUMBERS.filter((text) => !check(text, text).length).map((text) => `${what}: ${text}`),
  );
  expect(taken).toEqual([]);
});

test("an amount of our own records is any number that a database writes", () => {
  const amount = numbers.find(({ what }) => what === "reconciliation_records.json: amount")!;
  const written = ["12.50", "-12", "+.5", "3.", "1e2", "1.5E-7", " 12.50 ", 12.5];
  expect(written.filter((text) => amount.check(text, String(text)).length)).toEqual([]);
  expect(["", "12,50", "1 000", "0x10", "--1"].filter((text) => !amount.check(text, text).length)).toEqual([]);
});
