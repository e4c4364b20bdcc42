import { describe, expect, test } from "vitest";
import { readNdjson } from "../../../src/sources/formats/ndjson.ts";
import type { FilePosition, SourcePage } from "../../../src/sources/source.ts";
import { failureOf, memoryOf, readAll, readEveryPrefix, readTexts } from "./reading.ts";

const read = readNdjson({ kind: "ndjson", encoding: "utf-8" });

describe("lines", () => {
  test("each line is a record that keeps its text and knows its line and byte", async () => {
    const { records } = await readAll(read, '{"a":1}\r\n\n{ "a" : "ü" }\n{"a":3}', 3);
    expect(records.map((record) => record.value)).toEqual([{ a: 1 }, { a: "ü" }, { a: 3 }]);
    expect(records.map((record) => record.text())).toEqual(['{"a":1}', '{ "a" : "ü" }', '{"a":3}']);
    expect(records.map(({ position }) => position)).toEqual(["line 1", "line 3", "line 4"]);
    const places = records as unknown as FilePosition[];
    expect(places.map(({ line, byte }) => [line, byte])).toEqual([
      [1, 0],
      [3, 10],
      [4, 25],
    ]);
  });

  test("pages hold some hundred records", async () => {
    const pages: SourcePage[] = [];
    const bytes = async function* () {
      yield Buffer.from('{"a":1}\n'.repeat(500));
    };
    for await (const page of read(bytes())) pages.push(page);
    expect(pages.map(({ number, records }) => [number, records.length])).toEqual([
      [1, 200],
      [2, 200],
      [3, 100],
    ]);
  });

  test("an empty file has no records", async () => {
    expect(await readTexts(read, "")).toEqual([]);
    expect(await readTexts(read, " \n\n")).toEqual([]);
  });

  test("fault 62: blank lines are nothing; a trailing comma, two objects and other lines are rejected", async () => {
    const lines = ['{"a":1}', "", "  \t", '{"a":2},', '{"a":3}{"a":4}', '{"a":', "[1]", "7", "nonsense", '{"a":5}'];
    const { records, rejected } = await readAll(read, `${lines.join("\n")}\n`);
    expect(records.map((record) => record.text())).toEqual(['{"a":1}', '{"a":5}']);
    expect(rejected.map(({ position, reason, text }) => [position, reason, text])).toEqual([
      ["line 4", "has text after its JSON value", '{"a":2},'],
      ["line 5", "has text after its JSON value", '{"a":3}{"a":4}'],
      ["line 6", "is not JSON", '{"a":'],
      ["line 7", "is not a JSON object", "[1]"],
      ["line 8", "is not a JSON object", "7"],
      ["line 9", "is not JSON", "nonsense"],
    ]);
    expect(rejected[0]).toMatchObject({ line: 4, byte: 13 });
  });

  test("fault 62: a last line that is cut fails the whole file", async () => {
    for (const last of ['{"a":', '{"a":1', '{"a":2},', "12", '"x', "nul", "[1,2", '{"a":1}{"b"'])
      expect((await failureOf(read, `{"a":1}\n${last}`)).message).toBe("the file is not whole: it ends inside a line");
    const half = Buffer.from('{"a":1}\n{"a":"ü').subarray(0, -1);
    expect(await failureOf(read, half)).toMatchObject({ found: "the end of the file inside line 2" });
  });

  test("a last line without line end that is a whole object is a record; a whole list is rejected", async () => {
    expect(await readTexts(read, '{"a":1}\n{"a":2}')).toEqual(['{"a":1}', '{"a":2}']);
    expect((await readAll(read, '{"a":1}\n[1, 2]')).rejected).toMatchObject([{ reason: "is not a JSON object" }]);
  });

  test("cut at every byte: an error, or whole records from the beginning", async () => {
    const whole = Buffer.from('{"a":1,"t":"ü😀"}\n{"b":{"c":[1,"}"]}}\r\n\n{"d":12345678901234567890}\n');
    const complete = await readEveryPrefix(read, whole);
    // After the first object, its line end, the second, its CR, its LF, the blank line and the third.
    expect([...complete.keys()]).toEqual([0, 20, 21, 40, 41, 42, 43, 69]);
  });
});

describe("values", () => {
  test("fault 57: numbers keep their digits in the text of the record and of its fields", async () => {
    const line = '{"n":12345678901234567890.123456789,"e":1e400,"s":"12345678901234567890"}';
    const { records } = await readAll(read, `${line}\n`);
    expect(records[0]!.text()).toBe(line);
    expect(records[0]!.fieldText("n")).toBe("12345678901234567890.123456789");
    expect(records[0]!.fieldText("e")).toBe("1e400");
    expect(records[0]!.fieldText("s")).toBe('"12345678901234567890"');
    expect(records[0]!.fieldText("absent")).toBeUndefined();
  });

  test("fault 58: of a key that is there twice the last value counts, and __proto__ is a key like others", async () => {
    const { records } = await readAll(read, '{"a":1,"__proto__":{"x":1},"constructor":2,"a":3}\n');
    expect(records[0]!.fieldText("a")).toBe("3");
    expect(records[0]!.fieldText("__proto__")).toBe('{"x":1}');
    expect(records[0]!.fieldText("constructor")).toBe("2");
    expect(records[0]!.fieldText("toString")).toBeUndefined();
    expect(Object.hasOwn(Object.prototype, "x")).toBe(false);
  });

  test("fault 50: a NUL byte rejects its line; an escaped NUL or lone surrogate stays in the text for the check", async () => {
    const { records, rejected } = await readAll(read, '{"a":"\0"}\n{"a":"\\u0000"}\n{"a":"\\ud800"}\n');
    expect(rejected).toMatchObject([{ position: "line 1", reason: "has a NUL byte", text: '{"a":"\ufffd"}' }]);
    expect(records.map((record) => record.text())).toEqual(['{"a":"\\u0000"}', '{"a":"\\ud800"}']);
  });

  test("a line that is not UTF-8 is rejected with the byte that is wrong", async () => {
    const bytes = Buffer.concat([Buffer.from('{"a":1}\n{"a":"ü'), Buffer.from([0xe9]), Buffer.from('"}\n{"a":2}\n')]);
    const { records, rejected } = await readAll(read, bytes);
    expect(records).toHaveLength(2);
    expect(rejected).toMatchObject([{ position: "line 2, byte 16", line: 2, byte: 8, reason: "is not UTF-8" }]);
    expect(bytes[16]).toBe(0xe9);
  });

  test("fault 60: a line that nests 100,000 deep is rejected, one of 200 is a record", async () => {
    const nested = (depth: number) => `{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    const { records, rejected } = await readAll(read, `${nested(199)}\n${nested(200)}\n${nested(100_000)}`);
    expect(records).toHaveLength(1);
    expect(rejected.map(({ reason }) => reason)).toEqual(Array(2).fill("is nested deeper than 200 levels"));
    await failureOf(read, nested(100_000).slice(0, -1));
  });

  test("brackets inside strings are no depth", async () => {
    const line = `{"a":"${'[{\\"'.repeat(500)}"}`;
    expect(await readTexts(read, `${line}\n`)).toEqual([line]);
  });
});

describe("encodings", () => {
  test("a byte order mark is no part of the first line", async () => {
    expect(await readTexts(read, '\ufeff{"a":1}\n', 1)).toEqual(['{"a":1}']);
    const utf16 = Buffer.from('\ufeff{"a":"ü"}\n', "utf16le");
    expect(await readTexts(read, utf16, 3)).toEqual(['{"a":"ü"}']);
    expect(await readTexts(read, utf16.swap16(), 3)).toEqual(['{"a":"ü"}']);
  });

  test("a declared encoding is read", async () => {
    const latin = readNdjson({ kind: "ndjson", encoding: "iso-8859-1" });
    expect(await readTexts(latin, Buffer.from('{"a":"é"}\n', "latin1"))).toEqual(['{"a":"é"}']);
  });
});

describe("fault 51: long lines", () => {
  test("a line over the limit is rejected with its beginning, and the ones around it are records", async () => {
    const short = readNdjson({ kind: "ndjson", encoding: "utf-8" }, 100);
    const long = `{"a":"${"x".repeat(5000)}"}`;
    const fits = `{"a":"${"x".repeat(92)}"}`;
    for (const chunk of [7, 100, 65536]) {
      const { records, rejected } = await readAll(short, `{"a":1}\n${long}\n${fits}\n{"a":2}\n`, chunk);
      expect(records.map((record) => record.text())).toEqual(['{"a":1}', fits, '{"a":2}']);
      expect(records.map(({ position }) => position)).toEqual(["line 1", "line 3", "line 4"]);
      expect(rejected).toMatchObject([{ line: 2, byte: 8, reason: "is longer than 16 MB" }]);
      expect(rejected[0]!.text.slice(0, 10)).toBe(long.slice(0, 10));
      expect(rejected[0]!.text.length).toBeLessThan(1100);
    }
  });

  test("a line of 1 GB does not fill the memory", async () => {
    const chunk = Buffer.alloc(1024 * 1024, "x");
    let reason: string | undefined;
    const megabytes = await memoryOf(async (measure) => {
      const bytes = async function* () {
        yield Buffer.from('{"a":"');
        for (let count = 0; count < 1024; count++) {
          yield chunk;
          measure();
        }
        yield Buffer.from('"}\n');
      };
      for await (const page of read(bytes())) reason = page.rejected?.[0]?.reason;
    });
    expect(reason).toBe("is longer than 16 MB");
    expect(megabytes).toBeLessThan(128);
  });

  test("a file that ends inside such a line is cut", async () => {
    const short = readNdjson({ kind: "ndjson", encoding: "utf-8" }, 100);
    expect((await failureOf(short, "x".repeat(200))).message).toContain("ends inside a line");
  });
});
