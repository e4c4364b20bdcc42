import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type RecordSchema, Secret, type SqlStream } from "../../../src/model/declarations.ts";
import type { SourcePage } from "../../../src/sources/source.ts";
import { readMysql } from "../../../src/sources/sql/mysql.ts";
import { type SqlCursor, selectOf } from "../../../src/sources/sql/query.ts";
import type { SqlReadOptions } from "../../../src/sources/sql/rows.ts";
import { script } from "../../../src/sql/authored.ts";
import { noMariadb, startMariadb, type TestMariadb } from "../../support/servers/mariadb.ts";

let server: TestMariadb;

function read(
  stream: Pick<SqlStream, "from" | "query">,
  options: SqlReadOptions & { url?: string; cursor?: SqlCursor } = {},
): AsyncGenerator<SourcePage> {
  const query = selectOf("mysql", stream, options.cursor);
  return readMysql(new Secret("SHOP_URL", options.url ?? server.url()), query, options);
}

async function readAll(...args: Parameters<typeof read>) {
  const texts: string[] = [];
  const rejected: { position: string; reason: string; text: string }[] = [];
  for await (const page of read(...args)) {
    texts.push(...page.records.map((record) => record.text()));
    rejected.push(...(page.rejected ?? []));
  }
  return { texts, rejected };
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

function schema(properties: Record<string, unknown>): RecordSchema {
  return { file: "shop.json", schema: { type: "object", properties }, columns: [] };
}

/** Connections of the user the loads come as. */
async function connections(): Promise<readonly Record<string, unknown>[]> {
  return server.sql("select id, state from information_schema.processlist where user = 'reader'");
}

const title = noMariadb ? `a MariaDB (${noMariadb})` : "a MariaDB";

describe.skipIf(noMariadb)(title, () => {
  beforeAll(async () => {
    server = await startMariadb();
  }, 120_000);
  afterAll(() => server?.stop());

  test("fault 57: sends every value as it is, whatever its type, time zone and number of digits", async () => {
    await server.sql(`
      create table kinds (big bigint unsigned, tiny tinyint(1), filled int(6) zerofill, amount decimal(40,10),
        ratio double, bits bit(5), born date, at datetime(6), seen timestamp(3) null, took time, y year, doc json,
        bytes varbinary(4), raw blob, word varchar(20), one enum('a','b'), id uuid, nothing int);
      insert into kinds values (18446744073709551615, 1, 42, '123456789012345678901234567890.0123456789',
        1.7976931348623157e308, b'10101', '2026-01-02', '2026-03-29 02:30:00.123456', '2026-03-29 04:30:00.5', '-838:59:59', 2026,
        '{"n": 12345678901234567890.10}', x'00ff', 'é', 'héé€😀', 'b', '7ad7ff0c-e56a-11f1-b153-02fc00000001', null)`);
    const [first] = (await readAll({ from: "shop.kinds" })).texts;
    expect(first).toBe(
      '{"big": 18446744073709551615, "tiny": 1, "filled": 42, "amount": "123456789012345678901234567890.0123456789", ' +
        '"ratio": 1.7976931348623157e308, "bits": 21, "born": "2026-01-02", "at": "2026-03-29T02:30:00.123456", ' +
        '"seen": "2026-03-29T02:30:00.500Z", "took": "-838:59:59", "y": 2026, "doc": {"n": 12345678901234567890.10}, ' +
        '"bytes": "\\\\x00ff", "raw": "\\\\xc3a9", "word": "héé€😀", "one": "b", ' +
        '"id": "7ad7ff0c-e56a-11f1-b153-02fc00000001"}',
    );
  });

  test("gives numbers, strings, booleans and nulls as the record schema has them", async () => {
    const recordSchema = schema({
      id: { type: "string" },
      amount: { type: "number" },
      active: { type: "boolean" },
      note: { type: ["string", "null"] },
      doc: { type: "string" },
    });
    const query = `select 9007199254740993 as id, 1234567890123456.789 as amount, cast(1 as integer) as active,
      cast(null as char) as note, json_extract('{"a": 1.10}', '$') as doc, cast(null as char) as gone`;
    const [page] = await collect(read({ query }, { recordSchema }));
    const [record] = page!.records;
    expect(record!.value).toEqual({
      id: "9007199254740993",
      amount: 1234567890123456.8,
      active: true,
      note: null,
      doc: '{"a": 1.10}',
    });
    expect(record!.fieldText("amount")).toBe("1234567890123456.789");
    expect(record!.fieldText("note")).toBe("null");
    expect(record!.fieldText("gone")).toBeUndefined();
    expect(record!.position).toBe("row 1");
  });

  test("fault 59: zero dates and days that do not exist are rejected with their row, the others are records", async () => {
    await server.sql(`
      set sql_mode = 'ALLOW_INVALID_DATES';
      create table births (id int, born date, at datetime);
      insert into births values (1, '0000-00-00', null), (2, '2026-02-31', null), (3, '2024-02-29', '2024-02-29 24:00:00'),
        (4, '2026-05-00', '0000-00-00 00:00:00'), (5, '2024-02-29', '2024-02-29 23:59:59');
      set sql_mode = default`);
    const { texts, rejected } = await readAll({ query: "select * from births order by id;" });
    expect(rejected).toMatchObject([
      { position: "row 1", reason: "born: is a zero date, which PostgreSQL does not have" },
      { position: "row 2", reason: "born: is a day that its month does not have" },
      { position: "row 3", reason: "at: is a zero date, which PostgreSQL does not have" },
      { position: "row 4", reason: expect.stringContaining("born: is a zero date") },
    ]);
    expect(rejected[0]!.text).toBe('{"id":"1","born":"0000-00-00","at":null}');
    expect(texts).toEqual(['{"id": 5, "born": "2024-02-29", "at": "2024-02-29T23:59:59"}']);
  });

  test("fault 50: a NUL character arrives as one, for the check to reject", async () => {
    const { texts } = await readAll({ query: String.raw`select 'a\0b' as word` });
    expect(texts).toEqual([String.raw`{"word": "a\u0000b"}`]);
  });

  test("fault 51: a record of more than 16 MB is rejected with its beginning", async () => {
    const { texts, rejected } = await readAll({ query: "select repeat('x', 9000000) as a, repeat('y', 9000000) as b" });
    expect(texts).toEqual([]);
    expect(rejected[0]!.reason).toBe("is longer than 16 MB");
    expect(rejected[0]!.text.length).toBeLessThan(3000);
    expect(rejected[0]!.text).toContain("xxxx");
  });

  test("fault 68: is asked from the cursor's value on, that value included, in its order", async () => {
    await server.sql(`
      create table events (id bigint, at timestamp(6), key (at));
      insert into events values (9007199254740995, '2026-01-03 01:00:00'), (9007199254740993, '2026-01-02 01:00:00.000001'),
        (9007199254740994, '2026-01-02 01:00:00.000001'), (9007199254740992, '2026-01-01 01:00:00')`);
    const ids = async (cursor: SqlCursor) =>
      (await readAll({ from: "events" }, { cursor })).texts.map((text) => (/\d{5,}/.exec(text) as string[])[0]);
    const since = "2026-01-01T23:00:00.000001Z";
    expect(await ids({ field: "at", since, type: "timestamp with time zone" })).toEqual([
      expect.stringMatching(/[34]$/),
      expect.stringMatching(/[34]$/),
      "9007199254740995",
    ]);
    expect(await ids({ field: "id", since: "9007199254740994", type: "bigint" })).toEqual([
      "9007199254740994",
      "9007199254740995",
    ]);
    expect(await ids({ field: "id", since: null, type: "bigint" })).toHaveLength(4);
  });

  test("follows no column that is ordered otherwise than where it lands", async () => {
    await server.sql(`
      create table moments (word varchar(40), at datetime, n decimal(10, 2), bytes varbinary(4));
      insert into moments values ('2026-01-01T02:00:00+02:00', '2026-01-01', 1, 'a')`);
    const follow = (follows: string, type: string) =>
      readAll(
        { from: "moments" },
        { follows, recordSchema: { ...schema({ [follows]: { type: "string" } }), columns: [{ name: follows, type }] } },
      );
    for (const [name, type, source] of [
      ["word", "timestamp with time zone", "text"],
      ["word", "numeric", "text"],
      ["n", "text", "decimal"],
      ["bytes", "text", "binary"],
    ] as const)
      await expect(follow(name, type)).rejects.toThrow(
        `the cursor field ${name} is ${source} in the source, and ${type} here: they are ordered otherwise`,
      );
    for (const [name, type] of [
      ["word", "text"],
      ["at", "timestamp with time zone"],
      ["n", "bigint"],
      ["n", "double precision"],
    ] as const)
      expect((await follow(name, type)).texts).toHaveLength(1);
  });

  test("reads tables and columns whatever characters their names have", async () => {
    await server.sql(
      'create table `ta``ble; drop` (`constructor` int, `a"b` int); insert into `ta``ble; drop` values (1, 2)',
    );
    const [page] = await collect(read({ from: "shop.ta`ble; drop" }));
    expect(page!.records[0]!.text()).toBe('{"constructor": 1, "a\\"b": 2}');
    expect(Object.keys(page!.records[0]!.value as object)).toEqual(["constructor", 'a"b']);
  });

  test("fault 55: never gives two columns of one name as one", async () => {
    await expect(readAll({ query: "select 1 as a, 2 as a" })).rejects.toMatchObject({
      name: "UserError",
      message: "two columns of the query are called a",
    });
  });

  test("is read without being written to, even where the user may", async () => {
    await server.sql("create table kept (id int)");
    await expect(readAll({ query: "insert into kept values (1)" })).rejects.toMatchObject({
      name: "UserError",
      found: expect.stringContaining("READ ONLY"),
    });
    expect(await server.sql("select count(*) as n from kept")).toEqual([{ n: 0 }]);
  });

  test("runs one statement only", async () => {
    await expect(
      collect(readMysql(new Secret("SHOP_URL", server.url()), { text: script("select 1 as a; select 2 as a") })),
    ).rejects.toMatchObject({
      name: "UserError",
      code: "ER_PARSE_ERROR",
    });
  });

  test("stops a query that takes longer than it may", async () => {
    const query = "select count(*) as n from seq_1_to_1000000 a, seq_1_to_1000000 b";
    await expect(readAll({ query }, { timeoutSeconds: 1 })).rejects.toMatchObject({
      name: "UserError",
      message: expect.stringContaining("did not answer in time"),
      expected: "all rows within 1 s",
    });
  });

  test("keeps the rows that nobody has taken yet to itself", async () => {
    const pages = read({ query: "select seq, repeat('x', 200) as filler from seq_1_to_20000000" });
    onTestFinished(() => void pages.return(undefined));
    expect((await pages.next()).value.records).toHaveLength(200);
    const sent = async () => Number((await server.sql("show global status like 'Bytes_sent'"))[0]!.Value);
    let before = 0;
    const standsStill = async () => {
      const [connection] = await connections();
      const now = await sent();
      const still = now - before < 100_000; // the answers to these questions
      before = now;
      return { still, state: connection!.state };
    };
    await expect.poll(standsStill, { timeout: 20_000 }).toEqual({ still: true, state: "Writing to net" });
  });

  test("is left at once when the reader stops early", async () => {
    for await (const page of read({ query: "select seq from seq_1_to_20000000" })) if (page.number === 2) break;
    await expect.poll(connections, { timeout: 20_000 }).toEqual([]);
  });

  test("fault 18: a connection that is killed in the middle fails the load and names the server", async () => {
    const pages = read({ query: "select seq, repeat('x', 200) as filler from seq_1_to_20000000" });
    await pages.next();
    const [{ id }] = (await connections()) as [{ id: number }];
    await server.sql(`kill connection ${id}`);
    const rest = async () => {
      for await (const _ of pages);
    };
    await expect(rest()).rejects.toMatchObject({
      name: "UserError",
      message: expect.stringMatching(
        /^the connection to mysql:\/\/reader@127\.0\.0\.1:\d+\/shop .* was lost after [\d,]+ rows$/,
      ),
    });
  });

  test.each([
    ["a wrong password", (url: string) => url.replace("w%3Ard", "wrong"), "ER_ACCESS_DENIED_ERROR", /password/],
    ["a closed port", (url: string) => url.replace(/:\d+\//, ":1/"), "ECONNREFUSED", /start the server/],
    ["another database", (url: string) => url.replace("/shop", "/mysql"), "ER_DBACCESS_DENIED_ERROR", /database/],
    [
      "TLS that cannot be verified",
      (url: string) => `${url}?sslmode=verify-full`,
      "HANDSHAKE_SSL_ERROR",
      /sslrootcert/,
    ],
  ])("fault 70: says what to check about %s, and shows no password", async (_, change, code, hint) => {
    const error = (await readAll({ query: "select 1 as a" }, { url: change(server.url()) }).catch((e) => e)) as Error;
    expect(error).toMatchObject({ name: "UserError", code, hint: expect.stringMatching(hint) });
    expect(error.message).toContain("(from ${SHOP_URL})");
    const everything = JSON.stringify([error.message, error, String(error.stack)]);
    expect(everything).not.toContain(server.password);
    expect(everything).not.toContain(encodeURIComponent(server.password));
  });

  test("is spoken to over TLS where the URL says so", async () => {
    const cipher = async (parameters: string) => {
      const query = "show session status like 'Ssl_cipher'";
      return (await readAll({ query }, { url: server.url("shop", parameters) })).texts[0];
    };
    const encrypted = expect.stringMatching(/"Value": "TLS_/);
    expect(await cipher("?sslmode=require")).toEqual(encrypted);
    expect(await cipher(`?sslmode=verify-full&sslrootcert=${encodeURIComponent(server.ca)}`)).toEqual(encrypted);
    expect(await cipher("")).toBe('{"Variable_name": "Ssl_cipher", "Value": ""}');
  });

  test("without rows gives one page without records", async () => {
    expect(await collect(read({ query: "select 1 as a where false" }))).toEqual([
      { number: 1, records: [], rejected: [] },
    ]);
  });
});
