import { expect, test } from "vitest";
import { MARK, resolveReferences } from "../../src/sql/references.ts";

const ref = (name: string) => `"${MARK}s"."${name}"`;
const resolve = (sql: string) => resolveReferences(sql, ({ name }) => ({ sql: `p.${name}_1`, renamed: true }));

test.each([
  ["from", `select orders.id from ${ref("orders")}`, 'select orders.id from p.orders_1 as "orders"'],
  [
    "join",
    `select 1 from ${ref("a")} left join ${ref("b")} on a.id = b.id`,
    'select 1 from p.a_1 as "a" left join p.b_1 as "b" on a.id = b.id',
  ],
  [
    "a list",
    `select 1 from ${ref("a")}, ${ref("b")} where true`,
    'select 1 from p.a_1 as "a", p.b_1 as "b" where true',
  ],
  ["a subquery", `select (select max(x) from ${ref("a")})`, 'select (select max(x) from p.a_1 as "a")'],
  [
    "parentheses",
    `select 1 from (${ref("a")} join ${ref("b")} on true)`,
    'select 1 from (p.a_1 as "a" join p.b_1 as "b" on true)',
  ],
  [
    "before tablesample",
    `select 1 from ${ref("a")} tablesample system (1)`,
    'select 1 from p.a_1 as "a" tablesample system (1)',
  ],
  ["before a comment", `select 1 from ${ref("a")} -- x\nwhere true`, 'select 1 from p.a_1 as "a" -- x\nwhere true'],
  [
    "before a set operation",
    `select 1 from ${ref("a")} union all select 2 from ${ref("b")}`,
    'select 1 from p.a_1 as "a" union all select 2 from p.b_1 as "b"',
  ],
  [
    "only",
    `select 1 from only ${ref("a")}, only (${ref("b")})`,
    'select 1 from only p.a_1 as "a", only (p.b_1) as "b"',
  ],
  ["with its children", `select 1 from ${ref("a")} * where true`, 'select 1 from p.a_1 * as "a" where true'],
  ["update", `update ${ref("a")} set n = b.n from ${ref("b")}`, 'update p.a_1 as "a" set n = b.n from p.b_1 as "b"'],
  ["delete", `delete from ${ref("a")} using ${ref("b")}`, 'delete from p.a_1 as "a" using p.b_1 as "b"'],
  [
    "merge",
    `merge into ${ref("a")} using ${ref("b")} on a.id = b.id when not matched then do nothing`,
    'merge into p.a_1 as "a" using p.b_1 as "b" on a.id = b.id when not matched then do nothing',
  ],
  [
    "an insert that names its rows",
    `insert into ${ref("a")} values (1) on conflict (id) do update set n = a.n + ${ref("a")}.m`,
    'insert into p.a_1 as "a" values (1) on conflict (id) do update set n = a.n + "a".m',
  ],
  [
    "lateral",
    `select 1 from t, lateral (select x from ${ref("a")}) y`,
    'select 1 from t, lateral (select x from p.a_1 as "a") y',
  ],
  [
    "a view",
    `create view v as select a.x from ${ref("a")} with check option`,
    'create view v as select a.x from p.a_1 as "a" with check option',
  ],
  ["copy", `copy (select a.x from ${ref("a")}) to stdout`, 'copy (select a.x from p.a_1 as "a") to stdout'],
  [
    "the body of a function",
    `create function f() returns int begin atomic select a.x from ${ref("a")}; end`,
    'create function f() returns int begin atomic select a.x from p.a_1 as "a"; end',
  ],
  [
    "for update of",
    `select 1 from ${ref("a")} for update of ${ref("a")} nowait`,
    'select 1 from p.a_1 as "a" for update of "a" nowait',
  ],
])("a relation in %s gets the model's name as its alias", (_, sql, expected) => {
  expect(resolve(sql)).toBe(expected);
});

test.each([
  ["with as", `select 1 from ${ref("a")} as x`, "select 1 from p.a_1 as x"],
  [
    "without as",
    `select 1 from ${ref("a")} x join ${ref("b")} "Y" on true`,
    'select 1 from p.a_1 x join p.b_1 "Y" on true',
  ],
  ["after a comment", `select 1 from ${ref("a")} /* from */ x`, "select 1 from p.a_1 /* from */ x"],
])("a relation that has an alias keeps it: %s", (_, sql, expected) => {
  expect(resolve(sql)).toBe(expected);
});

test.each([
  ["insert", `insert into ${ref("a")} select 1`, "insert into p.a_1 select 1"],
  ["an index", `create index on ${ref("a")} (id)`, "create index on p.a_1 (id)"],
  ["a function's arguments", `select f(x, ${ref("a")}) from t`, "select f(x, p.a_1) from t"],
  [
    "a list of columns",
    `select a, b from t where x = any (select y, ${ref("a")})`,
    "select a, b from t where x = any (select y, p.a_1)",
  ],
  ["a string", `select '${ref("a")}'::regclass, $$ from ${ref("b")} $$`, "select 'p.a_1'::regclass, $$ from p.b_1 $$"],
  ["comment on column", `comment on column ${ref("a")}.id is 'x'`, "comment on column p.a_1.id is 'x'"],
  ["for update", `select 1 from t for update of t`, "select 1 from t for update of t"],
  ["grant", `grant select on ${ref("a")} to x`, "grant select on p.a_1 to x"],
  ["copy", `copy ${ref("a")} (x) from stdin`, "copy p.a_1 (x) from stdin"],
  ["truncate", `truncate only ${ref("a")}, ${ref("b")}`, "truncate only p.a_1, p.b_1"],
  ["a comment behind the last statement", `select 1; -- ${ref("a")}`, 'select 1; -- "s"."a"'],
])("a name elsewhere stays a name: %s", (_, sql, expected) => {
  expect(resolve(sql)).toBe(expected);
});

test.each([
  "extract(year from ?.x)",
  "trim(both from ?.x)",
  "trim(both 'x' from ?.x)",
  "substring(?.x from 2 for 3)",
  "substring(x from ?.y)",
  "overlay(x placing 'y' from ?.n for 2)",
  "position('a' in ?.x)",
  "?.x is distinct from ?.y",
  "x is not distinct from ?.y",
  "a.distinct is distinct from ?.y",
  "sum(?.x) over (partition by ?.y order by ?.z rows between unbounded preceding and current row)",
  "count(*) filter (where ?.x)",
  "array[?.x, ?.y]",
  "case when ?.x then ?.y else ?.z end",
])("what is said of a relation's columns is said of its alias: %s", (expression) => {
  const at = (name: string) => expression.replaceAll("?", name);
  expect(resolve(`select ${at(ref("a"))}, 1 from ${ref("a")} where ${at(ref("a"))}`)).toBe(
    `select ${at('"a"')}, 1 from p.a_1 as "a" where ${at('"a"')}`,
  );
});

test("the alias of one statement means nothing in the next", () => {
  expect(resolve(`select 1 from ${ref("a")}; comment on column ${ref("a")}.x is 'x'`)).toBe(
    `select 1 from p.a_1 as "a"; comment on column p.a_1.x is 'x'`,
  );
});

test("a relation that keeps its own name gets no alias, and names with quotes come out whole", () => {
  const sql = `select 1 from "${MARK}My ""s"""."t""x"`;
  expect(resolveReferences(sql, ({ schema, name }) => ({ sql: `<${schema}|${name}>`, renamed: false }))).toBe(
    'select 1 from <My "s"|t"x>',
  );
});

const typed = (sql: string) =>
  resolveReferences(sql, ({ name }) => ({ sql: `p.${name}_1`, renamed: true, rows: `p.${name}_1v` }));

test.each([
  'create function f(?, r ?, inout "R" ?) returns setof ? language sql',
  "create table t (id int, r ?, foreign key (id) references !) inherits (!)",
  "create type t as (r ?)",
  "alter table t add column r ?, alter column s type ?, attach partition !",
  "alter table ! add column r ?, inherit !",
  "create cast (? as text) with function f(?)",
  "do $$ declare a ?; b ?%rowtype; begin truncate !; lock !; end $$",
  "create trigger a after insert on ! execute function f()",
  "comment on column !.n is 'x'",
])("the type of rows is that of the view of the rows, a table is the table: %s", (sql) => {
  const given = sql.replaceAll(/[?!]/g, ref("a"));
  const expected = sql.replaceAll("?", "p.a_1v").replaceAll("!", "p.a_1");
  expect(typed(given)).toBe(expected);
});
