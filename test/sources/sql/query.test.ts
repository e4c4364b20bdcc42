import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type SqlCursor, selectOf } from "../../../src/sources/sql/query.ts";
import type { Dialect } from "../../../src/sql/dialects.ts";

const table = (dialect: Dialect, from: string, cursor?: SqlCursor) =>
  selectOf(dialect, { from }, cursor).text.toString();
const query = (dialect: Dialect, text: string, cursor?: SqlCursor) =>
  Object.fromEntries(
    Object.entries(selectOf(dialect, { query: text }, cursor)).map(([key, part]) => [key, String(part)]),
  );

describe("the select of a stream", () => {
  test.each([
    ["postgres", 'select * from "shop"."orders"'],
    ["mysql", "select * from `shop`.`orders`"],
    ["sqlserver", "select * from [shop].[orders]"],
  ] as const)("of %s quotes the table as that database does", (dialect, text) => {
    expect(table(dialect, "shop.orders")).toBe(text);
  });

  test("doubles the quote that a name has in it", () => {
    expect(table("postgres", 'a"b')).toBe('select * from "a""b"');
    expect(table("mysql", "a`b")).toBe("select * from `a``b`");
    expect(table("sqlserver", "a]b.c[d.e")).toBe("select * from [a]]b].[c[d].[e]");
  });

  test.each([
    ["mysql", "a.b.c"],
    ["postgres", "a..b"],
    ["sqlserver", "server.db.schema.t"],
    ["mysql", ""],
  ] as const)("refuses what is no table of %s: %j", (dialect, from) => {
    expect(() => table(dialect, from)).toThrow(expect.objectContaining({ message: "from: does not name a table" }));
  });

  test("leaves a query as it is, without the semicolon", () => {
    expect(query("mysql", "select 1 -- one ;\n;\n").text).toBe("select 1");
  });

  test.each<[Dialect, string, string]>([
    ["postgres", "select 1; -- x", "select 1"],
    ["postgres", "select ';' -- ;", "select ';' -- ;\n"],
    ["mysql", "select 1; -- x", "select 1"],
    ["mysql", 'select \';\', "a\\";", `;` # ;\n;', 'select \';\', "a\\";", `;`'],
    ["mysql", "select 1 --1", "select 1 --1"],
    ["mysql", "select 1 /* a */ ; /* b; */", "select 1"],
    ["mysql", "select /*! 1 */", "select /*! 1 */"],
    ["sqlserver", "select [;]]'], ';' ; -- x", "select [;]]'], ';'"],
    ["sqlserver", "select 1 /* a /* ; */ b */; --", "select 1"],
    ["sqlserver", "select '\\' ; ;", "select '\\'"],
    ["sqlserver", "-- all\nselect 1 --1", "-- all\nselect 1"],
  ])("of %s leaves out what is behind the statement: %j", (dialect, text, expected) => {
    expect(query(dialect, text).text).toBe(expected);
  });

  test.each<[Dialect, string]>([
    ["postgres", "select 1; select 2"],
    ["postgres", "delete from a"],
    ["postgres", "select 1) as r; drop table a; select (1"],
    ["mysql", "select 1; drop table a"],
    ["mysql", "select '1"],
    ["mysql", "select '\\' ; -- ', 'b'"],
    ["mysql", "-- nothing"],
    ["sqlserver", "select 1; drop table a"],
    ["sqlserver", "select 1; -- x\rdrop table a"],
    ["sqlserver", "select 1 /* a /* b */"],
    ["sqlserver", "select [1"],
    ["sqlserver", ";"],
  ])("of %s refuses what is not one select: %j", (dialect, text) => {
    expect(() => query(dialect, text)).toThrow(/^query: is not one select/);
  });

  test("follows no uuid where the database orders it otherwise", () => {
    const cursor = { field: "id", since: null, type: "uuid" };
    for (const dialect of ["mysql", "sqlserver"] as const)
      expect(() => table(dialect, "o", cursor)).toThrow(
        /^the cursor field id is uuid, which this database orders other/,
      );
    expect(table("postgres", "o", cursor)).toContain('order by "id"');
  });

  test("begins at the cursor, that value included, in its order", () => {
    const cursor = { field: "at", since: "2026-01-02T03:04:05.5Z", type: "timestamp with time zone" };
    expect(table("postgres", "o", cursor)).toBe(
      `select * from "o" where "at" >= '2026-01-02T03:04:05.5Z' order by "at"`,
    );
    expect(table("mysql", "o", cursor)).toBe("select * from `o` where `at` >= '2026-01-02 03:04:05.5' order by `at`");
    expect(query("sqlserver", "select * from o -- all", cursor)).toEqual({
      text: "select * from (select * from o\n) as records where [at] >= N'2026-01-02T03:04:05.5Z'",
      orderBy: "[at]",
    });
    expect(table("mysql", "o", { ...cursor, since: null })).toBe("select * from `o` order by `at`");
  });

  test("begins where bytes say so, whatever the collation", () => {
    const cursor: SqlCursor = { field: "id", since: "a'b", type: "text", order: "bytes" };
    expect(table("postgres", "o", cursor)).toBe(
      `select * from "o" where "id" collate "C" >= 'a''b' order by "id" collate "C"`,
    );
    expect(table("mysql", "o", cursor)).toBe(
      "select * from `o` where cast(convert(`id` using utf8mb4) as binary) >= cast('a''b' as binary) order by cast(convert(`id` using utf8mb4) as binary)",
    );
    expect(query("sqlserver", "select 1", cursor).orderBy).toBe(
      "convert(nvarchar(max), [id]) collate Latin1_General_100_BIN2",
    );
    expect(table("postgres", "o", { ...cursor, isRecoded: true })).toBe(
      `select * from "o" where pg_catalog.convert_to("id", 'UTF8') >= pg_catalog.convert_to('a''b', 'UTF8') order by pg_catalog.convert_to("id", 'UTF8')`,
    );
  });

  test.each<[Dialect, string, string]>([
    ["postgres", "select * from o limit 3", "limit"],
    ["postgres", "with a as (select 1) select * from a order by 1 OFFSET 2 rows fetch first 3 rows only", "OFFSET"],
    ["mysql", "select `limit` from o -- all\n limit 3", "limit"],
    ["sqlserver", "select distinct top (3) * from o", "select distinct top"],
  ])("of %s is refused with a cursor where it gives some rows only: %s", (dialect, text, found) => {
    const cursor: SqlCursor = { field: "id", since: null, type: "bigint" };
    expect(() => query(dialect, text, cursor)).toThrow(
      expect.objectContaining({ message: expect.stringContaining("gives some of its rows"), found }),
    );
    expect(query(dialect, text).text).toBe(text);
  });

  test.each<[Dialect, string]>([
    ["postgres", `select o.limit, 'limit' as limit, "fetch" from o /* limit 3 */ offset 0`],
    ["postgres", "select * from (select * from o limit 3) as few limit all"],
    ["mysql", "select `limit`, 'limit 3' from o where id in (select id from p limit 3) # limit 3"],
    ["sqlserver", "select [top], 'select top' from o where id in (select top 3 id from p)"],
  ])("of %s goes on where only a part of it is limited: %s", (dialect, text) => {
    expect(query(dialect, text, { field: "id", since: null, type: "bigint" }).text).toContain(") as records");
  });

  test("begins a little before a number that MySQL may have shown shorter than it is", () => {
    const cursor = { field: "f", since: "-9.9", type: "real" };
    expect(table("mysql", "o", cursor)).toContain("where `f` >= -9.9 - abs(-9.9) * 0.00001 order by");
    expect(table("postgres", "o", cursor)).toContain(`where "f" >= '-9.9' order by`);
  });

  test("compares numbers as numbers, and only what is one", () => {
    const at = (since: string, type = "bigint") => table("mysql", "o", { field: "id", since, type });
    expect(at("9007199254740993")).toContain(">= 9007199254740993 ");
    expect(at("1 or true")).toContain(">= '1 or true' ");
    expect(at("0012", "text")).toContain(">= '0012' ");
  });

  test("fault 77: no value of a cursor ends its literal", () => {
    const part = fc.constantFrom("'", "\\", '"', "--", "x", "\\'", "''", "\n", "0x", ";");
    const text = fc.array(part).map((parts) => parts.join(""));
    fc.assert(
      fc.property(text, fc.constantFrom<Dialect>("postgres", "mysql", "sqlserver"), (since, dialect) => {
        const written = query(dialect, "table q", { field: "f", since, type: "text" }).text!;
        const [, literal] =
          /^select \* from \(table q\n *\) as records where \S+ >= ([\s\S]*?)(?: order by \S+)?$/.exec(written)!;
        expect(decode(literal!)).toBe(since);
      }),
    );
  });
});

/** What a server reads in a literal; fails when the literal ends early. */
function decode(literal: string): string {
  if (literal.startsWith("_utf8mb4 0x")) return Buffer.from(literal.slice(11), "hex").toString();
  const inner = /^(E|N?)'((?:[^']|'')*)'$/.exec(literal)!;
  const text = inner[2]!.replaceAll("''", "'");
  return inner[1] === "E" ? text.replaceAll("\\\\", "\\") : text;
}
