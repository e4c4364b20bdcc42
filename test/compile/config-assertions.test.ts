import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { type CompileOptions, compile } from "../../src/compile/compile.ts";
import { plainReferences } from "../../src/sql/references.ts";
import { type ProjectFiles, testProject } from "../support/project.ts";
import { statuses, stepOf, warehouse } from "../support/warehouse.ts";

async function queriesOf(files: ProjectFiles, options?: CompileOptions): Promise<string[]> {
  const { actions } = await compile(testProject(files).dir, options);
  return actions.flatMap((one) => (one.kind === "assertion" ? [plainReferences(one.query)] : []));
}
const versions = [["@dataform/core"], ["core-3.0.36"], ["core-3.0.2"]] as const;

test.each(versions)("with %s a name in a config assertion is a column, and an expression stays one", async (core) => {
  const corePath = createRequire(import.meta.url).resolve(core);
  const asked = `{ uniqueKey: ["user", "CustId", "my col", "a-b", "lower(email)"], nonNull: ["order", "(a is null)"], rowConditions: ["amount >= 0 -- \\\\d", "user = 'x'"] }`;
  const expected = [
    `select
  "a"."user",
  "a"."CustId",
  "a"."my col",
  "a"."a-b",
  (lower(email)) as "lower(email)",
  count(*) as "_dataform_rows"
from "marts"."a"
group by
  "a"."user",
  "a"."CustId",
  "a"."my col",
  "a"."a-b",
  (lower(email))
having count(*) > 1`,
    `select E'amount >= 0 -- \\\\d' as "_dataform_condition", "a".*
from "marts"."a"
where not (amount >= 0 -- \\d
)
union all
select 'user = ''x''' as "_dataform_condition", "a".*
from "marts"."a"
where not (user = 'x')
union all
select 'order is not null' as "_dataform_condition", "a".*
from "marts"."a"
where "a"."order" is null
union all
select '(a is null) is not null' as "_dataform_condition", "a".*
from "marts"."a"
where ((a is null)) is null`,
  ];
  expect(
    await queriesOf({ "a.sqlx": `config { type: "table", assertions: ${asked} }\nselect 1` }, { corePath }),
  ).toEqual(expected);
  expect(
    await queriesOf(
      { "definitions/a.js": `publish("a", { type: "table", assertions: ${asked} }).query(() => "select 1");` },
      { corePath },
    ),
  ).toEqual(expected);
});

test("so it is in actions.yaml, by the methods of publish(), and with several keys", async () => {
  const made = await queriesOf({
    "definitions/actions.yaml":
      "actions:\n  - table:\n      filename: b.sql\n      assertions:\n        nonNull: [user]\n        uniqueKey: [order]\n",
    "definitions/b.sql": "select 1",
    "definitions/c.js":
      'publish("c", "select 1").assertions({ nonNull: "user", uniqueKeys: [{ uniqueKey: ["a"] }, { uniqueKey: ["User"] }] });',
  });
  expect(made.join("\n").match(/"user" is null/g)).toHaveLength(2);
  expect(made.join("\n")).toContain('"order",\n');
  expect(made.join("\n")).toContain('"User",\n');
});

test("reserved words, mixed case and names of ours are tested as the columns they are", async () => {
  const names = ["user", "order", "CustId", "my col", "index_row_count", "failing_row_condition", "checks"];
  const list = JSON.stringify(names);
  const { run } = await warehouse({
    "good.sqlx": `config { type: "table", assertions: { uniqueKey: ${list}, nonNull: ${list}, rowConditions: ['"CustId" > 0'] } }
select 1 as "user", 2 as "order", 3 as "CustId", 4 as "my col", 5 as index_row_count, 6 as failing_row_condition, 8 as checks`,
    "bad.sqlx": `config { type: "table", assertions: { uniqueKey: ["user"], nonNull: ["user"] } }
select "user", n from (values ('x', 1), ('x', 2), (null, 3)) as rows ("user", n)`,
  });
  const report = await run();
  expect(statuses(report)).toMatchObject({
    "assertions.marts_good_assertions_uniqueKey_0": "ok",
    "assertions.marts_good_assertions_rowConditions": "ok",
    "marts.good": "ok",
    "marts.bad": "held",
  });
  expect(stepOf(report, "assertions.marts_bad_assertions_uniqueKey_0").failingRows).toEqual([
    '{"user":"x","_dataform_rows":2}',
  ]);
  expect(stepOf(report, "assertions.marts_bad_assertions_rowConditions").failingRows).toEqual([
    '{"_dataform_condition":"user is not null","user":null,"n":3}',
  ]);
});

test("a misspelt column of a config assertion stands at its line in the config, with the nearest column", async () => {
  const { run } = await warehouse({
    "a.sqlx": `config {
  type: "table",
  columns: { amonut: "Said elsewhere." },
  assertions: {
    uniqueKey: ["id",
      "custid"],
  }
}
select 1 as id, 2 as "CustId", 3 as amount`,
    "b.sqlx": `config {
  type: "view",
  assertions: { nonNull: ["id", "amonut"] }
}
select 1 as id, 3 as amount`,
    "c.sqlx": `config { type: "view", assertions: {
  rowConditions: [
    "id > 0", "id > 0 and amonut >= 0"
  ] } }
select 1 as id, 3 as amount`,
    "d.sqlx": 'config { type: "view", assertions: { nonNull: ["CustId"] } }\nselect 1 as CustId',
    "definitions/e.js": `const key = ["i" + "d2"];
publish("e", {
  assertions: { uniqueKey: key },
}).query(() => "select 1 as id");`,
  });
  const report = await run();
  const error = (name: string) => stepOf(report, `assertions.marts_${name}`).error!;
  expect(error("a_assertions_uniqueKey_0")).toMatchObject({
    location: { file: "definitions/a.sqlx", line: 6, column: 8 },
    snippet: '5 |     uniqueKey: ["id",\n6 |       "custid"],\n  |        ^',
    hint: expect.stringContaining("CustId"),
  });
  expect(error("b_assertions_rowConditions")).toMatchObject({
    location: { file: "definitions/b.sqlx", line: 3, column: 34 },
    hint: expect.stringContaining("amount"),
  });
  expect(error("c_assertions_rowConditions").location).toEqual({ file: "definitions/c.sqlx", line: 3, column: 27 });
  expect(error("d_assertions_rowConditions")).toMatchObject({
    location: { file: "definitions/d.sqlx", line: 1, column: 49 },
    hint: expect.stringContaining("custid"),
  });
  expect(error("e_assertions_uniqueKey_0").location).toEqual({ file: "definitions/e.js", line: 3, column: 3 });
});

test("a key that is called like its model is a column, and never the whole row", async () => {
  const { run } = await warehouse({
    "country.sqlx": `config { type: "table", assertions: { uniqueKey: ["country"], nonNull: ["country"] } }
select 'de' as code union all select 'fr'`,
  });
  const report = await run();
  for (const of of ["uniqueKey_0", "rowConditions"])
    expect(stepOf(report, `assertions.marts_country_assertions_${of}`).error?.message).toBe(
      "column country.country does not exist",
    );
});

test("what is no expression is refused at its line when the project is compiled", async () => {
  const broken = compile(
    testProject({
      "a.sqlx": 'config {\n  type: "view",\n  assertions: { rowConditions: ["id > 0) or (true"] }\n}\nselect 1 as id',
    }).dir,
  );
  await expect(broken).rejects.toThrow(
    /^definitions\/a\.sqlx:3:34: assertions: rowConditions.*\n.*\n +found: +id > 0\) or \(true/,
  );
});

test("a name in the quotes of SQL is refused with the name to write, and an operator stands in parentheses", async () => {
  const broken = compile(
    testProject({
      "a.sqlx": `config {\n  type: "view",\n  assertions: { nonNull: ['"Id"'] }\n}\nselect 1 as "Id"`,
    }).dir,
  );
  await expect(broken).rejects.toThrow(
    `definitions/a.sqlx:3:28: nonNull: names are given without the quotes of SQL\n  expected: Id\n  found:    "Id"`,
  );
  const { run } = await warehouse({
    "a.sqlx": 'config { type: "view", assertions: { uniqueKey: ["n + 1"] } }\nselect 1 as n',
  });
  expect(stepOf(await run(), "assertions.marts_a_assertions_uniqueKey_0").error?.hint).toBe(
    "in a config an expression stands in parentheses: (n + 1)",
  );
});

test("the key of an incremental model is the columns' names, whatever they mean in SQL", async () => {
  const { run, rows } = await warehouse({
    "i.sqlx": `config { type: "incremental", uniqueKey: ["CustId", "order"] }
select 1 as "CustId", 1 as "order", \${when(incremental(), "'second'", "'first'")} as v`,
  });
  await run();
  await run();
  expect(await rows('select "CustId", "order", v from marts.i')).toEqual(["1|1|second"]);
});

test("the key of an incremental model is columns: an expression and SQL's quotes are refused at its line", async () => {
  const broken = compile(
    testProject({
      "i.sqlx": `config {\n  type: "incremental",\n  uniqueKey: ["lower(a)", '"Id"']\n}\nselect 1 as a`,
    }).dir,
  );
  await expect(broken).rejects.toThrow(
    `definitions/i.sqlx:3:15: marts.i: uniqueKey names columns, and lower(a) is an expression
  2 |   type: "incremental",
  3 |   uniqueKey: ["lower(a)", '"Id"']
    |               ^
  found:    lower(a)
  → make it a column of the query
definitions/i.sqlx:3:27: marts.i: uniqueKey: names are given without the quotes of SQL
  2 |   type: "incremental",
  3 |   uniqueKey: ["lower(a)", '"Id"']
    |                           ^
  expected: Id
  found:    "Id"`,
  );
});

test("a key that is no column is told at its line", async () => {
  const { run } = await warehouse({
    "i.sqlx": 'config {\n  type: "incremental",\n  uniqueKey: ["CustId"]\n}\nselect 1 as CustId',
  });
  expect(stepOf(await run(), "marts.i").error).toMatchObject({
    message: expect.stringContaining("CustId"),
    location: { file: "definitions/i.sqlx", line: 3, column: 16 },
    hint: expect.stringContaining("custid"),
  });
});
