import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { UserError } from "../../../src/model/errors.ts";
import { readParquet } from "../../../src/sources/formats/parquet.ts";
import { temporaryFolder } from "../../support/servers/child.ts";
import { failureOf, readAll, readEveryPrefix, readTexts } from "./reading.ts";

const file = (name: string) => readFileSync(join(import.meta.dirname, "files", name));
const read = readParquet();
/** Every byte of it is changed: it has few. */
const little = () =>
  Buffer.from(
    parquetWriteBuffer({
      columnData: [
        { name: "id", data: [1, null], type: "INT32" },
        { name: "name", data: ["Zoë", "b"], type: "STRING" },
      ],
    }),
  );
const spooled = () => readdirSync(tmpdir()).filter((name) => name.startsWith("dataform-file-"));

const expected = [
  '{"id":1,"small":1,"big_unsigned":18446744073709551615,"unsigned":4294967295,"price":"12345678901234567890.123456789","cents":"1.10","name":"Zoë 😀","bytes":"\\\\x00ff","fixed":"\\\\x0102","day":"2026-11-21","at_millis":"2026-11-21T04:05:06.789Z","at_micros":"2026-11-21T04:05:06.789123Z","at_nanos":"2026-11-21T04:05:06.789123457Z","local":"2026-11-21T04:05:06.789123","clock":"03:04:05.000006","ratio":0.1,"single":0.5,"flag":true,"tags":["a",null,"b"],"amounts":["1.50",null],"place":{"city":"Bern","at":"46.948"},"lines":[{"sku":"x","n":9007199254740993}],"attributes":{"k":"1.10"}}',
  '{"id":9223372036854775807,"small":null,"big_unsigned":0,"unsigned":0,"price":"-0.000000001","cents":"-99999.99","name":"","bytes":"\\\\x","fixed":"\\\\x0304","day":"1969-12-31","at_millis":"1969-12-31T23:59:59.999Z","at_micros":"1900-01-01T00:00:00.000001Z","at_nanos":"1969-12-31T23:59:59.999999999Z","local":null,"clock":"00:00:00.000000","ratio":"NaN","single":null,"flag":false,"tags":[],"amounts":[],"place":{"city":null,"at":null},"lines":[],"attributes":{}}',
  '{"id":-9223372036854775808,"small":-3,"big_unsigned":1,"unsigned":1,"price":null,"cents":null,"name":null,"bytes":null,"fixed":null,"day":null,"at_millis":null,"at_micros":null,"at_nanos":null,"local":null,"clock":null,"ratio":"Infinity","single":-2.25,"flag":null,"tags":null,"amounts":null,"place":null,"lines":null,"attributes":null}',
  '{"id":4,"small":4,"big_unsigned":null,"unsigned":null,"price":"0.000000000","cents":"0.00","name":"a\\u0000b","bytes":"\\\\x616263","fixed":"\\\\x0506","day":"9999-12-31","at_millis":null,"at_micros":null,"at_nanos":"1970-01-01T00:00:00.000000000Z","local":null,"clock":"23:59:59.999999","ratio":-0.5,"single":1,"flag":true,"tags":["c"],"amounts":["-2.25"],"place":{"city":"Ulm","at":"1.000"},"lines":[{"sku":null,"n":1},null],"attributes":{"a":null,"b":"2.00"}}',
];

describe("a file of another program", () => {
  test.each(["none", "snappy", "gzip", "zstd", "brotli", "lz4"])(
    "packed with %s is read with every digit",
    async (codec) => {
      const { records, rejected } = await readAll(read, file(`types-${codec}.parquet`), 1000);
      expect(rejected).toEqual([]);
      expect(records.map((record) => record.text())).toEqual(expected);
      expect(records.map(({ position }) => position)).toEqual(["record 1", "record 2", "record 3", "record 4"]);
      expect(records[1]!.value).toMatchObject({ id: 2 ** 63, tags: [], place: { city: null } });
      expect(records[1]!.fieldText("id")).toBe("9223372036854775807");
    },
  );

  test("with timestamps of 96 bits is read as UTC", async () => {
    expect(await readTexts(read, file("int96.parquet"))).toEqual([
      '{"at":"2026-11-21T04:05:06.789123000Z"}',
      '{"at":null}',
    ]);
  });

  test("without rows has no records", async () => {
    expect(await readTexts(read, file("empty.parquet"))).toEqual([]);
  });

  test("with JSON and UUID columns, and a column called __proto__, is read", async () => {
    const uuid = Uint8Array.from({ length: 16 }, (_, n) => n);
    const bytes = parquetWriteBuffer({
      columnData: [
        { name: "j", data: [{ a: [1, null] }], type: "JSON" },
        { name: "u", data: [uuid], type: "UUID" },
        { name: "__proto__", data: ["x"], type: "STRING" },
      ],
    });
    expect(await readTexts(read, new Uint8Array(bytes))).toEqual([
      '{"j":{"a":[1,null]},"u":"00010203-0405-0607-0809-0a0b0c0d0e0f","__proto__":"x"}',
    ]);
  });

  test("with floats of 16 bits, intervals and bytes that are ENUM is read", async () => {
    const interval = Uint8Array.from([1, 0, 0, 0, 2, 0, 0, 0, 0xbc, 0x0b, 0, 0]);
    const bytes = parquetWriteBuffer({
      columnData: [
        { name: "f", data: [0.5, Number.NaN] },
        { name: "i", data: [interval, interval] },
        { name: "e", data: ["CREDIT", "DEBIT"] },
      ],
      schema: [
        { name: "root", num_children: 3 },
        { name: "f", type: "FIXED_LEN_BYTE_ARRAY", type_length: 2, logical_type: { type: "FLOAT16" } },
        { name: "i", type: "FIXED_LEN_BYTE_ARRAY", type_length: 12, converted_type: "INTERVAL" },
        { name: "e", type: "BYTE_ARRAY", converted_type: "ENUM" },
      ],
    });
    expect(await readTexts(read, new Uint8Array(bytes))).toEqual([
      '{"f":0.5,"i":"P1M2DT3.004S","e":"CREDIT"}',
      '{"f":"NaN","i":"P1M2DT3.004S","e":"DEBIT"}',
    ]);
  });

  test("of many rows comes in pages of a thousand", async () => {
    const data = Array.from({ length: 2500 }, (_, id) => id);
    const written = parquetWriteBuffer({ columnData: [{ name: "id", data, type: "INT32" }], rowGroupSize: 2200 });
    const bytes = async function* () {
      yield new Uint8Array(written);
    };
    const sizes: number[] = [];
    const ids: unknown[] = [];
    for await (const page of read(bytes())) {
      sizes.push(page.records.length);
      ids.push(...page.records.map(({ value }) => (value as { id: number }).id));
    }
    expect(sizes).toEqual([1000, 1000, 200, 300]);
    expect(ids).toEqual(data);
  });
});

describe("a file that is cut, damaged or something else", () => {
  test("cut at every byte: is never read", async () => {
    const whole = little();
    expect(await readEveryPrefix(read, whole)).toEqual(new Map());
    expect((await failureOf(read, whole.subarray(0, -1))).message).toBe("the file is not whole: it has no footer");
    expect((await failureOf(read, "")).message).toContain("the file is not whole");
  });

  test("is refused", async () => {
    expect((await failureOf(read, "not a Parquet file at all")).message).toBe("the file is not a Parquet file");
    expect((await failureOf(read, `PAR1${"x".repeat(20)}PARE`)).message).toBe("the Parquet file is encrypted");
    expect((await failureOf(read, `PAR1${"x".repeat(20)}PAR1`)).message).toBe("the Parquet file is damaged");
  });

  test("fault 50: a string that is not UTF-8 fails the file", async () => {
    const whole = file("small.parquet");
    whole[whole.indexOf("row 3")] = 0xe9;
    expect((await failureOf(read, whole)).message).toBe("a string of the Parquet file is not UTF-8");
  });

  test("with a bit of any byte changed gives rows or a UserError", async () => {
    const whole = little();
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole);
      changed[at]! ^= 1;
      await readAll(read, changed).catch((error: unknown) => expect(error, `byte ${at}`).toBeInstanceOf(UserError));
    }
  });
});

test("a file that is decoded without end is left at a limit of time, and the next one is read", async () => {
  const data = Array.from({ length: 100_000 }, (_, n) => `row ${n}`);
  const bytes = new Uint8Array(parquetWriteBuffer({ columnData: [{ name: "a", data, type: "STRING" }] }));
  const error = await failureOf(readParquet(0), bytes);
  expect(error.message).toBe("the Parquet file cannot be decoded");
  expect(error.found).toBe("no end after 0 s");
  expect(await readTexts(read, bytes)).toHaveLength(100_000);
});

describe("the temporary file", () => {
  test("is gone after reading, after an error, and when the reader stops in between", async () => {
    // of this test alone: others read Parquet too
    vi.stubEnv("TMPDIR", temporaryFolder());
    onTestFinished(() => void vi.unstubAllEnvs());
    const before = spooled();
    await readTexts(read, file("small.parquet"));
    await failureOf(read, "nonsense");
    const bytes = async function* () {
      yield file("small.parquet");
    };
    for await (const page of read(bytes())) {
      expect(page.records).toHaveLength(3);
      expect(spooled().length).toBe(before.length + 1);
      break;
    }
    const broken = async function* () {
      yield Buffer.from("PAR1");
      throw new UserError({ message: "the connection broke" });
    };
    await expect(read(broken())[Symbol.asyncIterator]().next()).rejects.toThrow("the connection broke");
    expect(spooled()).toEqual(before);
  });
});
