import { expect, test } from "vitest";
import { splitScript, splitStatements } from "../../src/sql/split.ts";
import { tokenize } from "../../src/sql/tokens.ts";
import { parse } from "../support/oracle.ts";

test.each([
  ["; select 1;; select 2; -- end\n;", [" select 1", " select 2"]],
  ["select ';', E'\\';', $$;$$, $a$ $b$;$b$ $a$, U&';', \";\"", undefined],
  ["select 1 /* ; /* ; */ ; */ + 1 -- ;\n", undefined],
  ["select 'a'\n';', E'a\\''\n 'b\\'; c'", undefined],
  ["select a->>'x' @> b--;\n", undefined],
  ["select 1 as begin, 2 as end; select 3", ["select 1 as begin, 2 as end", " select 3"]],
  [
    "create function f() returns int begin atomic select 1; select case when true then 2 end; end; select 3",
    ["create function f() returns int begin atomic select 1; select case when true then 2 end; end", " select 3"],
  ],
  [
    "create or replace procedure p() begin atomic insert into t values (1); select t.end, 1 as case from t; end",
    undefined,
  ],
  ["create rule r as on insert to t do also (delete from u; notify v)", undefined],
  ["begin; select 1; end", ["begin", " select 1", " end"]],
  ['select "a\u00a0b", a\u00a0, ä$1$, größe from t', undefined],
  ["prepare p as select $1, 1_000, 0x1F, 1.5e-3", undefined],
])("the statements of %j are told apart as PostgreSQL does", (script, expected = [script]) => {
  expect(splitStatements(script)).toEqual(expected);
  expect(parse(script)).toHaveLength(expected.length);
  for (const { text, start } of splitScript(script)) expect(script.slice(start).startsWith(text)).toBe(true);
});

test.each([
  ["select\u00a01", "word"],
  ["a\r-- x\r, b", "comment"],
  ["$1", "parameter"],
  ["1_000", "number"],
  ["*--x", "comment"],
  ["+/*x*/", "comment"],
  ["e'\\''", "string"],
  ['U&"d\\0061t"', "quoted"],
  ["$ä$ ' $ä$", "string"],
])("%j has a token of kind %s", (sql, kind) => {
  const tokens = tokenize(sql);
  expect(tokens.map(({ kind }) => kind)).toContain(kind);
  expect(tokens.map(({ text }) => text).join("")).toBe(sql);
});

test.each(["'", "E'", '"', "$$"])("a text of 16 MB in %s is one token", (opening) => {
  const text = `${opening}${"x".repeat(16e6)}${opening.replace("E", "")}`;
  expect(tokenize(text).map((token) => token.text.length)).toEqual([text.length]);
});
