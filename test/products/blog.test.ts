import { cpSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type BlogService, createBlogService } from "../../ingest/blog-soap/server.ts";
import { type Client, connect } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { type CliResult, cli, succeeds } from "../support/cli.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

// Seed 0: what a SOAP service or its CSV files say each day, `Blogid, views, cliks` so far, as views and clicks per day.
// The product alone, in a project of its own: nothing of another product is needed.
const root = resolve(import.meta.dirname, "../..");
const project = mkdtempSync(join(tmpdir(), "blog-"));
const inbox = join(project, "inbox");
let database: TestDatabase;
let client: Client;
let service: BlogService;
let dataform: (...args: string[]) => Promise<CliResult>;

beforeAll(async () => {
  for (const path of [
    "dataform.json",
    "definitions/blog",
    "definitions/package.json",
    "includes",
    "ingest/blog.yaml",
    "ingest/blog_soap.yaml",
    "ingest/schemas/blog_snapshots.json",
  ])
    cpSync(join(root, path), join(project, path), { recursive: true });
  mkdirSync(inbox);
  database = await testDatabase();
  client = await connect(database.settings);
  service = await createBlogService({ day: () => "2018-01-08", totals: () => soapTotals });
  const env = { DATABASE_URL: database.url, BLOG_FILES: inbox, BLOG_SOAP_URL: await service.listen() };
  dataform = (...args) => cli(project, args, env);
  await snapshot("2018-01-01", "1,100,200\n2,50,5\n3,70,7\n9,30,3\n");
  await snapshot("2018-01-02", "1,101,201\n2,60,6\n3,70,7\n");
  await snapshot("2018-01-03", "1,110,202\n2,4,1\n4,8,2\n3,75,7\n");
  await snapshot("2018-01-06", "1,140,230\n2,9,9\n4,18,3\n3,80,8\n");
}, 120_000);

afterAll(async () => {
  await client?.close();
  await service?.close();
  await database?.drop();
  rmSync(project, { recursive: true, force: true });
});

const soapTotals = [
  { blogId: 1, views: 170, clicks: 240 },
  { blogId: 3, views: 90, clicks: 9 },
  { blogId: 4, views: 28, clicks: 3 },
];

/** A day's file lands and is worked in. It was written a minute ago, so nobody waits for it to settle. */
async function snapshot(day: string, records: string, tells?: RegExp): Promise<void> {
  const path = join(inbox, `blogs-${day}.csv`);
  writeFileSync(path, `Blogid, views, cliks\n${records}`);
  const before = Date.now() / 1000 - 60;
  utimesSync(path, before, before);
  await succeeds(dataform("ingest", "blog"));
  const told = await update();
  if (tells) expect(told).toMatch(tells);
}

async function update(...args: string[]): Promise<string> {
  const run = await dataform("run", "--tags", "blog", ...args);
  expect(run.stderr).toMatch(/Done: \d+ ok, (?:1 warned, )?0 failed, 0 held, 0 skipped/);
  return run.stderr;
}

async function rows(sql: string): Promise<string[]> {
  const { rows } = await client.table(script(sql));
  return rows.map((row) => row.map((value) => value ?? "∅").join(" "));
}

/** Days of January: `day +views +clicks covered`, `=` for a baseline, `reset` where a counter restarted. */
function history(blog: number): Promise<string[]> {
  return rows(
    `select concat_ws(' ', to_char(day, 'DD'),
       case when is_baseline then '=' || views || ' =' || clicks else '+' || views_delta || ' +' || clicks_delta end,
       days_covered, case when is_reset then 'reset' end)
     from blog_history.blog_deltas where blog_id = ${blog} order by day`,
  );
}

const everything = "select md5(string_agg(t::text, '|' order by t::text)) from blog_history.blog_deltas as t";

test("the example of the seed is 1 view and 1 click on the second day", async () => {
  expect(await rows("select day, views, clicks from blog.daily where blog_id = 1 order by day limit 1")).toEqual([
    "2018-01-02 1 1",
  ]);
});

test("the first snapshot is a baseline, and what it lacks but the next has was born in between", async () => {
  expect((await history(1))[0]).toBe("01 =100 =200");
  expect(await history(4)).toEqual(["03 +8 +2 1", "06 +10 +1 3"]);
  expect(await rows("select count(*) from blog.daily where day = '2018-01-01'")).toEqual(["0"]);
});

test("a lower value is a reset, its delta is its value, and the total to date goes on", async () => {
  expect(await history(2)).toEqual(["01 =50 =5", "02 +10 +1 1", "03 +4 +1 1 reset", "06 +5 +8 3"]);
  expect(await rows("select views, clicks, views_before_feed from blog.totals_to_date where blog_id = 2")).toEqual([
    "69 15 50",
  ]);
});

test("missing days are in the next delta, which says how many days it covers", async () => {
  expect((await history(1)).at(-1)).toBe("06 +30 +28 3");
  expect(
    await rows("select to_char(day, 'DD'), views, days_covered, blogs from blog.daily_total order by day"),
  ).toEqual(["02 11 1 3", "03 26 1 4", "06 50 3 4"]);
});

test("a blog that is gone keeps its history and is marked", async () => {
  expect(await history(9)).toEqual(["01 =30 =3"]);
  expect(await rows("select blog_id, is_deleted, last_day, views from blog.totals_to_date where is_deleted")).toEqual([
    "9 t 2018-01-01 30",
  ]);
});

test("the snapshot of a day loaded again replaces the first one as a whole, and the day after follows", async () => {
  await snapshot("2018-01-02", "1,104,202\n3,71,7\n8,1,1\n");
  await snapshot("2018-01-02", "1,104,202\n3,71,7\n7,1,1\n");
  expect(await history(1)).toEqual(["01 =100 =200", "02 +4 +2 1", "03 +6 +0 1", "06 +30 +28 3"]);
  expect(await history(2)).toEqual(["01 =50 =5", "03 +4 +1 2 reset", "06 +5 +8 3"]);
  expect([await history(8), await history(7)]).toEqual([[], ["02 +1 +1 1"]]);
});

test("a late snapshot takes its place, and only blogs in it and their later days change", async () => {
  await snapshot("2018-01-05", "1,130,220\n4,10,2\n5,6,0\n");
  expect((await history(1)).slice(2)).toEqual(["03 +6 +0 1", "05 +20 +18 2", "06 +10 +10 1"]);
  expect((await history(3)).slice(2)).toEqual(["03 +4 +0 1", "06 +5 +1 3"]);
  expect(await history(5)).toEqual(["05 +6 +0 2"]);
});

test("a snapshot before the first one makes deltas of what were baselines", async () => {
  await snapshot("2017-12-30", "1,90,190\n3,70,7\n");
  expect((await history(1)).slice(0, 2)).toEqual(["30 =90 =190", "01 +10 +10 2"]);
  expect((await history(2))[0]).toBe("01 +50 +5 2");
});

test("the SOAP service fills the same table, and its answer is the snapshot of the day it names", async () => {
  await succeeds(dataform("ingest", "blog_soap"));
  await update();
  expect((await history(1)).at(-1)).toBe("08 +30 +10 2");
  expect(await rows("select source, rows from raw._load order by load_id desc limit 1")).toEqual(["blog_soap 3"]);
  expect(await rows("select blog_id from blog.totals_to_date where not is_deleted order by 1")).toEqual([
    "1",
    "3",
    "4",
  ]);
});

test("an empty snapshot is refused, and nothing is taken for deleted", async () => {
  writeFileSync(join(inbox, "blogs-2018-01-09.csv"), "Blogid, views, cliks\n");
  const before = Date.now() / 1000 - 60;
  utimesSync(join(inbox, "blogs-2018-01-09.csv"), before, before);
  const ingested = await dataform("ingest", "blog");
  rmSync(join(inbox, "blogs-2018-01-09.csv"));
  expect(ingested.exitCode).toBe(1);
  expect(ingested.stderr).toContain("is empty");
  await update();
  expect(await rows("select blog_id from blog.totals_to_date where not is_deleted order by 1")).toEqual([
    "1",
    "3",
    "4",
  ]);
});

test("a bad record is rejected, its blog's day is missing, and its snapshot deletes nothing", async () => {
  await snapshot("2018-01-10", "1,200,260\n3,many,9\n4,30,3\n6,5,1\n");
  expect((await history(3)).at(-1)).toBe("08 +10 +1 2");
  expect(await rows("select is_deleted from blog.totals_to_date where blog_id = 3")).toEqual(["f"]);
  await snapshot("2018-01-11", "1,210,270\n3,95,10\n4,31,3\n6,9,1\n");
  expect((await history(3)).at(-1)).toBe("11 +5 +1 3");
  expect(await history(6)).toEqual(["10 +5 +1 2", "11 +4 +0 1"]);
});

test("a load that is struck out of the ledger is as if it had never been", async () => {
  await snapshot("2018-01-12", "1,999,999\n3,95,10\n4,31,3\n66,9,1\n");
  await client.query(sql`update raw._load set status = 'failed' where as_of = '2018-01-12'`);
  await update();
  expect((await history(1)).at(-1)).toBe("11 +10 +10 1");
  expect(await history(66)).toEqual([]);
});

test("counters that restart, two rows of one blog and a snapshot of 2999 are told by the run, and listed", async () => {
  await snapshot(
    "2018-01-13",
    "1,240,290\n3,96,10\n4,30,3\n4,32,3\n6,9,1\n",
    /warn .*blog_findings_of_the_last_run \(1 row/,
  );
  await snapshot("2018-01-14", "1,250,300\n3,97,10\n4,33,3\n6,2,1\n", /warn .*blog_findings_of_the_last_run \(1 row/);
  await snapshot("2999-01-15", "1,260,310\n3,98,10\n4,33,3\n6,9,1\n", /warn .*blog_findings_of_the_last_run \(1 row/);
  const findings = "select day, blog_id, finding, views from blog.findings where day > '2018-01-12' order by 1";
  expect(await rows(findings)).toEqual([
    "2018-01-13 4 two rows 32",
    "2018-01-14 6 reset 2",
    "2999-01-15 ∅ day to come ∅",
  ]);
  await client.query(sql`update raw._load set status = 'failed' where as_of = '2999-01-15'`);
  await update();
  expect(await rows(findings)).toHaveLength(2);
});

test("a full refresh gives the rows that all these runs gave, and a run without news changes none", async () => {
  const before = await rows(everything);
  await update();
  expect(await rows(everything)).toEqual(before);
  await update("--full-refresh");
  expect(await rows(everything)).toEqual(before);
});

test("every mart and its columns are described, and one blog or one day is found by an index", async () => {
  expect(
    await rows(
      `select c.relname, a.attname from pg_class c left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
       where c.relnamespace = 'blog'::regnamespace
         and (col_description(c.oid, coalesce(a.attnum, 0)) is null or obj_description(c.oid) is null)`,
    ),
  ).toEqual([]);
  await client.query(sql`set enable_seqscan = off`);
  for (const condition of ["blog_id = 1", "day = '2018-01-03'"]) {
    const plan = (await rows(`explain select * from blog.daily where ${condition}`)).join("\n");
    expect(plan).toMatch(/Index.*Scan/);
  }
  await client.query(sql`reset enable_seqscan`);
});
