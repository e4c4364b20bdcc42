import { expect, test } from "vitest";
import { readSource } from "../../src/compile/source.ts";
import { publicTargets } from "../../src/model/graph.ts";
import type { StepError } from "../../src/model/report.ts";
import { plan } from "../../src/plan/planner.ts";
import { readCatalog } from "../../src/postgres/read-catalog.ts";
import { preview } from "../../src/run/preview.ts";
import { runUnitTests } from "../../src/run/unit-tests.ts";
import { makeLedger, scd2Files } from "../support/history.ts";
import { declaration, incremental, operations, postgres, table, tableOf, view } from "../support/models.ts";
import { stepOf, warehouse } from "../support/warehouse.ts";

const inc = {
  "includes/inc.js": `module.exports = {
  lines: (n) => Array.from({ length: n }, (_, i) => \`\${i} as c\${i}\`).join(",\\n  "),
  broken: () => "1 as b,\\n  brokn",
};`,
};

test("an error stands at its line and column, whatever lines the placeholders before it made", async () => {
  const { run } = await warehouse({
    ...inc,
    "source.sqlx": tableOf(1),
    "query.sqlx": `config { type: "table" }
-- 🙂 a comment
select
  \${inc.lines(3)},
  \${inc.lines(1)},
  1 as id,
  \${[]}
  id, nothing
from \${ref("source")}`,
    "inside.sqlx": 'config { type: "table" }\nselect\n  1 as a,\n  ${inc.broken()} as id\nfrom ${ref("source")}',
    "pre.sqlx": `config { type: "table" }
pre_operations {
  select
    \${inc.lines(2)}
  ---
  select missing_one
}
select 1 as id`,
    "post.sqlx": `config { type: "table" }
js {
  const column = "id";
}
select 1 as id
post_operations {
  create index on \${self()} (\${column});
  create index on \${self()} (\${"nothing"});
}`,
    "ops.sqlx": `config { type: "operations" }
select \${inc.lines(2)}
---
select
  \${inc.lines(2)},
  nothing`,
    "check.sqlx": `config { type: "assertion" }
select
  \${inc.lines(2)}
from \${ref("source")} where
  nothing`,
    "definitions/made.js": `const columns = (n) => \`
  \${inc.lines(n)},
  nothing
\`;
publish("made", { type: "view" }).query((ctx) => \`
  select
    \${inc.lines(2)},
    s.nothing
  from \${ref("source")} s
\`.trim());
publish("other").query(() => "select " + columns(3));
publish("first", "select 1 as id,\\n  twice");
publish("second", "select 1 as id,\\n  twice");
publish("third", { type: "table" }).query(() => \`select 1 as id,
  thrice\`);
publish("fourth", { type: "table" }).query(() => \`select 1 as id,
  thrice\`);
`.replace("${ref(", "${ctx.ref("),
  });
  const report = await run();
  const place = (name: string) => {
    const { location, snippet } = stepOf(report, name).error!;
    const [line, caret] = snippet!.split("\n").slice(-2);
    return [location, line!.slice(caret!.indexOf("^")).slice(0, 9)];
  };
  const at = (file: string, line: number, column: number) => ({ file: `definitions/${file}`, line, column });
  expect(place("marts.query")).toEqual([at("query.sqlx", 8, 7), "nothing"]);
  expect(place("marts.inside")).toEqual([at("inside.sqlx", 4, 3), "${inc.bro"]);
  expect(place("marts.pre")).toEqual([at("pre.sqlx", 6, 10), "missing_o"]);
  expect(stepOf(report, "marts.post").error?.location).toMatchObject({ file: "definitions/post.sqlx" });
  expect(place("marts.ops")).toEqual([at("ops.sqlx", 6, 3), "nothing"]);
  expect(place("assertions.check")).toEqual([at("check.sqlx", 5, 3), "nothing"]);
  expect(place("marts.made")).toEqual([at("made.js", 8, 5), "s.nothing"]);
  // Of a text that stands there twice nobody knows which it is.
  for (const [name, lines] of [
    ["marts.first", [12, 13]],
    ["marts.second", [12, 13]],
    ["marts.third", [15, 17]],
    ["marts.fourth", [15, 17]],
  ] as const) {
    const { location, snippet } = stepOf(report, name).error!;
    expect(location).toEqual({ file: "definitions/made.js" });
    const shown = snippet!.split("\nor\n").map((one) => one.split("\n").slice(-2));
    expect(shown.map(([line]) => Number.parseInt(line!, 10))).toEqual(lines);
    for (const [line, caret] of shown) expect(line!.slice(caret!.indexOf("^"))).toMatch(/^t(?:wice|hrice)/);
  }
});

test("SQL and columns that a config gets wrong stand at their line and column", async () => {
  const model = (block: string) => `config {\n  type: "table",\n  postgres: {\n    ${block}\n  }\n}\nselect 1 as id`;
  const wrong = {
    name: ['indexes: [{ columns: ["id"] },\n  { columns: ["noting"] }]', 5, "noting"],
    include: ['indexes: [{ columns: ["id"], include: ["noting"] }]', 4, "noting"],
    call: ['indexes: [{ columns: ["id", "lower(noting)"] }]', 4, "noting"],
    where: ["indexes: [{ columns: ['id'], where: 'id > 0 and noting' }]", 4, "noting"],
    operator: ["indexes: [{ columns: ['id'], where: `id > ''::text` }]", 4, "> ''::"],
  } as const;
  const files = Object.fromEntries(Object.entries(wrong).map(([name, [block]]) => [`${name}.sqlx`, model(block)]));
  const guarded = 'guard: { maxRowDrop: 0,\n      where: " not noting" }';
  const { run } = await warehouse({
    ...files,
    "guarded.sqlx": model(guarded),
    "definitions/several.js": `publish("first", { type: "table", postgres: { indexes: [{ columns: ["noting"] }] } }).query("select 1 as noting");
publish("second", { type: "table", tags: ["noting"],
  postgres: { indexes: [{ columns: ["noting desc"] }] } }).query("select 1 as id");
publish("third", { type: "incremental", tags: ["absent"],
  uniqueKey: ["absent"] }).query("select 1 as id");
publish("fourth", { type: "table", tags: ["noting"],
  assertions: { nonNull: ["noting"] } }).query("select 1 as id");
const before = { assertions: { nonNull: ["noting", "else"] } };
publish("fifth", before).query("select 1 as id, 2 as noting");`,
    "definitions/made.js": `const where = "noting";\npublish("made", { postgres: { indexes: [{ columns: ["id"], where }] }, type: "table" }).query("select 1 as id");`,
  });
  const report = await run();
  const place = (name: string) => {
    const { location, snippet } = stepOf(report, name).error!;
    const [line, caret] = snippet!.split("\n").slice(-2);
    return [location!.line, line!.slice(caret!.indexOf("^")).slice(0, 6)];
  };
  for (const [name, [, ...expected]] of Object.entries(wrong)) expect(place(`marts.${name}`)).toEqual(expected);
  expect(place("marts.guarded")).toEqual([5, "noting"]);
  expect(place("marts.made")).toEqual([1, "noting"]);
  // In the config of the model that has it, whatever else the file says.
  expect(["second", "third"].map((name) => place(`marts.${name}`))).toEqual([
    [3, "noting"],
    [5, "absent"],
  ]);
  expect(["fourth", "fifth"].map((name) => place(`assertions.marts_${name}_assertions_rowConditions`))).toEqual([
    [7, "noting"],
    [8, 'else"]'],
  ]);
});

test("an error in SQL that is handed to a function, which wraps it, stands where the author has it", async () => {
  const wrap = `const coalesce = (sql, other) => \`coalesce(\${sql}, \${other})\`;
const rows = (sql) => "select * from (\\n" + sql.split("\\n").map((l) => "    " + l).join("\\n") + "\\n) wrapped";
const where = (condition) => \`where not (\${condition})\`;
const named = ({ expr, name }) => \`\${expr} as \${name}\`;
const own = () => "noting";
const net = () => "gross - noting";
module.exports = { coalesce, rows, where, named, own, net };`;
  const from = '\nfrom ${ref("source")}';
  const files = {
    argument: `config { type: "table" }\nselect \${wrap.coalesce(\n  "noting", 0\n)} as a${from}`,
    lines: `config { type: "table" }\n\${wrap.rows(\`\n  select\n    id,\n    noting${from}\n\`)}`,
    block: `config { type: "assertion" }\njs {\n  const condition = "id > 0 and noting > 0";\n}\nselect *${from}\n\${wrap.where(condition)}`,
    column: `config { type: "table" }\njs { const column = "noting"; }\nselect \${wrap.coalesce(column, 0)}${from}`,
    key: `config { type: "table" }\nselect \${wrap.named({ name: "a",\n  expr: 'id + noting' })}${from}`,
    list: `config { type: "table" }\nselect \${["id",\n "noting"].map((c) => \`coalesce(\${c}, 0) as \${c}\`).join()}${from}`,
    operations: 'config { type: "operations" }\n${wrap.rows("select 1 as x,\\n noting")}',
    before: `config { type: "table" }\nselect 1 as id\npre_operations { select 1;\n select \${wrap.coalesce("noting", 1)} }`,
    after: `config { type: "table" }\nselect 1 as id\npost_operations {\n  select \${wrap.coalesce("noting", 1)} from \${self()} }`,
    // What the function itself gets wrong stands at its call, whatever words are nearby.
    own: `config { type: "table", tags: ["noting"] }\njs { const other = "noting"; }\nselect\n \${wrap.own()}${from}`,
    // A description says nothing of what an include makes.
    described: `config { type: "table", columns: { net: "gross - noting" } }\nselect \${wrap.net()} as net${from}`,
    "words.js":
      'const a = { label: "noting" };\npublish("words", { type: "table", tags: ["noting"] }).query(() => "select " + ["not", "ing"].join(""));',
    "used.js": 'const a = { label: "noting" };\npublish("used", { type: "table" }).query(() => "select " + a.label);',
    "script.js": `const filter = "noting > 0";\npublish("script", { type: "table" }).query((ctx) => \`select * from \${ctx.ref("source")} \` + wrap.where(filter));`,
    "statements.js": 'operate("statements", () => ["select 1",\n  wrap.rows("select noting")]);',
    "conditions.js": `const keyed = "noting is null";\npublish("conditions", { type: "table", assertions: { rowConditions: [wrap.coalesce(keyed, "false")] } }).query("select 1 as id");`,
    config:
      'config { type: "table", assertions: {\n  rowConditions: [wrap.coalesce("noting is null",\n "false")] } }\nselect 1 as id',
  };
  const { run } = await warehouse({
    "includes/wrap.js": wrap,
    "source.sqlx": tableOf(1),
    ...Object.fromEntries(
      Object.entries(files).map(([name, text]) => [
        name.endsWith(".js") ? `definitions/${name}` : `${name}.sqlx`,
        text,
      ]),
    ),
  });
  const report = await run();
  const places = report.steps.flatMap(({ target, error }) => {
    const [line, caret] = error?.snippet?.split("\n").slice(-2) ?? [];
    return error
      ? [
          [
            target.name,
            error.location && "line" in error.location ? error.location.line : 0,
            line!.slice(caret!.indexOf("^")).slice(0, 6),
          ],
        ]
      : [];
  });
  expect(Object.fromEntries(places.map(([name, ...place]) => [name, place]))).toEqual({
    argument: [3, "noting"],
    lines: [5, "noting"],
    block: [3, "noting"],
    column: [2, "noting"],
    key: [3, "noting"],
    list: [3, "noting"],
    operations: [2, "noting"],
    before: [4, "noting"],
    after: [4, "noting"],
    own: [4, "${wrap"],
    described: [2, "${wrap"],
    words: [2, "publis"],
    used: [1, "noting"],
    script: [1, "noting"],
    statements: [2, "noting"],
    marts_conditions_assertions_rowConditions: [1, "noting"],
    marts_config_assertions_rowConditions: [2, "noting"],
  });
});

test("an error in SQL of a packaged function stands at the option that has the name, or else at the call", async () => {
  const { run, sql } = await warehouse({
    ...scd2Files,
    "includes/reconcile.js": 'module.exports = require("dataform-postgres/includes/reconcile");',
    "logins.sqlx": declaration("logins"),
    "definitions/attributes.js": `// A comment
scd2.publish("attributes", { from: ["raw", "logins"], key: "id",
  attributes: { code: "text",
    noting: "text" } });`,
    "definitions/key.js":
      'scd2.publish("keyed", { from: ["raw", "logins"],\n  key: "noting", attributes: { code: "text" } });',
    "definitions/moment.js": `scd2.publish("moment", { from: ["raw", "logins"], key: "id", attributes: { code: "text" },
  effectiveAt:
    "noting" });`,
    "definitions/value.js":
      'const shared = {};\nscd2.publish("value", { from: ["raw", "logins"], key: "id", attributes: { code: "varchar(3)" } });',
    "definitions/looped.js":
      'for (const name of ["one", "two"])\n  scd2.publish(name, { from: ["raw", "logins"], key: "id", attributes: { [["not", "ing"].join("")]: "text" } });',
    "definitions/typed.js":
      'scd2.publish("typed", { from: ["raw", "logins"], key: "id",\n  attributes: { code: "txet" } });',
    "definitions/columns.js":
      'reconcile.publish("columns", { ours: ["raw", "logins"], theirs: ["raw", "logins"], key: "id",\n  columns: { "noting": { kind: "text" } } });',
    "called.sqlx": `config { type: "table" }
\${scd2.history({ feed: ref("raw", "logins"), kind: "log", key: "id",
  attributes: { noting: "text" }, effectiveAt: "_loaded" })}`,
  });
  await sql(`${makeLedger}; create table raw.logins (id int, code text, _loaded timestamptz, _load_id bigint, _row_no bigint);
    insert into raw.logins values (1, 'abcdef', now(), 1, 1);
    insert into raw._load values (1, 'logins', 'loaded', now(), 1, 0, 'full', null, null)`);
  const { steps } = await run();
  const places = steps.flatMap(({ target, error }) => {
    const [line, caret] = error?.snippet?.split("\n").slice(-2) ?? [];
    return error ? [[target.name, error.location?.line, line!.slice(caret!.indexOf("^")).slice(0, 7)]] : [];
  });
  expect(Object.fromEntries(places.map(([name, ...place]) => [name, place]))).toEqual({
    attributes_store: [4, "noting:"],
    keyed_store: [2, 'noting"'],
    moment_store: [3, 'noting"'],
    value_store: [2, "publish"],
    one_store: [2, "publish"],
    two_store: [2, "publish"],
    typed_store: [2, 'txet" }'],
    columns_store: [2, 'noting"'],
    called: [3, "noting:"],
  });
});

test("a description of a column that is not there is told with its place", async () => {
  const { project, client, run } = await warehouse({
    "a.sqlx":
      'config {\n  type: "table",\n  columns: { id: "gone: not here",\n    gone: "Not there." }\n}\nselect 1 as id',
    "definitions/b.js": `const columns = { 'never "was': "x" };\npublish("b", { type: "view", columns }).query("select 1 as id");`,
    "definitions/several.js": `publish("c", { type: "view", columns: { id: "x" } }).query("select 1 as id");
publish("d", { type: "view", columns: { gone: "x" } }).query("select 1 as gone");
publish("e", { type: "view", columns: { gone: "x" } }).query("select 1 as id");
const columns = () => ({ gone: "x" });
publish("f", { type: "view", columns: columns() }).query("select 1 as id");`,
  });
  const told = [
    "definitions/a.sqlx:4:5: marts.a describes columns it does not have: gone",
    'definitions/b.js:1:19: marts.b describes columns it does not have: never "was',
    "definitions/several.js:3:41: marts.e describes columns it does not have: gone",
    "definitions/several.js: marts.f describes columns it does not have: gone",
  ];
  const graph = await project.compile();
  const catalog = await readCatalog(client, "main", publicTargets(graph));
  const read = { readSource: (file: string) => readSource(project.dir, file) };
  const { releases } = await preview(graph, catalog, plan(graph, catalog), client, read);
  expect(releases.flatMap(({ publish }) => publish.warnings)).toEqual(told);
  expect((await run()).warnings).toEqual(expect.arrayContaining(told));
});

test("an error of a unit test stands in the model, the input or the expectation that has it", async () => {
  const { project, database } = await warehouse({
    ...inc,
    "source.sqlx": tableOf(1),
    "m.sqlx": 'config { type: "view" }\nselect\n  ${inc.lines(3)},\n  s.nothing\nfrom ${ref("source")} s',
    "good.sqlx": view('select id from ${ref("source")}'),
    "t1.sqlx": 'config { type: "test", dataset: "m" }\ninput "source" {\n  select 1 as id\n}\nselect 1',
    "t2.sqlx":
      'config { type: "test", dataset: "good" }\ninput "source" {\n  select ${inc.lines(2)},\n  nothing\n}\nselect 1 as id',
    "t3.sqlx":
      'config { type: "test", dataset: "good" }\ninput "source" {\n  select 1 as id\n}\nselect ${inc.lines(2)},\n nothing',
  });
  const { tests } = await runUnitTests(await project.compile(), database.settings, {
    readSource: (file) => readSource(project.dir, file),
  });
  expect(Object.fromEntries(tests.map(({ name, error }) => [name, error?.location]))).toEqual({
    t1: { file: "definitions/m.sqlx", line: 4, column: 3 },
    t2: { file: "definitions/t2.sqlx", line: 4, column: 3 },
    t3: { file: "definitions/t3.sqlx", line: 6, column: 2 },
  });
});

test("what only a later run would send is an error of the first plan and of the first run, with its place", async () => {
  const keyed = (block: string) => tableOf(1, `assertions: { uniqueKey: ["id"] },\n  ${postgres(block)}`);
  const grown = (more: string) => incremental(`select 1 as id\n${more}`);
  const wrong = {
    guardWhere: [keyed('guard: { maxRowDrop: "10%",\n where: "noting > 0" }'), 3],
    guardKeep: [incremental("select 1 as id", 'uniqueKey: ["id"],\n postgres: { guard: { keep: "noting > 0" } }'), 2],
    branch: [grown("${when(incremental(), `where 1 > (select\n  max(noting) from ${self()})`)}"), 4],
    where: [grown("incremental_where {\n  noting > 0\n}"), 4],
    before: [grown("pre_operations { ${when(incremental(), `\n  delete from ${self()} where noting = 1`)} }"), 4],
    after: [grown("post_operations { ${when(incremental(), `\n  update ${self()} set noting = 1`)} }"), 4],
    temporary: [
      grown(
        "${when(incremental(), `where 1 > (select\n noting from fresh)`)}\npre_operations { ${when(incremental(), `create temp table fresh as select max(id) as id from ${self()}`)} }",
      ),
      4,
    ],
  } as const;
  const index = keyed('indexes: [{ columns: ["id"],\n where: "noting > 1" }]');
  const right = {
    divides: grown("${when(incremental(), `where 1 / (select 0) > 1`)}"),
    guarded: keyed('guard: { maxRowDrop: "10%", where: "id > 0", maxChangedKeys: 1 }'),
  };
  const models = {
    ...Object.fromEntries(Object.entries(wrong).map(([name, [text]]) => [name, text])),
    ...right,
    index,
  };
  const { project, client, run } = await warehouse(
    Object.fromEntries(Object.entries(models).map(([name, text]) => [`${name}.sqlx`, text])),
  );
  const expected = Object.fromEntries(
    Object.entries(wrong).map(([name, [, line]]) => [`marts.${name}`, [line, "noting"]]),
  );
  const place = ({ location, snippet }: StepError) => {
    const [line, caret] = snippet!.split("\n").slice(-2);
    return [location!.line, line!.slice(caret!.indexOf("^")).slice(0, 6)];
  };
  const planned = async () => {
    const graph = await project.compile();
    const catalog = await readCatalog(client, "main", publicTargets(graph));
    const read = { readSource: (file: string) => readSource(project.dir, file) };
    const { failures } = await preview(graph, catalog, plan(graph, catalog), client, read);
    return Object.fromEntries(Object.entries(failures).map(([name, error]) => [name, place(error)]));
  };
  expect(await planned()).toEqual({ ...expected, "marts.index": [3, "noting"] });
  const report = await run();
  const failed = report.steps.filter(({ status }) => status === "failed");
  expect(Object.fromEntries(failed.map(({ target, error }) => [`marts.${target.name}`, place(error!)]))).toEqual({
    ...expected,
    "marts.index": [3, "noting"],
  });
  expect(report.steps.filter(({ target, rows }) => rows !== undefined && Object.hasOwn(wrong, target.name))).toEqual(
    [],
  );
  // Operations could make a table otherwise that is read by its own name, and no column of a model.
  project.write({ "makes.sqlx": operations("select 1") });
  const { "marts.temporary": _, ...certain } = expected;
  expect(await planned()).toEqual({ ...certain, "marts.index": [3, "noting"] });
});

test("what only a later run sends is no mistake where that run, an index or another action makes it right", async () => {
  const keyed = 'uniqueKey: ["id"]';
  const temporary = (
    create: string,
    rest = "as select id, ts from ${ref('src')} ${when(incremental(), `where ts > (select max(ts) from ${self()})`)}",
  ) => incremental(`pre_operations { ${create} ${rest} }\nselect id, ts from changed`, keyed);
  const later = (text: string) => `\${when(incremental(), \`${text}\`)}`;
  const valid = {
    src: table("select 1 as id, 2 as ts"),
    temporary: temporary("create temp table changed on commit drop"),
    viewed: temporary("create temp view changed"),
    other: temporary(
      "create temp table changed",
      `as select \${when(incremental(), "id, ts, 1 as more", "id, ts")} from \${ref("src")} ---\nselect 1`,
    ).replace("select id, ts from changed", `select id, ts from changed ${later("where more = 1")}`),
    kept: temporary(
      "create temp table if not exists changed",
      `as select \${when(incremental(), "id, ts, 1 as more", "id, ts")} from \${ref("src")}`,
    ).replace("select id, ts from changed", `select id, ts from changed ${later("where more = 1")}`),
    conflict: incremental(
      `select 1 as id, 2 as v\npost_operations { ${later("insert into ${self()} (id, v) values (9, 1) on conflict (id) do update set v = 2")} }`,
      keyed,
    ),
    stored: incremental(
      `select 1 as x\npost_operations { ${later("update ${self()} set x = 2 where ctid in (select max(ctid) from ${self()})")} }`,
    ),
    whole: incremental(
      `select 1 as x\npost_operations { ${later("insert into ${self()} select 2 from (table ${self()} union all select 3) t")} }`,
    ),
    extended: incremental(
      `select 1 as id ${later(", 2 as extra")}\npost_operations { ${later("update ${self()} set extra = 3")} }`,
      'onSchemaChange: "EXTEND"',
    ),
    called: incremental(`select 1 as id ${later("where later_fn(1) = 1")}`),
    read: incremental(`select 1 as id ${later("where (select count(n) from later_made.t) = 0")}`),
    typed: incremental(`select 1 as id ${later("where '1'::later_made.d = 1")}`),
    granted: `config { type: "table", postgres: { guard: { maxRowDrop: "10%", where: "added is null" } } }
select 1 as id
post_operations { alter table \${self()} add column added int }`,
    makes: `config { type: "operations", dependencies: ["called", "read", "typed"] }
create or replace function public.later_fn(int) returns int language sql as 'select $1';
create schema if not exists later_made;
create table if not exists later_made.t (n int);
drop domain if exists later_made.d;
create domain later_made.d as int`,
    first: `config { type: "operations" }
create schema if not exists first_made;
create or replace function first_made.f(int) returns int language sql as 'select $1'`,
    follows: incremental("select first_made.f(1) as id", 'dependencies: ["first"]'),
  };
  const { project, client, run } = await warehouse(
    Object.fromEntries(Object.entries(valid).map(([name, text]) => [`${name}.sqlx`, text])),
  );
  const graph = await project.compile();
  const catalog = await readCatalog(client, "main", publicTargets(graph));
  const { failures, untried } = await preview(graph, catalog, plan(graph, catalog), client);
  expect({ failures, untried }).toEqual({ failures: {}, untried: ["marts.follows"] });
  for (const attempt of [1, 2]) {
    const { steps } = await run();
    const failed = steps
      .filter(({ error }) => error)
      .map(({ target, error }) => [attempt, target.name, error!.message]);
    expect(failed).toEqual([]);
  }
});
