import { afterAll, beforeAll, expect, test } from "vitest";
import { prepareMetadata } from "../../src/environment/layout.ts";
import type { ScheduleLine } from "../../src/model/schedule.ts";
import { claimByHand, decideDues } from "../../src/schedule/claim.ts";
import { readDue } from "../../src/schedule/read-record.ts";
import { registerLines } from "../../src/schedule/register-lines.ts";
import { beginDue, claimStep, endStep } from "../../src/schedule/steps.ts";
import { sharedWarehouse } from "../support/warehouse.ts";

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
