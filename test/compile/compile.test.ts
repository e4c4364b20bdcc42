import { cpSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type CompileOptions, compile } from "../../src/compile/compile.ts";
import { formatUserError } from "../../src/model/errors.ts";
import type { Action } from "../../src/model/graph.ts";
import { targetKey } from "../../src/model/target.ts";
import { published } from "../../src/schemas/published.ts";
import { plainReferences } from "../../src/sql/references.ts";
import { type ProjectFiles, testProject } from "../support/project.ts";

const compileFiles = (files: ProjectFiles, options?: CompileOptions) => compile(testProject(files).dir, options);

async function action(files: ProjectFiles, key: string, options?: CompileOptions): Promise<Action> {
  const graph = await compileFiles(files, options);
  return graph.actions.find((one) => targetKey(one.target) === key)!;
}

async function messages(files: ProjectFiles, options?: CompileOptions): Promise<string> {
  return compileFiles(files, options).then(
    () => "it compiled",
    (error: Error) => error.message,
  );
}

test("every action type of Dataform that PostgreSQL can have is compiled", async () => {
  const graph = await compileFiles({
    "t.sqlx": 'config { type: "table" }\nselect 1 as id',
    "v.sqlx": 'config { type: "view" }\nselect 1 as id',
    "i.sqlx": 'config { type: "incremental", uniqueKey: ["id"], protected: true }\nselect 1 as id',
    "o.sqlx": 'config { type: "operations", hasOutput: true }\ncreate table ${self()} as select 1 as id',
    "a.sqlx": 'config { type: "assertion" }\nselect * from ${ref("t")} where id <> 1',
    "d.sqlx": 'config { type: "declaration", schema: "raw", name: "d" }',
    "u.sqlx": 'config { type: "test", dataset: "t" }\nselect 1 as id',
  });
  expect(graph.actions.map(({ kind }) => kind).sort()).toEqual([
    "assertion",
    "declaration",
    "incremental",
    "operations",
    "table",
    "view",
  ]);
  expect(graph.tests).toHaveLength(1);
});

test.each([
  [
    "- {}:\n    name: t",
    { message: "an entry of actions.yaml is not a kind of action and its keys", found: "an entry without a name" },
  ],
  ["- tabel:\n    filename: t.sql", { found: "tabel", expected: expect.stringContaining("- table:, view:") }],
  ["- table:\n    filenam: t.sql", { message: "an action in actions.yaml names no file that is there" }],
  ["- table:\n    filename: nope.sql", { expected: "filename: the .sql or .ipynb file beside it", found: "nope.sql" }],
])("%j in actions.yaml is told there", async (entry, told) => {
  const { dir } = testProject({ "definitions/actions.yaml": `actions:\n${entry}\n` });
  await expect(compile(dir)).rejects.toMatchObject({ location: { file: "definitions/actions.yaml" }, ...told });
});

test.each([
  ["- table:\n    filename: gone.sql", "3:15", "gone.sql"],
  ["- table:\n    filename: sub/gone.sql", "3:15", "sub/gone.sql"],
  ["- tble:\n    filename: b.sql", "2:3", "tble"],
  ["- table:\n    name: b", undefined, undefined],
])("of several actions.yaml the one that is wrong is named: %j", async (entry, place, found) => {
  const [line, column] = place?.split(":").map(Number) ?? [];
  const { dir } = testProject({
    "definitions/a/actions.yaml": "actions:\n- table:\n    filename: a.sql\n",
    "definitions/a/a.sql": "select 1",
    "definitions/b/actions.yaml": `actions:\n${entry}\n`,
    "definitions/b/b.sql": "select 1",
    "definitions/c/actions.yaml": "actions: []\n",
  });
  const location = { file: "definitions/b/actions.yaml", ...(place ? { line, column } : {}) };
  await expect(compile(dir)).rejects.toMatchObject({ location, ...(found ? { found } : {}) });
});

test("models can also be written in JavaScript, and in actions.yaml with plain SQL files", async () => {
  const graph = await compileFiles({
    "definitions/models.js":
      'publish("a", { type: "table", postgres: { indexes: [{ columns: ["id"] }] } }).query((ctx) => "select 1 as id");\nassert("no_rows", "select 1 where false");\noperate("touch", "select 1");',
    "definitions/actions.yaml":
      "actions:\n  - view:\n      filename: b.sql\n      dependencyTargets:\n        - name: a\n",
    "definitions/b.sql": "select 2 as id",
  });
  expect(graph.actions.map((one) => `${one.kind} ${targetKey(one.target)}`).sort()).toEqual([
    "assertion assertions.no_rows",
    "operations marts.touch",
    "table marts.a",
    "view marts.b",
  ]);
  expect(graph.actions.find(({ kind }) => kind === "table")).toMatchObject({
    postgres: { indexes: [{ columns: ["id"] }] },
  });
});

test("includes are there by their file name, and by require from any file", async () => {
  const model = await action(
    {
      "includes/one.js": 'const two = require("includes/deep/two.js");\nmodule.exports = { value: () => two + 1 };',
      "includes/deep/two.js": "module.exports = 2;",
      "a.sqlx":
        'config { type: "table" }\njs { const two = require("includes/deep/two"); }\nselect ${one.value()} as three, ${two} as two',
    },
    "marts.a",
  );
  expect(model).toMatchObject({ query: expect.stringContaining("select 3 as three, 2 as two") });
});

/** Of links to the parts of a project, or of the whole. */
const LINKS: Readonly<Record<string, (dir: string, elsewhere: string) => string>> = {
  folders: (dir, elsewhere) => {
    for (const name of ["dataform.json", "definitions", "includes", "lib"])
      symlinkSync(join(dir, name), join(elsewhere, name));
    return elsewhere;
  },
  "the whole": (dir, elsewhere) => {
    symlinkSync(dir, join(elsewhere, "all"));
    return join(elsewhere, "all");
  },
};

test.each(Object.entries(LINKS))(
  "actions and mistakes of a project of links (%s) stand where it has them",
  async (name, linked) => {
    const { dir } = testProject({
      "includes/shared.js": `module.exports = { of: () => "${name}" };`,
      "lib/kinds.js": "exports.kind = 'table';",
      "definitions/made.js":
        'const { session } = require("@dataform/core");\nsession.publish("made", { type: require("lib/kinds").kind }).query(`select 1 as id`);',
      "definitions/read.sqlx": "config { type: \"view\" }\nselect '${shared.of()}' as name",
    });
    const folder = linked(dir, mkdtempSync(join(dir, "links-")));
    const { actions } = await compile(folder);
    expect(actions.map(({ file }) => file)).toEqual(["definitions/made.js", "definitions/read.sqlx"]);
    writeFileSync(join(dir, "includes/shared.js"), `// ${name}\nmodule.exports = { of: () => nothing.of };`);
    await expect(compile(folder)).rejects.toThrow(
      /^includes\/shared\.js:2:38: nothing is not defined[\s\S]*called: +definitions\/read\.sqlx:2:/,
    );
  },
);

test.each([
  ["dataform.json", '{ "warehouse": "postgres" }'],
  ["workflow_settings.yaml", 'dataformCoreVersion: "3.0.62"\n'],
])("a %s that names no schema means dataform, with suffix and prefix too", async (file, text) => {
  const project = testProject({
    "a.sqlx": 'config { type: "table", assertions: { nonNull: "id" } }\nselect 1 as id',
    "b.sqlx": 'config { type: "view" }\nselect * from ${ref("a")}',
  });
  project.remove("dataform.json");
  project.write({ [file]: text });
  const { actions } = await compile(project.dir, { schemaSuffix: "dev", tablePrefix: "my" });
  expect(actions.map(({ target }) => target.schema)).toEqual(["dataform_dev", "dataform_dev", "dataform_dev"]);
  expect(plainReferences((actions[1] as { query?: string }).query!)).toContain('from "dataform_dev"."my_a"');
});

test("workflow_settings.yaml serves as the project file too", async () => {
  const project = testProject({
    "workflow_settings.yaml": "defaultDataset: warehouse\ndefaultAssertionDataset: checks\n",
    "a.sqlx": 'config { type: "table", assertions: { nonNull: ["id"] } }\nselect 1 as id',
  });
  project.remove("dataform.json");
  const graph = await compile(project.dir);
  expect(graph.actions.map(({ target }) => targetKey(target))).toEqual([
    "warehouse.a",
    "checks.warehouse_a_assertions_rowConditions",
  ]);
});

test("descriptions, column descriptions and tags arrive", async () => {
  const model = await action(
    {
      "a.sqlx": 'config { type: "view", description: "All", columns: { id: "Key" }, tags: ["x", "y"] }\nselect 1 as id',
    },
    "marts.a",
  );
  expect(model).toMatchObject({ description: "All", columns: [{ name: "id", description: "Key" }], tags: ["x", "y"] });
});

test("quotes, backslashes, dollars and comments in SQL come out as they went in", async () => {
  const sql =
    "select 'it''s', E'a\\\\n', 'C:\\\\x', $$ body ${not} $$, \"Weird \"\"name\"\"\" -- `tick` ${x}\n/* ${y} */";
  const model = await action({ "a.sqlx": `config { type: "table" }\n${sql.replace("${not}", "dollar")}` }, "marts.a");
  expect((model as { query: string }).query.trim()).toBe(sql.replace("${not}", "dollar"));
});

test.each([["3.0.2"], ["3.0.36"]])("the seams hold in @dataform/core %s", async (version) => {
  const corePath = createRequire(import.meta.url).resolve(`core-${version}`);
  const graph = await compileFiles(
    {
      "a.sqlx":
        'config { type: "table", postgres: { indexes: [{ columns: ["id"] }] }, assertions: { uniqueKey: ["id"] } }\nselect 1 as id',
      "b.sqlx": 'config { type: "view" }\nselect id from ${ref("a")}',
      "includes/lib.js": "module.exports = {};",
    },
    { corePath, vars: { a: "1" } },
  );
  expect(graph.coreVersion).toBe(version);
  expect(graph.actions.find(({ kind }) => kind === "table")).toMatchObject({
    postgres: { indexes: [{ columns: ["id"] }] },
  });
  expect(graph.actions.find(({ kind }) => kind === "view")).toMatchObject({
    query: expect.stringContaining('from "\uE000marts"."a"'),
  });
  expect(graph.actions.find(({ kind }) => kind === "assertion")).toBeDefined();
});

test("an unknown property is named with file, line and the nearest one", async () => {
  expect(await messages({ "a.sqlx": 'config {\n  type: "table",\n  shcema: "x"\n}\nselect 1' })).toMatch(
    /^definitions\/a.sqlx:3:3: unknown property "shcema"\n[^→]*\n {2}found: {4}shcema\n {2}→ did you mean "schema"\?$/,
  );
});

test("an unknown property of the postgres block is named too", async () => {
  expect(await messages({ "a.sqlx": 'config {\n  type: "table",\n  postgres: { indices: [] }\n}\nselect 1' })).toBe(
    'definitions/a.sqlx:3:15: unknown property "indices" in postgres\n  2 |   type: "table",\n  3 |   postgres: { indices: [] }\n    |               ^\n  expected: indexes, assertions, guard, contract, rebuildDependents, version, live, volatile, adopt, grants\n  found:    indices\n  → did you mean "indexes"?',
  );
});

test.each([
  [
    'config {\n type: "table",\n postgres: {\n  indexes: [{ columns: ["a", 5] }],\n  guard: { maxRowDropp: 1 } } }\nselect 5',
    [
      "4:30: postgres.indexes.0.columns.1 is wrong",
      '5:12: unknown property "maxRowDropp" in postgres.guard',
      "expected: a text (a column, or an expression in parentheses)\n  found:    5",
    ],
  ],
  [
    'config { type: "table", postgres: { indexes: [{ columns: [5, "a"] }], grants: { select: [7], selct: [] } } }\nselect 1 as a, 5, 7',
    [
      "1:59: postgres.indexes.0.columns.0 is wrong",
      "1:90: postgres.grants.select.0 is wrong",
      '1:94: unknown property "selct" in postgres.grants',
      'did you mean "select"?',
    ],
  ],
  [
    '/* guard */\nconfig {\n  description: "postgres: { guard: }, [", // indexes: ]\n  type: "table",\n  "postgres": { indexes: [{ columns: [`${"a}"}`, \'b\'] }, /* , */ {\n    unique: true }] } }\nselect 1',
    ['5:66: "columns" is missing in postgres.indexes.1', "expected: columns, in their order"],
  ],
  [
    '/* one\n\n*/\nconfig {\n  type: "table",\n  postgres: { indexes: [{ unique: true, columns: lists.five }, ...lists.five] }\n}\nselect 1',
    ["6:41: postgres.indexes.0.columns.0 is wrong", "6:15: postgres.indexes.1 is wrong"],
  ],
  [
    'config { type: "table", postgres: { guard: {}, indexes: [{ columns: [], using: "x" }] } }\nselect 1',
    [
      "1:37: postgres.guard is wrong",
      "expected: some of maxRowDrop, maxChangedKeys, where",
      "1:60: postgres.indexes.0.columns is wrong",
      "1:73: postgres.indexes.0.using is wrong",
    ],
  ],
])("a mistake in the postgres block stands where the config says it: %s", async (sqlx, expected) => {
  const text = await messages({ "a.sqlx": sqlx, "includes/lists.js": "module.exports = { five: [5] };" });
  for (const one of expected) expect(text).toContain(/^\d/.test(one) ? `definitions/a.sqlx:${one}\n` : one);
});

test("a mistake in a config stands at its line in JavaScript and with Windows' line ends, too", async () => {
  const text = await messages({
    "definitions/a.js":
      'publish("a", {\n  type: "table",\n  postgres: { adopt: true },\n}).query(() => "select 1");\npublish("b", {\n  type: "table",\n  postgres: { adpot: true },\n}).query(() => "select 1");',
    "c.sqlx": 'config {\r\n  type: "incremental",\r\n  uniqueKey: ["a", "lower(b)"]\r\n}\r\nselect 1 as a',
  });
  expect(text).toContain('definitions/a.js:7:15: unknown property "adpot" in postgres\n');
  expect(text).toContain(
    'definitions/c.sqlx:3:20: marts.c: uniqueKey names columns, and lower(b) is an expression\n  2 |   type: "incremental",\n  3 |   uniqueKey: ["a", "lower(b)"]\n    |                    ^\n',
  );
});

test("an index of more columns than PostgreSQL lets it have is told where it is declared, and so is a key", async () => {
  const columns = Array.from({ length: 33 }, (_, n) => `c${n}`);
  const text = await messages({
    "a.sqlx": `config {\n  type: "incremental",\n  uniqueKey: ${JSON.stringify(columns)}\n}\nselect 1 as c0`,
    "b.sqlx": `config {\n  type: "table",\n  postgres: { indexes: [{ columns: ["a"], include: ${JSON.stringify(columns.slice(1))} }] }\n}\nselect 1 as a`,
    "includes/slices.js": 'module.exports = require("dataform-postgres/includes/slices");',
    "definitions/c.js": `declare({ schema: "raw", name: "r" });\nslices.publish("c", {\n  from: ["raw", "r"], loads: { tables: ["r"] }, key: ${JSON.stringify(["day", ...columns])}, day: "day", values: { v: "text" } });`,
  });
  expect(text).toContain("definitions/a.sqlx:3:3: marts.a: uniqueKey has too many columns: no index can have them");
  expect(text).toMatch(/definitions\/b\.sqlx:3:\d+: marts\.b: an index has too many columns/);
  expect(text).toContain(
    "definitions/c.js:2:8: slices.publish: c: key has too many columns for an index: expected at most 31, found 34",
  );
});

test("what is no SQL expression is told at its option, with what was expected and found", async () => {
  const text = await messages({
    "includes/scd2.js": 'module.exports = require("dataform-postgres/includes/scd2");',
    "a.sqlx":
      'config { type: "table" }\n${scd2.history({\n  feed: "f", kind: "log", key: "id", attributes: { name: "text" },\n  effectiveAt: "at", deleted: "op = 1; select 2",\n})}',
  });
  expect(text).toContain(
    'definitions/a.sqlx:4:22: scd2.history: deleted is not an SQL expression\n  4 |   effectiveAt: "at", deleted: "op = 1; select 2",\n    |                      ^\n  expected: an SQL expression, without a semicolon\n  found:    op = 1; select 2',
  );
});

test("a reference to nothing names the nearest model, once", async () => {
  const text = await messages({
    "a.sqlx": 'config { type: "table" }\nselect 1\nfrom ${ref("ordres")}',
    "orders.sqlx": 'config { type: "table" }\nselect 1',
  });
  expect(text).toContain("definitions/a.sqlx:3:12: nothing in the project is named ordres");
  expect(text).toContain("did you mean marts.orders?");
  expect(text.match(/nothing in the project/g)).toHaveLength(1);
});

test("a circle is shown as a path", async () => {
  const text = await messages({
    "a.sqlx": 'config { type: "table" }\nselect * from ${ref("b")}',
    "b.sqlx": 'config { type: "table" }\nselect * from ${ref("a")}',
  });
  expect(text).toMatch(/the models depend on each other in a circle\n {2}found: {4}marts\.\w → marts\.\w → marts\.\w/);
});

test("two actions of one name, an unknown type and a BigQuery type are each explained", async () => {
  const text = await messages({
    "a.sqlx": 'config { type: "table" }\nselect 1',
    "definitions/other/a.sqlx": 'config { type: "view" }\nselect 1',
    "b.sqlx": 'config { type: "tabel" }\nselect 1',
    "c.sqlx": 'config { type: "notebook" }\nselect 1',
  });
  expect(text).toContain("two actions are named marts.a");
  expect(text).toContain('definitions/b.sqlx:1:10: unknown type "tabel"');
  expect(text).toContain('did you mean "table"?');
  expect(text).toContain(
    "definitions/c.sqlx:1:10: notebooks, data preparations and property graphs exist only on BigQuery",
  );
});

test("an ambiguous reference lists the candidates and says how to choose", async () => {
  const text = await messages({
    "a.sqlx": 'config { type: "table" }\nselect 1 as id',
    "d.sqlx": 'config { type: "declaration", schema: "raw", name: "a" }',
    "b.sqlx": 'config { type: "table" }\nselect * from ${ref("a")}',
  });
  expect(text).toContain("definitions/b.sqlx:2:21: a names several things\n  found:    marts.a, raw.a");
});

test("an error that the project's JavaScript throws points at its line", async () => {
  const text = await messages({
    "a.sqlx": 'config { type: "table" }\nselect 1,\n  ${nothing.here()} as x',
    "b.sqlx": 'config { type: "table" }\nselect\n  ${(() => { throw new Error("boom"); })()} as x',
    "includes/broken.js": "module.exports = {\n  a: 1\n  b: 2\n};",
  });
  expect(text).toContain("definitions/a.sqlx:3:5: nothing is not defined");
  expect(text).toContain("definitions/b.sqlx:3:20: boom");
  expect(text).toMatch(/includes\/broken\.js:3:\d+: Unexpected identifier/);
});

test("a description that is no text, and a column of an index that is broken SQL, are refused at their line", async () => {
  const text = await messages({
    "a.sqlx": 'config {\n  type: "table",\n  description: 5\n}\nselect 1 as id',
    "b.sqlx":
      'config {\n  type: "table",\n  postgres: { indexes: [{ columns: ["(lower(id)"] }, { columns: [\'"Id"\'] }] }\n}\nselect 1 as id',
  });
  expect(text).toContain("definitions/a.sqlx:3:3: description has a wrong value\n");
  expect(text).toContain("\n  expected: a text\n  found:    5");
  expect(text).toContain("definitions/b.sqlx:3:37: marts.b: postgres.indexes: columns is not a column");
  expect(text).toContain("definitions/b.sqlx:3:66: marts.b: ");
  expect(text).toContain('\n  expected: a name without the quotes of SQL: Id\n  found:    "Id"');
});

test("what is no text where one must be is refused at its line", async () => {
  const text = await messages({
    "a.sqlx":
      'config {\n  type: "view",\n  columns: {\n    toString: 5,\n    id: { description: 7 }\n  },\n  tags: [1]\n}\nselect 1 as id',
    "definitions/b.js": 'publish("b", {\n  columns: { valueOf: ["x"] },\n}).query(() => "select 1");',
  });
  expect(text).toContain("definitions/a.sqlx:4:5: columns.toString has a wrong value\n");
  expect(text).toContain("definitions/a.sqlx:5:11: columns.id.description has a wrong value\n");
  expect(text).toContain("definitions/a.sqlx:7:10: tags.0 has a wrong value\n");
  expect(text).toContain("definitions/b.js:2:14: columns.valueOf has a wrong value\n");
});

const inherited = ["constructor", "toString", "valueOf", "hasOwnProperty"];

test("a model, an include, a tag, a column and a variable may be called what every object has", async () => {
  const files = Object.fromEntries(
    inherited.flatMap((name) => [
      [
        `${name}.sqlx`,
        `config { type: "table", tags: ["${name}"], columns: { ${name}: "The ${name}" } }\nselect '\${${name}.sql}' as "${name}", '\${dataform.projectConfig.vars.${name} ?? "none"}' as v`,
      ],
      [`v_${name}.sqlx`, `config { type: "view" }\nselect * from \${ref("${name}")}`],
      [`includes/${name}.js`, `module.exports = { sql: "include ${name}" };`],
    ]),
  );
  const graph = await compileFiles(files, { vars: { constructor: "1" } });
  for (const name of inherited) {
    const model = graph.actions.find((one) => targetKey(one.target) === `marts.${name}`);
    const value = name === "constructor" ? "1" : "none";
    expect(model).toMatchObject({
      tags: [name],
      columns: [{ name, description: `The ${name}` }],
      query: `\nselect 'include ${name}' as "${name}", '${value}' as v`,
    });
    expect(graph.actions.find(({ target }) => target.name === `v_${name}`)!.dependencies).toEqual([
      { schema: "marts", name },
    ]);
  }
  expect(graph.project.vars).toEqual({ constructor: "1" });
});

test.each(inherited)("%s is no property, type or setting", async (name) => {
  const text = await messages({
    "a.sqlx": `config {\n  type: "table",\n  ${name}: "x"\n}\nselect 1 as id`,
    "b.sqlx": `config { type: "${name}" }\nselect 1 as id`,
    "c.sqlx": `config { type: "table", postgres: { ${name}: 1 } }\nselect 1 as id`,
  });
  expect(text).toContain(`definitions/a.sqlx:3:3: unknown property "${name}"`);
  expect(text).toContain(`definitions/b.sqlx:1:10: unknown type "${name}"`);
  expect(text).toContain(`definitions/c.sqlx:1:37: unknown property "${name}" in postgres`);
  const setting = `{ "warehouse": "postgres", "${name}": "x" }`;
  expect(await messages({ "dataform.json": setting, "a.sqlx": "select 1" })).toContain(
    `dataform.json:1:28: unknown property "${name}"\n`,
  );
});

test("__proto__ is refused where JavaScript would lose it", async () => {
  const model = { "a.sqlx": 'config { type: "table" }\nselect 1 as id' };
  const settings = '{ "warehouse": "postgres", "vars": { "__proto__": "1" } }';
  expect(await messages({ ...model, "dataform.json": settings })).toBe("vars: no variable can be called __proto__");
  expect(await messages({ ...model, "includes/__proto__.js": "" })).toBe("an include cannot be called __proto__");
});

test("an error thrown in an include names the include's line and each line that called it", async () => {
  const text = await messages({
    "includes/deep/checks.js": `module.exports = (name) => {
  if (!name) {
    throw new Error("a name is needed");
  }
};`,
    "includes/sql.js": `const check = require("includes/deep/checks.js");
const column = (name) => {
  check(name);
  return \`x.\${name}\`;
};
module.exports = { column };`,
    "a.sqlx":
      'config { type: "table" }\njs {\n  const other = `${1}`;\n}\nselect\n  ${other},\n  ${sql.column("")} as x',
    "definitions/b.js": 'publish("b").query((ctx) => `\n  select ${`${1}`}, ${sql.column()}\n`);',
    "c.sqlx": 'config { type: "operations" }\nselect 1\n---\njs { const own = () => sql.column(); }\nselect ${own()}',
  });
  const thrown = `a name is needed
  3 |     throw new Error("a name is needed");
    |           ^
  called:   includes/sql.js:3:3`;
  expect(text).toContain(`includes/deep/checks.js:3:11: ${thrown}\n  called:   definitions/a.sqlx:7:9`);
  expect(text).toContain("also at:  definitions/b.js:2:27, definitions/c.sqlx:5:10");
  expect(text.match(/a name is needed\n/g)).toHaveLength(1);
});

test("what is thrown and no Error has its line, its include and the lines that called it, too", async () => {
  const files = {
    "includes/inc.js": 'module.exports = {\n  boom: () => {\n    throw "a string";\n  },\n};',
    "b.sqlx": 'config { type: "table" }\nselect 1,\n  ${inc.boom()} as a',
    "c.sqlx": 'config { type: "table" }\njs {\n  throw { message: "an object" };\n}\nselect 1 as a',
  };
  const text = await messages(files);
  expect(text).toMatch(/includes\/inc\.js:3:5: a string\n(?:.*\n)*? {2}called: {3}definitions\/b\.sqlx:3:9\n/);
  expect(text).toContain("definitions/c.sqlx:3:3: an object\n");
});

test("whatever is thrown is told as what it is, where it was thrown", async () => {
  const thrown = {
    nothing: ["throw null", "null was thrown"],
    missing: ["throw undefined", "undefined was thrown"],
    number: ["throw 5", "5 was thrown"],
    object: ["throw { code: 5 }", "{ code: 5 } was thrown"],
    odd: ["throw { message: { a: 1 } }", "{ message: { a: 1 } } was thrown"],
    empty: ["throw new RangeError()", "RangeError was thrown"],
    placeless: ['throw Object.assign(new Error("no stack"), { stack: undefined })', "no stack"],
    read: ["return [][0].name", "what stands before .name has no value"],
  };
  const entries = Object.entries(thrown);
  const text = await messages({
    "includes/inc.js": `module.exports = {\n${entries.map(([name, [code]]) => `${name}() { ${code}; },\n`).join("")}};`,
    ...Object.fromEntries(
      entries.map(([name]) => [`${name}_model.sqlx`, `config { type: "table" }\nselect\n  \${inc.${name}()} as a`]),
    ),
  });
  for (const [index, [name, [, message]]] of entries.entries()) {
    expect(text).toContain(`: ${message}\n  ${index + 2} | ${name}()`);
    expect(text).toContain(`called:   definitions/${name}_model.sqlx:3:9`);
  }
});

test("an include that cannot be loaded is the one error, whatever models call it; so is a folder with parentheses one", async () => {
  const model = (call: string) => `config { type: "table" }\nselect \${${call}} as a`;
  const files = {
    "includes/bad.js": "module.exports = { a: b };",
    "includes/worse.js": "module.exports = { a: ; };",
    "includes/circle.js": "module.exports = bad;",
    "definitions/asks.js": 'require("./nothing");',
    "one.sqlx": model("bad.a"),
    "two.sqlx": model("worse.a"),
    "three.sqlx": model("bat.a"),
  };
  const text = await messages(files);
  expect(text).toContain("includes/bad.js:1:23: b is not defined\n");
  expect(text).toContain("definitions/asks.js:1:1: Cannot find module './nothing'\n  1 |");
  expect(text).toContain("includes/circle.js:1:18: bad is not defined\n");
  expect(text).toContain("includes/worse.js:1:23: Unexpected token ';'\n");
  expect(text).toContain("definitions/three.sqlx:2:10: bat is not defined\n");
  expect(text).not.toMatch(/definitions\/(?:one|two)/);
  const dir = join(testProject({}).dir, "copy (1)");
  cpSync(testProject({ "one.sqlx": model("nothing") }).dir, dir, { recursive: true });
  await expect(compile(dir)).rejects.toThrow("definitions/one.sqlx:2:10: nothing is not defined\n");
});

test("incremental() is told as that in an assertion, in operations and in a file without a type", async () => {
  const text = await messages({
    "a.sqlx": 'config { type: "operations" }\nselect 1 ${when(incremental(), "x")}',
    "b.sqlx": 'config { type: "assertion" }\nselect 1 ${when(incremental(), "x")}',
    "c.sqlx": 'select 1 ${when(incremental(), "x")}',
  });
  expect(text).toContain("definitions/a.sqlx:2:17: there is no incremental() in a file of this type\n");
  expect(text).toContain("definitions/b.sqlx:2:17: there is no incremental() in a file of this type\n");
  expect(text).toContain("definitions/c.sqlx:1:17: there is no incremental() in a file of this type\n");
  expect(text).toContain('models have it: config { type: "table" }');
});

test.each([
  ["config", 'config {\n  type: "table"\n\nselect 1 as a', "1:1"],
  ["js", 'config { type: "table" }\njs {\n  const a = 1;\nselect 1 as a', "2:1"],
])("a %s block that is not closed is named where it begins", async (name, sqlx, place) => {
  expect(await messages({ "a.sqlx": sqlx })).toContain(
    `definitions/a.sqlx:${place}: the ${name} block that begins here is not closed\n`,
  );
});

const table = 'config { type: "table" }';

test("a brace too many is told at its place, whatever block it stands in, and texts keep theirs", async () => {
  const text = await messages({
    "a.sqlx": `${table} }\nselect 1 as a`,
    "b.sqlx": `${table}\njs {\n  const b = { c: 1 } }\n}\nselect \${b.c} as b`,
    "c.sqlx": `${table}\npre_operations {\n  select 1 }\n}\nselect 1 as c`,
    "d.sqlx": `${table}\nselect \${1 }} as d`,
    "e.sqlx": `${table}\nselect {1} as e`,
    "f.sqlx": 'config { type: "operations" }\nselect 1 }',
    "g.sqlx": 'config { type: "assertion" } }\nselect 1 as g',
    "fine.sqlx": `${table} -- }\nselect '}' as "}", $$ } $$ as h /* } */ post_operations { do $$ begin perform '{}'::json; end $$ }`,
  });
  const places = { a: "1:26", b: "4:1", c: "4:1", d: "2:13", f: "2:10", g: "1:30" };
  for (const [name, place] of Object.entries(places))
    expect(text).toContain(`definitions/${name}.sqlx:${place}: this } closes nothing\n`);
  expect(text).toContain("definitions/e.sqlx:2:8: this { opens nothing that SQL knows\n");
  expect(text).not.toContain("fine.sqlx");
});

test("one cause is one error: a block that begins wrongly or has no end, a typo in what many models use", async () => {
  const readers = Object.fromEntries(
    ["a", "b", "c"].map((name) => [
      `${name}.sqlx`,
      'config { type: "table" }\nselect * from ${ref("made")} ${inc.f()}',
    ]),
  );
  const inc = { "includes/inc.js": "module.exports = { f: () => nope };" };
  const made = (sqlx: string) =>
    messages({ ...readers, "made.sqlx": sqlx, "includes/inc.js": "module.exports = { f: () => 1 };" });
  const wrong: Readonly<Record<string, string>> = {
    'config{ type: "incremental" }\nselect ${when(incremental(), "1")}': "1:1: config begins no block here",
    'config { type: "table" }\njs{ const x = (a) => `${a}`; }\nselect ${x(1)}': "2:1: js begins no block here",
    'config { type: "test", dataset: "a" }\ninput "raw.t" { select 1 }\nselect 1': "2:1: input begins no block here",
    'config { type: "table" }\npre_operations { select 1\nselect 2':
      "2:1: the pre_operations block that begins here is not closed",
    'config { type: "table" }\n/*\nconfig{ is not meant */\nselect * from {{ ref("x") }}': "4:15: Jinja",
  };
  for (const [sqlx, told] of Object.entries(wrong)) {
    const text = await made(sqlx);
    expect(text).toContain(`definitions/made.sqlx:${told}`);
    expect(text.match(/^\S+\.\w+:/gm), text).toHaveLength(1);
  }
  const called = await messages({ ...readers, ...inc, "made.sqlx": 'config { type: "table" }\nselect 1' });
  expect(called.match(/nope is not defined/g)).toHaveLength(1);
  expect(called).toContain(
    "called:   definitions/a.sqlx:2:36\n  also at:  definitions/b.sqlx:2:36, definitions/c.sqlx:2:36",
  );
  const missing = await messages({ ...readers, "includes/inc.js": "module.exports = { f: () => 1 };" });
  expect(missing).toMatch(
    /^definitions\/a\.sqlx:2:21: nothing in the project is named made\n {2}also at: {2}definitions\/b\.sqlx:2:21, definitions\/c/,
  );
  const loop = { "definitions/l.js": 'for (const n of ["x", "y"]) publish(n).query((ctx) => ctx.ref("made"));' };
  expect(await messages(loop)).not.toContain("also at");
  const open = { "includes/inc.js": "module.exports = {\n  f: () => 1,\n" };
  expect(await messages({ ...readers, "made.sqlx": 'config { type: "table" }\nselect 1', ...open })).toBe(
    "includes/inc.js:2:14: the file ends within a bracket or a text that is open\n  2 |   f: () => 1,\n    |              ^",
  );
});

test("an error thrown in a packaged function names the author's call", async () => {
  const text = await messages({
    "includes/own.js":
      'const ratios = require("dataform-postgres/includes/ratios");\nmodule.exports = () =>\n  ratios.ratio("a)", "b");',
    "a.sqlx": 'config { type: "table" }\nselect\n  1,\n  ${own()} as r',
  });
  expect(text).toContain("includes/own.js:3:10: ratios.ratio: numerator");
  expect(text).toContain("called:   definitions/a.sqlx:4:5");
  expect(text).not.toContain("library");
});

test.each([
  [
    'scd2.publish("h", {\n  from: "f", key: "usr",\n  attributes: { usr: "text", "name": "no type)" } });',
    "3:30: scd2.publish: h: attributes: the type of name is",
  ],
  [
    '// keyy: 5\nscd2.publish("h", { from: "f", keyy: "id", attributes: { a: "text" } });',
    '2:32: scd2.publish: h: unknown option "keyy"',
  ],
  [
    'reconcile.publish("r", { ours: "o", theirs: "t", key: "id",\n  columns: { n: { kind: "text" }, // a { and "quotes"\n    d: { kind: `date`, dayss: 3 } } });',
    '3:24: reconcile.publish: r: d: unknown option "dayss"',
  ],
  [
    'counters.publish("c", { from: "r", loads: "l", loadOrder: ["a", "b"], kind: "log", series: { s: "text" },\n  takenAt: { at: "date" }, counters: { n: "int" }, rollups: { every: { evry: "day" } } });',
    '2:72: counters.publish: c: unknown option of rollups: every "evry"',
  ],
  ['slices.publish("s", { loads: { tables: ["t"] },\n  from: 5 });', "2:3: slices.publish: s: needs from"],
  // What nothing declares may have the name of what the call makes.
  ...[
    [
      'scd2.publish("h", { key: "id",\n  attributes: { a: "text" }, from: "h" });',
      "2:30: scd2.publish: h: from: SCHEMA.h",
    ],
    [
      'counters.publish("c", { kind: "log", series: { s: "text" }, takenAt: { at: "date" }, counters: { n: "int" },\n  from: "c_deltas" });',
      "2:3: counters.publish: c: from: SCHEMA.c_deltas",
    ],
    [
      'slices.publish("s", { loads: { tables: ["t"] }, key: ["day"], day: "day", values: { n: "int" }, from: "s_loads" });',
      "1:97: slices.publish: s: from: SCHEMA.s_loads",
    ],
    [
      'reconcile.publish("r", { ours: "r_rows", theirs: "r_rules", key: "id", columns: { n: { kind: "exact" } } });',
      "1:26: reconcile.publish: r: ours: SCHEMA.r_rows",
    ],
  ].map(([code, said]) => {
    const [, name] = /SCHEMA\.(\w+)/.exec(said!)!;
    const remedy = `is made by this call, and "${name}" alone means it. Say the schema of the table that is meant: ["raw", "${name}"]`;
    return [code!, `${said!.replace("SCHEMA", "marts")} ${remedy}`];
  }),
  // What is not there has no place but the call's, nor has what is not written in it.
  ['slices.publish("s", { loads: { tables: ["t"] } });', "1:8: slices.publish: s: needs from"],
  ['const o = { from: "f", keyy: "id" };\nscd2.publish("h", o);', '2:6: scd2.publish: h: unknown option "keyy"'],
])("an option that a packaged function refuses is named where it is written: %s", async (code, said) => {
  const [name] = /\w+(?=\.publish)/.exec(code)!;
  const include = { [`includes/${name}.js`]: `module.exports = require("dataform-postgres/includes/${name}");` };
  expect(await messages({ ...include, "definitions/a.js": code })).toContain(`definitions/a.js:${said}`);
});

test("a relation that a packaged function reads and nobody has is named where it is written, once", async () => {
  const calls = [
    'slices.publish("s", { loads: { tables: ["t"] }, key: ["day"], day: "day", values: { n: "int" }, from: "nowhere" });',
    'counters.publish("c", { kind: "log", series: { s: "text" }, takenAt: { at: "date" }, counters: { n: "int" }, from: "nowhere" });',
    'scd2.publish("h", { key: "id", attributes: { n: "int" }, from: "nowhere" });',
    'reconcile.publish("r", { theirs: ["raw", "t"], key: "id", columns: { n: { kind: "exact" } }, ours: "nowhere" });',
    'totals.agree("a", { actual: ["raw", "t"], by: ["id"], measures: ["n"], expected: "nowhere" });',
  ];
  const names = ["slices", "counters", "scd2", "reconcile", "totals"];
  const includes = names.map((name) => [
    `includes/${name}.js`,
    `module.exports = require("dataform-postgres/includes/${name}");`,
  ]);
  for (const [index, call] of calls.entries()) {
    const code = `declare({ schema: "raw", name: "t" });\n${call}`;
    const text = await messages({ ...Object.fromEntries(includes), "definitions/a.js": code });
    expect(text, names[index]).toContain(
      `definitions/a.js:2:${call.indexOf('"nowhere"') + 1}: nothing in the project is named nowhere`,
    );
    expect(text, names[index]).not.toContain("is not a relation");
  }
});

test("what a packaged function makes may be called as the raw table it reads; which is meant stands in the option", async () => {
  const calls = [
    'slices.publish("t", { loads: { tables: ["t"] }, key: ["day"], day: "day", values: { n: "int" }, from: ["raw", "t"] });',
    'counters.publish("c", { kind: "log", series: { s: "text" }, takenAt: { at: "date" }, counters: { n: "int" }, from: ["raw", "t"], rollups: { t: { every: "day" } } });',
    'scd2.publish("t", { key: "id", attributes: { n: "int" }, from: ["raw", "t"] });',
    'reconcile.publish("r", { theirs: ["raw", "r_rows"], key: "id", columns: { n: { kind: "exact" } }, ours: ["raw", "t"] });',
  ];
  for (const code of calls) {
    const [name] = /\w+(?=\.publish)/.exec(code)!;
    const files = (call: string) => ({
      [`includes/${name}.js`]: `module.exports = require("dataform-postgres/includes/${name}");`,
      "definitions/a.js": `declare({ schema: "raw", name: "t" });\ndeclare({ schema: "raw", name: "r_rows" });\n${call}`,
    });
    expect(await messages(files(code)), name).toBe("it compiled");
    if (name === "reconcile" || name === "counters") continue;
    expect(await messages(files(code.replace('["raw", "t"]', '"t"'))), name).toContain(
      't names several things\n  found:    raw.t, marts.t\n  → say which: ref("raw", "t"), in an option ["raw", "t"]',
    );
  }
});

test("a reference that is wrong in one of two places is named where it is wrong", async () => {
  const text = await messages({
    "includes/lib.js": "module.exports = { from: (ctx, name) =>\n  ctx.ref(name) };",
    "orders.sqlx": 'config { type: "table" }\nselect 1',
    "a.sqlx":
      'config { type: "table" }\nselect * from ${ref("orders")} -- not "ordrs"\nunion all\nselect * from ${ref("ordrs")}',
    "definitions/b.js": 'publish("b").query((ctx) => `select * from ${lib.from(ctx, "ordrs")}`);',
  });
  expect(text).toContain("definitions/a.sqlx:4:21: nothing in the project is named ordrs");
  expect(text).toContain("also at:  definitions/b.js:1:50");
});

test("a comment comes out as it went in, backslashes included", async () => {
  const model = await action(
    { "a.sqlx": 'config { type: "table" }\n-- C:\\new\\users ${x} `y`\nselect 1 /* \\u */ as id' },
    "marts.a",
  );
  expect(model).toMatchObject({ query: "\n-- C:\\new\\users ${x} `y`\nselect 1 /* \\u */ as id" });
});

test("a semicolon at the end and an index on a view are refused", async () => {
  const text = await messages({
    "a.sqlx": 'config { type: "table" }\nselect 1;',
    "b.sqlx": 'config { type: "view", postgres: { indexes: [{ columns: ["id"] }] } }\nselect 1 as id',
  });
  expect(text).toContain("definitions/a.sqlx:2:9: Semi-colons are not allowed");
  expect(text).toContain("marts.b: a view cannot have indexes");
});

test("a semicolon in the comment that a query ends with is no semicolon at its end", async () => {
  const { actions } = await compileFiles({
    "a.sqlx": 'config { type: "table" }\nselect 1 as a -- one;',
    "b.sqlx": 'config { type: "view" }\nselect 1 as a; /* the end; */ -- end;',
    "definitions/c.js": 'publish("c", "select 1 as a -- c;"); assert("d", "select 1 as a where false; -- d;");',
  });
  expect(actions.map(({ target }) => target.name).sort()).toEqual(["a", "b", "c", "d"]);
  const js = 'publish("c", "select 1 as a -- c;"); publish("e", "select 1 as a;");';
  expect(await messages({ "definitions/c.js": js })).toContain("definitions/c.js: Semi-colons are not allowed");
});

test("a copy from whoever sends it, or to it, is refused at its line in operations and beside models, others are not", async () => {
  const text = await messages({
    "a.sqlx": 'config { type: "operations" }\ntruncate raw.t\n---\ncopy raw.t (id) from stdin with (format csv)',
    "b.sqlx":
      'config { type: "table" }\nselect 1 as id\npost_operations { -- all\n  Copy (select 1 from ${self()}) To /* me */ StdOut }',
    "c.sqlx":
      "config { type: \"operations\" }\ncopy raw.stdin (\"from\") from '/stdin'; copy (select 'to stdout') to program 'cat'; select 'copy t from stdin'",
  });
  expect(text).toMatch(
    /^definitions\/a\.sqlx:4:1: marts\.a: copy … from stdin: a run has no rows to send\n[\s\S]*?→ .*`dataform ingest`/m,
  );
  expect(text).toMatch(
    /^definitions\/b\.sqlx:4:3: marts\.b: copy … to stdout: a run takes no rows\n[\s\S]*?→ `dataform export`/m,
  );
  expect(text).not.toContain("c.sqlx");
});

/** Why a model of that project is refused, by itself. */
async function refused(statement: string, block = "pre_operations", type = "incremental"): Promise<string> {
  const sqlx = `config { type: "${type}" }\nselect 1 as id\n${block} {\n  ${statement}\n}`;
  const graph = await compileFiles({ "c.sqlx": sqlx, "other.sqlx": 'config { type: "table" }\nselect 1 as id' });
  const errors = graph.actions.flatMap((one) => ("refused" in one && one.refused ? [one.refused] : []));
  return errors.map(formatUserError).join("\n") || "nothing";
}

test.each([
  ["with gone as (delete from ${self()} returning *) select * from gone", "let the query give the rows"],
  ["with a as (delete from ${self()}) delete from raw.queue", "and without returning, in a statement of its own"],
  ["delete from ${self()} returning id", "without returning"],
  ["delete from ${self()} as a using ${self()} as b where a.id = b.id and a.ctid > b.ctid", "by columns"],
  ["delete from marts.c where id = 1", "write delete from ${self()} where …"],
  ["merge into ${self()} using x on true when matched then delete", "let the query give the rows"],
  ["insert into ${self()} values (1)", "let the query give the rows"],
  ["truncate only ${self()}", "write delete from ${self()}, without a where"],
  ["copy ${self()} from program 'x'", "let the query give the rows"],
  ["alter view ${self()} rename column id to x", "put it into post_operations"],
  ["do $x$ begin delete from ${self()}; end $x$", "nobody looks into a body"],
  ["do language plpgsql 'begin if true then execute ''truncate ${self()}''; end if; end'", "nobody looks into a body"],
  [
    "create function pg_temp.f() returns void language sql as $$ delete from ${self()} $$; select pg_temp.f()",
    "a body",
  ],
])(
  "pre_operations that change self() by more than a delete refuse their model alone: %s",
  async (statement, advice) => {
    const text = await refused(statement);
    expect(text).toMatch(
      /^definitions\/c\.sqlx:4:3: marts\.c: pre_operations of an incremental model may read self\(\) and delete from it, not change it otherwise\n/,
    );
    expect(text).toContain(advice);
  },
);

test.each([
  "select 'delete from ${self()}', count(*) from ${self()} -- delete from ${self()}",
  "delete from raw.queue using ${self()} s where s.id = queue.id",
  "create temp table seen on commit drop as select * from ${self()} where x is distinct from 1",
  "do $x$ begin perform 1; end $x$ -- ${self()}",
  "delete /* all */ from ${self()}",
  "select 1;\n  -- then\n  Delete From Only ${self()} as old using x where old.id = x.id",
  "with gone as (select 1 as id) delete from ${self()} where id in (select id from gone)",
])("pre_operations may read self() and delete from it: %s", async (statement) => {
  expect(await refused(statement)).toBe("nothing");
});

test("post_operations delete from self() before anything else in them reads or changes it", async () => {
  const remove = "delete from ${self()} where id = 1";
  expect(
    await refused(
      `create index on \${self()} (id);\n  grant select on \${self()} to x;\n  ${remove}`,
      "post_operations",
    ),
  ).toBe("nothing");
  expect(await refused(`update \${self()} set id = 2;\n  ${remove}`, "post_operations")).toMatch(
    /^definitions\/c\.sqlx:5:3: marts\.c: a delete from self\(\) in post_operations comes after .*\n[^→]*→ put it before the others$/,
  );
});

test.each([
  ["table", "post_operations", "vacuum ${self()}", "vacuum", "leave it out: a run analyzes"],
  ["view", "pre_operations", "/* done */ commit", "commit", "leave it out: the transaction"],
  ["incremental", "post_operations", "abort", "rollback", "leave it out: the transaction"],
  ["table", "post_operations", "create index concurrently on ${self()} (id)", "create index", "leave concurrently out"],
  ["incremental", "pre_operations", "reindex schema raw", "reindex", "put it into a file of its own"],
  ["table", "pre_operations", "create database copy", "create database", "put it into a file of its own"],
])("a %s is refused, and no other model, whose %s hold %j", async (type, block, statement, command, advice) => {
  const text = await refused(`select 1;\n  -- now\n  ${statement}`, block, type);
  expect(text).toContain(
    `marts.c: ${block} run in the transaction that builds the model: ${command} cannot be among them`,
  );
  expect(text).toMatch(/^definitions\/c\.sqlx:6:/);
  expect(text).toContain(`→ ${advice}`);
});

test.each([
  ["table", "post_operations", "drop table ${self()}", "leave it out: each run makes it anew"],
  ["incremental", "post_operations", "drop /* all */ table if exists raw.x, ${self()} cascade", "retired by `dataform"],
  ["view", "post_operations", "drop view marts.c", "leave it out: each run makes it anew"],
  ["table", "pre_operations", "drop view if exists marts.c", "leave it out: each run makes it anew"],
  ["table", "pre_operations", "drop table ${self()}", "leave it out: each run makes it anew"],
  ["incremental", "pre_operations", "drop table if exists ${self()}", "retired by `dataform"],
  ["incremental", "post_operations", "alter table if exists ${self()} rename to old", "name it in its config"],
  ["table", "post_operations", "alter table ${self()} set schema public", "name it in its config"],
  ["view", "post_operations", "alter view ${self()} set schema public", "name it in its config"],
  ["view", "post_operations", "create or replace view ${self()} as select 2 as id", "leave it out: the run makes it"],
  ["incremental", "pre_operations", "create table if not exists ${self()} (id int)", "leave it out: the run makes it"],
  ["table", "post_operations", "drop schema marts cascade", "leave it out: what is published stands in that schema"],
  ["table", "pre_operations", "drop schema if exists raw, _dataform cascade", "leave it out: what is published"],
])("a %s whose %s take away what is built is refused: %s", async (type, block, statement, advice) => {
  const text = await refused(statement, block, type);
  expect(text).toMatch(/^definitions\/c\.sqlx:4:3: marts\.c: p\w+_operations cannot take away what the run makes: /);
  expect(text).toContain(advice);
});

test.each([
  ["table", "pre_operations", "drop table if exists ${self()}"],
  ["table", "post_operations", "alter table ${self()} rename column id to x"],
  ["incremental", "post_operations", "alter table ${self()} rename constraint a to b"],
  ["incremental", "post_operations", "drop table if exists raw.c"],
  ["view", "post_operations", "drop schema if exists scratch"],
  ["view", "post_operations", "select 'drop view ${self()}'"],
])("a %s may hold in %s what takes nothing of it away: %s", async (type, block, statement) => {
  expect(await refused(statement, block, type)).toBe("nothing");
});

test("an endless loop is stopped at the time limit", async () => {
  expect(
    await messages(
      { "includes/loop.js": "for (;;) {}", "a.sqlx": 'config { type: "table" }\nselect 1' },
      { timeout: 500 },
    ),
  ).toBe("the project did not compile in time");
});

test("code that takes too much memory or ends the process fails the compile, not the program", async () => {
  const model = { "a.sqlx": 'config { type: "table" }\nselect 1' };
  expect(await messages({ ...model, "includes/exit.js": "process.exit(0)" })).toBe(
    "the project's code ended the compiler",
  );
  const greedy = "const all = []; for (;;) all.push(new Array(100000).fill(0).map(String));";
  expect(await messages({ ...model, "includes/greedy.js": greedy }, { memory: 64 })).toBe(
    "the project's code took too much memory while compiling",
  );
});

test("the project's code sees no environment variable and cannot write to stdout", async () => {
  const model = await action(
    { "a.sqlx": 'config { type: "table" }\nselect ${Object.keys(process.env).length} as n' },
    "marts.a",
  );
  expect((model as { query: string }).query).toContain("select 0 as n");
});

test("a folder without a project and a project file that is not JSON, or says a key twice, say what to do", async () => {
  const project = testProject({ "dataform.json": '{\n  "warehouse": "postgres"\n  "defaultSchema": "x"\n}' });
  await expect(compile(project.dir)).rejects.toMatchObject({
    message: "this is not JSON",
    location: { file: "dataform.json", line: 3 },
  });
  project.write({
    "dataform.json":
      '{\n  "warehouse": "postgres", "vars": {\n  "warehouse": ": \\"",\n  "a\\"": "{", "a\\u0022": "x" } }',
  });
  await expect(compile(project.dir)).rejects.toMatchObject({
    message: '"a"" stands twice',
    location: { file: "dataform.json", line: 4 },
  });
  project.remove("dataform.json");
  await expect(compile(project.dir)).rejects.toMatchObject({ message: `${project.dir} is not a Dataform project` });
});

const model = { "a.sqlx": 'config { type: "table" }\nselect 1 as id' };

async function settings(file: "dataform.json" | "workflow_settings.yaml", text: string) {
  const project = testProject({ ...model, [file]: text });
  if (file !== "dataform.json") project.remove("dataform.json");
  return compile(project.dir);
}

interface Setting {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly deprecated?: boolean;
  readonly properties?: object;
}

/** A value for a property of the project file. */
function valueFor({ type, enum: words, properties }: Setting): unknown {
  if (properties) return { releases: 3, runsFor: "30d" };
  if (words) return words[0];
  if (type === "object") return { a: "1" };
  if (type === "integer") return 2;
  return type === "boolean" ? true : "x";
}

test.each([
  ["dataform.json", published.dataform],
  ["workflow_settings.yaml", published.workflow_settings],
] as const)("every property of %s is taken, or told to be ignored", async (file, { properties }) => {
  const known = Object.entries(properties as Record<string, Setting>);
  const ignored = known.filter(([, { deprecated }]) => deprecated).map(([key]) => key);
  // Core wants something of these: they are objects.
  const rest = known.filter(([key]) => !/Options|Config|extension/.test(key));
  const { notes } = await settings(
    file,
    JSON.stringify(Object.fromEntries(rest.map(([key, one]) => [key, valueFor(one)]))),
  );
  expect(notes.map((note) => /^[\w.]+:\d+: (\w+) has no meaning here and is ignored: it is /.exec(note)?.[1])).toEqual(
    ignored.filter((key) => rest.some(([one]) => one === key)),
  );
  for (const [key, schema] of rest.filter(([, { deprecated }]) => !deprecated))
    await expect(
      settings(file, JSON.stringify({ [key]: ["boolean", "integer"].includes(schema.type!) ? "yes" : 5 })),
    ).rejects.toMatchObject({
      errors: [{ message: `${key} is wrong`, location: { file, line: 1, column: key.length + 5 } }],
    });
});

test("mistakes in the project file are told at once, with their lines and the nearest property", async () => {
  const text = await messages({
    ...model,
    "dataform.json":
      '{\n  "warehouse": "postgres",\n  "$schema": "x",\n  "defaultSchemas": "x",\n  "vars": {\n    "a": 1\n  }\n}',
  });
  const known =
    "project, warehouse, defaultSchema, assertionSchema, schemaSuffix, tablePrefix, vars, builtinAssertionNamePrefix, disableAssertions, retention, defaultDatabase, concurrentQueryLimit, idempotentActionRetries";
  expect(text).toBe(
    [
      `dataform.json:3:3: unknown property "$schema"\n  3 |   "$schema": "x",\n        ^\n  expected: ${known}\n  found:    $schema\n  → leave it out`,
      `dataform.json:4:3: unknown property "defaultSchemas"\n  4 |   "defaultSchemas": "x",\n        ^\n  expected: ${known}\n  found:    defaultSchemas\n  → did you mean "defaultSchema"?`,
      'dataform.json:6:10: vars.a is wrong\n  6 |     "a": 1\n               ^\n  expected: a text or an object: {…} (in quotes: "3", not 3; or { env: NAME, default: "3" })\n  found:    1\n  → put it in quotes: "1"',
    ].join("\n"),
  );
  await expect(settings("dataform.json", '{ "warehouse": "bigquery" }')).rejects.toMatchObject({
    errors: [{ message: "warehouse is wrong", found: '"bigquery"' }],
  });
  await expect(settings("workflow_settings.yaml", "defaultDatase: x\n")).rejects.toMatchObject({
    errors: [{ message: 'unknown property "defaultDatase"', hint: 'did you mean "defaultDataset"?' }],
  });
  const bent = `vars:
  a: 12345678901234567890
retention:
  releases: 9007199254740993
  runs: 1.0000000000000000001
  runsFor: 99999999999999999d
`;
  await expect(settings("workflow_settings.yaml", bent)).rejects.toMatchObject({
    errors: [
      { message: "vars.a is wrong", found: "12345678901234567890", location: { line: 2 } },
      { message: "retention.runsFor is wrong", location: { line: 6 } },
      { found: "9007199254740993", location: { line: 4, column: 13 }, expected: expect.stringContaining("15 digits") },
      { found: "1.0000000000000000001", location: { line: 5 } },
    ],
  });
  await expect(settings("workflow_settings.yaml", "# nothing\n")).rejects.toMatchObject({
    errors: [{ message: "the file is wrong", location: { file: "workflow_settings.yaml" } }],
  });
});

test("a query of several statements, or of none, is refused where the second begins, or where the query should be", async () => {
  const text = await messages({
    "m.sqlx":
      "config { type: \"table\" }\njs {\n  const n = 3;\n}\nselect\n  ${n} as a,\n  ';' as b; -- ;\n  drop table x;\nselect 3",
    "i.sqlx": 'config { type: "incremental" }\nselect 1 as id ${when(incremental(), `;\n  select 2`)}',
    "v.sqlx": 'config { type: "view" }\nselect 1 as id\n---\n\n  select 2',
    "a.sqlx": 'config { type: "assertion" }\nselect 1;\n(select 2)',
    "none.sqlx": 'config { type: "view" }\n-- nothing yet',
    "bare.sqlx": 'config { type: "view" }',
    "definitions/made.js":
      'publish("made").query((ctx) => `\n  select 1;\n  select 2`);\npublish("text").query("select 1; select 2");\nassert("no");',
    "definitions/actions.yaml": "actions:\n  - view:\n      filename: plain.sql\n",
    "definitions/plain.sql": "select 1;\nselect 2",
    "good.sqlx": 'config { type: "view" }\n/* ; */ (select 1 as id) -- ; all',
    "reads.sqlx": 'config { type: "view" }\nselect * from ${ref("good")}',
    "t.sqlx":
      'config { type: "test", dataset: "reads" }\ninput "good" {\n  select 1 as id;\n  select 2\n}\nselect 1 as id; select 2',
    "t_parts.sqlx": 'config { type: "test", dataset: "good" }\nselect 1 as id\n---\nselect 2',
    "t_none.sqlx": 'config { type: "test", dataset: "good" }\n',
    "t_input.sqlx": 'config { type: "test", dataset: "reads" }\ninput "good" { -- \n}\nselect 1 as id',
  });
  const places = [...text.matchAll(/^definitions\/(\S+): (.*)$/gm)].map(([, place, said]) => `${place} ${said}`);
  expect(places.sort()).toEqual([
    "a.sqlx:3:1 assertions.a: the query must be one statement",
    "bare.sqlx:1:24 marts.bare: the query is empty",
    "i.sqlx:3:3 marts.i: the query must be one statement",
    "m.sqlx:8:3 marts.m: the query must be one statement",
    "made.js assertions.no: the query is empty",
    "made.js marts.text: the query must be one statement",
    "made.js:3:3 marts.made: the query must be one statement",
    "none.sqlx:1:24 marts.none: the query is empty",
    "plain.sql:2:1 marts.plain: the query must be one statement",
    "t.sqlx:4:3 test t: an input must be one statement",
    "t.sqlx:6:17 test t: the expectation must be one statement",
    "t_input.sqlx:2:15 test t_input: an input is empty",
    "t_none.sqlx:1:41 test t_none: the expectation is empty",
    "t_parts.sqlx:4:1 there is one query, and --- separates the statements of operations",
    "v.sqlx:5:3 there is one query, and --- separates the statements of operations",
  ]);
  expect(text).toContain("  8 |   drop table x;\n    |   ^\n  found:    3 statements: this one is the second");
});

test("a block that the type cannot have is refused where it begins", async () => {
  const text = await messages({
    "a.sqlx": 'config { type: "assertion" }\n\npre_operations { select 1 }\nselect 1\npost_operations { select 1 }',
    "t.sqlx": 'config { type: "table" }\nselect 1\ninput "x" { select 1 }',
  });
  expect(text).toContain("definitions/a.sqlx:3:1: pre_operations has no meaning here\n");
  expect(text).toContain("definitions/a.sqlx:5:1: post_operations has no meaning here\n");
  expect(text).toContain('definitions/t.sqlx:3:1: input has no meaning here\n  expected: type: "test"\n');
});

test("a test without a dataset or without an input, and a name that is too long, are explained", async () => {
  const text = await messages({
    "a.sqlx": 'config { type: "table" }\nselect * from ${ref("d")}',
    "d.sqlx": 'config { type: "declaration", schema: "raw", name: "d" }',
    "t.sqlx": 'config { type: "test" }\nselect 1 as id',
    "u.sqlx": 'config { type: "test", dataset: "a" }\ninput "e" { select 1 as id }\nselect 1 as id',
    "c.sqlx": 'config { type: "table" }\nselect * from ${ref("raw", "d")}',
    "v.sqlx": 'config { type: "test", dataset: "c" }\ninput "d" { select 1 as id }\nselect 1 as id',
    [`definitions/${"x".repeat(64)}.sqlx`]: 'config { type: "table" }\nselect 1 as id',
  });
  expect(text).toContain("definitions/t.sqlx:1:10: a test must say which model it tests");
  expect(text).toMatch(/^definitions\/\S+:\d+:\d+: a test gives no input for d, which the model reads/m);
  expect(text).toContain('add to the test: input "raw", "d" { select … }');
  expect(text).toContain("is too long for PostgreSQL");
});

test("assertions and guards stand beside the models where no schema for them is set", async () => {
  const { project, actions } = await testProject({
    ...model,
    "dataform.json": '{ "warehouse": "postgres", "defaultSchema": "shop" }',
    "checked.sqlx": 'config { type: "view", assertions: { nonNull: "id" } }\nselect 1 as id',
  }).compile();
  expect(project.assertionSchema).toBe("shop");
  expect(actions.filter(({ kind }) => kind === "assertion").map(({ target }) => target.schema)).toEqual(["shop"]);
});

test("parentheses too deep within each other are told once, at the first that is, whatever text they stand in", async () => {
  const deep = (of: number) => `${"(".repeat(of)}1${")".repeat(of)}`;
  const told = async (text: string, files: ProjectFiles = {}) => {
    const message = await messages({ "a.sqlx": text, ...files });
    return message.split("\n").find((line) => line.includes("too deep"));
  };
  const said = (line: number, column: number, what = "marts.a") =>
    `definitions/a.sqlx:${line}:${column}: ${what} has parentheses too deep within each other`;
  const head = 'config { type: "table" }\n';
  expect(await messages({ "a.sqlx": `${head}select ${deep(1000)} as a` })).toBe("it compiled");
  expect(await told(`${head}select ${deep(1001)} as a`)).toBe(said(2, 1008));
  expect(await told(`${head}select 1 as a\npost_operations { select ${deep(60_000)} }`)).toBe(said(3, 1026));
  expect(await told(`config { type: "operations" }\nselect ${deep(60_000)}`)).toBe(said(2, 1008));
  expect(
    await told(`config { type: "table", assertions: { rowConditions: ["${deep(60_000)} = 1"] } }\nselect 1`),
  ).toContain("rowConditions has parentheses too deep");
  const model = { "m.sqlx": `${head}select 1 as a` };
  expect(await told(`config { type: "test", dataset: "m" }\nselect ${deep(60_000)}`, model)).toBe(
    said(2, 1008, "test a"),
  );
  expect(await messages({ "a.sqlx": `${head}js { const x = ${deep(60_000)}; }\nselect 1` })).toContain(
    "definitions/a.sqlx: the file has a text that is too long, or nested too deep, to be read",
  );
});

test("of a line without end an error shows what is around its place", async () => {
  const message = await messages({
    "a.sqlx": `config { type: "table" }\nselect '${"x".repeat(5000)}'; select '${"y".repeat(5000)}'`,
  });
  expect(message).toContain("definitions/a.sqlx:2:5012: marts.a: the query must be one statement");
  expect(message).toContain(`  2 | …${"x".repeat(46)}'; select '${"y".repeat(140)}`);
  expect(message).toContain(`\n    | ${" ".repeat(50)}^\n`);
  expect(message).not.toContain("  1 |");
  expect(Math.max(...message.split("\n").map((line) => line.length))).toBeLessThan(220);
});
