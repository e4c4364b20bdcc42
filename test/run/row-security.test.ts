import { expect, test } from "vitest";
import { rollback } from "../../src/release/rollback.ts";
import { run } from "../../src/run/run.ts";
import { type Guarded, guarded, uniquePrefix } from "../support/roles.ts";
import { statuses, stepOf } from "../support/warehouse.ts";

// Policies of a model bind whoever reads it, on every way from its table to the reader.

const self = "${self()}";
const policies = (p: string, own = "tenant = current_user") => `
alter table ${self} enable row level security;
create policy own on ${self} using (${own});
create policy team on ${self} to ${p}_team using (true)`;

const guardedModel = (p: string, config: string, query: string, more = policies(p)) =>
  `config { ${config}, postgres: { grants: { select: ["${p}_a", "${p}_team"] } } }\n${query}\npost_operations { ${more} }`;

const rowsOf = (model: string) => `select id, tenant, n${model} from \${ref("orders")}`;

function models(p: string): Record<string, string> {
  return {
    "orders.sqlx": 'config { type: "declaration", schema: "raw", name: "orders" }',
    "t.sqlx": guardedModel(p, 'type: "table"', rowsOf("")),
    "i.sqlx": guardedModel(
      p,
      'type: "incremental", uniqueKey: ["id"]',
      `${rowsOf("")}\n\${when(incremental(), "where n > 1")}`,
    ),
    // Rows that its own statements delete are noted in a table of their own.
    "k.sqlx": `${guardedModel(p, 'type: "incremental"', `${rowsOf("")}\n\${when(incremental(), "where n > 1")}`)}
pre_operations { \${when(incremental(), \`delete from ${self} where id > 1\`)} }`,
    "v.sqlx": guardedModel(
      p,
      'type: "view"',
      'select * from ${ref("t")}',
      `alter view ${self} set (security_invoker = true)`,
    ),
    "d.sqlx": `config { type: "view" }\nselect count(*) as n from \${ref("t")}`,
  };
}

async function house(p: string): Promise<Guarded & { readBy(who: string, from: string): Promise<string[]> }> {
  const made = await guarded(p, models(p));
  await made.sql(`
    create role ${p}_a; create role ${p}_b; create role ${p}_team;
    create schema raw; create schema marts; grant usage on schema marts to public;
    create table raw.orders as select * from (values (1, '${p}_a', 1), (2, '${p}_b', 1), (3, '${p}_a', 1)) as x (id, tenant, n)`);
  return {
    ...made,
    readBy: async (who, from) => {
      await made.sql(`set role ${p}_${who}`);
      try {
        return await made.rows(`select id, n from ${from} order by 1`);
      } finally {
        await made.sql("reset role");
      }
    },
  };
}

test("policies of a model hold for its readers across releases, increments, changes of columns and rollbacks", async () => {
  const p = uniquePrefix();
  const { project, database, run, rows, sql, readBy } = await house(p);
  const seen = async () => {
    const answers: Record<string, string> = {};
    for (const model of ["t", "i", "v"])
      for (const who of ["a", "team"]) answers[`${model} by ${who}`] = (await readBy(who, `marts.${model}`)).join(" ");
    return answers;
  };
  const same = (own: string, all: string) =>
    Object.fromEntries(
      ["t", "i", "v"].flatMap((model) => [
        [`${model} by a`, own],
        [`${model} by team`, all],
      ]),
    );

  const first = await run();
  expect({ errors: first.errors, statuses: new Set(Object.values(statuses(first))) }).toEqual({
    errors: [],
    statuses: new Set(["ok"]),
  });
  expect(first.warnings).toEqual([
    "definitions/d.sqlx: marts.d shows rows of marts.t to all its readers: row-level security there does not hold here",
  ]);
  expect(await seen()).toEqual(same("1|1 3|1", "1|1 2|1 3|1"));
  expect(await rows("select n from marts.d")).toEqual(["3"]);
  // The view alone says who may read at all, from one moment to the next.
  await expect(readBy("b", "marts.t")).rejects.toThrow("permission denied for view t");
  await sql(`grant select on marts.t to ${p}_b`);
  expect(await readBy("b", "marts.t")).toEqual(["2|1"]);
  const [table] = await rows("select relname from pg_class where relname like 't\\_%\\_1' and relkind = 'r'");
  await expect(readBy("a", `_dataform.${table}`)).rejects.toThrow("permission denied for schema _dataform");

  // An increment: while its rows stand beside those before, and once they are together.
  await sql("update raw.orders set n = 2 where id > 1");
  let between: unknown;
  await run({
    failpoint: async (name) => {
      if (name !== "before collecting") return;
      between = await seen();
      expect(await readBy("a", "marts.k")).toEqual(["1|1", "3|2"]);
    },
  });
  expect(between).toEqual(same("1|1 3|2", "1|1 2|2 3|2"));
  expect(await seen()).toEqual(between);
  expect([await readBy("a", "marts.k"), await readBy("team", "marts.k")]).toEqual([
    ["1|1", "3|2"],
    ["1|1", "2|2", "3|2"],
  ]);

  await rollback(database.settings);
  expect(await seen()).toEqual(same("1|1 3|1", "1|1 2|1 3|1"));
  await rollback(database.settings, { to: 2 });
  expect(await seen()).toEqual(between);

  // Other columns make other views; other policies make another table.
  await sql("alter table raw.orders alter n type bigint");
  project.write({
    "t.sqlx": guardedModel(p, 'type: "table"', rowsOf(", 1 as more"), policies(p, "tenant <> current_user")),
    "i.sqlx": guardedModel(
      p,
      'type: "incremental", uniqueKey: ["id"], onSchemaChange: "extend"',
      rowsOf(""),
      policies(p, "tenant <> current_user"),
    ),
  });
  expect((await run()).errors).toEqual([]);
  expect(await seen()).toEqual(same("2|2", "1|1 2|2 3|2"));

  // Where a release has none, the views show all rows; going back there from one that has some is not done.
  const open = `config { type: "table" }\n${rowsOf("")}`;
  project.write({ "t.sqlx": open });
  expect((await run()).errors).toEqual([]);
  expect(await readBy("a", "marts.t")).toEqual(["1|1", "2|2", "3|2"]);
  expect(await rows("select reloptions from pg_class where oid = 'marts.t'::regclass")).toEqual(["∅"]);
  project.write({ "t.sqlx": models(p)["t.sqlx"]! });
  await run();
  const back = await rollback(database.settings);
  expect(back.warnings.join()).toMatch(/marts\.t had no row-level security in release \d+; it stays as it is/);
  expect(await readBy("a", "marts.t")).toEqual(["1|1", "3|2"]);
});

test("under roles of least privilege they hold as well, the run itself sees all rows, and what would not hold is refused", async () => {
  const p = uniquePrefix();
  const { project, apply, login, sql, readBy } = await house(p);
  const check = `config { type: "assertion" }\nselect 'missing' where (select count(*) from \${ref("t")}) < 3`;
  project.write({ "check.sqlx": check });
  await apply();
  const settings = await login("builder", "publisher");
  const runAs = async () => run(await project.compile(), settings);
  expect((await runAs()).errors).toEqual([]);
  expect([await readBy("a", "marts.t"), await readBy("team", "marts.i")]).toEqual([
    ["1|1", "3|1"],
    ["1|1", "2|1", "3|1"],
  ]);

  // A shim is looked at with all rows: no policy is for the publisher, so it would see none.
  await sql("create view public.report as select n from marts.t");
  project.write({
    "t.sqlx": guardedModel(p, 'type: "table"', "select id, tenant, n + 3000000000 as n from ${ref('orders')}"),
    // Who may read the table is found out in the database, where it is not in the text.
    "made.sqlx": guardedModel(
      p,
      'type: "table"',
      rowsOf(""),
      `do 'begin execute $x$ alter table ${self} enable row level security $x$; end'`,
    ),
    "forced.sqlx": guardedModel(
      p,
      'type: "table"',
      rowsOf(""),
      `alter table ${self} enable row level security, force row level security`,
    ),
    "hidden.sqlx": guardedModel(
      p,
      'type: "incremental"',
      rowsOf(""),
      `do 'begin execute $x$ alter table ${self} enable row level security $x$; end'`,
    ),
  });
  const report = await runAs();
  expect(stepOf(report, "marts.t").error?.message).toContain("others read columns whose new values do not fit");
  expect(stepOf(report, "marts.forced").error?.found).toBe(
    `forced, it hides rows from ${p}_builder, which builds and tests what reads the model`,
  );
  expect(stepOf(report, "marts.hidden").error).toMatchObject({
    message: "marts.hidden cannot be published: its row-level security would not hold as it is written",
    found: "it is not on every table that holds rows of the model",
  });
  expect(stepOf(report, "marts.made").status).toBe("ok");
  expect(await readBy("a", "marts.made")).toEqual([]);
});

test("a table with row-level security is not taken over by a model that has none; a view that somebody makes security_invoker goes on being read", async () => {
  const p = uniquePrefix();
  const { project, run, sql, readBy } = await house(p);
  const adopting = (more = "") =>
    guardedModel(p, 'type: "table"', rowsOf(""), more).replace("postgres: {", "postgres: { adopt: true,");
  project.write({ "old.sqlx": adopting() });
  await sql("create table marts.old as select * from raw.orders; alter table marts.old enable row level security");
  expect(stepOf(await run(), "marts.old").error?.message).toBe(
    "marts.old cannot take the place of the table: that has row-level security, and the model has none",
  );
  project.write({ "old.sqlx": adopting(policies(p)), "open.sqlx": guardedModel(p, 'type: "table"', rowsOf(""), "") });
  expect((await run()).errors).toEqual([]);
  expect(await readBy("a", "marts.old")).toEqual(["1|1", "3|1"]);

  await sql("alter view marts.open set (security_invoker = true)");
  await run();
  expect(await readBy("a", "marts.open")).toEqual(["1|1", "2|1", "3|1"]);
});
