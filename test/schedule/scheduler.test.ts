import { readFileSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, inject, onTestFinished, test } from "vitest";
import type { OperationsData } from "../../src/model/operations.ts";
import type { RecordedDue } from "../../src/model/schedule.ts";
import { until } from "../../src/wait/until.ts";
import { cli, succeeds } from "../support/cli.ts";
import { start } from "../support/program.ts";
import { startListener } from "../support/servers/listener.ts";
import { sharedWarehouse } from "../support/warehouse.ts";

// Schedulers as processes, over one database. A line is made due by what is recorded of it: its moment is put back.

/** More ends of steps, and words about them, by the statements that the other tests send to each server. */
const testOfFirst = test.runIf(inject("everyCase"));

/** No load waits to see whether it still grows. */
const LONG_AGO = new Date("2026-01-01");

let shop: Awaited<ReturnType<typeof sharedWarehouse>>;

const YAML = `schedules:
  chain:
    cron: "@yearly"
    catchUp: all
    catchUpWithin: 366d
    steps:
      - ingest: { sources: [shop] }
      - freshness: { sources: [shop] }
      - run: { actions: [revenue], wait: true }
      - export: { source: marts.revenue, path: revenue.csv, to: csv }
  broken:
    cron: "@yearly"
    retries: 1
    retryDelay: 0s
    catchUpWithin: 366d
    steps:
      - export: { source: "select 1 / 0 as x", path: broken.csv, to: csv }
      - run: {}
  slow:
    cron: "@yearly"
    retries: 1
    retryDelay: 0s
    catchUpWithin: 366d
    steps:
      - export: { source: "select pg_sleep(2), pg_advisory_xact_lock_shared(20), 1 as id", path: slow.csv, to: csv }
      - export: { source: marts.revenue, path: behind.csv, to: csv }
  late:
    cron: "@yearly"
    timeout: 1s
    catchUpWithin: 366d
    steps:
      - export: { source: "select pg_sleep(60)", path: late.csv, to: csv }
  telling:
    cron: "@yearly"
    catchUpWithin: 366d
    steps: [{ notify: {} }]
  loaded:
    on: { load: shop.orders }
    steps: [{ freshness: {} }]
  arrived:
    on: { file: shop.orders, every: 1s }
    steps: [{ freshness: {} }]
`;

beforeAll(async () => {
  shop = await sharedWarehouse({
    "definitions/revenue.sqlx": 'config { type: "table" }\nselect sum(amount) as revenue from ${ref("orders")}',
    "ingest/shop.yaml": `version: 1
source: shop
files: { at: data }
streams:
  - { name: orders, files: "*.csv", format: csv, table: orders, recordSchema: schemas/orders.json }`,
    "ingest/schemas/orders.json": '{ "type": "object", "properties": { "amount": { "type": "integer" } } }',
    "data/orders-1.csv": "amount\n5\n",
    "schedules.yaml": YAML,
  });
  utimesSync(join(shop.project.dir, "data/orders-1.csv"), LONG_AGO, LONG_AGO);
  await dataform("ingest");
  await dataform("run");
});

afterAll(() => shop.end());

beforeEach(async () => {
  await shop.sql(
    "delete from _dataform.schedule_step; delete from _dataform.schedule_due; delete from _dataform.schedule",
  );
});

const dataform = (...words: string[]) => cli(shop.project.dir, words, { DATABASE_URL: shop.database.url });

function scheduler(...flags: string[]) {
  return start(["--project-dir", shop.project.dir, "schedule", ...flags], shop.database.url);
}

async function history(): Promise<readonly RecordedDue[]> {
  return JSON.parse((await dataform("schedule", "history", "--json")).stdout);
}

/** Waits for something in the database. */
async function waitFor(question: string): Promise<void> {
  const found = await until({
    look: async () => ((await shop.rows(question))[0] === "t" ? true : undefined),
    every: 50,
    deadline: 60_000,
    describe: () => question,
  });
  expect([question, found]).toEqual([question, true]);
}

const registered = () => waitFor("select count(*) = 7 from _dataform.schedule where removed_at is null");
/** So that its last due was a moment ago; another one than those before, which are told apart by the second. */
const makeDue = (name: string) =>
  shop.sql(
    `update _dataform.schedule as s set next_due = made.at, start_at = made.at, decided_until = clock_timestamp() - interval '1 minute'
    from (
      select greatest(date_trunc('second', clock_timestamp()), max(due) + interval '1 second') as at
      from _dataform.schedule_due where schedule = '${name}'
    ) as made
    where s.name = '${name}';
    select pg_notify('dataform_schedule', '')`,
  );
const ended = (name: string) =>
  waitFor(`select bool_or(finished_at is not null) from _dataform.schedule_due where schedule = '${name}'`);
const told = ({ status, steps }: RecordedDue) => [
  status,
  ...steps.map(({ step, attempt, command, status }) => `${step}.${attempt} ${command} ${status}`),
];

test("two schedulers are one: a due runs once, step by step, each a process that records what it made", async () => {
  await shop.sql(`
    insert into _dataform.schedule_due (environment, schedule, version, due, last_due, cause, definition, status)
    select 'main', 'gone', 'v', at, at, 'clock', '{}', 'success' from generate_series(now() - interval '99 days', now() - interval '91 days', '1 day') as at`);
  const both = [scheduler(), scheduler()];
  await registered();
  // A scheduler drops what is old, for a project that releases nothing, too.
  await waitFor("select count(*) = 1 from _dataform.schedule_due where schedule = 'gone'");
  await shop.sql("delete from _dataform.schedule_due");
  await makeDue("chain");
  await ended("chain");
  for (const { child } of both) child.kill("SIGTERM");
  const ends = await Promise.all(both.map(async ({ end, said }) => ((await end) === 0 ? "drained" : said())));
  expect(ends).toEqual(["drained", "drained"]);
  const [due, ...others] = await history();
  expect(others).toEqual([]);
  expect(told(due!)).toEqual([
    "success",
    "1.1 ingest success",
    "2.1 freshness success",
    "3.1 run success",
    "4.1 export success",
  ]);
  const [ran] = await shop.rows("select run_id from _dataform.run order by started_at desc limit 1");
  expect(due!.steps[2]!.runIds).toEqual([ran]);
  expect((await dataform("schedule", "ls")).stdout).toMatch(/^chain .* success/m);
});

test("a step that fails is tried again, then keeps those behind it from beginning, and its error is told", async () => {
  const { child, end } = scheduler();
  await registered();
  await makeDue("broken");
  await ended("broken");
  child.kill("SIGTERM");
  expect(await end).toBe(0);
  const [due] = await history();
  expect(told(due!)).toEqual(["failure", "1.1 export failure", "1.2 export failure"]);
  expect(due!.reason).toBe("step 1, export, attempt 2: division by zero");
  expect((await dataform("schedule", "history")).stdout).toMatch(/broken .* failure: step 1, export, attempt 2/);
  const { lines, steps, said } = await shownBySite();
  expect(lines.map(({ name, state, last }) => [name, state, last?.status]).slice(0, 3)).toEqual([
    ["chain", "on", undefined],
    ["broken", "on", "failure"],
    ["slow", "on", undefined],
  ]);
  expect(steps).toMatchObject([
    { step: 1, attempt: 1, command: "export", status: "failure", exitCode: 1, error: "division by zero" },
    { step: 1, attempt: 2, status: "failure" },
  ]);
  shop.project.write({ "schedules.yaml": "schedules: { daily: { cron: '@fortnightly', steps: [{ run: {} }] } }" });
  const without = await shownBySite();
  shop.project.write({ "schedules.yaml": YAML });
  expect([said, without.lines]).toEqual(["", []]);
  expect(without.said).toMatch(/left out schedules.yaml: .*@fortnightly/s);
});

/** What the pages tell of the schedule, and what was said when they were made. */
async function shownBySite() {
  const { stdout, stderr } = await succeeds(dataform("site", "build", "--out", "pages"));
  const taken: [string, OperationsData][] = [];
  new Function("self", readFileSync(join(dirname(stdout), "data/operations.js"), "utf8"))({ dataformParts: taken });
  const { schedules, dues } = taken[0]![1];
  const said = stderr
    .split("\n")
    .filter((line) => line.startsWith("left out"))
    .join("\n");
  return { lines: schedules, steps: dues[0]?.steps, said };
}

test("a step that takes too long is ended in the server, too", async () => {
  const { child } = scheduler();
  await registered();
  await makeDue("late");
  await ended("late");
  child.kill("SIGTERM");
  expect(told((await history())[0]!)).toEqual(["failure", "1.1 export timeout"]);
  expect(
    await shop.rows(
      "select count(*) from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> pg_backend_pid() and datname = current_database()",
    ),
  ).toEqual(["0"]);
});

testOfFirst(
  "a scheduler that is killed leaves its step, which ends; the next one goes on behind it, and begins nothing twice",
  async () => {
    const first = scheduler();
    await registered();
    await makeDue("slow");
    await waitFor("select bool_or(status = 'running') from _dataform.schedule_step");
    first.child.kill("SIGKILL");
    const second = scheduler("--lost-after", "1s");
    await ended("slow");
    second.child.kill("SIGTERM");
    expect(told((await history())[0]!)).toEqual(["success", "1.1 export success", "2.1 export success"]);
  },
);

test("a step whose process is killed is known at once, and one whose scheduler is killed too after its lease", async () => {
  const first = scheduler();
  await registered();
  await makeDue("slow");
  await waitFor("select bool_or(status = 'running') from _dataform.schedule_step");
  const process1 = Number((await shop.rows("select process_id from _dataform.schedule_step"))[0]);
  process.kill(process1, "SIGKILL");
  await waitFor("select bool_or(attempt = 2 and status = 'running') from _dataform.schedule_step");
  first.child.kill("SIGKILL");
  process.kill(
    Number((await shop.rows("select process_id from _dataform.schedule_step where attempt = 2"))[0]),
    "SIGKILL",
  );
  const second = scheduler("--lost-after", "1s");
  await ended("slow");
  second.child.kill("SIGTERM");
  const [due] = await history();
  expect(told(due!)).toEqual(["failure", "1.1 export failure", "1.2 export lost"]);
  expect(due!.steps[0]!.signal).toBe("SIGKILL");
});

test("loads and files set lines going, once each; what was there before does not", async () => {
  const { child } = scheduler();
  await registered();
  await waitFor("select count(*) = 2 from _dataform.schedule where seen is not null");
  writeFileSync(join(shop.project.dir, "data/orders-2.csv"), "amount\n6\n");
  utimesSync(join(shop.project.dir, "data/orders-2.csv"), LONG_AGO, LONG_AGO);
  await waitFor(
    "select count(*) = 1 from _dataform.schedule_due where schedule = 'arrived' and finished_at is not null",
  );
  await dataform("ingest");
  await waitFor(
    "select count(*) = 1 from _dataform.schedule_due where schedule = 'loaded' and finished_at is not null",
  );
  await shop.sql("select pg_notify('dataform_load', '')");
  child.kill("SIGTERM");
  const dues = await history();
  expect(dues.map(({ schedule, cause, status }) => `${schedule} ${cause} ${status}`).sort()).toEqual([
    "arrived file success",
    "loaded load success",
  ]);
  expect(await shop.rows("select caused_by -> 'files' from _dataform.schedule_due where cause = 'file'")).toEqual([
    '["orders-2.csv"]',
  ]);
});

testOfFirst("loads that cannot be looked for are told once, and hold up no other line", async () => {
  const one = scheduler();
  await registered();
  await waitFor("select count(*) = 2 from _dataform.schedule where seen is not null");
  onTestFinished(() => shop.sql("alter table raw._load rename column was to stream"));
  await shop.sql("alter table raw._load rename column stream to was; select pg_notify('dataform_load', '')");
  await makeDue("broken");
  await ended("broken");
  await shop.sql("select pg_notify('dataform_load', '')");
  one.child.kill("SIGTERM");
  await one.end;
  expect(one.said().match(/loaded: what came cannot be looked for/g)).toHaveLength(1);
  expect(one.said()).not.toContain("the database is not there");
});

test("a line at rest records its dues as skipped and goes on with the next; run by hand it is waited for, and is one", async () => {
  expect((await dataform("schedule", "pause", "chain")).stderr).toContain("chain is paused");
  await makeDue("chain");
  expect((await dataform("schedule", "ls")).stdout).toMatch(/^chain .* paused/m);
  expect((await dataform("schedule", "resume", "chain")).stderr).toContain("goes on with its next due");
  expect((await history()).map(({ status, reason }) => [status, reason])).toEqual([["skipped", "paused"]]);
  const byHand = () => start(["--project-dir", shop.project.dir, "schedule", "run", "slow"], shop.database.url);
  await shop.sql("select pg_advisory_lock(20)");
  const one = byHand();
  await waitFor("select bool_or(status = 'running') from _dataform.schedule_step");
  const other = byHand();
  expect(await other.end).toBe(75);
  expect(other.said()).toContain("slow goes on already");
  await shop.sql("select pg_advisory_unlock(20)");
  expect(await one.end).toBe(0);
});

testOfFirst(
  "an edited schedules.yaml is read again: another time is due after the edit, what is wrong changes nothing and is told once, as is another clock",
  async () => {
    const fast = "data:text/javascript,const now = Date.now; Date.now = () => now() + 3_600_000";
    const { child, said, end } = start(["--project-dir", shop.project.dir, "schedule"], shop.database.url, {
      NODE_OPTIONS: `--import "${fast.replaceAll(" ", "%20")}"`,
    });
    await registered();
    const yaml = join(shop.project.dir, "schedules.yaml");
    onTestFinished(() => writeFileSync(yaml, YAML));
    const [before] = await shop.rows("select version from _dataform.schedule where name = 'chain'");
    const edited = YAML.replace('chain:\n    cron: "@yearly"', 'chain:\n    cron: "@monthly"');
    writeFileSync(yaml, edited);
    await waitFor(`select version <> '${before}' from _dataform.schedule where name = 'chain'`);
    expect(await shop.rows("select next_due > clock_timestamp() from _dataform.schedule where name = 'chain'")).toEqual(
      ["t"],
    );
    writeFileSync(yaml, edited.replace("@monthly", "@fortnightly"));
    await until({
      look: async () => (said().includes("stay as they were") ? true : undefined),
      every: 50,
      deadline: 60_000,
      describe: said,
    });
    // A scheduler that was started later with another declaration of a line: the line is left to it.
    await shop.sql("update _dataform.schedule set version = 'another' where name = 'chain'");
    await makeDue("chain");
    await makeDue("broken");
    await ended("broken");
    child.kill("SIGTERM");
    expect(await end).toBe(0);
    expect((await history()).map(({ schedule }) => schedule)).toEqual(["broken"]);
    const told = said().match(/there is no @fortnightly|the clock of the database is 3600 s behind this machine's/g);
    expect(told).toEqual([expect.stringContaining("behind"), expect.stringContaining("@fortnightly")]);
  },
);

/** Who is told, as `notifications.yaml` says from now on; and what of. */
async function listening() {
  const { url, received } = await startListener(onTestFinished);
  shop.project.write({
    "notifications.yaml": JSON.stringify({ channels: { hook: { webhook: { url } } }, rules: [{ to: ["hook"] }] }),
  });
  await shop.sql(
    "delete from _dataform.delivery; delete from _dataform.incident; delete from _dataform.follower where name like 'channel:%'",
  );
  return () =>
    received.map(({ body }) =>
      body.events.map((one: { event: string; subject: string; text: string }) => [one.event, one.subject, one.text]),
    );
}

const brokenIsTold = [[["opened", "schedule broken", "step 1, export, attempt 2: division by zero"]]];

testOfFirst("a step tells what went wrong elsewhere, and once: the next due of its line finds it told", async () => {
  const told = await listening();
  const { child } = scheduler();
  await registered();
  await makeDue("broken");
  await ended("broken");
  for (const count of [1, 2]) {
    await makeDue("telling");
    await waitFor(
      `select count(*) filter (where status = 'success') = ${count} from _dataform.schedule_due where schedule = 'telling'`,
    );
    expect(told()).toEqual(brokenIsTold);
  }
  child.kill("SIGTERM");
});

testOfFirst("schedule --notify tells of what its own lines came to", async () => {
  const told = await listening();
  const { child, end, said } = scheduler("--notify");
  await registered();
  await makeDue("broken");
  await ended("broken");
  await waitFor("select bool_or(status = 'sent') from _dataform.delivery");
  child.kill("SIGTERM");
  expect([await end, told()], said()).toEqual([0, brokenIsTold]);
});

testOfFirst(
  "serve --schedule runs what is due, and on SIGTERM waits for the step that goes on, and begins no other",
  async () => {
    const serve = ["serve", "--schedule", "--port", "0", "--no-samples", "--no-explore", "--lost-after", "5s"];
    const { child, end, said } = start(["--project-dir", shop.project.dir, ...serve], shop.database.url);
    await registered();
    await makeDue("slow");
    await waitFor("select bool_or(status = 'running') from _dataform.schedule_step");
    child.kill("SIGTERM");
    expect(await end, said()).toBe(0);
    const [due] = await history();
    expect(told(due!)).toEqual(["running", "1.1 export success"]);
    // Nobody has it: whoever looks next goes on with it.
    expect(await shop.rows("select claimed_by is null from _dataform.schedule_due")).toEqual(["t"]);
  },
);
