import { expect, test } from "vitest";
import { Place } from "../../src/config/place.ts";
import { recordSchemaOf } from "../../src/config/record-schema.ts";
import { parseYaml } from "../../src/config/yaml.ts";
import { compileProperty, createChecker } from "../../src/land/check/checker.ts";
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

/** As a file has it: `rules` of the field `a`, in JSON or YAML. */
function written(rules: string): RecordSchema {
  const yaml = parseYaml(`{ "type": "object", "properties": { "a": { "postgresType": "text", ${rules} } } }`, "s.json");
  return recordSchemaOf(yaml.value, "s.json", new Place(yaml));
}

test.each([
  ['"maximum": 9007199254740993', ["9007199254740993", "-1e400"], ["9007199254740994", "9007199254740993.1", "1e400"]],
  ['"minimum": -12345678901234567890.123', ["-12345678901234567890.1230"], ["-12345678901234567890.1231"]],
  ['"exclusiveMaximum": 0.1000000000000000000001', ["0.1"], ["0.1000000000000000000001"]],
  ['"exclusiveMinimum": 1e300', ["1.0000000000000000000001e300"], ["1e300", "10e299"]],
  ['"multipleOf": 0.0000000000000000000003', ["0.0000000000000000000006", "0"], ["0.0000000000000000000007"]],
  ['"enum": [9007199254740993, "x", null, true]', ["9007199254740993.0", '"x"', "null"], ["9007199254740992", "1"]],
  ['"enum": [9007199254740992, [1], 15]', ["9007199254740992", "[1.0]", "1.5e1"], ["9007199254740993", "[1, 2]"]],
  ['"enum": ["9007199254740993"]', ['"9007199254740993"', '"\\u0039007199254740993"'], ["9007199254740993"]],
  ['"const": 12345678901234567890.123', ["12345678901234567890.123"], ["12345678901234567890.124", '"x"']],
  [
    '"const": {"a": [1e400, "é"], "b": -0}',
    ['{"b": 0, "a": [10e399, "\\u00e9"]}'],
    ['{"b": 0, "a": [1e401, "é"]}', "[]"],
  ],
  [
    '"uniqueItems": true',
    ["[9007199254740993, 9007199254740992]", '[1, "1"]'],
    ["[1, 1.0]", '[{"a":1,"b":2},{"b":2,"a":1}]'],
  ],
  ['"uniqueItems": false', ["[1, 1]"], []],
  ['"type": "integer"', ["1e400", "2.0", "9007199254740993"], ["1.00000000000000000001", "12345678901234567890.5"]],
  ['"type": ["integer", "null"]', ["null", "7"], ["9007199254740993.5"]],
  ['"type": ["number", "integer"]', ["0.5", "9007199254740993.5"], ['"x"']],
  [
    '"items": {"type": "integer", "maximum": 9007199254740993}',
    ["[9007199254740993]"],
    ["[1, 9007199254740994]", "[1.00000000000000000001]"],
  ],
  ['"anyOf": [{"const": 9007199254740993}, {"minimum": 1e17}]', ["9007199254740993", "1e18"], ["9007199254740992"]],
])("%s judges every digit, its own and the record's", (rules, right, wrong) => {
  const schema = written(rules);
  const refusesField = compileProperty(schema, "a");
  const refused = (value: string) => reasons(schema, `{"a": ${value}}`).length > 0;
  const refusedAlone = (value: string) => refusesField(JSON.parse(value), value).length > 0;
  expect([right.filter(refused), right.filter(refusedAlone)]).toEqual([[], []]);
  expect([wrong.filter(refused), wrong.filter(refusedAlone)]).toEqual([wrong, wrong]);
});

test("a reason tells a bound as it is written", () => {
  expect(reasons(written('"maximum": 9007199254740993'), '{"a": 9007199254740994}')).toEqual([
    "a: must be <= 9007199254740993",
  ]);
});

test.each([".inf", "-.inf", ".nan", "0xFFFFFFFFFFFFFFFFFF"])(
  "a bound %s is refused, for JSON has no such number",
  (bound) => {
    expect(() => written(`"maximum": ${bound}`)).toThrow(
      expect.objectContaining({
        message: "no number of JSON",
        found: bound,
        location: { file: "s.json", line: 1, column: 79 },
      }),
    );
  },
);
