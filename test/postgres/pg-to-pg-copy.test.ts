import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { ConnectionSettings } from "../../src/model/connection-settings.ts";
import { type Client, connect, withTransaction } from "../../src/postgres/client.ts";
import { copyInto } from "../../src/postgres/copy.ts";
import { describeQuery } from "../../src/postgres/describe-types.ts";
import { startEmbedded } from "../../src/postgres/embedded/server.ts";
import { copyFormat, copyPgToPg } from "../../src/postgres/pg-to-pg-copy.ts";
import { script } from "../../src/sql/authored.ts";
import { dialectSelect } from "../../src/sql/dialects.ts";
import { id } from "../../src/sql/identifiers.ts";
import { sql } from "../../src/sql/sql.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { project } from "../support/embedded.ts";
import { proxy } from "../support/proxy.ts";

const one = (text: string) => dialectSelect("postgres", text, "query:");

let source: TestDatabase;
let target: TestDatabase;
let admin: Client;

beforeAll(async () => {
  [source, target] = [await testDatabase(), await testDatabase()];
  admin = await connect(target.settings);
  await admin.script(sql`create table numbers (n bigint, word text); create table locked (n bigint, word text)`);
});
afterAll(async () => {
  await admin.close();
  await source.drop();
  await target.drop();
});

async function open(settings: ConnectionSettings): Promise<Client> {
  const client = await connect(settings, { applicationName: "test through" });
  onTestFinished(() => client.close().catch(() => {}));
  return client;
}

async function pair(there = source.settings, here = target.settings): Promise<[Client, Client]> {
  return [await open(there), await open(here)];
}

function load(from: Client, select: string, to: Client, format: "text" | "binary" = "text", table = "numbers") {
  return withTransaction(to, () =>
    copyPgToPg(from, one(select), to, sql`copy ${id(table)} (n, word) from stdin`, { format }),
  );
}

async function landed(table = "numbers"): Promise<string> {
  return (await admin.query<{ count: string }>(script(`select count(*) from ${table}`))).rows[0]!.count;
}

/** Rows to fill every buffer on the way, and then a wait for a lock that the test holds. */
async function stalled(): Promise<{ select: string; rows: number }> {
  const holder = await open(source.settings);
  await holder.query(sql`select pg_advisory_lock(1)`);
  const rows = 20_000;
  const wait = `case when n = ${rows} then pg_advisory_lock(1)::text else repeat('x', 100) end`;
  return { select: `select n, ${wait} from generate_series(1, ${rows}) n`, rows };
}

/** Returns when the server process waits for a lock. */
async function waitsForLock(client: Client): Promise<void> {
  const state = () =>
    admin.query(sql`select wait_event_type as waits from pg_stat_activity where pid = $1`, [client.processId]);
  await expect.poll(async () => (await state()).rows, { timeout: 20_000 }).toEqual([{ waits: "Lock" }]);
}

/** Whether the server still has a transaction of this client open. */
async function inTransaction(client: Client): Promise<boolean> {
  const { rowCount } = await admin.query(sql`select from pg_stat_activity where pid = $1 and xact_start is not null`, [
    client.processId,
  ]);
  return rowCount > 0;
}

describe("rows that go from one database to another", () => {
  test.each(["text", "binary"] as const)("fault 47: arrive as they are, as %s, whatever they hold", async (format) => {
    const [from, to] = await pair();
    await admin.query(sql`truncate numbers`);
    const words = String.raw`array['\.', '\N', '', E'a\nb\r\n', E'\t', '"', 'é😀', repeat('x', 300000), null]`;
    const select = `select row_number() over () as n, word from unnest(${words}) word -- in any order`;
    expect(await load(from, select, to, format)).toBe(9);
    const read = (client: Client, text: string) =>
      client.table(script(`select n, word from (${text}\n) as rows order by n`));
    expect((await read(to, "select * from numbers")).rows).toEqual((await read(from, select)).rows);
  });

  test("are counted on both sides, and their bytes told on the way", async () => {
    const [from, to] = await pair();
    await admin.query(sql`truncate numbers`);
    const told: number[] = [];
    const select = "select n, repeat('x', 90) as word from generate_series(1, 100000) n;";
    const rows = await copyPgToPg(from, one(select), to, sql`copy numbers from stdin`, {
      onBytes: (bytes) => told.push(bytes),
    });
    expect([rows, await landed()]).toEqual([100_000, "100000"]);
    expect(told.at(-1)).toBe(100_000 * 92 + 488_895);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
  });

  test("may be none", async () => {
    const [from, to] = await pair();
    expect(await load(from, "select 1::bigint as n, ''::text as word where false", to, "binary")).toBe(0);
  });

  test("keep dates, intervals and digits when the servers are set differently and text goes between them", async () => {
    const [from, to] = await pair();
    await from.script(sql`set datestyle = 'German'; set intervalstyle = 'sql_standard'; set extra_float_digits = 0`);
    await to.script(sql`set datestyle = 'SQL, MDY'; set intervalstyle = 'sql_standard'; set timezone = 'Asia/Tokyo';
      create temporary table kinds (d date, t timestamptz, i interval, f float8, b bytea)`);
    const select = `select date '2026-01-02', timestamptz '2026-01-02 03:04:05.123456+00', interval '-1 day 02:03:04',
      0.1::float8 + 0.2, '\\x00ff'::bytea`;
    await withTransaction(to, () => copyPgToPg(from, one(select), to, sql`copy kinds from stdin`));
    const same = `d = '2026-01-02' and t = '2026-01-02T03:04:05.123456Z' and i = 'P-1DT2H3M4S'
      and f = 0.30000000000000004 and b = '\\x00ff'`;
    expect((await to.query(script(`select ${same} as same from kinds`))).rows).toEqual([{ same: "t" }]);
  });

  test("may come from a cluster of another version", async () => {
    const elsewhere = await startEmbedded(project());
    const [from, to] = await pair(elsewhere);
    await admin.query(sql`truncate numbers`);
    const major = async (client: Client) => (await client.query<{ v: string }>(sql`show server_version_num`)).rows[0]!;
    const [there, here] = [await major(from), await major(to)];
    const select = "select n::bigint, n::text as word from generate_series(1, 1000) n";
    const format = await copyFormat(from, one(select), to, { schema: "public", name: "numbers" }, ["n", "word"]);
    const alike = Object.values(there)[0]!.slice(0, 2) === Object.values(here)[0]!.slice(0, 2);
    expect(format).toBe(alike ? "binary" : "text");
    expect(await load(from, select, to, format)).toBe(1000);
  });
});

describe("the format between two databases", () => {
  test.each([
    ["binary", "select 1::bigint as n, 'a'::text as word;"],
    ["text", "select 1::int as n, 'a'::text as word"],
    ["text", "select 1::bigint as n, 'a'::varchar as word"],
    ["text", "select 1::bigint as n"],
  ])("is %s for %s", async (format, select) => {
    const [from, to] = await pair();
    expect(await copyFormat(from, one(select), to, { schema: "public", name: "numbers" }, ["n", "word"])).toBe(format);
  });

  test("is text for types whose binary form names things of one database", async () => {
    const [from, to] = await pair();
    await admin.query(sql`create table if not exists lists (list int[])`);
    const list = ["select array[1, 2] as list", { schema: "public", name: "lists" }, ["list"]] as const;
    expect(await copyFormat(from, one(list[0]), to, list[1], list[2])).toBe("text");
  });

  test("cannot be told when the query is wrong, and the error says which side it is about", async () => {
    const [from, to] = await pair();
    const asked = copyFormat(from, script("select nonsense"), to, { schema: "public", name: "numbers" }, ["n", "word"]);
    await expect(asked).rejects.toMatchObject({ name: "UserError", message: /source database failed/, code: "42703" });
  });
});

describe("a copy between two databases that fails", () => {
  const empty = async () => {
    await admin.query(sql`truncate numbers`);
    return pair();
  };

  test("fault 11: ends at once when the source's session is ended in the middle, and nothing stays", async () => {
    const [from, to] = await empty();
    const { select } = await stalled();
    const copied = load(from, select, to);
    copied.catch(() => {});
    await waitsForLock(from);
    await admin.query(sql`select pg_terminate_backend($1)`, [from.processId]);
    await expect(copied).rejects.toMatchObject({
      name: "UserError",
      message: "the source database was lost during the copy",
      code: "57P01",
    });
    expect(await landed()).toBe("0");
    expect((await to.query(sql`select 1 as one`)).rows).toEqual([{ one: "1" }]);
  });

  test("fault 11: ends at once when the target's session is ended while the source is quiet, and nothing stays", async () => {
    const [from, to] = await empty();
    const { select } = await stalled();
    const copied = load(from, select, to);
    copied.catch(() => {});
    await waitsForLock(from);
    await admin.query(sql`select pg_terminate_backend($1)`, [to.processId]);
    await expect(copied).rejects.toMatchObject({
      name: "UserError",
      message: "the target database was lost during the copy",
    });
    expect(await landed()).toBe("0");
  });

  test.each(["source", "target"] as const)("fault 18: ends at once when the line to the %s is cut", async (side) => {
    const line = await proxy(side === "source" ? source.settings : target.settings);
    await admin.query(sql`truncate numbers`);
    const settings = { source: source.settings, target: target.settings, [side]: line.settings };
    const [from, to] = await pair(settings.source, settings.target);
    const { select } = await stalled();
    const copied = load(from, select, to);
    copied.catch(() => {});
    await waitsForLock(from);
    line.cut();
    await expect(copied).rejects.toMatchObject({ message: `the ${side} database was lost during the copy` });
    await expect.poll(() => inTransaction(to), { timeout: 20_000 }).toBe(false);
    expect(await landed()).toBe("0");
  });

  test("fault 13: ends at once when both lines are cut", async () => {
    const line = await proxy(source.settings);
    await admin.query(sql`truncate numbers`);
    const [from, to] = await pair(line.settings, { ...line.settings, database: target.settings.database });
    const { select } = await stalled();
    const copied = load(from, select, to);
    copied.catch(() => {});
    await waitsForLock(from);
    line.cut();
    await expect(copied).rejects.toMatchObject({ message: /^the (source|target) database was lost during the copy$/ });
    await expect.poll(() => inTransaction(to), { timeout: 20_000 }).toBe(false);
    expect(await landed()).toBe("0");
  });

  test("names the source when its query fails after some rows; the target's connection goes on", async () => {
    const [from, to] = await empty();
    const select = "select n, (1 / (50000 - n))::text from generate_series(1, 100000) n";
    await expect(load(from, select, to)).rejects.toMatchObject({
      message: "the source database failed the copy",
      found: "division by zero",
      code: "22012",
    });
    expect(await landed()).toBe("0");
    expect((await to.query(sql`select 1 as one`)).rows).toEqual([{ one: "1" }]);
  });

  test("names the target, the line and the column when it refuses a row; its connection goes on", async () => {
    const [from, to] = await empty();
    const select = "select case n when 500 then 'many' else n::text end, 'x' from generate_series(1, 1000000) n";
    await expect(load(from, select, to)).rejects.toMatchObject({
      message: "the target database failed the copy",
      found: expect.stringContaining('COPY numbers, line 500, column n: "many"'),
      code: "22P02",
    });
    expect((await to.query(sql`select 1 as one`)).rows).toEqual([{ one: "1" }]);
  });

  test("that were refused are followed by none that wait in the stream", async () => {
    const [, to] = await empty();
    const stream = copyInto(to, sql`copy numbers (n, word) from stdin`);
    const refused = once(stream, "error");
    stream.write("many\tx\n");
    await Promise.race([once(stream, "drain"), refused]);
    // The server tells of a row when it has read enough of them.
    stream.write("1\tx\n".repeat(100_000));
    expect(await refused).toMatchObject([{ code: "22P02" }]);
    // Said to whoever writes, not thrown where nobody catches it.
    const said = await new Promise((resolve) => stream.write("1\tx\n", resolve));
    expect(said).toMatchObject({ code: "ERR_STREAM_DESTROYED" });
    expect((await to.query(sql`select 1 as one`)).rows).toEqual([{ one: "1" }]);
  });

  test("leaves no query running at the source", async () => {
    const [from, to] = await empty();
    const select = "select generate_series(1, 100000000) || 'many', 'x'";
    await expect(load(from, select, to)).rejects.toMatchObject({ code: "22P02" });
    const running = () => admin.query(sql`select from pg_stat_activity where pid = $1`, [from.processId]);
    await expect.poll(async () => (await running()).rows, { timeout: 20_000 }).toEqual([]);
  });

  test("ends when the source fails while the target still waits for a lock", async () => {
    const [from, to] = await empty();
    await admin.query(sql`begin`);
    await admin.query(sql`lock table locked`);
    onTestFinished(() => void admin.query(sql`rollback`));
    const copied = load(from, "select 1 / 0, ''", to, "text", "locked");
    await expect(copied).rejects.toMatchObject({ message: "the source database failed the copy" });
  });

  test("writes nothing at the source", async () => {
    const [from, to] = await empty();
    const work = await open(source.settings);
    await work.script(sql`create table if not exists kept (n int);
      create or replace function sneak() returns text language sql as 'insert into kept values (1) returning ''x'''`);
    await expect(load(from, "select 1, sneak()", to)).rejects.toMatchObject({ code: "25006" });
  });
});

test("the description of a query takes one statement, whatever its text is", async () => {
  await expect(describeQuery(admin, script("select 1) as a; select 2 from (select 1"))).rejects.toThrow(
    "cannot insert multiple commands into a prepared statement",
  );
});
