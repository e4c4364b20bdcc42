import { expect, test } from "vitest";
import { compile } from "../../src/compile/compile.ts";
import type { CompiledGraph } from "../../src/model/graph.ts";
import { targetKey } from "../../src/model/target.ts";
import { plainReferences } from "../../src/sql/references.ts";
import { table, view } from "../support/models.ts";
import { type ProjectFiles, testProject } from "../support/project.ts";

async function compiled(files: ProjectFiles): Promise<CompiledGraph> {
  return compile(testProject(files).dir);
}

async function refused(files: ProjectFiles): Promise<string> {
  return compiled(files).then(
    () => "it compiled",
    (error: Error) => error.message,
  );
}

/** What each action is, by its name: with plain names for references, and without what nobody said. */
async function actions(files: ProjectFiles): Promise<Record<string, Record<string, unknown>>> {
  const graph = await compiled(files);
  const said = (value: unknown) => !(value === false || value === "" || (Array.isArray(value) && !value.length));
  return Object.fromEntries(
    graph.actions.map(
      ({ target, dependencies, postgres: _, ...action }: CompiledGraph["actions"][number] & { postgres?: unknown }) => [
        targetKey(target),
        Object.fromEntries(
          Object.entries({ ...action, reads: dependencies.map(targetKey) })
            .filter(([key, value]) => key !== "file" && said(value))
            .map(([key, value]) => [
              key,
              JSON.parse(plainReferences(JSON.stringify(value)).replaceAll('\\"\uE000', '\\"')),
            ]),
        ),
      ],
    ),
  );
}

const js = (text: string) => ({ "definitions/made.js": text });

test("files of the project are required by their path in it, and those of packages by their name", async () => {
  const made = await actions({
    "config.js": "module.exports = { days: 7 };",
    "package.json": '{ "type": "module" }',
    "lib/words.js": 'module.exports = { of: require("lib/more.json").of };',
    "lib/more.json": '{ "of": "x" }',
    "node_modules/config/index.js": "module.exports = { days: 9 };",
    "node_modules/config/package.json": '{ "type": "commonjs" }',
    ...js(`const { days } = require("config.js");
publish("a", \`select \${days} as days, \${require("config").days} as packaged, '\${require("lib/words").of}' as word\`);`),
  });
  expect(made["marts.a"]!.query).toBe("select 7 as days, 9 as packaged, 'x' as word");
  expect(await refused(js('require("lib/none");'))).toContain("definitions/made.js:1:1: Cannot find module 'lib/none'");
});

test("a .sql file of Dataform 2 is a model, operations or an assertion, by its name and what it says", async () => {
  const made = await actions({
    "definitions/plain.sql": "\nselect 1 as a\n",
    "definitions/said.sql": `--js const two = 1 + 1;
\${config({ type: "incremental", schema: "other", description: "Said", tags: "night", uniqueKey: ["a"] })}
/*js
const three = two + 1;
*/
select a, \${three} as n, '\\\\d\`' as text from \${ref("plain")} \${when(incremental(), "where true")}
\${where("a > 1")}`,
    "definitions/deep/done.ops.sql": "${hasOutput(true)}create table ${self()} as select 1 as a\n---\nselect 2",
    "definitions/checked.assert.sql": '--JS tags("checks");\nselect * from ${ref("done")} where a > 5',
  });
  expect(made).toEqual({
    "marts.plain": { kind: "view", query: "select 1 as a" },
    "other.said": {
      kind: "incremental",
      description: "Said",
      tags: ["night"],
      reads: ["marts.plain"],
      query: `\n\nselect a, 3 as n, '\\d\`' as text from "marts"."plain" \n`,
      incrementalQuery: `\n\nselect a, 3 as n, '\\d\`' as text from "marts"."plain" where true\n`,
      incrementalWhere: "a > 1",
      key: ["a"],
      uniqueKey: ["a"],
      onSchemaChange: "ignore",
    },
    "marts.done": {
      kind: "operations",
      hasOutput: true,
      queries: ['create table "marts"."done" as select 1 as a', "select 2"],
    },
    "assertions.checked": {
      kind: "assertion",
      tags: ["checks"],
      reads: ["marts.done"],
      query: 'select * from "marts"."done" where a > 5',
    },
  });
});

test("a mistake in a .sql file is told at its line", async () => {
  expect(
    await refused({
      "definitions/a.sql": 'select 1\nfrom ${ref("nope")}',
      "definitions/b.sql": "--js const x = 1;\n/*js\n  tags(y);\n*/\nselect 1",
      "definitions/c.sql": '${config({ tipe: "table" })}\nselect 1',
    }),
  ).toMatch(
    /definitions\/b\.sql:3:8: y is not defined[\s\S]*definitions\/a\.sql:2:12: nothing in the project is named nope|definitions\/a\.sql:2:12[\s\S]*definitions\/b\.sql:3:8/,
  );
});

test("a .sql file beside workflow_settings.yaml is not read, as in Dataform 3, and that is said", async () => {
  const project = testProject({ "workflow_settings.yaml": "defaultDataset: marts\n", "definitions/a.sql": "select 1" });
  project.remove("dataform.json");
  expect((await compile(project.dir)).notes).toEqual([
    expect.stringContaining("definitions/a.sql is not read: a model ends with .sqlx"),
    expect.stringContaining("the project has no models"),
  ]);
});

test("a builder is told more by config(), type(), columns() and assertions(), in any order", async () => {
  const made = await actions(
    js(`
publish("a").query(ctx => \`select 1 as a from \${ctx.ref("raw", "f")}\`).config({ type: "table", tags: "x", description: "A" })
  .config({ tags: ["y"], postgres: { indexes: [{ columns: ["a"] }] } });
publish("b").assertions({ uniqueKey: "a", nonNull: ["a"] }).type("table").columns({ a: "The a", b: { description: "B" } })
  .query("select 1 as a, 2 as b");
publish("c", ctx => \`\${ctx.config({ type: "incremental", uniqueKey: ["a"] })}select 1 as a\`).where("a > 1");
operate("d", { hasOutput: true, columns: { a: "The a" }, tags: "x" }).queries(ctx => \`create table \${ctx.self()} (a int)\`);
operate("e", "select 1").config({ dependencies: { schema: "marts", name: "d" } });
assert("g").config({ tags: "q", schema: "other" }).query("select 1 where false");
declare({ schema: "raw", name: "f", database: "" }).config({ description: "F", columns: { a: "The a" } });
`),
  );
  expect(made["marts.a"]).toMatchObject({ kind: "table", tags: ["x", "y"], description: "A", reads: ["raw.f"] });
  expect(made["marts.b"]).toMatchObject({
    kind: "table",
    columns: [
      { name: "a", description: "The a" },
      { name: "b", description: "B" },
    ],
  });
  expect(Object.keys(made).filter((name) => name.startsWith("assertions."))).toEqual([
    "assertions.marts_b_assertions_uniqueKey_0",
    "assertions.marts_b_assertions_rowConditions",
  ]);
  expect(made["marts.c"]).toMatchObject({ kind: "incremental", key: ["a"], incrementalWhere: "a > 1" });
  expect(made["marts.d"]).toMatchObject({
    kind: "operations",
    tags: ["x"],
    columns: [{ name: "a", description: "The a" }],
  });
  expect(made["marts.e"]).toMatchObject({ reads: ["marts.d"], queries: ["select 1"] });
  expect(made["other.g"]).toMatchObject({ kind: "assertion", tags: ["q"] });
  expect(made["raw.f"]).toMatchObject({ description: "F", columns: [{ name: "a", description: "The a" }] });
});

test("what config() and type() cannot be is refused at the line that calls", async () => {
  const wrong = await refused(
    js(`publish("a", "select 1").config({ typ: "table" });
publish("b", "select 1")
  .type("nope");
publish("c", "select 1").config("table");`),
  );
  expect(wrong).toContain('definitions/made.js:1:35: unknown property "typ"');
  expect(wrong).toContain('did you mean "type"?');
  expect(await refused(js('publish("b", "select 1")\n  .type("nope");'))).toMatch(/made\.js:2:4: unknown type "nope"/);
  expect(await refused(js('publish("c", "select 1").config("table");'))).toContain(
    "made.js:1:26: config() has a wrong value",
  );
});

test("one tag and one dependency need no list", async () => {
  const made = await actions({
    "z.sqlx": view("select 1 as id"),
    "a.sqlx": 'config { type: "table", tags: "t", dependencies: "z" }\nselect 1 as id',
    ...js('publish("b", { tags: "t", dependencies: "z" }).query("select 1 as id").tags("u").dependencies("a");'),
  });
  expect(made["marts.a"]).toMatchObject({ tags: ["t"], reads: ["marts.z"] });
  expect(made["marts.b"]).toMatchObject({ tags: ["t", "u"], reads: ["marts.z", "marts.a"] });
});

test("an inline model is read as its query, with what it reads, and is nothing else", async () => {
  const files = {
    "base.sqlx": view("select 1 as id"),
    "one.sqlx": 'config { type: "inline" }\nselect id from ${ref("base")} -- all of it',
    "two.sqlx": table('select * from ${ref("one")} join ${ref("three")} using (id)'),
    ...js('publish("three", { type: "inline", tags: "x" }).query(ctx => `select id from ${ctx.ref("one")}`);'),
  };
  const made = await actions(files);
  expect(Object.keys(made).sort()).toEqual(["marts.base", "marts.two"]);
  const one = '(\nselect id from "marts"."base" -- all of it\n)';
  expect(made["marts.two"]).toMatchObject({
    reads: ["marts.base"],
    query: `\nselect * from ${one} join (select id from ${one}\n) using (id)`,
  });
  expect(
    await refused({
      "a.sqlx": 'config { type: "inline" }\nselect * from ${ref("b")}',
      "b.sqlx": 'config { type: "inline" }\nselect * from ${ref("a")}',
    }),
  ).toContain("depend on each other in a circle");
});

test("resolve() names what the project does not know, where it says the schema; ref() never does", async () => {
  const made = await actions({
    "a.sqlx": table(
      'select * from ${resolve("out", "side")} join ${resolve({ schema: "Out", name: "s\\"ide" })} on true',
    ),
  });
  expect(made["marts.a"]!.query).toContain('select * from "out"."side" join "Out"."s""ide" on true');
  const wrong = await refused({
    "a.sqlx": table('select * from ${resolve("side")}'),
    "b.sqlx": table('select * from ${ref("out", "side")}'),
  });
  expect(wrong).toContain("definitions/a.sqlx:2:25: nothing in the project is named side");
  expect(wrong).toContain("definitions/b.sqlx:2:28: nothing in the project is named out.side");
});

test("database() gives what the project file says, and is explained where that says nothing", async () => {
  const model = { "a.sqlx": table("select '${database()}' as name") };
  expect(await refused(model)).toMatch(
    /definitions\/a\.sqlx:2:\d+: database\(\) has no name to give[\s\S]*current_database\(\)/,
  );
  const settings = JSON.stringify({ defaultSchema: "marts", defaultDatabase: "shop" });
  const made = await actions({ ...model, "dataform.json": settings });
  expect(made["marts.a"]!.query).toContain("select 'shop' as name");
});

test("the warehouse is postgres, whichever project file there is", async () => {
  const model = { "a.sqlx": view("select '${dataform.projectConfig.warehouse}' as name") };
  for (const text of ["warehouse: postgres\ndefaultDataset: marts\n", "defaultDataset: marts\n"]) {
    const project = testProject({ ...model, "workflow_settings.yaml": text });
    project.remove("dataform.json");
    const [action] = (await compile(project.dir)).actions;
    expect(action).toMatchObject({ query: "\nselect 'postgres' as name" });
  }
});

test("with two project files dataform.json holds; that, environments.json and schedules.json are told", async () => {
  const { notes, actions: made } = await compiled({
    "a.sqlx": view("select 1 as id"),
    "workflow_settings.yaml": "defaultDataset: other\n",
    "environments.json": "{}",
    "schedules.json": "{}",
  });
  expect(made.map(({ target }) => targetKey(target))).toEqual(["marts.a"]);
  expect(notes).toEqual([
    expect.stringMatching(/^environments\.json is not read: /),
    expect.stringMatching(/^schedules\.json is not read: .*schedules\.yaml/),
    expect.stringMatching(/^workflow_settings\.yaml is not read: /),
  ]);
});

test("an action that is told its schema by a method is another than one of its name elsewhere, with all that its config says", async () => {
  const made = await compiled(
    js(`
publish("a", { type: "table", postgres: { indexes: [{ columns: ["n"] }] } }).schema("one").query("select 1 as n");
publish("a").schema("two").config({ type: "table", assertions: { uniqueKey: ["n"] } }).query(ctx => \`select * from \${ctx.ref("one", "a")}\`);
operate("a").schema("three").queries("select 1");
assert("a").schema("four").query(ctx => \`select * from \${ctx.ref("two", "a")} where false\`);
`),
  );
  expect(made.actions.map(({ target, dependencies }) => [targetKey(target), ...dependencies.map(targetKey)])).toEqual([
    ["one.a"],
    ["two.a", "one.a"],
    ["three.a"],
    ["assertions.marts_a_assertions_uniqueKey_0", "two.a"],
    ["four.a", "two.a"],
  ]);
  expect(made.actions[0]).toMatchObject({ postgres: { indexes: [{ columns: ["n"] }] } });
});
