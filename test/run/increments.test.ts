import { beforeAll, expect, test } from "vitest";
import type { RunReport } from "../../src/model/report.ts";
import { rollback } from "../../src/release/rollback.ts";
import { type CliResult, cli } from "../support/cli.ts";
import { incremental } from "../support/models.ts";
import { sharedWarehouse, stepOf, type Warehouse, warehouse } from "../support/warehouse.ts";

// What a column of an incremental model becomes when the query gives another type than the table has.

const model = (first: string, then: string, config?: string) =>
  incremental(`\${when(incremental(), \`select 2 as id, ${then} as v\`, \`select 1 as id, ${first} as v\`)}`, config);

async function typeOf({ rows }: Warehouse, relation = "marts.m"): Promise<string> {
  const [type] = await rows(
    `select format_type(atttypid, atttypmod) from pg_attribute where attrelid = '${relation}'::regclass and attname = 'v'`,
  );
  return type!;
}

const SYNCHRONIZE = 'onSchemaChange: "synchronize"';

/** The pairs of types below, each as a model of one project, which is run twice and planned once for all of them. */
const pairs: Record<string, string> = {};
function pair(first: string, then: string, config?: string): string {
  const name = `m${Object.keys(pairs).length + 1}`;
  pairs[`${name}.sqlx`] = model(first, then, config);
  return `marts.${name}`;
}

let made: Warehouse;
/** Where the rows of each model were after the first run. */
let tables: readonly string[];
let second: RunReport;
let planned: CliResult;
const storage = () =>
  made.rows(
    "select key || ' ' || (value #>> '{storage,table}') from _dataform.release, jsonb_each(manifest) where release_id = (select max(release_id) from _dataform.release) order by key",
  );

beforeAll(async () => {
  const { end, ...shared } = await sharedWarehouse(pairs);
  made = shared;
  await made.run();
  tables = await storage();
  second = await made.run();
  planned = await cli(made.project.dir, ["plan", "--url", made.database.url]);
  return end;
});

test.each(
  [
    ["'abc'::varchar(3)", "'abcdefgh'::text", "text", "abcdefgh"],
    ["'abc'::varchar(3)", "'abcdefgh'::varchar(10)", "character varying(10)", "abcdefgh"],
    ["1::int", "2.7", "numeric", "2.7"],
    ["1::int", "9007199254740993::bigint", "bigint", "9007199254740993"],
    ["1.00::numeric(10,2)", "1.23456", "numeric", "1.23456"],
    ["1.00::numeric(10,2)", "1.2345::numeric(12,4)", "numeric(12,4)", "1.2345"],
    [
      "timestamp(0) '2026-01-01'",
      "timestamp '2026-01-01 00:00:00.123456'",
      "timestamp without time zone",
      "2026-01-01 00:00:00.123456",
    ],
    ["array['a']::varchar(1)[]", "array['bcd']", "text[]", "{bcd}"],
  ].map(([first, then, type, value]) => [first!, then!, type!, value!, pair(first!, then!)] as const),
)("a table with %s takes %s and becomes %s", async (first, _, type, value, name) => {
  expect(stepOf(second, name).status).toBe("ok");
  expect(await typeOf(made, name)).toBe(type);
  expect(await made.rows(`select v from ${name} where id = 2`)).toEqual([value]);
  expect(await made.rows(`select v = (${first})::${type} from ${name} where id = 1`)).toEqual(["t"]);
});

test.each(
  [
    ["1::bigint", "2::smallint", "bigint"],
    ["'abc'::text", "'x'::varchar(3)", "text"],
    ["1.5::numeric(12,4)", "2.25::numeric(10,2)", "numeric(12,4)"],
    ["1::numeric(10)", "2", "numeric(10,0)"],
    ["'a'::varchar", "'b'::text", "character varying"],
  ].map(([first, then, type]) => [first!, then!, type!, pair(first!, then!)] as const),
)("a table with %s takes %s and stays as it is, without being copied", async (_, then, type, name) => {
  expect(await typeOf(made, name)).toBe(type);
  expect(await made.rows(`select v = ${then} from ${name} where id = 2`)).toEqual(["t"]);
  const table = (of: readonly string[]) => of.find((line) => line.startsWith(`${name} `));
  expect(table(tables)).toEqual(expect.any(String));
  expect(table(await storage())).toBe(table(tables));
});

test.each(
  [
    ["true", "'yes'", "boolean", "text"],
    ["1", "'2'", "integer", "text"],
    ["1", "null", "integer", "text"],
    ["timestamptz '2026-01-01 12:00+00'", "date '2026-01-01'", "timestamp with time zone", "date"],
    ["'ab'::char(3)", "'ab'::text", "character(3)", "text"],
    ["1.2345::numeric(10,4)", "1::numeric(12,2)", "numeric(10,4)", "numeric(12,2)"],
    ["12345::numeric(5)", "7", "numeric(5,0)", "integer"],
    ["1", "0.5::float8", "integer", "double precision"],
    ["0.1::real", "0.1::float8", "real", "double precision"],
    ["'{}'::jsonb", "'{}'::json", "jsonb", "json"],
  ].map(
    ([first, then, was, now]) =>
      [
        first!,
        then!,
        was!,
        now!,
        ["ignore", "extend"].map((policy) => pair(first!, then!, `onSchemaChange: "${policy}"`)),
      ] as const,
  ),
)(
  "a table with %s refuses %s, naming the column and both types, and plan says so before",
  async (_first, _then, was, now, names) => {
    for (const name of names) {
      expect(stepOf(second, name).error).toMatchObject({
        message: `${name}: the query gives "v" ${now}, and not every such value fits the table unchanged`,
        expected: expect.stringContaining(`"v" ${was}`),
        found: `"v" ${now}`,
        hint: expect.stringMatching(/cast in the query.*synchronize.*--full-refresh/),
      });
      expect(await made.rows(`select id from ${name}`)).toEqual(["1"]);
      expect([planned.exitCode, planned.stderr]).toEqual([
        1,
        expect.stringContaining(`${name}: the query gives "v" ${now}`),
      ]);
    }
  },
);

test("a type that the table cannot take is refused before a row is computed", async () => {
  const made = await warehouse({ "m.sqlx": model("1", "1 / (random() * 0)") });
  await made.run();
  expect(stepOf(await made.run(), "marts.m").error).toMatchObject({ found: '"v" double precision' });
});

test("a key that widens replaces the row that it is the key of, and NULL is a key, too", async () => {
  const { project, run, rows } = await warehouse({
    "m.sqlx": incremental("select 'abc'::varchar(3) as k, 1::int as v union all select null, 2", 'uniqueKey: ["k"]'),
  });
  await run();
  project.write({
    "m.sqlx": incremental(
      "select * from (values ('abc'::text, 9007199254740993), ('abcd', 4), (null, 5)) as t(k, v)",
      'uniqueKey: ["k"]',
    ),
  });
  await run();
  expect(await rows("select k, v from marts.m order by v")).toEqual(["abcd|4", "∅|5", "abc|9007199254740993"]);
});

test("a collation stays the table's, whatever the query's is, in values and in keys", async () => {
  const { project, run, rows } = await warehouse({
    "m.sqlx": incremental("select 'a' collate \"C\" as v, 1 as n", 'uniqueKey: ["v"]'),
  });
  await run();
  project.write({
    "m.sqlx": incremental(
      "select v collate \"POSIX\" as v, n from (values ('a', 2), ('B', 3)) t(v, n)",
      'uniqueKey: ["v"]',
    ),
  });
  expect((await run()).status).toBe("success");
  expect(await rows("select v, n from marts.m order by v")).toEqual(["B|3", "a|2"]);
  expect(
    await rows(
      "select attcollation::regcollation from pg_attribute where attrelid = 'marts.m'::regclass and attname = 'v'",
    ),
  ).toEqual(['"C"']);
});

test("a new column that is NULL everywhere keeps the type it came with", async () => {
  const { project, run, rows } = await warehouse({
    "m.sqlx": incremental("select 1 as id", 'onSchemaChange: "extend"'),
  });
  await run();
  project.write({
    "m.sqlx": incremental("select 2 as id, null::int as v", 'onSchemaChange: "extend"'),
  });
  await run();
  project.write({
    "m.sqlx": incremental("select 3 as id, 4::bigint as v", 'onSchemaChange: "extend"'),
  });
  await run();
  expect(await rows("select id, v, pg_typeof(v) from marts.m order by id")).toEqual([
    "1|∅|bigint",
    "2|∅|bigint",
    "3|4|bigint",
  ]);
});

test("a release from before a column widened can be read, gone back to and built upon", async () => {
  const made = await warehouse({ "m.sqlx": model("'abc'::varchar(3)", "'abcdefgh'") });
  const { run, rows, database } = made;
  await run();
  await run();
  expect(await rows("select v from marts.m order by id")).toEqual(["abc", "abcdefgh"]);
  await rollback(database.settings, { to: 1 });
  expect([await typeOf(made), await rows("select v from marts.m")]).toEqual(["character varying(3)", ["abc"]]);
  await rollback(database.settings, { to: 2 });
  expect(await rows("select v from marts.m order by id")).toEqual(["abc", "abcdefgh"]);
  expect((await run()).status).toBe("success");
  expect([await typeOf(made), await rows("select v from marts.m order by id")]).toEqual([
    "text",
    ["abc", "abcdefgh", "abcdefgh"],
  ]);
});

test("others' views on a column that widened are served the old type, or the release is refused", async () => {
  for (const [value, served] of [
    ["'xyz'", true],
    ["'abcdefgh'", false],
  ] as const) {
    const made = await warehouse({ "m.sqlx": model("'abc'::varchar(3)", `${value}::text`) });
    await made.run();
    await made.sql("create view public.reader as select v from marts.m");
    const report = await made.run();
    expect(report.status).toBe(served ? "success" : "failure");
    expect(await made.rows("select v from public.reader order by 1")).toEqual(served ? ["abc", "xyz"] : ["abc"]);
    expect(await typeOf(made, "public.reader")).toBe("character varying(3)");
    if (!served) expect(JSON.stringify(report)).toContain("whose new values do not fit their old type");
  }
});

test.each(
  [
    ["1.50", "2", "numeric", "integer"],
    ["'abcdefgh'", "'abc'::varchar(3)", "text", "character varying(3)"],
    ["'yes'", "true", "text", "boolean"],
    ["0.1::real", "0.1::float8", "real", "double precision"],
    ["'x'", "1", "text", "integer"],
    ["date '2026-01-01'", "1", "date", "integer"],
    ["timestamptz '2026-01-01 12:00+00'", "date '2026-01-01'", "timestamp with time zone", "date"],
    [`'{"a":  1}'::json`, "'[]'::text[]".replace("[]'", "{}'"), "json", "text[]"],
  ].map(([first, then, was, now]) => [first!, then!, was!, now!, pair(first!, then!, SYNCHRONIZE)] as const),
)("synchronize refuses %s → %s, because a row of the table would be another", async (_first, _then, was, now, name) => {
  expect(stepOf(second, name).error).toMatchObject({
    message: `${name}: column "v" has values that would not be the same as ${now}`,
    hint: expect.stringContaining(`the table has it as ${was}`),
  });
  expect(await typeOf(made, name)).toBe(was);
});

test.each(
  [
    ["100.00", "2", "integer"],
    ["'true'", "false", "boolean"],
    ["'abc'", "'x'::varchar(3)", "character varying(3)"],
    ["1::int", "2.5", "numeric"],
    ["0.5::real", "0.1::float8", "double precision"],
    [`'{"a": 1}'::json`, "'{}'::jsonb", "jsonb"],
  ].map(([first, then, type]) => [first!, then!, type!, pair(first!, then!, SYNCHRONIZE)] as const),
)(
  "synchronize takes the new type where every row of the table keeps its value: %s → %s",
  async (_first, _then, type, name) => {
    expect(stepOf(second, name).status).toBe("ok");
    expect(await typeOf(made, name)).toBe(type);
  },
);

test("a full refresh gives every table the type that its query has", async () => {
  expect(await made.run({ fullRefresh: true })).toMatchObject({ status: "success", errors: [] });
});

test("synchronize looks only at rows that stay: what the new rows replace may be anything", async () => {
  const { project, run, rows } = await warehouse({
    "m.sqlx": incremental("select 1 as id, 'x' as bent", 'uniqueKey: ["id"], onSchemaChange: "synchronize"'),
  });
  await run();
  project.write({
    "m.sqlx": incremental("select 1 as id, 2 as bent", 'uniqueKey: ["id"], onSchemaChange: "synchronize"'),
  });
  expect((await run()).status).toBe("success");
  expect(await rows("select bent from marts.m")).toEqual(["2"]);
});

test('"fail" refuses every change of a type', async () => {
  const { run } = await warehouse({ "m.sqlx": model("1", "2::bigint", 'onSchemaChange: "fail"') });
  await run();
  expect(stepOf(await run(), "marts.m").error).toMatchObject({ found: "retyped: v" });
});
