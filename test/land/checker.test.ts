import { expect, test } from "vitest";
import { createChecker } from "../../src/land/check/checker.ts";
import type { RecordSchema } from "../../src/model/declarations.ts";
import { JsonRecord, parseJson } from "../../src/sources/json/document.ts";

/** Of records with one field. */
const recordSchema = (field: object, more: object = {}): RecordSchema => ({
  file: "ingest/schema.json",
  schema: { type: "object", properties: { a: field }, ...more },
  columns: [{ name: "a", type: "text" }],
});

function reasons(schema: RecordSchema, text: string): readonly string[] {
  const document = parseJson(text);
  const checked = createChecker(schema)(new JsonRecord(document, document.value, document.source), text);
  return "reasons" in checked ? checked.reasons : [];
}

test.each([
  [{}, "schema is invalid: data/properties/a/type must be equal to one of the allowed values"],
  [
    { $schema: "https://json-schema.org/draft/2020-12/schema" },
    "schema is invalid: data/properties/a/type must be equal to one of the allowed values",
  ],
  [{ $schema: "http://example.com/mine" }, 'no schema with key or ref "http://example.com/mine"'],
])("a file that is no JSON Schema is refused by its name, with the place in it: %o", (dialect, found) => {
  expect(() => createChecker(recordSchema({ type: "texts" }, dialect))).toThrow(
    expect.objectContaining({
      message: "ingest/schema.json is not a valid JSON Schema",
      found: expect.stringContaining(found),
    }),
  );
});

test("what every object inherits is no field of a record", () => {
  const schema = { type: "object", properties: { constructor: { type: "integer" } }, required: ["toString"] };
  const record = { file: "ingest/schema.json", schema, columns: [{ name: "constructor", type: "bigint" }] };
  expect(reasons(record, '{ "toString": 1 }')).toEqual([]);
  expect(reasons(record, '{ "constructor": 1 }')).toEqual(["toString: is missing"]);
});

test("schemas of one name, and with one name inside, are each their own", () => {
  const named = (type: string) => recordSchema({ $id: "part", type }, { $id: "https://example.com/record" });
  expect(reasons(named("string"), '{ "a": 1 }')).toEqual(["a: must be string"]);
  expect(reasons(named("number"), '{ "a": 1 }')).toEqual([]);
  expect(reasons(named("number"), '{ "a": "1" }')).toEqual(["a: must be number"]);
});
