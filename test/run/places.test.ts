import { expect, test } from "vitest";
import { readSource } from "../../src/compile/source.ts";
import { runUnitTests } from "../../src/run/unit-tests.ts";
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
    "source.sqlx": 'config { type: "table" }\nselect 1 as id',
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
    "definitions/made.js": `const where = "noting";\npublish("made", { postgres: { indexes: [{ columns: ["id"], where }] }, type: "table" }).query("select 1 as id");`,
  });
  await run();
  const report = await run();
  const place = (name: string) => {
    const { location, snippet } = stepOf(report, name).error!;
    const [line, caret] = snippet!.split("\n").slice(-2);
    return [location!.line, line!.slice(caret!.indexOf("^")).slice(0, 6)];
  };
  for (const [name, [, ...expected]] of Object.entries(wrong)) expect(place(`marts.${name}`)).toEqual(expected);
  expect(place("assertions.marts_guarded_guard_maxRowDrop")).toEqual([5, "noting"]);
  expect(stepOf(report, "marts.guarded").reason).toBe("assertion assertions.marts_guarded_guard_maxRowDrop failed");
  expect(stepOf(report, "marts.made").error).toMatchObject({
    location: { file: "definitions/made.js" },
    snippet: expect.stringContaining("noting"),
  });
});

test("an error of a unit test stands in the model, the input or the expectation that has it", async () => {
  const { project, database } = await warehouse({
    ...inc,
    "source.sqlx": 'config { type: "table" }\nselect 1 as id',
    "m.sqlx": 'config { type: "view" }\nselect\n  ${inc.lines(3)},\n  s.nothing\nfrom ${ref("source")} s',
    "good.sqlx": 'config { type: "view" }\nselect id from ${ref("source")}',
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
