import { readFileSync } from "node:fs";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import avro from "avsc";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UserError } from "../../../src/model/errors.ts";
import { readAvro } from "../../../src/sources/formats/avro.ts";
import { failureOf, readAll, readEveryPrefix, readTexts } from "./reading.ts";

const file = (name: string) => readFileSync(join(import.meta.dirname, "files", name));
const read = readAvro();

/** A file as avsc writes it: another implementation than the one under test. */
async function encode(schema: avro.Schema, records: readonly unknown[], options: object = {}): Promise<Buffer> {
  const encoder = new avro.streams.BlockEncoder(avro.Type.forSchema(schema), options);
  for (const record of records) encoder.write(record);
  encoder.end();
  const chunks: Buffer[] = [];
  for await (const chunk of encoder) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const long = (value: number): Buffer => avro.Type.forSchema("long").toBuffer(value);
const recordOf = (...fields: { name: string; type: unknown }[]) => ({ type: "record", name: "R", fields });
const SYNC = Buffer.alloc(16, "s");

/** A file by hand: one block, with the count and the bytes that are said. */
function container(schema: unknown, count: number, data: Buffer, codec = "null"): Buffer {
  const entry = (text: string) => Buffer.concat([long(Buffer.byteLength(text)), Buffer.from(text)]);
  const json = typeof schema === "string" ? schema : JSON.stringify(schema);
  const header = [Buffer.from("Obj\x01"), long(2), ...["avro.schema", json, "avro.codec", codec].map(entry), long(0)];
  return Buffer.concat([...header, SYNC, long(count), long(data.length), data, SYNC]);
}

const first = {
  id: 9223372036854775807n,
  small: null,
  price: "12345678901234567890.123456789",
  cents: "-1.10",
  name: "Zoë 😀",
  raw: "\\x00ff",
  day: "2026-11-21",
  at_millis: "2026-11-21T04:05:06.789Z",
  at_micros: "2026-11-21T04:05:06.789123Z",
  local: "2026-11-21T04:05:06.789123",
  clock: "03:04:05.000006",
  ratio: 0.1,
  single: 0.5,
  flag: true,
  kind: "DEBIT",
  uuid: "12345678-1234-5678-1234-567812345678",
  tags: ["a", null],
  attributes: "{}",
  party: { name: "p", kind: "CREDIT", parent: { name: "q", kind: "DEBIT", parent: null } },
};

describe("a file of another program", () => {
  test.each(["null", "deflate", "snappy", "zstandard"])("packed with %s is read with every digit", async (codec) => {
    for (const chunk of [1, 65536]) {
      const { records, rejected } = await readAll(read, file(`types-${codec}.avro`), chunk);
      expect(rejected).toEqual([]);
      expect(records.map(({ position }) => position)).toEqual(["record 1", "record 2"]);
      for (const [name, value] of Object.entries(first)) {
        const expected = typeof value === "bigint" ? String(value) : JSON.stringify(value);
        if (name !== "attributes") expect(records[0]!.fieldText(name), name).toBe(expected);
      }
      expect(records[0]!.fieldText("attributes")).toBe('{"__proto__":1,"n":-9223372036854775808}');
      expect(records[0]!.value).toMatchObject({ ...first, id: 2 ** 63, attributes: { n: -(2 ** 63) } });
      expect(JSON.parse(records[1]!.text())).toMatchObject({
        small: -3,
        price: "-0.000000001",
        cents: "99999999.99",
        day: "1969-12-31",
        at_millis: "1969-12-31T23:59:59.999Z",
        at_micros: "1900-01-01T00:00:00.000001Z",
        clock: "23:59:59.999999",
        ratio: "NaN",
        single: "-Infinity",
        attributes: {},
        party: null,
      });
      expect(records[1]!.fieldText("id")).toBe("-9223372036854775808");
    }
  });

  test("packed with something else is refused", async () => {
    expect((await failureOf(read, file("types-bzip2.avro"))).message).toBe("the Avro file is packed with bzip2");
  });

  test("of avsc has the same values, whatever they are", async () => {
    const schema = recordOf(
      { name: "l", type: "long" },
      { name: "i", type: ["null", "int"] },
      { name: "d", type: "double" },
      { name: "s", type: { type: "array", items: "string" } },
      { name: "m", type: { type: "map", values: "boolean" } },
    ) as avro.Schema;
    const anyRecord = fc.record({
      // avsc writes longer ones wrong; the files of fastavro have the longest.
      l: fc.integer({ min: -(2 ** 52), max: 2 ** 52 }),
      i: fc.option(fc.integer()),
      d: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
      s: fc.array(fc.string({ unit: "grapheme" })),
      m: fc.dictionary(fc.string(), fc.boolean()),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyRecord, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 200 }),
        async (all, size) => {
          const bytes = await encode(schema, all, { codec: size % 2 ? "deflate" : "null", blockSize: 64 });
          const texts = await readTexts(read, bytes, size);
          expect(texts.map((text) => JSON.parse(text))).toEqual(JSON.parse(JSON.stringify(all)));
        },
      ),
      { numRuns: 100 },
    );
  });

  test("with durations, UUIDs of 16 bytes and local times is read", async () => {
    const fixed = (name: string, size: number, logicalType: string) => ({ type: "fixed", name, size, logicalType });
    const schema = recordOf(
      { name: "d", type: fixed("D", 12, "duration") },
      { name: "u", type: fixed("U", 16, "uuid") },
      { name: "t", type: { type: "long", logicalType: "local-timestamp-nanos" } },
      { name: "m", type: { type: "int", logicalType: "time-millis" } },
      { name: "other", type: { type: "int", logicalType: "constructor" } },
    );
    const data = [Buffer.from("0100000002000000bc0b0000", "hex"), Buffer.from([...Array(16).keys()])];
    const bytes = container(schema, 1, Buffer.concat([...data, ...[-1, 1500, 7].map(long)]));
    expect(await readTexts(read, bytes)).toEqual([
      '{"d":"P1M2DT3.004S","u":"00010203-0405-0607-0809-0a0b0c0d0e0f","t":"1969-12-31T23:59:59.999999999","m":"00:00:01.500","other":7}',
    ]);
  });

  test("of many records comes in pages of some hundred", async () => {
    const bytes = async function* () {
      yield await encode(
        recordOf({ name: "id", type: "int" }) as avro.Schema,
        Array.from({ length: 500 }, (_, id) => ({ id })),
      );
    };
    const sizes: number[] = [];
    for await (const page of read(bytes())) sizes.push(page.records.length);
    expect(sizes).toEqual([200, 200, 100]);
  });
});

describe("a file that is cut", () => {
  test("cut at every byte: an error, or whole blocks from the beginning", async () => {
    const whole = file("small.avro");
    const complete = await readEveryPrefix(read, whole);
    expect([...complete.values()]).toEqual([0, 3, 6]);
    expect((await failureOf(read, whole.subarray(0, -1))).message).toBe(
      "the file is not whole: it ends inside a block of records",
    );
    expect((await failureOf(read, "")).message).toContain("the file is not whole");
  });
});

describe("a damaged or hostile file", () => {
  const item = recordOf({ name: "a", type: "string" });

  test("that is no Avro file, or holds no records, is refused", async () => {
    expect((await failureOf(read, "PAR1 and so on")).message).toBe("the file is not an Avro file");
    expect((await failureOf(read, container("string", 0, Buffer.alloc(0)))).message).toContain("schema");
    expect((await failureOf(read, container({ type: "map", values: "int" }, 0, Buffer.alloc(0)))).message).toContain(
      "does not hold records",
    );
  });

  test("with a type that is none is refused, whatever it is called", async () => {
    for (const type of [
      "constructor",
      "toString",
      "Other",
      { type: "fixed", name: "F" },
      { type: "enum", name: "E" },
      7,
    ])
      expect((await failureOf(read, container(recordOf({ name: "a", type }), 1, long(1)))).message).toContain("schema");
  });

  test("with more or fewer bytes than its records is refused", async () => {
    const text = Buffer.concat([long(1), Buffer.from("x")]);
    expect(await readTexts(read, container(item, 1, text))).toEqual(['{"a":"x"}']);
    await failureOf(read, container(item, 2, text));
    await failureOf(read, container(item, 0, text));
    await failureOf(read, container(item, 1, long(1_000_000)));
    await failureOf(read, container(item, 1, long(-1)));
  });

  test("whose counts have no end is refused", async () => {
    const nulls = recordOf({ name: "a", type: { type: "array", items: "null" } });
    await failureOf(read, container(nulls, 1, Buffer.concat([long(2 ** 52), long(0)])));
    await failureOf(read, container(recordOf(), 2 ** 52, Buffer.alloc(0)));
  });

  test("whose block unpacks to more than 64 MB is refused", async () => {
    const bomb = deflateRawSync(Buffer.alloc(65 * 1024 * 1024));
    expect((await failureOf(read, container(item, 1, bomb, "deflate"))).message).toContain("longer than 64 MB");
    const snappy = Buffer.concat([Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]), Buffer.alloc(8)]);
    expect((await failureOf(read, container(item, 1, snappy, "snappy"))).message).toContain("longer than 64 MB");
    await failureOf(read, container(item, 1, Buffer.from("no zstandard"), "zstandard"));
  });

  test("fault 60: whose values nest 100,000 deep is refused", async () => {
    const list = recordOf({ name: "next", type: ["null", "R"] });
    const chain = Buffer.concat([...Array(100_000).fill(long(1)), long(0)]);
    expect((await failureOf(read, container(list, 1, chain))).message).toContain("nested deeper than 200 levels");
    const deep = `${'{"type":"array","items":'.repeat(5000)}"int"${"}".repeat(5000)}`;
    expect((await failureOf(read, container(deep, 1, chain))).message).toContain("nested too deep");
  });

  test("fault 50: a string that is not UTF-8 rejects its record alone; NUL stays for the check", async () => {
    const strings = [Buffer.from("é", "latin1"), Buffer.from("ok\0")];
    const data = Buffer.concat(strings.flatMap((text) => [long(text.length), text]));
    const { records, rejected } = await readAll(read, container(item, 2, data));
    expect(records.map((record) => record.text())).toEqual(['{"a":"ok\\u0000"}']);
    expect(rejected).toEqual([
      { position: "record 1", reason: "has a string that is not UTF-8", text: '{"a":"\ufffd"}' },
    ]);
  });

  test("fault 51: a record over the limit is rejected with its beginning", async () => {
    const long = await encode(item as avro.Schema, [{ a: "1" }, { a: "x".repeat(5000) }, { a: "2" }]);
    const { records, rejected } = await readAll(readAvro(4000), long);
    expect(records.map((record) => record.text())).toEqual(['{"a":"1"}', '{"a":"2"}']);
    expect(rejected).toMatchObject([{ position: "record 2", reason: "is longer than 16 MB" }]);
    expect(rejected[0]!.text.length).toBeLessThan(1100);
  });

  test("with any byte changed gives records or a UserError", async () => {
    const whole = file("types-null.avro");
    for (let at = 0; at < whole.length; at++)
      for (const change of [1, 0x80, 0xff]) {
        const changed = Buffer.from(whole);
        changed[at]! ^= change;
        await readAll(read, changed).catch((error: unknown) => expect(error, `byte ${at}`).toBeInstanceOf(UserError));
      }
  });
});
