import { describe, expect, test } from "vitest";
import { readJson } from "../../../src/sources/formats/json.ts";
import { failureOf, readAll, readEveryPrefix, readTexts } from "./reading.ts";

const list = readJson({ kind: "json", records: "" });
const inside = readJson({ kind: "json", records: "answer.data" });

describe("one JSON text", () => {
  test("is a list of records, or holds it at a path", async () => {
    expect(await readTexts(list, '[{"a":1},{"a":"ü"}]', 2)).toEqual(['{"a":1}', '{"a":"ü"}']);
    const { records } = await readAll(inside, '\ufeff{"answer":{"data":[{"a":1},{"a":2}]}}');
    expect(records.map(({ position, value }) => [position, value])).toEqual([
      ["record 1", { a: 1 }],
      ["record 2", { a: 2 }],
    ]);
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

describe("a file that is refused as a whole", () => {
  test("has no list at the path", async () => {
    expect(await failureOf(inside, '{"answer":{"date":[]}}')).toMatchObject({
      message: 'there is no list of records at "answer.data"',
      found: "the keys answer",
    });
    expect(await failureOf(readJson({ kind: "json", records: "dta" }), '{"data":[]}')).toMatchObject({
      hint: 'did you mean "data"?',
    });
    expect(await failureOf(list, '{"data":[]}')).toMatchObject({ message: "the JSON text is not a list" });
  });

  test("is longer than the limit", async () => {
    const error = await failureOf(readJson({ kind: "json", records: "" }, 1000), `[${'{"a":1},'.repeat(200)}{}]`);
    expect(error.hint).toContain("NDJSON");
  });

  test("fault 60: nests 100,000 deep", async () => {
    const text = `[{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}]`;
    expect((await failureOf(list, text)).message).toBe("the JSON text is nested deeper than 200 levels");
  });

  test("is not UTF-8, or no JSON", async () => {
    expect((await failureOf(list, Buffer.from('[{"a":"é"}]', "latin1"))).message).toContain("utf-8");
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
