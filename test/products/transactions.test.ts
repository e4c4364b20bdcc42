import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Transaction, transactions, transactionsCsv } from "../../ingest/demos/transactions-data.ts";
import { type Client, connect } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { type CliResult, cli, succeeds } from "../support/cli.ts";
import { expectDashboard } from "../support/dashboards.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

// Tests go on from one another, in their order: files arrive, and the marts follow.
const project = resolve(import.meta.dirname, "../..");
const header = "user_id,transaction_type,merchant_type_code,amount_cents,datetime\n";
const march = transactions({ rows: 6000, from: "2023-03-01", until: "2023-04-01" }).filter(
  ({ merchantTypeCode }) => merchantTypeCode !== 5722,
);
/** Kind of merchant 5722 has these rows only. */
const planted = `5,PurchaseActivity,5722,300000,2023-03-16T00:00:00.0000
5,PurchaseActivity,5722,504775,2023-03-16T23:30:00.036731
6,PurchaseActivity,5722,1,2023-03-16T11:16:29.0367
5,ReturnActivity,5722,90000,2023-03-16T12:00:00.12345
6,ReturnActivity,5722,84478,2023-03-16T13:00:00
6,ReturnActivity,5722,1050,2023-03-18T13:00:00.000001
7,PurchaseActivity,5722,50,2023-03-19T13:00:00
7,PurchaseActivity,5722,250,2023-03-20T13:00:00
`;
/** Of a bank that sends more: what is not a purchase or a return, a currency, amounts and codes in other spellings. */
const more = `user_id,transaction_type,merchant_type_code,amount_cents,datetime,currency
10,PurchaseActivity,0742,1e3,2023-03-16T10:00:00,EUR
10,ChargebackActivity,0742,300.0,2023-03-16T11:00:00,EUR
10,ChargebackReversalActivity,742,100,2023-03-16T12:00:00,EUR
10,FeeActivity,0742,50,2023-03-16T13:00:00,EUR
10,FeeReversalActivity,0742,20,2023-03-16T14:00:00,EUR
10,PurchaseActivity,0742,700,2023-03-16T15:00:00,
`;
const bad = `8,Refund,5722,100,2023-03-21T13:00:00
8,PurchaseActivity,5722,100,2023-03-21T13:00:00Z
8,PurchaseActivity,5722,100,2023-03-21T13:00:00.1234567
8,PurchaseActivity,5722,-100,2023-03-21T13:00:00
8,PurchaseActivity,5722,1.5,2023-03-21T13:00:00
8,PurchaseActivity,5722,1e16,2023-03-21T13:00:00
8,PurchaseActivity,57A2,100,2023-03-21T13:00:00
8,PurchaseActivity,5722,100,2023-02-30T13:00:00
`;

let folder: string;
let database: TestDatabase;
let client: Client;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "transactions-"));
  database = await testDatabase();
  client = await connect(database.settings);
  // whatever zone a session has, a day is a UTC day
  await client.script(script(`alter database ${database.settings.database} set timezone = 'America/New_York'`));
  put("combined_transactions.csv", transactionsCsv(march));
  put("more_transactions.csv", `${header}${planted}${bad}`);
  put("other_transactions.csv", more);
  await succeeds(dataform("ingest", "transactions"));
  expect((await run()).stderr).not.toContain("warned");
}, 120_000);

afterAll(async () => {
  await client?.close();
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
});

function put(name: string, text: string): void {
  writeFileSync(join(folder, name), text);
  utimesSync(join(folder, name), 0, 0);
}

function dataform(...args: string[]): Promise<CliResult> {
  return cli(project, args, { DATABASE_URL: database.url, TRANSACTIONS_FILES: folder });
}

async function run(...args: string[]): Promise<CliResult> {
  const result = await dataform("run", "--tags", "transactions", ...args);
  expect(result.stderr).toMatch(/Done: \d+ ok(, \d+ warned)?, 0 failed, 0 held, 0 skipped/);
  return result;
}

async function rows(sql: string): Promise<string[]> {
  const { rows } = await client.table(script(sql));
  return rows.map((row) => row.map((value) => value ?? "∅").join("|"));
}

/** Dollars per code and day as JavaScript adds them up, in whole cents. */
function netOf(all: readonly Transaction[]): string[] {
  const net = new Map<string, number>();
  for (const { type, merchantTypeCode, cents, datetime } of all) {
    const key = `${merchantTypeCode}|${datetime.slice(0, 10)}`;
    const sign = { PurchaseActivity: 1, ReturnActivity: -1, ChargebackActivity: -1, FeeActivity: 0 }[type];
    net.set(key, (net.get(key) ?? 0) + sign * cents);
  }
  return [...net].map(([key, cents]) => `${key}|${(cents / 100).toFixed(2)}`).sort();
}

const netMart = "select merchant_type_code, date, net_amount from transactions.merchant_daily_net";
const whole = `select md5(string_agg(t::text, '|' order by t::text)) from (
  select merchant_type_code, date, purchases, returns, net_amount, purchase_count, return_count
  from transactions.merchant_daily_net union all
  select user_id, date, signed_amount, 0, 0, load_id, row_no from transactions.by_user) t`;

test("the raw table is split by type, and has no row in its default partition", async () => {
  const counted = (wanted: string) => march.filter(({ type }) => type === wanted).length;
  expect(await rows("select tableoid::regclass, count(*) from raw.transactions group by 1 order by 1")).toEqual([
    `raw.transactions_purchaseactivity|${counted("PurchaseActivity") + 7}`,
    `raw.transactions_returnactivity|${counted("ReturnActivity") + 3}`,
    `raw.transactions_feeactivity|${counted("FeeActivity") + 1}`,
    "raw.transactions_feereversalactivity|1",
    `raw.transactions_chargebackactivity|${counted("ChargebackActivity") + 1}`,
    "raw.transactions_chargebackreversalactivity|1",
  ]);
});

test("a row with another type, a zone, a seventh digit, a minus sign, part of a cent, more than there is or a code of letters is rejected with its line", async () => {
  expect(await rows("select line, split_part(reason, ':', 1) from raw._rejected order by line")).toEqual([
    "10|transaction_type",
    "11|datetime",
    "12|datetime",
    "13|amount_cents",
    "14|amount_cents",
    "15|amount_cents",
    "16|merchant_type_code",
    expect.stringMatching(/^17\|/),
  ]);
});

test("returns do not multiply purchases: 8047.76 - 1744.78 = 6302.98 for three purchases and two returns", async () => {
  expect(
    await rows(
      "select purchases, returns, net_amount, purchase_count, return_count from transactions.merchant_daily_net where merchant_type_code = 5722 and date = '2023-03-16'",
    ),
  ).toEqual(["8047.76|1744.78|6302.98|3|2"]);
});

test("a day with returns only is below zero, and cents are neither rounded to even nor cut off", async () => {
  expect(await rows(`${netMart} where merchant_type_code = 5722 and date > '2023-03-16' order by date`)).toEqual([
    "5722|2023-03-18|-10.50",
    "5722|2023-03-19|0.50",
    "5722|2023-03-20|2.50",
  ]);
});

test("fees and chargebacks count by their type, with its sign, each currency by itself", async () => {
  expect(
    await rows(
      `select merchant_code, currency, purchases, returns, chargebacks, net_amount, fees, chargeback_count, fee_count
       from transactions.merchant_daily_net where merchant_type_code = 742 order by currency`,
    ),
  ).toEqual(["0742|EUR|10.00|0.00|2.00|8.00|0.30|2|2", "0742|USD|7.00|0.00|0.00|7.00|0.00|0|0"]);
});

test("a user's amounts are signed, and in dollars where they are dollars; codes keep their zeros, 1e3 and 300.0 are whole cents", async () => {
  expect(
    await rows(
      `select merchant_code, merchant_type_code, amount_cents, signed_amount, currency, amount_in_dollars
       from transactions.by_user where user_id = 10 order by datetime`,
    ),
  ).toEqual([
    "0742|742|1000|10.00|EUR|∅",
    "0742|742|300|-3.00|EUR|∅",
    "742|742|100|1.00|EUR|∅",
    "0742|742|50|0.50|EUR|∅",
    "0742|742|20|-0.20|EUR|∅",
    "0742|742|700|7.00|USD|7.00",
  ]);
});

test("the net amount of every code and day is what another program adds up", async () => {
  expect((await rows(`${netMart} where merchant_type_code not in (742, 5722)`)).sort()).toEqual(netOf(march));
});

test("a time keeps its digits and is UTC, in a database of another zone too", async () => {
  expect(
    await rows(
      "select datetime at time zone 'UTC', date from transactions.by_user where user_id = 5 order by datetime desc",
    ),
  ).toEqual([
    "2023-03-16 23:30:00.036731|2023-03-16",
    "2023-03-16 12:00:00.12345|2023-03-16",
    "2023-03-16 00:00:00|2023-03-16",
  ]);
});

test("the marts are described to the column and hold no floating point number", async () => {
  expect(
    await rows(
      `select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
       where c.relnamespace = 'transactions'::regnamespace
         and (col_description(c.oid, a.attnum) is null or obj_description(c.oid) is null or a.atttypid in ('float4'::regtype, 'float8'::regtype))`,
    ),
  ).toEqual([]);
  expect(
    await rows("select relname from pg_class where relnamespace = 'transactions'::regnamespace order by 1"),
  ).toEqual(["by_user", "merchant_daily_net"]);
});

test.each([
  ["a user, newest first", "by_user where user_id = 31005 order by datetime desc", "user_id = 31005"],
  ["a kind of merchant", "merchant_daily_net where merchant_type_code = 5200", "merchant_type_code = 5200"],
])("the rows of %s are found by an index", async (_, from, condition) => {
  const plan = (await rows(`explain select * from transactions.${from}`)).join("\n");
  expect(plan).toMatch(new RegExp(`Index Cond: \\(+${condition}`));
  expect(plan).not.toContain("Seq Scan");
});

test("a file delivered again lands nothing, and a second run changes nothing", async () => {
  const before = await rows(whole);
  put("combined_transactions.csv", transactionsCsv(march));
  await succeeds(dataform("ingest", "transactions"));
  await run();
  expect(await rows("select sum(rows) from raw._load")).toEqual([String(march.length + 14)]);
  expect(await rows(whole)).toEqual(before);
});

test("a file that is there twice, under another name, counts once and is told", async () => {
  const before = await rows(whole);
  put("copy_of_transactions.csv", transactionsCsv(march));
  await succeeds(dataform("ingest", "transactions"));
  expect((await run()).stderr).toMatch(/warn .*transactions_files_landed_once/);
  expect(await rows("select count(*) from raw.transactions")).toEqual([String(2 * march.length + 14)]);
  expect(await rows(whole)).toEqual(before);
});

test("a new file changes the days it has rows of, and no other", async () => {
  const april = transactions({ rows: 50, from: "2023-04-01", until: "2023-04-03" });
  const late = `31005,PurchaseActivity,5722,1000,2023-03-18T15:00:00\n`;
  // dollars, on a day that has euros too
  const other = "10,PurchaseActivity,0742,100,2023-03-16T16:00:00\n";
  put("april_transactions.csv", `${transactionsCsv(april)}${late}${other}`);
  await rows("create table public.before as select * from transactions.merchant_daily_net");
  await succeeds(dataform("ingest", "transactions"));
  await run();
  expect(
    (
      await rows(
        "select merchant_type_code, date, net_amount from (select * from transactions.merchant_daily_net except select * from public.before) t",
      )
    ).sort(),
  ).toEqual([...netOf(april), "5722|2023-03-18|-0.50", "742|2023-03-16|8.00"].sort());
});

test("a transaction that breaks a rule of by_user keeps by_user out of the release", async () => {
  const before = await rows(whole);
  await client.script(
    sql`insert into raw._load (source, stream, table_name, status, started_at, finished_at, rows)
     values ('transactions', 'transactions', 'transactions', 'loaded', now(), now(), 3);
     insert into raw.transactions (user_id, transaction_type, merchant_type_code, amount_cents, datetime, _load_id, _row_no)
     select user_id, 'PurchaseActivity', '5722', cents, '2023-05-01', (select max(load_id) from raw._load), user_id
     from (values (1, 100), (2, -1), (3, null)) as rows (user_id, cents)`,
  );
  const held = await dataform("run", "--tags", "transactions");
  expect(held.exitCode).toBe(1);
  expect(held.stderr).toMatch(/FAIL .*transactions_by_user_is_complete \(2 rows fail/);
  expect(await rows(whole)).toEqual(before);
  await client.script(
    sql`update raw._load set status = 'withdrawn' where load_id = (select max(load_id) from raw._load)`,
  );
  await run();
  expect(await rows(whole)).toEqual(before);
});

test("two rows that are alike both count, and are told", async () => {
  put("twice_transactions.csv", `${header}${"9,PurchaseActivity,5722,100,2023-03-25T13:00:00\n".repeat(2)}`);
  await succeeds(dataform("ingest", "transactions"));
  expect((await run()).stderr).toMatch(/warn .*transactions_are_distinct/);
  expect(await rows(`${netMart} where date = '2023-03-25' and merchant_type_code = 5722`)).toEqual([
    "5722|2023-03-25|2.00",
  ]);
});

test("a full refresh gives what the runs before gave", async () => {
  const before = await rows(whole);
  await run("--full-refresh");
  expect(await rows(whole)).toEqual(before);
});

test("a file that changed under its name is refused and lands nothing", async () => {
  const before = await rows("select count(*) from raw.transactions");
  put("more_transactions.csv", `${header}${planted}`);
  const refused = await dataform("ingest", "transactions");
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toContain("more_transactions.csv");
  expect(await rows("select count(*) from raw.transactions")).toEqual(before);
});

test("a file is replaced by taking its load back and delivering the right one under a new name", async () => {
  rmSync(join(folder, "more_transactions.csv"));
  put("right_transactions.csv", `${header}5,PurchaseActivity,5722,123,2023-03-16T00:00:00\n`);
  await client.script(
    sql`update raw._load set status = 'withdrawn' where load_id in (select load_id from raw._file where path like '%more_transactions.csv')`,
  );
  await succeeds(dataform("ingest", "transactions"));
  await run("--full-refresh");
  expect(await rows(`${netMart} where merchant_type_code = 5722 and date <= '2023-03-20' order by date`)).toEqual([
    "5722|2023-03-16|1.23",
    "5722|2023-03-18|10.00",
  ]);
});

test("its dashboard shows what the server says, panel by panel", () =>
  expectDashboard("transactions", resolve(import.meta.dirname, "../.."), database.settings));
