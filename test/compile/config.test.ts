import { expect, test } from "vitest";
import { compile } from "../../src/compile/compile.ts";
import { incremental, table, view } from "../support/models.ts";
import { type ProjectFiles, testProject } from "../support/project.ts";

async function said(files: ProjectFiles): Promise<string> {
  return compile(testProject(files).dir).then(
    () => "it compiled",
    (error: Error) => error.message,
  );
}

/** The first line of each message, without the folder. */
async function places(files: ProjectFiles): Promise<string[]> {
  return [...(await said(files)).matchAll(/^definitions\/(.*)$/gm)].map(([, line]) => line!);
}

const base = { "base.sqlx": view("select 1 as id") };

/** Values of every kind, as JavaScript writes them. */
const values = {
  number: "5",
  text: '"x"',
  empty: '""',
  flag: "true",
  nothing: "null",
  list: '["base"]',
  numbers: "[5]",
  object: '{ x: "y" }',
};
type Kind = keyof typeof values;

const of = (...kinds: Kind[]) => kinds;
const text = of("text", "empty");
const common = {
  name: of("text"),
  schema: of("text"),
  dataset: of("text"),
  description: text,
  tags: of("list", "text"),
  // What is not said.
  database: of("empty", "nothing"),
};
const ordered = {
  ...common,
  dependencies: of("list", "text"),
  dependencyTargets: of(),
  dependOnDependencyAssertions: of("flag"),
  disabled: of("flag"),
  hermetic: of("flag"),
};
const columns = { columns: of("object") };
const model = {
  ...ordered,
  ...columns,
  assertions: of(),
  postgres: of(),
  preOperations: of("list"),
  postOperations: of("list"),
};
const types: Record<string, Record<string, readonly Kind[]>> = {
  table: model,
  view: { ...model, materialized: of("flag") },
  incremental: { ...model, uniqueKey: of("list"), protected: of("flag"), onSchemaChange: of() },
  assertion: { ...ordered, postgres: of() },
  operations: { ...ordered, ...columns, hasOutput: of("flag") },
  declaration: { ...common, ...columns },
  test: { name: of("text"), tags: of("list", "text"), database: of("empty", "nothing"), dataset: of("text", "list") },
  inline: {
    name: of("text"),
    schema: of("text"),
    dataset: of("text"),
    tags: common.tags,
    database: common.database,
    dependencies: ordered.dependencies,
  },
};
const everyKey = [
  ...new Set(Object.values(types).flatMap((keys) => Object.keys(keys))),
  ..."filename database bigquery labels partitionBy hermetic metadata constructor hasOwnProperty nope".split(" "),
];

test.each(Object.entries(types))(
  "every key in the config of a type %s is done, or refused at its line: with every kind of value",
  async (type, keys) => {
    const files: Record<string, string> = { ...base };
    const refused: string[] = [];
    for (const key of everyKey) {
      for (const [kind, value] of Object.entries(values)) {
        if (Object.hasOwn(keys, key) && keys[key]!.includes(kind as Kind)) continue;
        const file = `${key}_${kind}.sqlx`;
        refused.push(file);
        // What a declaration or a test needs stands behind it.
        const name = type === "declaration" && key !== "name" ? `, name: "${key}_${kind}"` : "";
        const dataset = type === "test" && key !== "dataset" ? ', dataset: "base"' : "";
        const query = type === "declaration" ? "" : "\nselect 1 as id";
        files[file] = `config { type: "${type}",\n  ${key}: ${value}${name}${dataset} }${query}`;
      }
    }
    const found = new Map<string, string[]>();
    for (const line of await places(files)) {
      const [, file, place] = /^(\S+\.sqlx):?(\S*): /.exec(line)!;
      found.set(file!, [...(found.get(file!) ?? []), place!]);
    }
    for (const file of refused)
      expect([file, ...(found.get(file) ?? [])]).toContainEqual(expect.stringMatching(/^2:\d+$/));
  },
);

test("what a config may say is taken in each of its spellings", async () => {
  const dependencies = 'dependencies: ["base", { dataset: "marts", name: "base", includeDependentAssertions: true }]';
  expect(
    await said({
      ...base,
      "t.sqlx": `config { type: "table", schema: "s", description: "", disabled: false, tags: [], nothing: undefined, ${dependencies},
  dependOnDependencyAssertions: true, hermetic: true, columns: { id: "The id", n: { displayName: "The n", columns: { in: "A field" } }, "a b": "" },
  assertions: { uniqueKey: "id", nonNull: ["id"], rowConditions: ["id > 0"] }, preOperations: ["select 1"] }
select 1 as id`,
      "v.sqlx":
        'config { type: "view", dataset: "s", materialized: true, assertions: { uniqueKeys: [["id"], ["id"]] } }\nselect 1 as id',
      "i.sqlx":
        'config { type: "incremental", uniqueKey: ["id"], protected: false, onSchemaChange: "EXTEND" }\nselect 1 as id',
      "o.sqlx":
        'config { type: "operations", hasOutput: true, columns: { id: "The id" } }\ncreate table ${self()} (id int)',
      "a.sqlx": 'config { type: "assertion", postgres: { severity: "warn" } }\nselect 1 where false',
      "d.sqlx":
        'config { type: "declaration", name: "d", columns: { id: "The id" }, tags: ["x"] }\n-- what it is\n/* and\n who */',
      "u.sqlx": 'config { type: "test", dataset: { schema: "marts", name: "base" } }\nselect 1 as id',
      "definitions/made.js": `publish("m", { type: "table", columns: { id: "The id" } }).query("select 1 as id")
  .tags("one").tags(["two"]).dependencies("base").dependencies([{ schema: "marts", name: "base" }]).description("M").disabled()
  .columns([{ path: ["id"], description: "The id" }]);
declare({ schema: "raw", name: "x", columns: { id: "The id" } });
operate("p", { hasOutput: false }).queries("select 1");
assert("q", { tags: ["x"] }).query("select 1 where false");
test("w").dataset("base").expect("select 1 as id");`,
      "definitions/actions.yaml": `actions:
  - table:
      filename: plain.sql
      columns:
        - path: [id]
          description: The id
      dependencyTargets:
        - name: base
          dataset: marts
      assertions:
        uniqueKeys:
          - uniqueKey: [id]
        nonNull: [id]
`,
      "definitions/plain.sql": "select 1 as id",
    }),
  ).toBe("it compiled");
});

test("a key inside of another, in JavaScript, by a method and in actions.yaml is refused at its line, too", async () => {
  expect(
    await places({
      ...base,
      "a.sqlx": `config {
  type: "table",
  columns: {
    id: 5,
    n: { description: "N", columns: { x: 5 } },
    "p": { bigqueryPolicyTags: ["x"] }
  },
  assertions: {
    nonNul: "id",
    uniqueKey: [5],
    uniqueKeys: [["id"], "n"]
  },
  dependencies: [{ schmea: "s", name: "base" }]
}
select 1 as id`,
      "definitions/made.js": `publish("m", {
  type: "table",
  columns: { id: 5 },
}).query("select 1 as id");
publish("n").query("select 1 as id")
  .columns({
    no: 5 });
declare({ schema: "raw", name: "x", columns: { last: 7 } });
assert("q", { hasOutput: true }).query("select 1 where false");`,
      "definitions/actions.yaml": "actions:\n  - view:\n      filename: plain.sql\n      tags: 1\n",
      "definitions/plain.sql": "select 1 as id",
    }),
  ).toEqual([
    "actions.yaml:4:7: tags has a wrong value",
    "a.sqlx:4:5: columns.id has a wrong value",
    "a.sqlx:5:39: columns.n.columns.x has a wrong value",
    "a.sqlx:6:12: columns.p.bigqueryPolicyTags has a meaning on BigQuery only",
    'a.sqlx:9:5: unknown property "nonNul" in assertions',
    "a.sqlx:10:17: assertions.uniqueKey.0 has a wrong value",
    "a.sqlx:11:26: assertions.uniqueKeys.1 has a wrong value",
    'a.sqlx:13:20: unknown property "schmea" in dependencies.0',
    "made.js:3:14: columns.id has a wrong value",
    "made.js:6:4: columns.no has a wrong value",
    "made.js:8:48: columns.last has a wrong value",
    'made.js:9:15: unknown property "hasOutput"',
  ]);
});

test("a text, a block, a config or an input without a meaning is refused where it begins", async () => {
  const text = await places({
    "d.sqlx": 'config { type: "declaration", name: "x" }\n-- why\n  select 1',
    "w.sqlx": table("select 1 as id\nincremental_where { id > 1 }"),
    "v.sqlx": incremental("select 1 as id\nincremental_where { id > 1; select 2 }"),
    "two.sqlx": '-- one config { only\nconfig { type: "table" }\nselect \'config {\' as id\nconfig { type: "view" }',
  });
  expect(text).toEqual([
    "d.sqlx:3:3: a declaration has no text: somebody else fills what it names",
    "two.sqlx:4:1: there is one config, and this is the second",
    "w.sqlx:3:1: incremental_where has no meaning here",
    "v.sqlx:3:21: marts.v: incremental_where is not one SQL condition",
  ]);
  expect(
    await places({
      ...base,
      "reads.sqlx": view('select * from ${ref("base")}'),
      "t.sqlx":
        'config { type: "test", dataset: "reads" }\ninput "base" { select 1 as id }\ninput "bsae" { select 1 as id }\nselect 1 as id',
    }),
  ).toEqual(["t.sqlx:3:1: the tested model does not read bsae, and nothing in the project is called so"]);
});

test("an input may stand for a model that is read with other variables", async () => {
  expect(
    await places({
      ...base,
      "other.sqlx": view("select 1 as id"),
      "reads.sqlx": view('select * from ${ref(dataform.projectConfig.vars.other ? "other" : "base")}'),
      "t.sqlx":
        'config { type: "test", dataset: "reads" }\ninput "base" { select 1 as id }\ninput "other" { select 1 as id }\nselect 1 as id',
    }),
  ).toEqual([]);
});

test("one cause is one error: nothing is missing that a file with a mistake would have made", async () => {
  expect(
    await places({
      "a.sqlx": 'config { type: "table", name: }\nselect 1 as id',
      "b.sqlx": view('select * from ${ref("a")} join ${ref("made")} on true'),
      "c.sqlx": view('select ${lib.x()} from ${ref("a")}'),
      "t.sqlx": 'config { type: "test", dataset: "a" }\nselect 1 as id',
      "includes/lib.js": "module.exports = { x: () => { }",
      "definitions/made.js": 'publish("made").query("select 1 as id);',
      "d.sqlx": view('select * from ${ref("other")}'),
    }),
  ).toEqual([
    "a.sqlx:1:31: Unexpected token '}'",
    "made.js:1:23: Invalid or unexpected token",
    "d.sqlx:2:21: nothing in the project is named other",
  ]);
});

test("what is typed from the habit of dbt, SQLMesh or Dataform 2 is told what to write instead", async () => {
  const cases: Record<string, readonly [sqlx: string, place: string, advice: string]> = {
    ref: [`config { type: "table" }\nselect * from {{ ref('x', 'base') }}`, "2:15", 'write ${ref("base")}'],
    source: ['config { type: "table" }\nselect * from {{ source("raw", "x") }}', "2:15", 'write ${ref("raw", "x")}'],
    config: ['{{ config(materialized="table") }}\nselect 1', "1:1", 'config { type: "table" }'],
    when: ['config { type: "table" }\nselect 1 {% if is_incremental() %} {% endif %}', "2:10", "${when(incremental()"],
    self: ['config { type: "table" }\nselect 1\npost_operations {\n  analyze {{ this }}\n}', "4:11", "write ${self()}"],
    env: [`config { type: "table" }\nselect {{ env_var("x") }} as x`, "2:8", '"vars": { "x": { "env": "x" } }'],
    called: [
      'config { type: "table" }\nselect * from ${source("raw", "x")} where true',
      "2:17",
      "a source is declared",
    ],
    borrowed: ['config { type: "table" }\nselect 1, ${ target.schema }', "2:14", "--schema-suffix"],
    inConfig: [
      'config { type: "table", schema: env_var("X") }\nselect 1',
      "1:33",
      "and dataform.projectConfig.vars.name\n",
    ],
    vars: ['config { type: "table" }\nselect ${var("x")}', "2:10", "write ${dataform.projectConfig.vars.name}"],
    audit: ["AUDIT (name x);\nselect 1", "1:1", 'config { type: "assertion" }'],
    far: ['config { type: "view" }\nselect * from ${ref("far.thing")}', "2:17", 'ref("far", "thing"), of a model or'],
    other: ["select {# why #} 1", "1:8", "comments as --"],
    blank: ['config{ type: "table" }\nselect 1 as id', "1:1", "with one blank before the brace: config {"],
    blanks: [
      'config { type: "table" }\nselect 1 as id\npost_operations  { select 1 }',
      "3:1",
      "brace: post_operations {",
    ],
    mesh: ["MODEL (name x, kind full);\nselect 1", "1:1", 'config { type: "table" }'],
    inline: ['config { type: "ephemeral" }\nselect 1', "1:10", 'type: "inline" is read by ref()'],
    dotted: ['config { type: "view" }\nselect * from ${ref("marts.base")}', "2:17", 'write ref("marts", "base")'],
    nothing: ['config { type: "view" }\nselect * from ${ref()}', "2:17", 'expected: ref("orders")'],
    bare: [`config { type: "view" }\nselect * from ref('marts', "base")`, "2:15", 'write ${ref("marts", "base")}'],
    bareSource: [
      'config { type: "view" }\nselect 1 from x join source("raw", "x")',
      "2:22",
      'write ${ref("raw", "x")}',
    ],
    bareSelf: [
      'config { type: "table" }\nselect 1 as id\npost_operations { analyze x; delete from self() }',
      "3:42",
      "write ${self()}",
    ],
    redshift: ['config { type: "table", redshift: { distKey: "x" } }\nselect 1', "1:25", "postgres: { indexes"],
    database: ['config { type: "table", database: "x" }\nselect 1', "1:25", "a project has one database"],
  };
  const files = Object.fromEntries(Object.entries(cases).map(([name, [sqlx]]) => [`${name}.sqlx`, sqlx]));
  const text = await said({ ...base, ...files });
  for (const [name, [, place, advice]] of Object.entries(cases)) {
    const own = text.split(/^(?=definitions\/)/m).filter((one) => one.startsWith(`definitions/${name}.sqlx`));
    expect([own.length, own[0]]).toEqual([1, expect.stringContaining(`definitions/${name}.sqlx:${place}: `)]);
    expect(own[0]).toContain(advice);
  }
});

test("a value that is no text is refused where it is printed into SQL, and nowhere else", async () => {
  const own = 'config { type: "incremental" }\n';
  const cases: Record<string, readonly [file: string, text: string, place: string, said: string, advice: string]> = {
    this_: ["this_.sqlx", "select * from ${this} where true", "2:15", "an object", "write ${self()}"],
    ref: ["ref.sqlx", "select *\nfrom ${ref}", "3:6", "a function", 'write ${ref("…")}'],
    self: ["self.sqlx", 'select ${when(incremental, "1", "2")} from ${self}', "2:44", "a function", "write ${self()}"],
    name: ["name.sqlx", "select 1 as ${name}", "2:13", "a function", "write ${name()}"],
    vars: [
      "vars.sqlx",
      "select 1 where c = '${dataform.projectConfig.vars.countri}'",
      "2:21",
      "undefined",
      "give countri a value",
    ],
    inner: [
      "inner.sqlx",
      "select 1 ${when(true, `where a = ${words.nothing} and b`)}",
      "2:34",
      "undefined",
      "spelled otherwise",
    ],
    quoted: ["quoted.sqlx", "select '${words}' as w", "2:9", "an object", "the part of it that is meant"],
    column: ["column.sqlx", "select ${[1, { a: 1 }]}", "2:8", "a list with what is no text", ".map(…)"],
    date: ["date.sqlx", "select ${new Date(0)}", "2:8", "a date", "toISOString()"],
    number: [
      "number.sqlx",
      "select 1 as id\nincremental_where { id > ${0 / 0} }",
      "3:26",
      "a number that is none",
      "spelled",
    ],
    rounded: [
      "rounded.sqlx",
      "select '${12345678901234567890}'::numeric",
      "2:9",
      "a number that JavaScript rounds",
      "an n behind",
    ],
    behind: [
      "behind.sqlx",
      "select 1 as id\npost_operations { analyze ${words.none} }",
      "3:27",
      "undefined",
      "spelled",
    ],
    js: ["made.js", 'publish("made").query((ctx) => `select *\nfrom ${ctx.ref}`);', "2:6", "a function", "call it"],
    handed: ["handed.sqlx", "select ${words.least(1)} as x", "includes/words.js:2:38", "undefined", "not handed over"],
    joined: [
      "joined.sqlx",
      'select ${[1, 2].map((n) => `${n} + ${words.n}`).join(", ")} as x',
      "2:36",
      "undefined",
      "spelled",
    ],
    again: [
      "again.sqlx",
      "select 'undefined' || 'x' as a, ${`'${words.none}' || 'x'`} as b",
      "2:37",
      "undefined",
      "spelled",
    ],
  };
  const fine = `${own}-- \${words} \${undefined}
select \${["a", "b"]}, \${null} as n, \${1.5} as m, \${9007199254740991} as safe, \${12345678901234567890n} as big, \${true} as t, '\${NaN}'::numeric as nan, '[object Object]' as o, undefined.undefined,
  $$ \${words.least} $$ as f, \${words.isNamed() ? 1 : 2} as named, \${new (class { toString() { return "1" } })()} as own, \${words.noted(undefined)} as u
from (select 1 as a, 2 as b, 3 as undefined) as undefined`;
  const files = Object.fromEntries(
    Object.values(cases).map(([file, text]) => [`definitions/${file}`, file.endsWith("x") ? own + text : text]),
  );
  const words = {
    "includes/words.js":
      "// what is said\nconst least = (a, b) => `least(${a}, ${b})`;\nconst noted = (x) => { console.log(`${x} is noted`); return 1; };\nconst isNamed = (a) => `${a}` === 'b';\nmodule.exports = { least, noted, isNamed };",
    "definitions/plain.js": "publish('plain').query(\"select 'undefined' as a\")",
  };
  const text = await said({ ...base, ...words, ...files, "definitions/fine.sqlx": fine });
  const all = text.split(/^(?=definitions\/|includes\/)/m);
  for (const [name, [file, , place, kind, advice]] of Object.entries(cases)) {
    const at = place.includes("/") ? place : `definitions/${file}:${place}`;
    const told = all.filter((one) => one.startsWith(`${at}: `));
    expect([name, told.length, told[0]]).toEqual([name, 1, expect.stringContaining(`: \${…} is ${kind}, and no SQL`)]);
    expect(told[0]).toContain(advice);
  }
  expect(all.filter((one) => /^\w/.test(one))).toHaveLength(Object.keys(cases).length);
  expect(all.find((one) => one.startsWith("includes/"))).toContain("definitions/handed.sqlx:2:8");
  expect(await said({ ...base, ...words, "definitions/fine.sqlx": fine })).toBe("it compiled");
});

test("a call of dbt's in quotes is valid SQL, and noted at its place; other braces in quotes are what is meant", async () => {
  const { notes } = await compile(
    testProject({
      ...base,
      "called.sqlx": table(`select 1 as id where 'x' <> '{{ var("x") }}'`),
      "name.sqlx": table(`select * from "{{ ref('base') }}"`),
      "data.sqlx":
        table(`select '{{ source(' as a, '{{ name }}' as b, 1 as "{{ var('x') }}" where 'x' not like '%{{ ref("x") }}%'
post_operations {
  comment on table \${self()} is '{{ ref("x") }}';
  do $$ begin perform '{{ ref("x") }}'; end $$
}`),
    }).dir,
  );
  expect(notes).toEqual([
    "definitions/called.sqlx:2:30: Jinja is dbt's, and SQLX has JavaScript; in quotes it stays text: write ${dataform.projectConfig.vars.x}",
    'definitions/name.sqlx:2:16: Jinja is dbt\'s, and SQLX has JavaScript; in quotes it stays text: write ${ref("base")}',
  ]);
});

test("an unknown key of a declaration in actions.yaml is told at its line, and is no defect", async () => {
  expect(
    await places({ "definitions/actions.yaml": "actions:\n- declaration: { name: orders, datacet: raw }\n" }),
  ).toEqual(['actions.yaml:2:32: unknown property "datacet"']);
});

test("a model that reads itself, files that nothing reads and a project without models are told", async () => {
  const itself = { ...base, "self.sqlx": table('select * from ${ref("self")}') };
  expect(await said(itself)).toMatch(/self reads itself[\s\S]*are \$\{self\(\)\}/);
  const unread = ["a.SQL", "schema.yml", "B.SQLX"];
  const { notes } = await compile(
    testProject({
      ...base,
      ...Object.fromEntries(unread.map((name) => [`definitions/${name}`, "version: 2"])),
      "definitions/named.sql": "select 1 as id",
      "definitions/deep/raw.sql": "select 1 as id",
      "definitions/deep/values.yml": "a: 1",
      "definitions/deep/reads.js": `const text = require("fs").readFileSync(__dirname + "/raw.sql", "utf8");
const { a } = require("./values.yml").asJson;
publish("reads").query(text + ", " + a + " as a");`,
      "definitions/actions.yaml": "actions:\n  - view:\n      filename: named.sql",
    }).dir,
  );
  expect(notes.map((note) => /^definitions\/(\S+) is not read: /.exec(note)?.[1])).toEqual(unread.toSorted());
  expect((await compile(testProject({}).dir)).notes).toEqual([expect.stringContaining("the project has no models")]);
});

test("a text that PostgreSQL cannot store is refused where it stands, in whatever key", async () => {
  const wrong = [String.raw`"a\u0000b"`, String.raw`"\ud800"`, String.raw`"x\udc00y"`];
  const keys = [
    "description: T",
    "columns: { id: T }",
    "columns: { id: { description: T } }",
    "tags: [T]",
    "schema: T",
  ];
  const configs = keys.flatMap((key) => wrong.map((one) => key.replace("T", one)));
  const models = configs.map((key, n) => [`m${n}.sqlx`, `config {\n  type: "view",\n  ${key}\n}\nselect 1 as id`]);
  const fine = { "fine.sqlx": 'config { type: "view", description: "\u{1f600} \\ud83d\\ude00" }\nselect 1 as id' };
  const calls = wrong.map((one, n) => [
    `definitions/c${n}.js`,
    `publish("c${n}").query("select 1 as id").description(${one})`,
  ]);
  const found = await places({ ...Object.fromEntries([...models, ...calls]), ...fine });
  const files = found.map((line) => line.replace(/:.*/, ""));
  expect(files.sort()).toEqual([...models, ...calls].map(([file = ""]) => file.replace("definitions/", "")).sort());
  expect(found.filter((line) => !/^(?:m\d+\.sqlx:3|c\d+\.js:1):\d+: .* has a wrong value$/.test(line))).toEqual([]);
});

test("a number that JavaScript rounds, and a value that JSON cannot say, are refused at their line in postgres: {…}", async () => {
  const wrong = [
    "version: 9007199254740993",
    "version: 12345678901234567890n",
    "version: 1e400",
    "guard: { maxRowDrop: 0x20000000000001 }",
    "assertions: { threshold: 9_007_199_254_740_993 }",
    "guard: { maxChangedKeys: 12345678901234567890 }",
    "indexes: [{ columns: [() => 1] }]",
    "description: 5n",
  ];
  const block = (key: string) => (key.startsWith("description") ? key : `postgres: {\n    ${key} }`);
  const config = (key: string) =>
    `config {\n  type: "incremental",\n  uniqueKey: ["id"],\n  ${block(key)}\n}\nselect 1 as id`;
  const right = [
    "version: 9007199254740991",
    'version: "12345678901234567890"',
    "guard: { maxRowDrop: 999999999999999 }",
  ];
  const found = await places(
    Object.fromEntries([
      ...wrong.map((key, n) => [`w${n}.sqlx`, config(key)]),
      ...right.map((key, n) => [`r${n}.sqlx`, config(key)]),
    ]),
  );
  expect(found.map((line) => line.replace(/:\d+: .*/, "")).sort()).toEqual(
    wrong.map((key, n) => `w${n}.sqlx:${key.startsWith("description") ? 4 : 5}`),
  );
});

test("every wrong shape of what a call of JavaScript is given is told at the call, in our words", async () => {
  const wrong = ["5", "null", "true", "{ a: 1 }", "[5]", "() => 5", "() => [5]", "() => ({})", "{}", '{ name: ["a"] }'];
  const calls = [
    ...["query", "preOps", "postOps", "where"].map(
      (key) => `publish("N", { type: "incremental" }).query("select 1 as id").${key}(V)`,
    ),
    ...["query", "queries"].map((key) => `${key === "query" ? 'assert("N")' : 'operate("N")'}.${key}(V)`),
    'publish("N", V)',
    'assert("N", V)',
    'operate("N", V)',
    ...["publish", "assert", "operate"].map((name) => `${name}("N", {}, V)`),
    'test("N").dataset("base").expect(V)',
    'test("N").dataset(V).expect("select 1 as id")',
    'test("N").dataset("reads").input("base", V).expect("select 1 as id")',
    "publish(V)",
    "declare(V)",
    "test(V)",
    'publish("N", { type: "table" }).query((ctx) => `select * from ${ctx.ref(V)}`)',
  ];
  const code = calls.flatMap((call, i) =>
    wrong.map((value, j) => call.replaceAll("V", value).replace("N", `n${i}_${j}`)),
  );
  const files = Object.fromEntries(code.map((line, index) => [`definitions/c${index}.js`, line]));
  const text = await said({ ...base, "reads.sqlx": view('select * from ${ref("base")}'), ...files });
  const raw = /is not a function|is not iterable|Cannot (?:read|convert)|report this|Unexpected property|github/;
  expect(text.split("\n").filter((line) => raw.test(line))).toEqual([]);
  const told = new Set([...text.matchAll(/^definitions\/c(\d+)\.js/gm)].map(([, index]) => Number(index)));
  expect(text.match(/^definitions\/c\d+\.js: nothing in the project is named \{.*/gm)).toBe(null);
  // These are configs of a view, an assertion or an operation.
  const fine = code.filter((line) => /^(?:publish|assert|operate)\("\w+", (?:null|\{\})\)/.test(line));
  expect(code.filter((line, index) => !told.has(index) && !fine.includes(line))).toEqual([]);
});

test("a project of Dataform 3 says its project of BigQuery, which its targets then have, too", async () => {
  const project = testProject({
    "workflow_settings.yaml": "defaultProject: warehouse\ndefaultDataset: marts\ndefaultAssertionDataset: checks\n",
    "a.sqlx": 'config { type: "table", assertions: { uniqueKey: ["id"], nonNull: ["id"] } }\nselect 1 as id',
    "b.sqlx": `config { type: "table", database: "warehouse", dependencies: [{ database: "warehouse", name: "a" }], dependOnDependencyAssertions: true }
select * from \${ref({ database: "warehouse", schema: "marts", name: "a" })}`,
    "definitions/c.js":
      'publish("c", { type: "view", assertions: { nonNull: "id" } }).query(ctx => `select * from ${ctx.ref("a")}`)',
  });
  project.remove("dataform.json");
  const { actions } = await compile(project.dir);
  expect(actions.map(({ target, dependencies }) => [target.name, dependencies.map(({ name }) => name).sort()])).toEqual(
    [
      ["a", []],
      ["b", ["a", "marts_a_assertions_rowConditions", "marts_a_assertions_uniqueKey_0"]],
      ["c", ["a"]],
      ["marts_a_assertions_uniqueKey_0", ["a"]],
      ["marts_a_assertions_rowConditions", ["a"]],
      ["marts_c_assertions_rowConditions", ["c"]],
    ],
  );
  project.write({ "d.sqlx": 'config { type: "table", database: "elsewhere" }\nselect 1 as id' });
  await expect(compile(project.dir)).rejects.toThrow("definitions/d.sqlx:1:25: database has no meaning here");
});
