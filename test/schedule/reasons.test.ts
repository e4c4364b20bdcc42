import { afterAll, beforeAll, expect, test } from "vitest";
import type { RecordedDue } from "../../src/model/schedule.ts";
import { runStep } from "../../src/schedule/child.ts";
import { cli } from "../support/cli.ts";
import { start } from "../support/program.ts";
import { sharedWarehouse } from "../support/warehouse.ts";

// Whoever is told that a line failed reads what of it did, and why.

const stream = {
  files: "*.csv",
  format: "csv",
  recordSchema: { type: "object", properties: { id: { type: "integer" } } },
};
const source = (name: string, more: object = {}) =>
  JSON.stringify({
    version: 1,
    source: name,
    files: { at: name },
    streams: [{ name: "orders", table: `${name}_orders`, ...stream, ...more }],
  });
const failing = (name: string) => ({
  [`definitions/shop/${name}.sqlx`]: `config { type: "table" }\nselect 1 / 0 as ${name}`,
});

let shop: Awaited<ReturnType<typeof sharedWarehouse>>;

beforeAll(async () => {
  shop = await sharedWarehouse({
    "dataform.json": JSON.stringify({ project: "shop", warehouse: "postgres", defaultSchema: "shop" }),
    "definitions/shop/paid.sqlx": `config { type: "table", assertions: { nonNull: ["id"] } }\nselect null::int as id`,
    ...failing("spend"),
    ...failing("totals"),
    ...failing("visits"),
    "ingest/cut.yaml": source("cut"),
    "cut/1.csv": 'id\n"1',
    "ingest/late.yaml": source("late", { freshness: { error: "1h" } }),
    "late/1.csv": "id\n1\n",
    "notifications.yaml": "channels: {}\nrules: []\n",
    "schedules.yaml": `schedules:
  landing: { cron: "@yearly", steps: [{ ingest: { sources: [cut] } }, { run: {} }] }
  fresh: { cron: "@yearly", steps: [{ freshness: { sources: [late] } }] }
  building: { cron: "@yearly", steps: [{ run: { wait: true } }] }
`,
  });
});
afterAll(() => shop?.end());

const dataform = (...words: string[]) => cli(shop.project.dir, words, { DATABASE_URL: shop.database.url });
const byHand = (name: string) => start(["--project-dir", shop.project.dir, "schedule", "run", name], shop.database.url);

test("a line that failed says which test, model or stream it was, and why; so does who tells of it", async () => {
  const all = ["landing", "fresh", "building"].map(byHand);
  expect(await Promise.all(all.map(({ end }) => end)), all.map(({ said }) => said()).join("\n")).toEqual([1, 1, 1]);
  const dues: readonly RecordedDue[] = JSON.parse((await dataform("schedule", "history", "--json")).stdout);
  const why = Object.fromEntries(dues.map(({ schedule, reason }) => [schedule, reason]));
  expect(why.landing).toMatch(/^step 1, ingest: cut\.orders: .*1\.csv/);
  expect(why.fresh).toBe("step 1, freshness: late.orders: nothing was ever loaded, at most 1h wanted");
  // Models are built beside each other.
  const model = "shop\\.(?:spend|totals|visits): division by zero";
  expect(why.building).toMatch(new RegExp(`^step 1, run: ${model}; ${model}; ${model}; and 1 more$`));
  const { stdout } = await dataform("schedule", "history", "building");
  expect(stdout).toMatch(new RegExp(`1 run .*failure: ${model}`));
  const { opened } = JSON.parse((await dataform("notify", "--dry-run", "--json")).stdout);
  expect(opened).toContainEqual(expect.objectContaining({ subject: "schedule building", text: why.building }));
});

test("a test that fails is named with its rows, and none of them is recorded with the step", async () => {
  for (const name of ["spend", "totals", "visits"]) shop.project.remove(`definitions/shop/${name}.sqlx`);
  const { end, said } = byHand("building");
  expect(await end, said()).toBe(1);
  const [reason] = await shop.rows("select reason from _dataform.schedule_due order by due desc limit 1");
  expect(reason).toBe("step 1, run: assertion shop.shop_paid_assertions_rowConditions: 1 row that should not exist");
  expect(
    await shop.rows("select errors::text like '%found%' from _dataform.schedule_step order by made_at desc limit 1"),
  ).toEqual(["f"]);
});

test("a process that cannot be started, or ends before it has the record, says so", async () => {
  const program = { command: "/nowhere/node", arguments: [], env: {}, folder: shop.project.dir, lease: 1_000 };
  const key = { dueId: "1", step: 1, attempt: 1 };
  const never = await runStep(program, key, { command: "run", arguments: [] }, 60_000);
  expect(never.errors?.[0]?.message).toMatch(/could not be started: .*ENOENT/);
  const away = { DATABASE_URL: "postgresql://nobody@127.0.0.1:1/none" };
  const own = {
    command: process.execPath,
    arguments: [...process.execArgv, "bin/dataform.js"],
    env: { ...process.env, ...away },
  };
  const end = await runStep(
    { ...program, ...own, folder: process.cwd() },
    key,
    { command: "run", arguments: [] },
    60_000,
  );
  expect(end).toMatchObject({
    status: "failure",
    exitCode: 2,
    errors: [{ message: expect.stringContaining("127.0.0.1:1") }],
  });
});
