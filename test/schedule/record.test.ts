import { afterAll, beforeAll, expect, test } from "vitest";
import { prepareMetadata } from "../../src/environment/layout.ts";
import { pruneDues } from "../../src/environment/prune-dues.ts";
import type { ScheduleLine } from "../../src/model/schedule.ts";
import { advance } from "../../src/schedule/advance.ts";
import { claimArrival, claimByHand, decideDues } from "../../src/schedule/claim.ts";
import { keepStep } from "../../src/schedule/keep-step.ts";
import { readDue, readWork } from "../../src/schedule/read-record.ts";
import { registerLines } from "../../src/schedule/register-lines.ts";
import { beginDue, claimStep, endStep } from "../../src/schedule/steps.ts";
import { Working } from "../../src/schedule/working.ts";
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
