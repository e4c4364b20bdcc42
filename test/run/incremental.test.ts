import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { RunReport } from "../../src/model/report.ts";
import { rollback } from "../../src/release/rollback.ts";
import { cli } from "../support/cli.ts";
import { rounds } from "../support/proof.ts";
import { sharedWarehouse, statuses, stepOf, type Warehouse, warehouse } from "../support/warehouse.ts";

const source = 'config { type: "declaration", schema: "raw", name: "events" }';

const appended = `config { type: "incremental" }
select id, value from \${ref("raw", "events")}
\${when(incremental(), \`where id > (select coalesce(max(id), 0) from \${self()})\`)}`;

const keyed = `config { type: "incremental", uniqueKey: ["id"] }
select id, value from \${ref("raw", "events")}
\${when(incremental(), "where batch = (select max(batch) from raw.events)")}`;

test("an append-only model adds the new rows and computes nothing twice", async () => {
  const { run, rows, sql } = await warehouse({ "source.sqlx": source, "events.sqlx": appended });
  await sql("create schema raw; create table raw.events as select 1 as id, 'a' as value");
  await run();
  await sql("insert into raw.events values (2, 'b')");
  const report = await run();
  expect(stepOf(report, "marts.events").rows).toBe(1);
  expect(await rows("select * from marts.events order by id")).toEqual(["1|a", "2|b"]);
  await run();
  expect(await rows("select count(*) from marts.events")).toEqual(["2"]);
});

test("incremental_where and .where() keep rows out of the runs that add, and not out of the first", async () => {
  const { run, rows, sql, project } = await warehouse({
    "source.sqlx": source,
    "events.sqlx": `config { type: "incremental" }
select id, value from \${ref("raw", "events")} -- all
incremental_where { id > (select coalesce(max(id), 0) from \${self()}) or value = 'again' -- and those
}`,
    "definitions/made.js": `publish("made", { type: "incremental" })
  .query((ctx) => \`select id, value from \${ctx.ref("raw", "events")}\`)
  .where((ctx) => \`id > (select max(id) from \${ctx.self()})\`);`,
  });
  await sql("create schema raw; create table raw.events as select 1 as id, 'a' as value");
  await run();
  await sql("insert into raw.events values (2, 'b'), (1, 'again')");
  expect(stepOf(await run(), "marts.events").rows).toBe(2);
  expect(await rows("select * from marts.events order by id, value")).toEqual(["1|a", "1|again", "2|b"]);
  expect(await rows("select * from marts.made order by id")).toEqual(["1|a", "2|b"]);
  await run({ fullRefresh: true });
  expect(await rows("select count(*) from marts.made")).toEqual(["3"]);
  project.write({
    "events.sqlx": `config { type: "incremental" }\nselect 1 as id, 'a' as value\nincremental_where {\n  nope > 1 }`,
  });
  expect(stepOf(await run(), "marts.events").error).toMatchObject({
    code: "42703",
    location: { file: "definitions/events.sqlx", line: 4, column: 3 },
  });
});

test("rows with the same unique key are replaced, a NULL key included", async () => {
  const { run, rows, sql } = await warehouse({ "source.sqlx": source, "events.sqlx": keyed });
  await sql(
    "create schema raw; create table raw.events as select * from (values (1, 'old', 1), (2, 'kept', 1), (null, 'old', 1)) v(id, value, batch)",
  );
  await run();
  await sql("insert into raw.events values (1, 'new', 2), (null, 'new', 2), (3, 'added', 2)");
  expect((await run()).status).toBe("success");
  expect(await rows("select id, value from marts.events order by id nulls last")).toEqual([
    "1|new",
    "2|kept",
    "3|added",
    "∅|new",
  ]);
});

test("a delta that holds one key twice fails and changes nothing", async () => {
  const { run, rows, sql } = await warehouse({ "source.sqlx": source, "events.sqlx": keyed });
  await sql("create schema raw; create table raw.events as select 1 as id, 'a' as value, 1 as batch");
  await run();
  await sql("insert into raw.events values (1, 'x', 2), (1, 'y', 2)");
  const report = await run();
  expect(stepOf(report, "marts.events").error).toMatchObject({ code: "23505" });
  expect(await rows("select id, value from marts.events")).toEqual(["1|a"]);
});

test("assertions and other models read the rows as they will be; a failed assertion keeps the delta out", async () => {
  const { run, rows, sql } = await warehouse({
    "source.sqlx": source,
    "events.sqlx": keyed.replace("uniqueKey", "assertions: { rowConditions: [\"value <> 'bad'\"] }, uniqueKey"),
    "total.sqlx": 'config { type: "table" }\nselect count(*) as n from ${ref("marts", "events")}',
    "list.sqlx": 'config { type: "view" }\nselect value from ${ref("marts", "events")}',
  });
  await sql("create schema raw; create table raw.events as select 1 as id, 'a' as value, 1 as batch");
  await run();
  await sql("insert into raw.events values (2, 'bad', 2)");
  expect(statuses(await run())).toMatchObject({ "marts.events": "held", "marts.total": "held", "marts.list": "held" });
  expect(await rows("select count(*), (select n from marts.total) from marts.list")).toEqual(["1|1"]);
  await sql("insert into raw.events values (2, 'good', 3)");
  expect((await run()).status).toBe("success");
  expect(
    await rows("select string_agg(value, ',' order by value), (select n from marts.total) from marts.list"),
  ).toEqual(["a,good|2"]);
});

test("a delta with other columns in another order lands by name", async () => {
  const { project, run, rows, sql } = await warehouse({ "source.sqlx": source, "events.sqlx": appended });
  await sql("create schema raw; create table raw.events as select 1 as id, 'a' as value");
  await run();
  await sql("insert into raw.events values (2, 'b')");
  project.write({
    "events.sqlx": appended.replace("select id, value", "select value, 'extra' as extra, id::bigint as id"),
  });
  expect((await run()).status).toBe("success");
  expect(await rows("select * from marts.events order by id")).toEqual(["1|a", "2|b"]);
});

test("--full-refresh rebuilds it, unless it is protected", async () => {
  const { run, rows, sql } = await warehouse({
    "source.sqlx": source,
    "events.sqlx": appended,
    "kept.sqlx": appended.replace('"incremental"', '"incremental", protected: true'),
  });
  await sql("create schema raw; create table raw.events as select 1 as id, 'a' as value");
  await run();
  await sql("update raw.events set value = 'z'");
  await run({ fullRefresh: true });
  expect(await rows("select e.value, k.value from marts.events e, marts.kept k")).toEqual(["z|a"]);
});

test("incremental operations around the model: pre before the delta, post behind it", async () => {
  const { run, rows, sql } = await warehouse({
    "source.sqlx": source,
    "events.sqlx": `config { type: "incremental" }
pre_operations { \${when(incremental(), \`create temp table seen on commit drop as select max(id) as id from \${self()}\`)} }
select id, value from \${ref("raw", "events")} \${when(incremental(), "where id > (select id from seen)")}
post_operations { update \${self()} set value = upper(value) where value = 'b' }`,
  });
  await sql("create schema raw; create table raw.events as select 1 as id, 'a' as value");
  await run();
  await sql("insert into raw.events values (2, 'b')");
  expect((await run()).status).toBe("success");
  expect(await rows("select * from marts.events order by id")).toEqual(["1|a", "2|B"]);
});

test("after any sequence of deltas the table equals a full refresh", async () => {
  const { run, rows, sql } = await warehouse({
    "source.sqlx": source,
    "events.sqlx": `config { type: "incremental", uniqueKey: ["id", "part"] }
select distinct on (id, part) id, part, value from \${ref("raw", "events")}
\${when(incremental(), "where batch = (select max(batch) from raw.events)")}
order by id, part, batch desc`,
  });
  await sql("create schema raw; create table raw.events (id integer, part integer, value text, batch integer)");
  const number = fc.option(fc.integer({ min: 0, max: 2 }));
  const batch = fc.uniqueArray(fc.tuple(number, number, fc.string({ maxLength: 3 })), {
    selector: ([id, part]) => `${id}|${part}`,
    maxLength: 6,
  });
  const all = "select id, part, value from marts.events order by id nulls last, part nulls last";
  await fc.assert(
    fc.asyncProperty(fc.array(batch, { minLength: 1, maxLength: 4 }), async (batches) => {
      await sql("truncate raw.events");
      await run({ fullRefresh: true, allowLoss: ["events"] });
      for (const [number, values] of batches.entries()) {
        for (const [id, part, value] of values) {
          const quoted = `'${value.replaceAll("'", "''")}'`;
          await sql(`insert into raw.events values (${id ?? "null"}, ${part ?? "null"}, ${quoted}, ${number})`);
        }
        expect((await run()).status).toBe("success");
      }
      const incremental = await rows(all);
      await run({ fullRefresh: true });
      expect(await rows(all)).toEqual(incremental);
    }),
    { numRuns: rounds(3, 200), endOnFailure: true },
  );
});

const changing = (
  policy: string,
  columns: string,
) => `config { type: "incremental", uniqueKey: ["id"], onSchemaChange: "${policy}" }
select ${columns} from \${ref("raw", "events")}`;

/** What a query becomes, and what then becomes of the table. */
const changes: readonly (readonly [policy: string, columns: string, status: "ok" | "failed", expected: string])[] = [
  ["IGNORE", "id, value, true as extra", "ok", "id integer, value text"],
  ["IGNORE", "id", "failed", "id integer, value text"],
  ["FAIL", "id, value, true as extra", "failed", "id integer, value text"],
  ["FAIL", "id::bigint as id, value", "failed", "id integer, value text"],
  ["EXTEND", "id, value, true as extra", "ok", "id integer, value text, extra boolean"],
  ["EXTEND", "id, true as extra", "ok", "id integer, value text, extra boolean"],
  ["SYNCHRONIZE", "id::bigint as id, true as extra", "ok", "id bigint, extra boolean"],
];

describe("a query with other columns than the table", () => {
  let made: Warehouse;
  let report: RunReport;
  let next: RunReport;
  const models = (columnsOf: (columns: string) => string) =>
    Object.fromEntries(
      changes.map(([policy, columns], n) => [`events${n}.sqlx`, changing(policy, columnsOf(columns))]),
    );

  beforeAll(async () => {
    const first = { "source.sqlx": source, ...models(() => "id, value") };
    const { end, ...shared } = await sharedWarehouse(first);
    made = shared;
    await made.sql("create schema raw; create table raw.events as select 1 as id, 'a' as value");
    await made.run();
    await made.sql("insert into raw.events values (2, 'b')");
    made.project.write(models((columns) => columns));
    report = await made.run();
    // The next run goes on from there.
    next = await made.run();
    return end;
  });

  test.each(changes.map(([policy, columns, status, expected], n) => [policy, columns, status, n, expected] as const))(
    "onSchemaChange %s with the query %s: %s",
    async (_policy, _columns, status, n, expected) => {
      const step = stepOf(report, `marts.events${n}`);
      expect(step.status).toBe(status);
      if (status === "failed") expect(step.error?.message).toContain("no longer fits the table");
      const named = "string_agg(column_name || ' ' || data_type, ', ' order by ordinal_position)";
      expect(
        await made.rows(
          `select ${named} from information_schema.columns where table_schema = 'marts' and table_name = 'events${n}'`,
        ),
      ).toEqual([expected]);
      expect(await made.rows(`select count(*) from marts.events${n}`)).toEqual([status === "ok" ? "2" : "1"]);
      expect(stepOf(next, `marts.events${n}`).status).toBe(status);
    },
  );
});

test("after EXTEND the rows that were there have NULL in the new column, and earlier releases are what they were", async () => {
  const { project, database, run, rows, sql } = await warehouse({
    "source.sqlx": source,
    "events.sqlx": changing("EXTEND", "id, value"),
  });
  await sql("create schema raw; create table raw.events as select 1 as id, 'a' as value");
  await run();
  await sql("delete from raw.events; insert into raw.events values (2, 'b')");
  project.write({ "events.sqlx": changing("EXTEND", "id, value, 'new' as extra") });
  await run();
  expect(await rows("select * from marts.events order by id")).toEqual(["1|a|∅", "2|b|new"]);
  await rollback(database.settings);
  expect(await rows("select * from marts.events order by id")).toEqual(["1|a"]);
});

test("indexes and constraints of post_operations make the table once, however often rows are added", async () => {
  const { run, rows, sql } = await warehouse({
    "source.sqlx": source,
    "events.sqlx": `config { type: "incremental", uniqueKey: ["id"] }
select id, value from \${ref("raw", "events")}
post_operations {
  create index on \${self()} (value);
  create index by_value on \${self()} (value, id);
  alter table \${self()} add primary key (id);
  delete from \${self()} where value = 'c'
}`,
  });
  await sql("create schema raw; create table raw.events as select 1 as id, 'a' as value");
  for (let n = 2; n < 6; n++) {
    expect((await run()).status).toBe("success");
    await sql(`insert into raw.events values (${n}, 'b')`);
  }
  expect(await rows("select string_agg(value, '' order by id) from marts.events")).toEqual(["abbb"]);
  expect(
    await rows("select count(*) from pg_indexes where schemaname = '_dataform' and tablename like 'events%s'"),
  ).toEqual(["4"]);
});

test("foreign keys and policies of an incremental model mean the rows of its release: it is copied where those are built again", async () => {
  const declared = (name: string) => `config { type: "declaration", schema: "raw", name: "${name}" }`;
  const { database, project, run, rows, sql } = await warehouse({
    "raw_customers.sqlx": declared("raw_customers"),
    "raw_orders.sqlx": declared("raw_orders"),
    "customers.sqlx": `config { type: "table", postgres: { grants: { select: ["public"] } } }
select id, reader from \${ref("raw_customers")}
post_operations { alter table \${self()} add primary key (id); grant select on \${self()} to public }`,
    "orders.sqlx": `config { type: "incremental", postgres: { grants: { select: ["public"] } } }
select id, customer from \${ref("raw_orders")}
\${when(incremental(), \`where id > (select max(id) from \${self()})\`)}
post_operations {
  alter table \${self()} add foreign key (customer) references \${ref("customers")} (id), enable row level security;
  create policy own on \${self()} using ( -- as \${ref("rates")} is no matter
    exists (select from \${ref("customers")} as c where c.id = customer and c.reader = current_user)
  )
}`,
    "rates.sqlx": 'config { type: "table" }\nselect 1 as rate',
    "bad.sqlx": `config { type: "table" }
select 1 as id
post_operations { alter table \${self()} add foreign key (id) references \${ref("orders")} (id) }`,
  });
  const seen = async () => {
    await sql("set role pg_monitor");
    const ids = await rows("select coalesce(string_agg(id::text, ' ' order by id), 'none') from marts.orders");
    await sql("reset role");
    return ids.join();
  };
  await sql(`create schema raw;
    create table raw.raw_customers (id int, reader text);
    create table raw.raw_orders (id int, customer int);
    insert into raw.raw_customers values (1, 'pg_monitor');
    insert into raw.raw_orders values (1, 1)`);
  expect(stepOf(await run(), "marts.bad").error?.hint).toContain("foreign keys can point at models of type table");
  project.remove("bad.sqlx");
  await sql("insert into raw.raw_customers values (2, 'pg_monitor'); insert into raw.raw_orders values (2, 2)");
  const few = { retention: { releases: 1, age: 0 } };
  expect(await run(few)).toMatchObject({ status: "success", warnings: [] });
  expect(await seen()).toBe("1 2");
  // Alone it has nothing new to refer to, and rows are added to the table that is there.
  await sql("insert into raw.raw_orders values (3, 2)");
  const storage =
    "select manifest #>> '{marts.orders,storage,table}' from _dataform.release where manifest is not null";
  const [table] = await rows(storage);
  expect(await run({ ...few, actions: ["orders", "rates"] })).toMatchObject({ status: "success", warnings: [] });
  expect(await rows(storage)).toEqual([table]);
  // What it refers to stays, and so do the rights, until it is built, too.
  await sql("update raw.raw_customers set reader = 'nobody' where id = 2");
  expect(await run({ ...few, actions: ["customers"] })).toMatchObject({ status: "success", warnings: [] });
  const reason = expect.stringContaining("what its post_operations refer to is built again: copied");
  const { stdout } = await cli(project.dir, ["plan", "--json", "--url", database.url]);
  expect(JSON.parse(stdout)).toMatchObject({
    segments: [{ steps: expect.arrayContaining([expect.objectContaining({ reason })]) }],
  });
  const kept = { retention: { releases: 2, age: 0 } };
  expect((await run(kept)).status).toBe("success");
  expect(await seen()).toBe("1");
  await rollback(database.settings);
  expect(await seen()).toBe("1 2 3");
  expect(await run(kept)).toMatchObject({ status: "success", warnings: [] });
  expect(await seen()).toBe("1");
});

const shaped = (config: string, more = "") => `config { type: "incremental"${config} }
select id, value from \${ref("raw", "events")}
\${when(incremental(), \`where id > (select coalesce(max(id), 0) from \${self()})\`)}
${more}`;

test("a key that is added is refused, with figures, where the table's rows have it twice; nothing is changed", async () => {
  const made = await warehouse({ "source.sqlx": source, "events.sqlx": shaped("") });
  const { project, run, rows, sql } = made;
  await sql(`create schema raw; create table raw.events (id, value) as values
    (1, 'a'), (1, 'b'), (2, 'c'), (2, 'd'), (2, 'e'), (null, 'f'), (null, 'g'), (3, 'h')`);
  await run();
  await sql("insert into raw.events values (9, 'new')");
  project.write({ "events.sqlx": shaped(', uniqueKey: ["id"]') });
  const reason = "its code changed: uniqueKey (none → id); copied once";
  expect(JSON.parse((await cli(project.dir, ["plan", "--json", "--url", made.database.url])).stdout)).toMatchObject({
    segments: [{ steps: [{ reason }] }],
  });
  expect(stepOf(await run(), "marts.events").error).toMatchObject({
    message:
      "marts.events: uniqueKey id does not tell the rows of the table apart: 3 keys are there more than once, in 7 rows",
    found: expect.stringMatching(
      /^id = '2' \(3 rows\); (id = '1'|id = NULL) \(2 rows\); (id = '1'|id = NULL) \(2 rows\)$/,
    ),
    hint: expect.stringContaining("--full-refresh"),
  });
  expect(await rows("select count(*) from marts.events")).toEqual(["8"]);
});

test("what of its config stands in the table follows it, with the rows that are there: key, indexes, constraints", async () => {
  const { project, run, rows, sql } = await warehouse({
    "source.sqlx": source,
    "events.sqlx": shaped(', uniqueKey: ["id"]'),
  });
  await sql("create schema raw; create table raw.events as select 1 as id, 'a' as value");
  await run();
  const definitions = `select regexp_replace(indexdef, '^CREATE (UNIQUE )?INDEX .* USING btree ', '\\1') as made
    from pg_indexes where schemaname = '_dataform' and tablename = (
      select manifest #>> '{marts.events,storage,table}' from _dataform.release order by release_id desc limit 1
    ) order by 1`;
  const follows = async (model: string, expected: string[]) => {
    // Only what the run adds: were the table computed anew, 1 would be gone.
    await sql("delete from raw.events; insert into raw.events select max(id) + 1, 'b' from marts.events");
    project.write({ "events.sqlx": model });
    const report = await run();
    expect([report.status, report.errors]).toEqual(["success", []]);
    expect(await rows(definitions)).toEqual(expected);
    expect(await rows("select min(id), max(id) = count(*) from marts.events")).toEqual(["1|t"]);
  };
  const unique = (columns: string) => `UNIQUE (${columns}) NULLS NOT DISTINCT`;
  await follows(shaped(', uniqueKey: ["id"]'), [unique("id")]);
  await follows(shaped(', uniqueKey: ["value", "id"]'), [unique("value, id")]);
  await follows(shaped(', postgres: { indexes: [{ columns: ["value"] }] }'), ["(value)"]);
  await follows(shaped("", "post_operations { create index on ${self()} (id) }"), ["(id)"]);
  // What only a first run says is on the table that is made again, too.
  const first = "post_operations { ${when(!incremental(), `create index on ${self()} (id, value)`)} }";
  await follows(shaped("", first), ["(id, value)"]);
  const more = (model: string) => model.replace("value from", "value, 1 as more from");
  await follows(more(shaped(', onSchemaChange: "EXTEND"', first)), ["(id, value)"]);
  await follows(more(shaped("")), []);
  // Without a key, rows of one id stand beside each other.
  project.write({ "events.sqlx": "config { type: \"incremental\" }\nselect 1 as id, 'z' as value, 1 as more" });
  await run();
  expect(await rows("select count(*) from marts.events where id = 1")).toEqual(["2"]);
});

test("another version of its rows makes a table anew once, also where its query reads what the table has not; a protected one says so", async () => {
  const model = (config: string, columns: string) => `config { type: "incremental", uniqueKey: ["id"]${config} }
select \${when(incremental(), \`${columns} from (select coalesce(max(id), 0) + 1 as id from \${self()}) as next
cross join (select min(value) as value from \${self()}) as kept\`, \`${columns} from (values (1, 'b'), (2, 'c')) as first (id, value)\`)}`;
  const version = (of: string) => `, postgres: { version: ${of}, guard: { keep: "id = 3" } }`;
  const { project, run, rows } = await warehouse({ "m.sqlx": model("", "id, value") });
  const next = async (text: string, allowLoss: string[] = []) => {
    project.write({ "m.sqlx": text });
    const report = await run({ allowLoss });
    return [stepOf(report, "marts.m").status, ...(await rows("select m::text from marts.m order by id"))];
  };
  await run();
  expect(await next(model("", "id, value"))).toEqual(["ok", "(1,b)", "(2,c)", "(3,b)"]);
  // none was said before; what is to be kept and cannot be made again keeps the rows there are
  expect(await next(model(version("1"), "id, value"))).toEqual(["held", "(1,b)", "(2,c)", "(3,b)"]);
  // by its value another row is the one to keep
  const byValue = version("1").replace('3" }', '3", keepBy: ["value"] }');
  expect(await next(model(byValue, "id, value"))).toEqual(["ok", "(1,b)", "(2,c)"]);
  expect(await next(model(version("1"), "id, value"), ["marts.m"])).toEqual(["ok", "(1,b)", "(2,c)", "(3,b)"]);
  const longer = model(version("'2'"), "id, value, md5(value) as hash").replace('["id"]', '["id", "hash"]');
  const unversioned = longer.replace("select coalesce", "select min(hash), coalesce").replace("'2'", "1");
  project.write({ "m.sqlx": unversioned });
  expect(stepOf(await run(), "marts.m").error).toMatchObject({
    code: "42703",
    hint: "self() has the columns of the runs before: another postgres: { version } makes the table anew with the next run, as run --full-refresh --actions marts.m does",
  });
  expect(await next(longer, ["marts.m"])).toEqual(["ok", expect.stringMatching(/^\(1,b,\w{32}\)$/), expect.anything()]);
  project.write({ "m.sqlx": model(`, protected: true${version("3")}`, "id, value") });
  expect(stepOf(await run(), "marts.m").error).toMatchObject({
    message: "marts.m is protected, and its rows are of another version: version (2 → 3)",
    location: { file: "definitions/m.sqlx" },
    hint: expect.stringMatching(/^put the version back; or take protected: true out/),
  });
  project.write({ "m.sqlx": 'config { type: "table", postgres: { version: 1 } }\nselect 1 as id' });
  await expect(run()).rejects.toThrow("marts.m: version is of the rows that an incremental model keeps");
  project.write({ "m.sqlx": model(', postgres: { guard: { keepBy: ["id"] } }', "id, value") });
  await expect(run()).rejects.toThrow("guard: keepBy finds the rows of keep again");
});

test("another type is named by plan, and the model is what its query says", async () => {
  const typed = (type: string) => `config { type: "${type}" }\nselect 1 as id`;
  const { project, database, run, rows } = await warehouse({ "m.sqlx": typed("view") });
  const plan = () => cli(project.dir, ["plan", "--exit-code", "--url", database.url]);
  await run();
  let before = "view";
  for (const type of ["incremental", "table", "view", "table", "incremental", "view"]) {
    project.write({ "m.sqlx": typed(type) });
    const planned = await plan();
    expect(planned.exitCode).toBe(3);
    expect(planned.stdout).toContain(`its code changed: type ${before} → ${type}`);
    expect((await run()).status).toBe("success");
    expect(await rows("select id from marts.m")).toEqual(["1"]);
    before = type;
  }
});
