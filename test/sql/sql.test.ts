import { expect, test } from "vitest";
import { expression, ordering, relation, select, typeName } from "../../src/sql/authored.ts";
import { cte, withCtes } from "../../src/sql/ctes.ts";
import { id, ids, suffixed } from "../../src/sql/identifiers.ts";
import { indexColumn } from "../../src/sql/index-columns.ts";
import { dollarQuoted, literal } from "../../src/sql/literals.ts";
import { and, empty, or, type Sql, sql } from "../../src/sql/sql.ts";

const text = (value: Sql) => value.toString();

test("a name is quoted, so that it is never a word of SQL", () => {
  expect(text(sql`select ${id("user")} from ${id("raw", 'my "table"')}`)).toBe(
    'select "user" from "raw"."my ""table"""',
  );
});

test.each([
  ["", "an empty name"],
  ["x".repeat(64), "64 bytes"],
  ["ä".repeat(32), "64 bytes"],
  ["a\0b", "\\u0000"],
])("the name %j is refused, because PostgreSQL would make another of it", (name, found) => {
  expect(() => id(name)).toThrow(expect.objectContaining({ found: expect.stringContaining(found) }));
});

test("a value is written so that it cannot end its quotes", () => {
  const values = ["it's", "back\\slash", 7, 9007199254740993n, true, null].map(literal);
  expect(text(sql`${values}`)).toBe("'it''s',\nE'back\\\\slash',\n7,\n9007199254740993,\ntrue,\nnull");
});

test("a number that JavaScript does not hold exactly is refused", () => {
  for (const value of [0.1, 2 ** 53, Number.NaN]) expect(() => literal(value)).toThrow("whole number");
});

test("a string in a hole is refused", () => {
  // @ts-expect-error a bare string is a type error, too
  expect(() => sql`select ${"a"}`).toThrow("use id(), literal() or sql``");
  // @ts-expect-error
  expect(() => sql`select ${["a"]}`).toThrow("expected SQL in a list");
});

test("what is nested is indented as its line, and a list on a line of its own has a line for each", () => {
  const inner = sql`
    select
      ${ids(["a", "b"])}
    from t
    where s = ${literal("two\nlines")}`;
  const outer = sql`
    select * from (
      ${inner}
    ) as x
    where ${ids(["a", "b"])}`;
  expect(text(outer)).toBe(
    `select * from (\n  select\n    "a",\n    "b"\n  from t\n  where s = 'two\nlines'\n) as x\nwhere "a", "b"`,
  );
});

test("a line with nothing but an empty hole is left out", () => {
  expect(
    text(sql`
    select 1
    ${empty}
    from t
    ${sql``}`),
  ).toBe("select 1\nfrom t");
  expect(text(sql`a${empty}b`)).toBe("ab");
});

test("a backslash in SQL is a backslash", () => {
  expect(text(sql`select '\s+'`)).toBe("select '\\s+'");
});

test("conditions are joined so that none takes another apart", () => {
  const [a, b] = [sql`a or b`, sql`c`];
  expect(text(and([a, b]))).toBe("(a or b) and (c)");
  expect(text(and([a]))).toBe("a or b");
  expect(text(sql`${and([])} ${or([])}`)).toBe("true false");
});

test("common table expressions are told apart by a blank line", () => {
  const query = withCtes(
    [cte("a", sql`select 1 as x`, { comment: "one" }), cte("b", sql`select * from ${id("a")}`, { materialized: true })],
    sql`select * from b`,
  );
  expect(text(query)).toBe(
    'with\n\n-- one\n"a" as (\n  select 1 as x\n),\n\n"b" as materialized (\n  select * from "a"\n)\n\nselect * from b',
  );
});

test.each([
  ["created_at", "created_at"],
  [' t."At" ', 't."At"'],
  ["a or b", "(a or b)"],
  ["x -- why", "(x -- why\n)"],
  ["'--' || ';'", "('--' || ';')"],
])("the author's expression %j stays one", (given, expected) => {
  expect(text(expression(given, "x: deleted"))).toBe(expected);
});

test.each(["", "1) or (1", "a; drop table x", "'open", '"open', "$$ open", "a /* open", "(a]", "-- nothing"])(
  "the author's expression %j is refused",
  (given) => {
    expect(() => expression(given, "x: deleted")).toThrow("x: deleted is not an SQL expression");
  },
);

test("a relation is a name, a reference or a select in parentheses", () => {
  expect(text(relation(["raw", "My Table"], "x"))).toBe('"raw"."My Table"');
  expect(text(relation({ schema: "raw", name: "t" }, "x"))).toBe('"raw"."t"');
  for (const given of ["raw.t", '"raw"."t"', "(select 1)"]) expect(text(relation(given, "x"))).toBe(given);
  const input = "(\uE001my input\uE002select 1\uE003)";
  expect(text(relation(input, "x: the input of a unit test"))).toBe(input);
  const selects = [
    "((select 1))",
    "((select 1) union (select 2))",
    "(with a as (select 1) table a)",
    "(values (1)) -- x",
  ];
  for (const given of selects) expect(text(relation(given, "x")).trim()).toBe(given);
  const others = [
    "(select 1) as x, (select 2)",
    "(a) join (b)",
    "(a)",
    "((select 1) as x, b)",
    "()",
    "(delete from a)",
  ];
  for (const given of ["raw.t as x", "t, u", "select 1", "(a) b (c)", "(a) b (c", ...others]) {
    expect(() => relation(given, "x: from")).toThrow("x: from is not a relation");
  }
});

test("a type is its name and nothing more", () => {
  const types = ["varchar(4)", "numeric(10, 2)[]", "timestamp(3) with time zone", '"My".mood', "double precision[][]"];
  const more = ["numeric(3, -2)", "int[3]", "int array", "interval day to second(3)", "public.geometry(Point, 4326)"];
  for (const given of [...types, ...more]) expect(text(typeName(given, "x"))).toBe(given);
  const others = ["text as b, c", "text, text", "text -- x", "text /* x */", "text collate x", "int(select 1)"];
  for (const given of ["text) || (1", "text; select 1", "", "int default 1 + 1", ...others])
    expect(() => typeName(given, "x: code")).toThrow("x: code is not the name of a type");
});

test("a body is quoted by a tag that it does not contain", () => {
  expect(text(dollarQuoted(sql`select '$body$'`))).toBe("$body1$\nselect '$body$'\n$body1$");
});

test("a name with a suffix keeps within the bytes of a name, and apart from its like", () => {
  const long = "x".repeat(63);
  expect(suffixed("amount", "_ours")).toBe("amount_ours");
  expect(suffixed(long, "_ours")).toHaveLength(63);
  expect(suffixed(`${long.slice(0, 62)}y`, "_ours")).not.toBe(suffixed(long, "_ours"));
});

test("a select of an author is one statement, whatever stands behind it", () => {
  expect(text(select("select 1; -- x", "x"))).toBe("select 1");
  expect(text(select(" (select ';' as a) -- why", "x"))).toBe("(select ';' as a) -- why\n");
  expect(text(select("with a as (select 1) select * from a;;", "x"))).toBe("with a as (select 1) select * from a");
  for (const given of ["select 1; select 2", "select 1) r; commit", "", ";", "delete from t", "select 'open", "commit"])
    expect(() => select(given, "the query")).toThrow("the query is not one select");
});

test("an order of an author orders, and leaves no row out", () => {
  const order = '"limit" desc, lower(b) collate "C" nulls last, (select 1 limit 1), 2';
  expect(text(ordering(order, "x"))).toBe(order);
  for (const given of [
    "1) to program 'id' --",
    "1 limit 1",
    "1 offset 2",
    "1 fetch first row only",
    "1 for update",
    "1;",
  ])
    expect(() => ordering(given, "the order")).toThrow("the order is not a list to order by");
});

test("a column of an index is a name, whatever its letters, or SQL in parentheses", () => {
  const columns: [string, string][] = [
    ["my col", '"my col"'],
    ["user", '"user"'],
    ["desc", '"desc"'],
    ["nulls", '"nulls"'],
    ['it"s', '"it""s"'],
    ["it's", '"it\'s"'],
    [";", '";"'],
    ["-- a )", '"-- a )"'],
    ["at desc", '"at" desc'],
    ["my col desc nulls last", '"my col" desc nulls last'],
    ["title text_pattern_ops", '"title" text_pattern_ops'],
    ['name collate "C" asc', '"name" collate "C" asc'],
    ["(lower(name))", "(lower(name))"],
    ["(lower(name)) desc", "(lower(name)) desc"],
    ["lower(name)", "lower(name)"],
    ["pg_catalog.lower(name) text_pattern_ops", "pg_catalog.lower(name) text_pattern_ops"],
    ["(title) gist_trgm_ops(siglen=32)", "(title) gist_trgm_ops(siglen=32)"],
    ["(lower(x)) -- c", "(lower(x)) -- c\n"],
    ["lower(x) desc -- c", "lower(x) desc -- c\n"],
    ["at desc -- c", '"at" desc -- c\n'],
  ];
  for (const [given, expected] of columns) expect(text(indexColumn(given, "x"))).toBe(expected);
  for (const given of ["(a", "(a), (b)", "(a); drop table x", "(a) /* b", "at desc /* b", '"CustId"'])
    expect(() => indexColumn(given, "postgres.indexes: columns")).toThrow("postgres.indexes: columns is not");
});
