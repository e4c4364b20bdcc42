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

function schemaOf(name: string) {
  const yaml = parseYaml(readFileSync(join(folder, name), "utf8"), name);
  return recordSchemaOf(yaml.value, name, new Place(yaml));
}

/** Numbers of the products' records, with what each refuses. */
const numbers = readdirSync(folder).flatMap((name) => {
  const schema = schemaOf(name);
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

test("counts that no sum would hold, and ids that no index takes, are rejects of marketing's feeds", () => {
  const refused = (file: string, field: string, value: string | number) =>
    compileProperty(schemaOf(file), field)(value, String(value)).length > 0;
  for (const counter of ["impressions", "clicks", "conversions"]) {
    expect(refused("marketing_stats.json", counter, 1e15)).toBe(true);
    expect(refused("marketing_stats.json", counter, 999_999_999_999_999)).toBe(false);
  }
  const ids = [
    ...["creative_id", "campaign_id", "device"].map((field) => ["marketing_stats.json", field] as const),
    ...(["marketing_campaigns.json", "marketing_creatives.json"] as const).map((file) => [file, "id"] as const),
  ];
  for (const [file, field] of ids) {
    expect(refused(file, field, "x".repeat(201))).toBe(true);
    expect(refused(file, field, "x".repeat(200))).toBe(false);
  }
});

test("an amount of our own records is any number that a database writes", () => {
  const amount = numbers.find(({ what }) => what === "reconciliation_records.json: amount")!;
  const written = ["12.50", "-12", "+.5", "3.", "1e2", "1.5E-7", " 12.50 ", 12.5];
  expect(written.filter((text) => amount.check(text, String(text)).length)).toEqual([]);
  expect(["", "12,50", "1 000", "0x10", "--1"].filter((text) => !amount.check(text, text).length)).toEqual([]);
});
