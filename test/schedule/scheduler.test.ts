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

// Schedulers as processes, over one database: one that all tests have, by a clock an hour ahead of the database's, and others beside it or
// while it is stopped. A line is made due by what is recorded of it: its moment is put back.

/** More ends of steps, and words about them, by the statements that the other tests send to each server. */
const testOfFirst = test.runIf(inject("everyCase"));

/** No load waits to see whether it still grows. */
const LONG_AGO = new Date("2026-01-01");

let shop: Awaited<ReturnType<typeof sharedWarehouse>>;
/** The scheduler that all tests have. */
let own: ReturnType<typeof start>;
const ends: (() => unknown)[] = [];

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
      - export: { source: "select pg_advisory_xact_lock_shared(20), 1 as id", path: slow.csv, to: csv }
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
  // So old that a scheduler drops them, for a project that releases nothing, too.
  await shop.sql(`
    insert into _dataform.schedule_due (environment, schedule, version, due, last_due, cause, definition, status)
    select 'main', 'gone', 'v', at, at, 'clock', '{}', 'success' from generate_series(now() - interval '99 days', now() - interval '91 days', '1 day') as at`);
  // By a signal its clock goes a month on, as of a machine that slept, and by another back again.
  const fast = `const Real = Date, now = Date.now; let ahead = 3_600_000;
    Date.now = () => now() + ahead;
    globalThis.Date = class extends Real { constructor(...of) { of.length ? super(...of) : super(Real.now()); } };
    process.on("SIGUSR2", () => { ahead = ahead > 3_600_000 ? 3_600_000 : ${31 * 86_400_000}; });`;
  own = start(
    ["--project-dir", shop.project.dir, "schedule"],
    shop.database.url,
    { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(fast)}` },
    (end) => void ends.push(end),
  );
  await waitFor("select count(*) = 7 and count(seen) = 2 from _dataform.schedule where removed_at is null");
  await waitFor("select count(*) = 1 from _dataform.schedule_due where schedule = 'gone'");
});

afterAll(async () => {
  for (const end of ends) end();
  await shop.end();
});

beforeEach(() => shop.sql("delete from _dataform.schedule_step; delete from _dataform.schedule_due"));

const dataform = (...words: string[]) => cli(shop.project.dir, words, { DATABASE_URL: shop.database.url });

function scheduler(...flags: string[]) {
  return start(["--project-dir", shop.project.dir, "schedule", ...flags], shop.database.url);
}

async function history(...line: string[]): Promise<readonly RecordedDue[]> {
  return JSON.parse((await dataform("schedule", "history", ...line, "--json")).stdout);
}

const ITS_SESSIONS =
  "from pg_stat_activity where application_name = 'dataform-schedule' and datname = current_database()";

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

/** Each looks for loads on a second session, once it has read its lines. */
const bothHaveBegun = () => waitFor(`select count(*) = 4 ${ITS_SESSIONS}`);
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
  const other = scheduler();
  await bothHaveBegun();
  await makeDue("chain");
  await ended("chain");
  other.child.kill("SIGTERM");
  expect(await other.end, other.said()).toBe(0);
  const [due, ...others] = await history("chain");
  expect(others).toEqual([]);
  expect(told(due!)).toEqual([
    "success",
    "1.1 ingest success",
    "2.1 freshness success",
    "3.1 run success",
    "4.1 export success",
  ]);
  const [ran] = await shop.rows("select run_id from _dataform.run order by fence desc limit 1");
  expect(due!.steps[2]!.runIds).toEqual([ran]);
  expect((await dataform("schedule", "ls")).stdout).toMatch(/^chain .* success/m);
});

test("a step that fails is tried again, then keeps those behind it from beginning, and its error is told", async () => {
  await makeDue("broken");
  await ended("broken");
  const [due] = await history("broken");
  expect(told(due!)).toEqual(["failure", "1.1 export failure", "1.2 export failure"]);
  expect(due!.reason).toBe("step 1, export, attempt 2: division by zero");
  expect((await dataform("schedule", "history")).stdout).toMatch(/broken .* failure: step 1, export, attempt 2/);
  const { lines, steps } = await shownBySite();
  expect(lines.map(({ name, state, last }) => [name, state, last?.status]).slice(0, 3)).toEqual([
    ["chain", "on", undefined],
    ["broken", "on", "failure"],
    ["slow", "on", undefined],
  ]);
  expect(steps).toMatchObject([
    { step: 1, attempt: 1, command: "export", status: "failure", exitCode: 1, error: "division by zero" },
    { step: 1, attempt: 2, status: "failure" },
  ]);
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
  await makeDue("late");
  await ended("late");
  expect(told((await history("late"))[0]!)).toEqual(["failure", "1.1 export timeout"]);
  expect(
    await shop.rows(
      "select count(*) from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> pg_backend_pid() and datname = current_database()",
    ),
  ).toEqual(["0"]);
});

/** The step of line slow goes on until then. @returns what lets it end */
async function heldStep(): Promise<() => Promise<void>> {
  await shop.sql("select pg_advisory_lock(20)");
  const letEnd = () => shop.sql("select pg_advisory_unlock_all()");
  onTestFinished(letEnd);
  return letEnd;
}
const stepRuns = (attempt = 1) =>
  waitFor(`select bool_or(attempt = ${attempt} and status = 'running') from _dataform.schedule_step`);
/** The process of the attempt that goes on is no more. */
const killStep = async () =>
  process.kill(
    Number((await shop.rows("select process_id from _dataform.schedule_step where status = 'running'"))[0]),
    "SIGKILL",
  );

/** One that begins line slow while the own one is stopped, which holds nothing; and another one that goes on behind it. */
async function oneBehindTheOther(strike: (first: ReturnType<typeof scheduler>) => Promise<unknown>) {
  onTestFinished(() => void own.child.kill("SIGCONT"));
  await until({
    look: async () => {
      own.child.kill("SIGSTOP");
      if ((await shop.rows(`select count(*) ${ITS_SESSIONS} and state <> 'idle'`))[0] === "0") return true;
      own.child.kill("SIGCONT");
      return undefined;
    },
    every: 50,
    deadline: 60_000,
    describe: () => "for the own scheduler to be at rest",
  });
  const letEnd = await heldStep();
  const first = scheduler();
  await makeDue("slow");
  await stepRuns();
  await strike(first);
  // No sooner: a process that takes long to begin is not lost.
  scheduler("--lost-after", "1s");
  return letEnd;
}

testOfFirst(
  "a scheduler that is killed leaves its step, which ends; the next one goes on behind it, and begins nothing twice",
  async () => {
    const letEnd = await oneBehindTheOther(async ({ child }) => child.kill("SIGKILL"));
    await letEnd();
    await ended("slow");
    expect(told((await history("slow"))[0]!)).toEqual(["success", "1.1 export success", "2.1 export success"]);
  },
);

test("a step whose process is killed is known at once, and one whose scheduler is killed too after its lease", async () => {
  await oneBehindTheOther(async ({ child }) => {
    await killStep();
    await stepRuns(2);
    child.kill("SIGKILL");
    await killStep();
  });
  await ended("slow");
  const [due] = await history("slow");
  expect(told(due!)).toEqual(["failure", "1.1 export failure", "1.2 export lost"]);
  expect(due!.steps[0]!.signal).toBe("SIGKILL");
});

test("loads and files set lines going, once each; what was there before does not", async () => {
  writeFileSync(join(shop.project.dir, "data/orders-2.csv"), "amount\n6\n");
  utimesSync(join(shop.project.dir, "data/orders-2.csv"), LONG_AGO, LONG_AGO);
  await ended("arrived");
  await dataform("ingest");
  await ended("loaded");
  await shop.sql("select pg_notify('dataform_load', '')");
  await makeDue("broken");
  await ended("broken");
  const dues = await history();
  expect(dues.map(({ schedule, cause, status }) => `${schedule} ${cause} ${status}`).sort()).toEqual([
    "arrived file success",
    "broken clock failure",
    "loaded load success",
  ]);
  expect(await shop.rows("select caused_by -> 'files' from _dataform.schedule_due where cause = 'file'")).toEqual([
    '["orders-2.csv"]',
  ]);
});

testOfFirst("loads that cannot be looked for are told once, and hold up no other line", async () => {
  onTestFinished(() => shop.sql("alter table raw._load rename column was to stream"));
  await shop.sql("alter table raw._load rename column stream to was; select pg_notify('dataform_load', '')");
  await makeDue("broken");
  await ended("broken");
  await shop.sql("select pg_notify('dataform_load', '')");
  await makeDue("late");
  await ended("late");
  expect(own.said().match(/loaded: what came cannot be looked for/g)).toHaveLength(1);
  expect(own.said()).not.toContain("the database is not there");
});

test("a line at rest records its dues as skipped and goes on with the next; run by hand it is waited for, and is one", async () => {
  expect((await dataform("schedule", "pause", "chain")).stderr).toContain("chain is paused");
  await makeDue("chain");
  expect((await dataform("schedule", "ls")).stdout).toMatch(/^chain .* paused/m);
  expect((await dataform("schedule", "resume", "chain")).stderr).toContain("goes on with its next due");
  expect((await history("chain")).map(({ status, reason }) => [status, reason])).toEqual([["skipped", "paused"]]);
  const byHand = () => start(["--project-dir", shop.project.dir, "schedule", "run", "slow"], shop.database.url);
  const letEnd = await heldStep();
  const one = byHand();
  await stepRuns();
  const other = byHand();
  expect(await other.end).toBe(75);
  expect(other.said()).toContain("slow goes on already");
  await letEnd();
  expect(await one.end).toBe(0);
});

testOfFirst(
  "an edited schedules.yaml is read again, also by who slept for a month: another time is due after the edit, what is wrong changes nothing and is told once, as is another clock",
  async () => {
    const yaml = join(shop.project.dir, "schedules.yaml");
    const version = (is: string) => waitFor(`select version ${is} from _dataform.schedule where name = 'chain'`);
    const [before] = await shop.rows("select version from _dataform.schedule where name = 'chain'");
    own.child.kill("SIGUSR2");
    onTestFinished(async () => {
      own.child.kill("SIGUSR2");
      writeFileSync(yaml, YAML);
      await version(`= '${before}'`);
    });
    const edited = YAML.replace('chain:\n    cron: "@yearly"', 'chain:\n    cron: "@monthly"');
    writeFileSync(yaml, edited);
    await version(`<> '${before}'`);
    expect(await shop.rows("select next_due > clock_timestamp() from _dataform.schedule where name = 'chain'")).toEqual(
      ["t"],
    );
    writeFileSync(yaml, edited.replace("@monthly", "@fortnightly"));
    await until({
      look: async () => (own.said().includes("stay as they were") ? true : undefined),
      every: 50,
      deadline: 60_000,
      describe: own.said,
    });
    const { lines, said } = await shownBySite();
    expect(lines).toEqual([]);
    expect(said).toMatch(/left out schedules.yaml: .*@fortnightly/s);
    // A scheduler that was started later with another declaration of a line: the line is left to it.
    await shop.sql("update _dataform.schedule set version = 'another' where name = 'chain'");
    await makeDue("chain");
    await makeDue("broken");
    await ended("broken");
    expect((await history()).map(({ schedule }) => schedule)).toEqual(["broken"]);
    const found = own
      .said()
      .match(/there is no @fortnightly|the clock of the database is 3\d{3} s behind this machine's/g);
    expect(found).toEqual([expect.stringContaining("behind"), expect.stringContaining("@fortnightly")]);
    expect(own.said()).not.toMatch(/missed/);
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
  await makeDue("broken");
  await ended("broken");
  for (const count of [1, 2]) {
    await makeDue("telling");
    await waitFor(
      `select count(*) filter (where status = 'success') = ${count} from _dataform.schedule_due where schedule = 'telling'`,
    );
    expect(told()).toEqual(brokenIsTold);
  }
});

testOfFirst("schedule --notify tells of what its own lines came to", async () => {
  const told = await listening();
  const { child, end, said } = scheduler("--notify");
  await bothHaveBegun();
  await makeDue("broken");
  await ended("broken");
  await waitFor("select bool_or(status = 'sent') from _dataform.delivery");
  child.kill("SIGTERM");
  expect([await end, told()], said()).toEqual([0, brokenIsTold]);
});

testOfFirst(
  "serve --schedule runs what is due, and on SIGTERM waits for the step that goes on, and begins no other",
  async () => {
    own.child.kill("SIGTERM");
    expect(await own.end, own.said()).toBe(0);
    const letEnd = await heldStep();
    const serve = ["serve", "--schedule", "--port", "0", "--no-samples", "--no-explore", "--lost-after", "5s"];
    const { child, end, said } = start(["--project-dir", shop.project.dir, ...serve], shop.database.url);
    await makeDue("slow");
    await stepRuns();
    child.kill("SIGTERM");
    await letEnd();
    expect(await end, said()).toBe(0);
    const [due] = await history("slow");
    expect(told(due!)).toEqual(["running", "1.1 export success"]);
    // Nobody has it: whoever looks next goes on with it.
    expect(await shop.rows("select claimed_by is null from _dataform.schedule_due")).toEqual(["t"]);
  },
);
