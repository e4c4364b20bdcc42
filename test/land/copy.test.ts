import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { connect, withTransaction } from "../../src/postgres/client.ts";
import { copyChunks, copyIn, copyLine } from "../../src/postgres/copy.ts";
import { sql } from "../../src/sql/sql.ts";
import { ingestDatabase } from "../support/ingest-database.ts";

const db = ingestDatabase();

beforeAll(async () => {
  await db.client.query(sql`create table cells (n int, a text, b text)`);
});

describe("rows written by COPY", () => {
  test("come back as they went in, whatever characters they hold", async () => {
    const plain = fc.string({ unit: "binary" }).filter((text) => !text.includes("\0"));
    const awkward = fc.constantFrom(
      "\\",
      "\\.",
      "\\N",
      "\n",
      "\r\n",
      "\t",
      "",
      "\\t",
      "'",
      '"',
      "\u2028",
      "😀",
      "\u007f",
    );
    const cell = fc.option(
      fc.oneof(
        plain,
        awkward,
        fc.array(awkward).map((parts) => parts.join("")),
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell), { maxLength: 30 }), async (rows) => {
        await db.client.query(sql`truncate cells`);
        const lines = rows.map(([a, b], index) => copyLine([String(index), a, b]));
        expect(await copyIn(db.client, "copy cells from stdin", copyChunks(lines))).toBe(rows.length);
        const { rows: read } = await db.client.query<{ a: string; b: string }>(sql`select a, b from cells order by n`);
        expect(read.map(({ a, b }) => [a, b])).toEqual(rows);
      }),
      { numRuns: 100 },
    );
  });

  test("are sent in messages of about 64 KB, and a long row in one", () => {
    const sizes = [...copyChunks(Array.from({ length: 1000 }, () => "x".repeat(1000)))].map((chunk) => chunk.length);
    expect(Math.max(...sizes)).toBeLessThan(67_000);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(1_001_000);
  });

  test("are counted when there are more than the socket takes at once", async () => {
    await db.client.query(sql`truncate cells`);
    const lines = Array.from({ length: 200_000 }, (_, n) => copyLine([String(n), "x".repeat(50), null]));
    expect(await copyIn(db.client, "copy cells from stdin", copyChunks(lines))).toBe(200_000);
  });

  test("are all taken back when the source of rows fails, and the connection goes on", async () => {
    await db.client.query(sql`truncate cells`);
    function* failing() {
      yield Buffer.from("1\ta\tb\n");
      throw new Error("the source broke");
    }
    const load = withTransaction(db.client, () => copyIn(db.client, "copy cells from stdin", failing()));
    await expect(load).rejects.toThrow("the source broke");
    expect((await db.client.query(sql`select count(*) from cells`)).rows).toEqual([{ count: "0" }]);
  });

  test("that the server refuses reject with its error, and the connection goes on", async () => {
    const lines = Array.from({ length: 100_000 }, (_, n) => copyLine([n === 500 ? "five hundred" : String(n), "", ""]));
    await expect(copyIn(db.client, "copy cells from stdin", copyChunks(lines))).rejects.toMatchObject({
      code: "22P02",
    });
    expect((await db.client.query(sql`select 1 as one`)).rows).toEqual([{ one: "1" }]);
  });

  test("reject when the connection is lost on the way", async () => {
    const other = await connect(db.settings);
    const { rows } = await other.query<{ pid: string }>(sql`select pg_backend_pid() as pid`);
    async function* interrupted() {
      yield Buffer.from("1\ta\tb\n");
      await db.client.query(sql`select pg_terminate_backend($1, 5000)`, [rows[0]!.pid]);
      for (let n = 0; n < 100; n++) yield Buffer.alloc(65536, "2\ta\tb\n");
    }
    await expect(copyIn(other, "copy cells from stdin", interrupted())).rejects.toThrow();
    await other.close().catch(() => {});
  });
});
