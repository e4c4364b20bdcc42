import { afterAll, beforeAll, expect, test } from "vitest";
import { record } from "../../src/catalogue/rows.ts";
import { prepareMetadata } from "../../src/environment/layout.ts";
import { pruneDues } from "../../src/environment/prune-dues.ts";
import { schedules } from "../../src/library/monitoring/schedules.ts";
import type { ScheduleLine } from "../../src/model/schedule.ts";
import { connect } from "../../src/postgres/client.ts";
import { advance } from "../../src/schedule/advance.ts";
import { claimArrival, claimByHand, decideDues, pauseLine } from "../../src/schedule/claim.ts";
import { keepStep } from "../../src/schedule/keep-step.ts";
import { readDue, readWork } from "../../src/schedule/read-record.ts";
import { registerLines } from "../../src/schedule/register-lines.ts";
import { Standing } from "../../src/schedule/standing.ts";
import { beginDue, claimStep, endDue, endStep } from "../../src/schedule/steps.ts";
import { Working } from "../../src/schedule/working.ts";
import { until } from "../../src/wait/until.ts";
import { cli, succeeds } from "../support/cli.ts";
import { sharedWarehouse } from "../support/warehouse.ts";

const HOUR = 3_600_000;

let shop: Awaited<ReturnType<typeof sharedWarehouse>>;
beforeAll(async () => {
  shop = await sharedWarehouse({});
  await prepareMetadata(shop.client);
});
afterAll(() => shop.end());

const line: ScheduleLine = {
  name: "own",
  version: "own",
  zone: "UTC",
  trigger: { kind: "clock", cron: "@yearly" },
  steps: [{ command: "freshness", arguments: [] }],
  timeout: 1_000,
  retries: 0,
  retryDelay: 0,
  overlap: "skip",
  catchUp: "once",
  catchUpWithin: 86_400_000,
  jitter: 0,
  blackout: [],
  enabled: true,
} as unknown as ScheduleLine;
const deciding = { environment: "main", by: "test", lines: new Map([["own", line]]) };

test("lines that another declaration decides take the place of none, however many are due", async () => {
  await registerLines(shop.client, deciding);
  await shop.sql(`
    insert into _dataform.schedule (environment, name, version, definition, next_due, start_at, decided_until)
    select 'main', 'their ' || n, 'other', '{}', now() - interval '1 hour', now() - interval '1 hour', now() - interval '2 hours'
    from generate_series(1, 300) as n;
    update _dataform.schedule
    set next_due = date_trunc('second', now()), start_at = date_trunc('second', now()), decided_until = now() - interval '1 minute'
    where name = 'own'`);
  expect(await decideDues(shop.client, deciding)).toBe(false);
  expect(await shop.rows("select schedule, status from _dataform.schedule_due")).toEqual(["own|queued"]);
});

test("what comes in a blackout of its line is recorded as skipped, and seen", async () => {
  const blackout = [{ from: "2000-01-01 00:00", until: "2999-01-01 00:00" }];
  const following = { ...line, trigger: { kind: "load", source: "a", stream: "b", schema: "raw" }, blackout } as const;
  const here = { ...deciding, environment: "blackout", lines: new Map([["own", following]]) };
  await registerLines(shop.client, here);
  for (const seen of ["1", "2"])
    await claimArrival(shop.client, here, following, async () => ({ seen, came: { loads: [seen] } }));
  expect(
    await shop.rows(`
      select d.status, d.reason, d.caused_by, s.seen
      from _dataform.schedule_due as d inner join _dataform.schedule as s using (environment)
      where environment = 'blackout'`),
  ).toEqual(['skipped|blackout|{"loads": ["2"]}|"2"']);
});

/** A line of its own environment, the first of whose dues was so many days ago. */
async function begun(environment: string, days: number, more: Partial<ScheduleLine> = {}) {
  const daily = { ...line, trigger: { kind: "clock", cron: "@daily" }, ...more } as ScheduleLine;
  const here = { ...deciding, environment, lines: new Map([["own", daily]]) };
  await registerLines(shop.client, here);
  await shop.sql(`
    update _dataform.schedule
    set next_due = date_trunc('day', now(), 'UTC') - interval '${days - 1} days', start_at = now() - interval '1 minute',
      decided_until = date_trunc('day', now(), 'UTC') - interval '${days - 1} days' - interval '1 hour'
    where environment = '${environment}'`);
  return {
    daily,
    here,
    dues: () =>
      shop.rows(`
        select date_trunc('day', now(), 'UTC')::date - (due at time zone 'UTC')::date, dues, status, reason
        from _dataform.schedule_due where environment = '${environment}' order by due`),
    line: (what: string) => shop.rows(`select ${what} from _dataform.schedule where environment = '${environment}'`),
  };
}

test("of a line that is edited, or goes, what had come is told, and its first due is after the edit", async () => {
  const edited = await begun("edited", 3);
  const other = { ...edited.daily, version: "other", trigger: { kind: "clock", cron: "@hourly" } } as ScheduleLine;
  await registerLines(shop.client, { ...edited.here, lines: new Map([["own", other]]) });
  expect(await edited.dues()).toEqual(["2|3|skipped|edited"]);
  expect(await edited.line("next_due > now(), decided_until > now() - interval '1 minute'")).toEqual(["t|t"]);

  const gone = await begun("gone", 1);
  for (const _ of [1, 2]) await registerLines(shop.client, { ...gone.here, lines: new Map() });
  expect(await gone.dues()).toEqual(["0|1|skipped|edited"]);

  const off = await begun("off", 2);
  await registerLines(shop.client, { ...off.here, lines: new Map([["own", { ...off.daily, enabled: false }]]) });
  expect(await off.dues()).toEqual(["1|2|skipped|edited"]);
});

test("what was due before a line is paused is told by what was then, not as paused", async () => {
  const { daily, here, dues } = await begun("rested", 2);
  await pauseLine(shop.client, here, daily, "somebody");
  await pauseLine(shop.client, here, daily, undefined);
  expect(await dues()).toEqual(["1|1|skipped|missed", "0|1|queued|∅"]);
});

test("what is made up for runs in its order, one at a time: the next is decided when the one before has ended", async () => {
  const { here, dues, line } = await begun("all", 3, { catchUp: "all", catchUpWithin: 9 * 86_400_000 });
  const seen: string[] = [];
  for (;;) {
    expect(await decideDues(shop.client, here)).toBe(false);
    const { dues: open } = await readWork(shop.client, "all");
    if (!open.length) break;
    expect(open).toHaveLength(1);
    seen.push((await dues()).join(", "));
    await beginDue(shop.client, open[0]!.id, "test");
    expect(await line("start_at > now()")).toEqual(["t"]);
    await endDue(shop.client, open[0]!.id, "success", null);
  }
  expect(seen).toEqual(["2|1|queued|∅", "2|1|success|∅, 1|1|queued|∅", "2|1|success|∅, 1|1|success|∅, 0|1|queued|∅"]);
});

test("nothing begins in a blackout: not what came before it, nor what waits; without it all goes on at once", async () => {
  const blackout = [{ from: "2000-01-01 00:00", until: "2999-01-01 00:00" }];
  const { daily, here, dues } = await begun("black", 2);
  expect(await decideDues(shop.client, here)).toBe(false);
  const working = new Working({
    ...{ by: "test", program: { command: "true", arguments: [], env: {}, folder: "/", lease: HOUR }, jobs: 1 },
    ...{ say: () => {}, wake: () => {} },
  });
  const resting = (more: Partial<ScheduleLine>) => ({ ...here, lines: new Map([["own", { ...daily, ...more }]]) });
  const lag = () =>
    shop.rows(`select lag_seconds > 0 from (${schedules(record).toString()}) as now where environment = 'black'`);
  expect(await lag()).toEqual(["t"]);
  await registerLines(shop.client, resting({ blackout }));
  const looked = async () => working.advance(shop.client, await readWork(shop.client, "black"));
  expect(await looked()).toBeGreaterThan(900 * 365 * 86_400_000);
  expect(await dues()).toEqual(["1|1|skipped|missed", "0|1|queued|blackout"]);
  expect(await lag()).toEqual(["f"]);
  // As it is declared now, not as it was when the due came.
  await registerLines(shop.client, resting({}));
  await looked();
  expect(await dues()).toEqual(["1|1|skipped|missed", "0|1|running|∅"]);
  // The line as well: what came before a blackout is decided at its end, or when it is there no more.
  const before = await begun("before", 2, { catchUpWithin: 9 * 86_400_000 });
  const from = `${new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)} 12:00`;
  const short = { ...before.daily, blackout: [{ from, until: "2999-01-01 00:00" }] };
  const rests = { ...before.here, lines: new Map([["own", short]]) };
  await registerLines(shop.client, rests);
  // Whoever decides, it is by what was declared last.
  await decideDues(shop.client, before.here);
  expect(await before.dues()).toEqual([]);
  expect(await before.line("start_at = '2999-01-01 00:00Z'")).toEqual(["t"]);
  await registerLines(shop.client, before.here);
  await decideDues(shop.client, before.here);
  expect(await before.dues()).toEqual(["1|1|skipped|missed", "0|1|queued|∅"]);
});

test("by hand a line is run and paused as one, whatever another clone declares: those of the schedulers stay as they are", async () => {
  const { daily, here, line: row } = await begun("clone", 1);
  const isAsItWas = async () =>
    expect(await row("name, version, removed_at is null, next_due < now(), paused_at is null")).toEqual([
      "own|own|t|t|t",
    ]);
  const other = { ...daily, version: "other", trigger: { kind: "clock", cron: "@hourly" } } as ScheduleLine;
  const clone = { ...here, lines: new Map([["own", other]]) };
  const fresh = { ...daily, name: "new" } as ScheduleLine;
  expect(await claimByHand(shop.client, clone, other)).toMatch(/^\d+$/);
  expect(await claimByHand(shop.client, here, daily)).toBeUndefined();
  expect(await claimByHand(shop.client, clone, fresh)).toMatch(/^\d+$/);
  expect(await claimByHand(shop.client, clone, fresh)).toBeUndefined();
  await isAsItWas();
  expect(await pauseLine(shop.client, clone, fresh, undefined)).toBe(false);
  await isAsItWas();
  // Paused before a scheduler ever saw it, it stays so.
  expect(await pauseLine(shop.client, clone, fresh, "somebody")).toBe(true);
  expect(await pauseLine(shop.client, clone, other, "somebody")).toBe(true);
  expect((await row("name, version, paused_by, next_due > now()")).sort()).toEqual([
    "new|own|somebody|t",
    "own|own|somebody|t",
  ]);
  await registerLines(shop.client, { ...here, lines: new Map([["new", fresh]]) });
  expect((await row("name, removed_at is null, paused_by")).sort()).toEqual(["new|t|somebody", "own|f|somebody"]);
});

test("of several declarations the last one holds while a scheduler has it; then whoever is there records its own again", async () => {
  const { daily, here, line: row } = await begun("several", 0);
  const said: string[] = [];
  const standing = () => new Standing({ ...{ environment: "several", lease: 0 }, say: (text) => said.push(text) });
  const [ours, theirs] = [standing(), standing()];
  const later = await connect(shop.database.settings, { applicationName: "later" });
  const registerOurs = () => ours.register(shop.client, here, new Map());
  await registerOurs();
  expect(await ours.isLeft(shop.client)).toBe(false);
  const hourly = { ...daily, version: "hourly", trigger: { kind: "clock", cron: "@hourly" } } as ScheduleLine;
  await theirs.register(later, { ...here, lines: new Map([["own", hourly]]) }, new Map());
  for (const _ of [1, 2]) expect(await ours.isLeft(shop.client)).toBe(false);
  expect(said).toEqual([expect.stringContaining("another scheduler was started later")]);
  await later.close();
  await until({
    look: async () => ((await ours.isLeft(shop.client)) ? true : undefined),
    every: 20,
    deadline: 10_000,
    describe: () => "for the lock of the one that ended",
  });
  await registerOurs();
  expect(await row("version")).toEqual(["own"]);
  expect(await ours.isLeft(shop.client)).toBe(false);
});

test("a due that has come and has not begun is told as one that waits, and one that a blackout keeps as such", async () => {
  const declare = async (more: string) => {
    shop.project.write({ "schedules.yaml": `schedules: { own: { cron: "@daily", ${more} steps: [{ notify: {} }] } }` });
    const [{ line: declared }] = JSON.parse(await ls("--json"));
    return begun("waits", 1, declared);
  };
  const ls = async (...flags: string[]) =>
    (await succeeds(cli(shop.project.dir, ["schedule", "ls", "--environment", "waits", ...flags], env))).stdout;
  const env = { DATABASE_URL: shop.database.url };
  await declare("");
  expect(await ls()).toMatch(/ 00:00 waits *$/m);
  await declare("blackout: [{ from: 2000-01-01, until: 2999-01-01 }],");
  expect(await ls()).toMatch(/ 00:00 blackout *$/m);
});

test("what a step says is kept, whatever characters it has", async () => {
  const dueId = (await claimByHand(shop.client, { ...deciding, environment: "other" }, line))!;
  expect(await beginDue(shop.client, dueId, "test")).toBe(true);
  const key = { dueId, step: 1, attempt: 1 };
  await claimStep(shop.client, key, line.steps[0]!);
  const message = "\\u0000 cannot be converted to text\0, \ud83d";
  expect(await endStep(shop.client, key, { status: "failure", errors: [{ message }], output: message })).toBe(true);
  expect((await readDue(shop.client, dueId))!.steps.map(({ error, output }) => [error, output])).toEqual([
    ["\\u0000 cannot be converted to text, \ufffd", "\\u0000 cannot be converted to text, \ufffd"],
  ]);
});

test("a step that cannot take its lock again gives itself up, and is lost, not cancelled: it may be tried again", async () => {
  const dueId = (await claimByHand(shop.client, { ...deciding, environment: "kept" }, line))!;
  await beginDue(shop.client, dueId, "test");
  const key = { dueId, step: 1, attempt: 1 };
  await claimStep(shop.client, key, line.steps[0]!);
  let onGivenUp = () => {};
  const interrupted = new Promise<void>((resolve) => {
    onGivenUp = resolve;
  });
  await keepStep({ settings: shop.database.settings, key, patience: 100, onGivenUp }, async () => {
    // Its session ends, and the lock is somebody else's, who stood in line for it.
    await shop.sql(`
      select pg_terminate_backend(pid), pg_advisory_lock(hashtextextended('dataform:step:${dueId}.1.1', 0))
      from pg_stat_activity where application_name = 'dataform-step' and datname = current_database()`);
    await interrupted;
    return { status: "cancelled", exitCode: 130 };
  });
  await shop.sql("select pg_advisory_unlock_all()");
  const { steps } = (await readDue(shop.client, dueId))!;
  expect(steps.map(({ status, exitCode }) => [status, exitCode])).toEqual([["lost", 130]]);
  expect(advance({ ...line, retries: 1 }, steps, new Date())).toEqual({ kind: "begin", step: 1, attempt: 2 });
});

test("old dues go some at a time, the oldest first; the last of each line and what goes on stay", async () => {
  await shop.sql(`
    insert into _dataform.schedule_due (environment, schedule, version, due, last_due, cause, definition, status)
    select 'pruned', line, 'v', at, at, 'clock', '{}', case when line = 'goes on' then 'running' else 'success' end
    from unnest(array['often', 'once', 'goes on']) as line
    cross join generate_series(1, case line when 'often' then 2500 else 1 end) as n
    cross join lateral (select now() - interval '100 days' + n * interval '1 minute' as at) as t;
    insert into _dataform.schedule_step (due_id, step_no, attempt, command, arguments, status)
    select due_id, 1, 1, 'run', '{}', 'success' from _dataform.schedule_due where environment = 'pruned'`);
  const kept = { dues: 1_000, age: 90 * 86_400_000 };
  const left = async () => {
    const [rows] = await shop.rows(`
      select count(*), count(*) filter (where schedule = 'often'), count(p.due_id)
      from _dataform.schedule_due left join _dataform.schedule_step as p using (due_id) where environment = 'pruned'`);
    return rows;
  };
  expect([await pruneDues(shop.client, "pruned", kept), await left()]).toEqual([true, "502|500|502"]);
  expect([await pruneDues(shop.client, "pruned", kept), await left()]).toEqual([false, "3|1|3"]);
});

test("who takes over a due of a scheduler that is gone has waited once for it, and does not before each of its steps", async () => {
  const environment = "taken";
  const steps = [1, 2].map(() => ({ command: "freshness", arguments: [] }));
  const dueId = (await claimByHand(shop.client, { ...deciding, environment }, { ...line, steps } as ScheduleLine))!;
  await beginDue(shop.client, dueId, "gone");
  /** How many steps there are when this one has looked, who waits so long for others. */
  const looked = async (by: string, lease: number) => {
    const program = { command: "true", arguments: [], env: {}, folder: "/", lease };
    const working = new Working({ by, program, jobs: 1, say: () => {}, wake: () => {} });
    await working.advance(shop.client, await readWork(shop.client, environment));
    return (await readDue(shop.client, dueId))!.steps.length;
  };
  expect([await looked("other", HOUR), await looked("heir", 0)]).toEqual([0, 1]);
  await endStep(shop.client, { dueId, step: 1, attempt: 1 }, { status: "success" });
  expect([await looked("other", HOUR), await looked("heir", HOUR)]).toEqual([1, 2]);
});
