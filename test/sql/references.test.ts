import { expect, test } from "vitest";
import { MARK, resolveReferences } from "../../src/sql/references.ts";

const ref = (name: string) => `"${MARK}s"."${name}"`;
const resolve = (sql: string) => resolveReferences(sql, ({ name }) => ({ sql: `p.${name}_1`, renamed: true }));

test.each([
  ["from", `select orders.id from ${ref("orders")}`, 'select orders.id from p.orders_1 as "orders"'],
  [
    "join",
    `from ${ref("a")} left join ${ref("b")} on a.id = b.id`,
    'from p.a_1 as "a" left join p.b_1 as "b" on a.id = b.id',
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
])("a name elsewhere stays a name: %s", (_, sql, expected) => {
  expect(resolve(sql)).toBe(expected);
});

test("a relation that keeps its own name gets no alias, and names with quotes come out whole", () => {
  const sql = `select 1 from "${MARK}My ""s"""."t""x"`;
  expect(resolveReferences(sql, ({ schema, name }) => ({ sql: `<${schema}|${name}>`, renamed: false }))).toBe(
    'select 1 from <My "s"|t"x>',
  );
});
