import { describe, expect, test } from "vitest";
import { type JsonOptions, readJson } from "../../../src/sources/formats/json.ts";
import { failureOf, readAll, readEveryPrefix, readTexts } from "./reading.ts";

const reader = (options: Partial<JsonOptions> = {}, maxRecord?: number) =>
  readJson({ kind: "json", records: "", shape: "list", ...options }, maxRecord);
const list = reader();
const inside = reader({ records: "answer.data" });

describe("one JSON text", () => {
  test("is a list of records, or holds it at a path", async () => {
    expect(await readTexts(list, '[{"a":1},{"a":"ü"}]', 2)).toEqual(['{"a":1}', '{"a":"ü"}']);
    const { records } = await readAll(inside, '\ufeff{"answer":{"data":[{"a":1},{"a":2}]}}');
    expect(records.map(({ position, value }) => [position, value])).toEqual([
      ["record 1", { a: 1 }],
      ["record 2", { a: 2 }],
    ]);
  });

  test("holds it at a path whose names may have dots, and behind keys without number, in pieces of any size", async () => {
    const keys = Array.from({ length: 60_000 }, (_, n) => `"key ${n} \\u00e9":{"n":${n}}`).join(",");
    const text = `{${keys},"a.b":{"c\\\\d":[{"n":1}]},"a":{"b":[{"n":2}]}}`;
    const at = (records: string) => readTexts(reader({ records }), text, 1000);
    expect(await at("a\\.b.c\\d")).toEqual(['{"n":1}']);
    expect(await at("a.b")).toEqual(['{"n":2}']);
    const failure = await failureOf(reader({ records: "c.d" }), '{"c.d":[{"n":1}]}');
    expect(failure.hint).toBe("a dot in a name is written \\.: 'c\\.d'");
  });

  test("of 500 records comes in pages of 200", async () => {
    const bytes = async function* () {
      yield Buffer.from(JSON.stringify(Array.from({ length: 500 }, (_, a) => ({ a }))));
    };
    const sizes: number[] = [];
    for await (const page of list(bytes())) sizes.push(page.records.length);
    expect(sizes).toEqual([200, 200, 100]);
  });

  test("that is an empty list has no records", async () => {
    expect(await readTexts(list, "[]")).toEqual([]);
  });

  test("fault 57: numbers keep their digits", async () => {
    const [record] = (await readAll(list, '[{"n":12345678901234567890.123456789}]')).records;
    expect(record!.text()).toBe('{"n":12345678901234567890.123456789}');
    expect(record!.fieldText("n")).toBe("12345678901234567890.123456789");
  });

  test("fault 58: __proto__ is a key like others", async () => {
    const [record] = (await readAll(list, '[{"__proto__":{"x":1},"a":1,"a":2}]')).records;
    expect(record!.fieldText("__proto__")).toBe('{"x":1}');
    expect(record!.fieldText("a")).toBe("2");
  });

  test("elements that are no objects are rejected, one by one", async () => {
    const { records, rejected } = await readAll(list, '[{"a":1},7,null,[{}],"x"]');
    expect(records).toHaveLength(1);
    expect(rejected.map(({ position, reason, text }) => [position, reason, text])).toEqual([
      ["record 2", "is not a JSON object", "7"],
      ["record 3", "is not a JSON object", "null"],
      ["record 4", "is not a JSON object", "[{}]"],
      ["record 5", "is not a JSON object", '"x"'],
    ]);
  });
});

const orders = `{"meta":{"orders":"]"},"orders":[
  {"lines":[{"sku":"a","n":1.10},{"sku":"b","taxes":[{"t":1},{"t":2}]}],"id":7,"by":{"name":"Zoë"}},
  {"id":8},{"id":9,"lines":null},{"id":10,"lines":5},7,{"id":11,"lines":[3,{"id":1}]}]}`;

describe("records are found", () => {
  test("in records, with what those around them have", async () => {
    const lines = reader({ records: "orders[].lines[]", parent: { id: "../id", buyer: "../by.name" } });
    const { records, rejected } = await readAll(lines, orders, 7);
    expect(records.map((record) => `${record.position} ${record.text()}`)).toEqual([
      'record 1, lines 1 {"id":7,"buyer":"Zoë","sku":"a","n":1.10}',
      'record 1, lines 2 {"id":7,"buyer":"Zoë","sku":"b","taxes":[{"t":1},{"t":2}]}',
    ]);
    expect(rejected.map(({ position, reason }) => `${position} ${reason}`)).toEqual([
      "record 4 lines: is not a list",
      "record 5 is not a JSON object",
      "record 6, lines 1 is not a JSON object",
      "record 6, lines 2 id: is a field of the record, too: give the parent's another name",
    ]);
    const deep = reader({ records: "orders[].lines[].taxes", parent: { sku: "../sku", order_id: "../../id" } });
    expect((await readAll(deep, orders)).records.map((record) => record.text())).toEqual([
      '{"sku":"b","order_id":7,"t":1}',
      '{"sku":"b","order_id":7,"t":2}',
    ]);
  });

  test("as one record, as an object of records, as lists below a list of names", async () => {
    expect(await readTexts(reader({ shape: "object" }), ' {"a":\n 1.0} ')).toEqual(['{"a":\n 1.0} '.trim()]);
    expect(await readTexts(reader({ shape: "object", records: "x.1" }), '{"x":[0,{"a":1}]}')).toEqual(['{"a":1}']);
    const map = reader({ shape: "map", records: "rates", key: "day" });
    const { records, rejected } = await readAll(
      map,
      '{"rates": { "2026\\u002d01" : {"x":1}, "b":{}, "c":{"day":"c"}, "d":{"day":1}, "e":[] } }',
      3,
    );
    expect(records.map((record) => record.text())).toEqual(['{"day":"2026-01","x":1}', '{"day":"b"}', '{"day":"c"}']);
    expect(rejected.map(({ reason }) => reason)).toEqual([
      "day: is a field of the record, too: give the key another name",
      "is not a JSON object",
    ]);
    expect(await readTexts(reader({ shape: "map" }), '{"a":{"x":1},"b":{"x":2}}')).toEqual(['{"x":1}', '{"x":2}']);
    const rows = await readAll(reader({ shape: "rows" }), '[["id","n"],[1,2.50],[2],{},[3,null]]');
    expect([
      rows.records.map((record) => [record.position, record.text()]),
      rows.rejected.map(({ position, reason }) => [position, reason]),
    ]).toEqual([
      [
        ["record 1", '{"id":1,"n":2.50}'],
        ["record 4", '{"id":3,"n":null}'],
      ],
      [
        ["record 2", "has 1 values, not 2"],
        ["record 3", "is not a list of values"],
      ],
    ]);
    expect(await readTexts(reader({ shape: "rows", records: "data", fields: ["a"] }), '{"data":[[1]]}')).toEqual([
      '{"a":1}',
    ]);
    expect((await failureOf(reader({ shape: "rows" }), "[[1,2],[3,4]]")).message).toContain("no names for the values");
  });

  test("in a list of any length, and where none is", async () => {
    const many = async function* () {
      yield Buffer.from('{"data":[');
      for (let at = 0; at < 300; at++) yield Buffer.from(`${at ? "," : ""}{"text":"${"x,]}".repeat(70_000)}"}`);
      yield Buffer.from('],"total":300}');
    };
    let count = 0;
    let most = 0;
    for await (const { records } of reader({ records: "data" })(many())) {
      count += records.length;
      most = Math.max(most, records.length);
    }
    // 84 MB, of which a page or two are held.
    expect([count, most]).toEqual([300, expect.toSatisfy((size: number) => size < 5)]);
    for (const text of ['{"data":null}', '{"data":[ ]}'])
      expect(await readTexts(reader({ records: "data" }), text)).toEqual([]);
    const { records, rejected } = await readAll(reader({}, 50), `[{"a":1},{"a":"${"x".repeat(100)}"},{"a":2}]`, 10);
    expect([records.length, rejected.map(({ position }) => position)]).toEqual([2, ["record 2"]]);
  });
});

describe("a file that is refused as a whole", () => {
  test("has no list at the path", async () => {
    expect(await failureOf(inside, '{"answer":{"date":[]}}')).toMatchObject({
      message: 'there is no list of records at "answer.data"',
      found: "the keys answer",
    });
    expect(await failureOf(reader({ records: "dta" }), '{"data":[]}')).toMatchObject({
      hint: 'did you mean "data"?',
    });
    expect(await failureOf(list, '{"data":[]}')).toMatchObject({ message: "the JSON text is not a list" });
  });

  test("fault 60: nests 100,000 deep", async () => {
    const text = `[{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}]`;
    expect((await failureOf(list, text)).message).toBe(
      "the JSON text cannot be read: it is nested deeper than 200 levels",
    );
  });

  test("is not UTF-8, or no JSON", async () => {
    expect((await failureOf(list, Buffer.from('[{"a":"é"}]', "latin1"))).message).toContain("utf-8");
    for (const wrong of [
      '[{"a":1},]',
      '[{"a":1},,{}]',
      '[{"a":1} {}]',
      '[{"a":1}}',
      "[,{}]",
      '{"a":[{}]',
      '[{"a":1]}]',
    ])
      expect((await failureOf(list, wrong)).message, wrong).toMatch(/^the file is not (?:one JSON text|whole)/);
    expect((await failureOf(inside, '{"answer":{"data":[]},"answer":{"data":[]}}')).message).toContain("two lists");
    expect((await failureOf(list, '[{"a":1}] []')).message).toBe("the file is not one JSON text");
    expect((await failureOf(list, '[{"a":"\0"}]')).message).toBe("the file is not one JSON text");
  });

  test("cut at every byte: is never read", async () => {
    const whole = Buffer.from('{"answer":{"data":[{"a":"ü]"},{"b":[1,{"c":null}]}]}}');
    expect(await readEveryPrefix(inside, whole)).toEqual(new Map());
    expect((await failureOf(inside, whole.subarray(0, 40))).message).toContain("the file is not whole");
    expect((await failureOf(inside, "")).message).toContain("the file is not whole");
  });
});
