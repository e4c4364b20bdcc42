import { expect, test } from "vitest";
import { cli } from "../support/cli.ts";
import { table } from "../support/models.ts";
import { statuses, stepOf, warehouse } from "../support/warehouse.ts";

const check = "assertions.marts_a_assertions_rowConditions";

test("severity warn reports the failing rows and keeps nothing back", async () => {
  const { run, rows } = await warehouse({
    "a.sqlx": table(
      "select 1 as id",
      'assertions: { rowConditions: ["id > 1"] }, postgres: { assertions: { severity: "warn" } }',
    ),
    "own.sqlx": 'config { type: "assertion", postgres: { severity: "warn" } }\nselect * from ${ref("a")}',
  });
  const report = await run();
  expect(report.status).toBe("success");
  expect(statuses(report)).toEqual({ "marts.a": "ok", [check]: "warned", "assertions.own": "warned" });
  expect(stepOf(report, check).rows).toBe(1);
  expect(await rows("select assertion_name, content ->> 'id' from _dataform.failing_row order by 1")).toEqual([
    "marts_a_assertions_rowConditions|1",
    "own|1",
  ]);
});

test("severity warn of an assertion that PostgreSQL cannot ask warns, too: in a run and in plan", async () => {
  const { project, database, run, rows } = await warehouse({
    "a.sqlx": table("select 1 as id"),
    "typo.sqlx": 'config { type: "assertion", postgres: { severity: "warn" } }\nselect nope from ${ref("a")}',
    "unreadable.sqlx":
      'config { type: "assertion", postgres: { severity: "warn" } }\nselect 1 from ${ref("a")} where where',
    "well.sqlx": 'config { type: "assertion" }\nselect id from ${ref("a")} where id > 1',
    "zero.sqlx":
      'config { type: "assertion", postgres: { severity: "warn" } }\nselect 1 from ${ref("a")} where 1 / (id - 1) > 0',
  });
  const planned = await cli(project.dir, ["plan", "--url", database.url]);
  expect(planned).toMatchObject({
    exitCode: 0,
    stderr: expect.stringMatching(/warning.* assertions\.typo\n.*column "nope"/),
  });
  const report = await run();
  expect(report.status).toBe("success");
  expect(statuses(report)).toEqual({
    "marts.a": "ok",
    "assertions.typo": "warned",
    "assertions.unreadable": "warned",
    "assertions.well": "ok",
    "assertions.zero": "warned",
  });
  expect(stepOf(report, "assertions.zero").error).toMatchObject({ code: "22012" });
  expect(await rows("select id from marts.a")).toEqual(["1"]);
  const again = await cli(project.dir, ["run", "--url", database.url]);
  expect(again).toMatchObject({
    exitCode: 0,
    stderr: expect.stringMatching(/warning assertion assertions\.zero\n.*division by zero/),
  });
  // What is read in a transaction of ours that only reads is no standby.
  await rows("create sequence public.numbers");
  project.write({
    "writes.sqlx": 'config { type: "assertion" }\nselect 1 from ${ref("a")} where nextval(\'numbers\') < 0',
    "counts.sqlx": "config { type: \"view\" }\nselect nextval('numbers') as id",
  });
  const hint = expect.stringMatching(/only reads, and so does what it calls: what writes is an operation/);
  expect(stepOf(await run(), "assertions.writes").error).toMatchObject({ code: "25006", hint });
  await run();
  const compared = await cli(project.dir, ["diff", "3", "4", "--url", database.url]);
  expect(compared).toMatchObject({ exitCode: 2, stderr: hint });
});

test("a threshold is a number of rows or a share: at it is a warning, above it a failure", async () => {
  const expected = { 10: "warned", 9: "failed", '"10%"': "warned", '"9.9%"': "failed" };
  const thresholds = Object.keys(expected);
  const { run } = await warehouse(
    Object.fromEntries(
      thresholds.map((threshold, n) => [
        `a${n}.sqlx`,
        table(
          "select id from generate_series(1, 100) id",
          `assertions: { rowConditions: ["id > 10"] }, postgres: { assertions: { threshold: ${threshold} } }`,
        ),
      ]),
    ),
  );
  const found = statuses(await run());
  expect(thresholds.map((one, n) => [one, found[`assertions.marts_a${n}_assertions_rowConditions`]])).toEqual(
    Object.entries(expected),
  );
});

test("at most 100 failing rows are kept, and all are counted", async () => {
  const { run, rows } = await warehouse({
    "a.sqlx": table("select id from generate_series(1, 1000) id", 'assertions: { rowConditions: ["id > 500"] }'),
  });
  expect(stepOf(await run(), check).rows).toBe(500);
  expect(await rows("select count(*) from _dataform.failing_row")).toEqual(["100"]);
});

test("--assertions report publishes what fails, and the run still says so", async () => {
  const { run, rows } = await warehouse({
    "a.sqlx": table("select 1 as id", 'assertions: { rowConditions: ["id > 1"] }'),
    "b.sqlx": 'config { type: "view" }\nselect id from ${ref("a")}',
  });
  const report = await run({ assertions: "report" });
  expect(report.status).toBe("failure");
  expect(statuses(report)).toEqual({ "marts.a": "ok", "marts.b": "ok", [check]: "failed" });
  expect(await rows("select id from marts.b")).toEqual(["1"]);
});

test("--assertions report keeps back what depends on the assertion that failed, as Dataform does", async () => {
  const { run, rows } = await warehouse({
    "a.sqlx": table("select 1 as id"),
    "none.sqlx": 'config { type: "assertion" }\nselect id from ${ref("a")}',
    "b.sqlx": 'config { type: "table", dependencies: ["none"] }\nselect id from ${ref("a")}',
    "c.sqlx": 'config { type: "view" }\nselect id from ${ref("b")}',
    "d.sqlx": 'config { type: "operations", dependencies: ["none"] }\ncreate table made (a int)',
  });
  const report = await run({ assertions: "report" });
  expect(statuses(report)).toEqual({
    "marts.a": "ok",
    "marts.b": "held",
    "marts.c": "held",
    "marts.d": "skipped",
    "assertions.none": "failed",
  });
  expect(stepOf(report, "marts.b").reason).toBe("it depends on assertion assertions.none, which failed");
  expect(await rows("select id from marts.a")).toEqual(["1"]);
  expect(await rows("select to_regclass('marts.b') is null and to_regclass('made') is null")).toEqual(["t"]);
});

test("--all-or-nothing publishes nothing when one model or assertion fails", async () => {
  const { project, run, rows } = await warehouse({
    "a.sqlx": table("select 1 as id"),
    "b.sqlx": table("select 1 as id"),
  });
  await run();
  project.write({ "a.sqlx": table("select 2 as id"), "b.sqlx": table("select 1 / 0 as id") });
  const report = await run({ allOrNothing: true });
  expect(statuses(report)).toEqual({ "marts.a": "held", "marts.b": "failed" });
  expect(await rows("select a.id, b.id from marts.a, marts.b")).toEqual(["1|1"]);
});

test("--all-or-nothing is refused before anything is done where operations split the run, and plan names them", async () => {
  const { project, database, run, rows } = await warehouse({
    "a.sqlx": table("select 1 as id"),
    "swap.sqlx": 'config { type: "operations", dependencies: ["a"] }\nselect 1',
  });
  await expect(run({ allOrNothing: true })).rejects.toMatchObject({
    message: "--all-or-nothing cannot be kept: operations split the run into several releases",
    location: { file: "definitions/swap.sqlx" },
    found: "what marts.swap reads is published before",
  });
  expect(await rows("select count(*) from _dataform.run")).toEqual(["0"]);
  const planned = await cli(project.dir, ["plan", "--url", database.url]);
  expect(planned).toMatchObject({ exitCode: 0, stderr: expect.stringContaining("before they run (marts.swap)") });
  const dry = await cli(project.dir, ["run", "--dry-run", "--all-or-nothing", "--url", database.url]);
  expect(dry).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("--all-or-nothing cannot be kept") });
  expect((await run({ allOrNothing: true, actions: ["a"] })).status).toBe("success");
});

test("an assertion that cannot run fails with its place, and those after it still run", async () => {
  const { run } = await warehouse({
    "a.sqlx": table("select 1 as id"),
    "broken.sqlx": 'config { type: "assertion" }\nselect *\nfrom ${ref("a")}\nwhere nothing > 1',
    "fine.sqlx": 'config { type: "assertion" }\nselect * from ${ref("a")} where id > 1',
  });
  const report = await run({ concurrency: 1 });
  expect(statuses(report)).toMatchObject({ "assertions.broken": "failed", "assertions.fine": "ok", "marts.a": "held" });
  expect(stepOf(report, "assertions.broken").error?.location).toEqual({
    file: "definitions/broken.sqlx",
    line: 4,
    column: 7,
  });
});

test("dependOnDependencyAssertions holds a model when an assertion of what it reads fails", async () => {
  const { run } = await warehouse({
    "a.sqlx": table("select 1 as id", 'assertions: { rowConditions: ["id > 1"] }'),
    "b.sqlx": table('select id from ${ref("a")}', "dependOnDependencyAssertions: true"),
    "c.sqlx": table("select 1 as id"),
  });
  expect(statuses(await run())).toEqual({ "marts.a": "held", "marts.b": "held", "marts.c": "ok", [check]: "failed" });
});

test("a guard blocks a release that loses more rows than it may, naming the figures", async () => {
  const guarded = (rows: number) =>
    table(`select id from generate_series(1, ${rows}) id`, 'postgres: { guard: { maxRowDrop: "30%" } }');
  const { project, run, rows } = await warehouse({ "a.sqlx": guarded(3000) });
  expect((await run()).status).toBe("success");
  project.write({ "a.sqlx": guarded(2100) });
  expect((await run()).status).toBe("success");
  project.write({ "a.sqlx": guarded(1) });
  const report = await run();
  expect(statuses(report)).toEqual({ "marts.a": "held", "assertions.marts_a_guard_maxRowDrop": "failed" });
  expect(stepOf(report, "assertions.marts_a_guard_maxRowDrop").failingRows).toEqual([
    // Of all it would be 100.
    '{"rows_before":2100,"rows_now":1,"percent_lost":99.9}',
  ]);
  expect(await rows("select count(*) from marts.a")).toEqual(["2100"]);
});

test("an incremental model that would lose most of its rows is held with what reads it, until the loss is allowed", async () => {
  const incremental = (more = "") => `config { type: "incremental"${more} }\nselect id, note from raw.events`;
  const made = await warehouse({
    "kept.sqlx": incremental(),
    "half.sqlx": `${incremental()} where id > 59 or id % 2 = 0`,
    "free.sqlx": incremental(', postgres: { guard: { maxRowDrop: "100%" } }'),
    "typed.sqlx": incremental(),
    "reader.sqlx": 'config { type: "view" }\nselect id from ${ref("kept")}',
  });
  const { project, database, run, rows, sql } = made;
  await sql("create schema raw; create table raw.events as select id, 'x' as note from generate_series(1, 100) as id");
  await run();
  await sql("delete from raw.events where id <= 59");
  project.write({ "typed.sqlx": incremental().replace("incremental", "table") });
  const report = await run({ fullRefresh: true });
  const guard = "assertions.marts_kept_guard_maxRowDrop";
  expect(statuses(report)).toMatchObject({
    "marts.kept": "held",
    "marts.reader": "held",
    "marts.typed": "held",
    "marts.free": "ok",
    [guard]: "failed",
  });
  expect(stepOf(report, guard).error).toEqual({
    message: "marts.kept loses more rows than it may (maxRowDrop: 50%)",
    hint: "--allow-loss marts.kept lets it pass this time; postgres: { guard: { maxRowDrop } } says what it may",
    location: { file: "definitions/kept.sqlx" },
    found: "rows before: 100, rows now: 41, percent lost: 59",
  });
  expect(stepOf(report, "marts.kept").reason).toBe("marts.kept loses more rows than it may (maxRowDrop: 50%)");
  expect(await rows("select count(*), (select count(*) from marts.typed) from marts.kept")).toEqual(["100|100"]);
  const cliRun = (...names: string[]) =>
    cli(project.dir, ["run", "--full-refresh", "--url", database.url, "--allow-loss", ...names]);
  expect(await cliRun("kpet")).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/--allow-loss: nothing is named kpet[\s\S]*did you mean marts.kept/),
  });
  expect(await cliRun("kept,marts.t*")).toMatchObject({
    exitCode: 0,
    stderr: expect.stringMatching(
      /warn +assertion .*kept_guard_maxRowDrop .*rows before: 100, rows now: 41, percent lost: 59/,
    ),
  });
  expect(await rows("select count(*), (select count(*) from marts.typed) from marts.reader")).toEqual(["41|41"]);
});

test("a large incremental model is counted only where it can have lost most of its rows", async () => {
  const { run, rows, sql } = await warehouse({
    "m.sqlx":
      'config { type: "incremental" }\nselect id, md5(id::text) as note from generate_series(1, (select n from raw.n)) as id',
  });
  await sql("create schema raw; create table raw.n as select 40000 as n");
  await run();
  for (const [n, status] of [
    [36_000, "ok"],
    [10_000, "held"],
    [0, "held"],
  ] as const) {
    await sql(`update raw.n set n = ${n}`);
    expect(statuses(await run({ fullRefresh: true }))["marts.m"]).toBe(status);
  }
  expect(await rows("select count(*) from marts.m")).toEqual(["36000"]);
});

test("where the size of the new rows says that little can be lost, no row of a large incremental model is read", async () => {
  const guard = 'postgres: { guard: { where: "1 / (id - id) = 0" } }';
  const { run, rows } = await warehouse({
    "m.sqlx": `config { type: "incremental", ${guard} }
select id, md5(id::text) as note from generate_series(1, \${when(incremental(), "10", "40000")}) as id`,
  });
  await run();
  expect((await run()).status).toBe("success");
  expect(await rows("select count(*) from marts.m")).toEqual(["40010"]);
});

test("rows that the author's own statements take are lost, too, before the query, behind it, or all of them", async () => {
  const statements = [
    "pre_operations { ${when(incremental(), `delete from ${self()} where id > 4`)} }",
    "post_operations { delete from ${self()} where id > 4 and id < 11 }",
    "post_operations { truncate ${self()} }",
  ];
  const models = (more: (operations: string) => string) =>
    Object.fromEntries(
      statements.map((operations, n) => [
        `m${n}.sqlx`,
        `config { type: "incremental" }\nselect id from raw.events \${when(incremental(), "where id > 10")}\n${more(operations)}`,
      ]),
    );
  const { project, run, rows, sql } = await warehouse(models(() => ""));
  await sql("create schema raw; create table raw.events as select id from generate_series(1, 10) as id");
  await run();
  project.write(models((operations) => operations));
  const held = await run();
  await sql("insert into raw.events values (11)");
  for (const [n, operations] of statements.entries()) {
    expect(stepOf(held, `marts.m${n}`).status, operations).toBe("held");
    expect(await rows(`select count(*) from marts.m${n}`), operations).toEqual(["10"]);
  }
  await run({ allowLoss: statements.map((_, n) => `m${n}`) });
  for (const [n, operations] of statements.entries())
    expect(await rows(`select count(*) < 6 from marts.m${n}`), operations).toEqual(["t"]);
});

test("a guard counts the rows that its author counts; what is only marked as gone is gone", async () => {
  const model = (config: string) => `config { type: "incremental", uniqueKey: ["id"]${config} }
select id, is_gone from raw.people`;
  const { project, run, rows, sql } = await warehouse({
    "people.sqlx": model(', postgres: { guard: { where: "not is_gone" } }'),
  });
  await sql(
    "create schema raw; create table raw.people as select id, id > 9 as is_gone from generate_series(1, 10) as id",
  );
  await run();
  await sql("update raw.people set is_gone = id > 4");
  expect(stepOf(await run(), "marts.people").status).toBe("held");
  expect(await rows("select count(*) from marts.people where is_gone")).toEqual(["1"]);
  expect((await run({ allowLoss: ["people"] })).status).toBe("success");
  project.write({ "people.sqlx": model("").replace("incremental", "table").replace(', uniqueKey: ["id"]', "") });
  await sql("truncate raw.people");
  const emptied = await run({ allowLoss: ["people"] });
  expect([emptied.status, emptied.warnings]).toEqual(["success", ["marts.people had rows and has none now"]]);
  expect((await run()).warnings).toEqual([]);
});

test("a guard counts keys that are gone or changed; a new column is no change", async () => {
  const guarded = (sql: string) =>
    table(sql, 'assertions: { uniqueKey: ["id"] }, postgres: { guard: { maxChangedKeys: 2 } }');
  const { project, run } = await warehouse({ "a.sqlx": guarded("select id, 'x' as v from generate_series(1, 10) id") });
  await run();
  project.write({ "a.sqlx": guarded("select id, 'x' as v, 1 as added from generate_series(1, 20) id") });
  expect((await run()).status).toBe("success");
  project.write({
    "a.sqlx": guarded(
      "select id, case when id = 5 then 'y' else 'x' end as v, 1 as added from generate_series(3, 20) id",
    ),
  });
  const report = await run();
  expect(stepOf(report, "assertions.marts_a_guard_maxChangedKeys").failingRows).toEqual([
    '{"keys_before":20,"keys_gone":2,"keys_changed":1,"percent_changed":15.0}',
  ]);
  // No row is found again by a key that what is published has not.
  const other = 'assertions: { uniqueKey: ["id", "place"] }, postgres: { guard: { maxChangedKeys: 2 } }';
  project.write({ "a.sqlx": table("select 1 as id, 1 as place", other) });
  expect(stepOf(await run(), "assertions.marts_a_guard_maxChangedKeys").failingRows).toEqual([
    '{"keys_before":20,"keys_gone":20,"keys_changed":0,"percent_changed":100.0}',
  ]);
});
