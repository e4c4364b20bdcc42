import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readOperations } from "../../src/catalogue/operations.ts";
import type { DeclaredLine } from "../../src/catalogue/schedules.ts";
import { type Measured, totalsOverTime } from "../../src/catalogue/storage-history.ts";
import { prepareLedger } from "../../src/land/ledger/ledger-tables.ts";
import { COLUMNS } from "../../src/library/monitoring/columns.ts";
import { declaration } from "../support/models.ts";
import { sharedWarehouse, statuses, type Warehouse } from "../support/warehouse.ts";

const definitions = join(import.meta.dirname, "../../definitions/monitoring");
const filesOf = (folder: string) =>
  readdirSync(join(definitions, folder)).map((name) => [
    `definitions/${name}`,
    readFileSync(join(definitions, folder, name), "utf8"),
  ]);

/** The views of this repository, over models and a ledger of the test's own. */
const project = {
  ...Object.fromEntries([...filesOf("marts"), ...filesOf("sources")]),
  "includes/monitoring.js": 'module.exports = require("dataform-postgres/includes/monitoring");',
  ...Object.fromEntries(["_load", "_rejected", "_file"].map((name) => [`${name}.sqlx`, declaration(name)])),
  "a.sqlx":
    'config { type: "table" }\nselect n as id, 12345678901234567890.10 as amount from generate_series(1, 30) as n',
  "b.sqlx": 'config { type: "view" }\nselect id from ${ref("a")}',
  "few.sqlx": 'config { type: "assertion", postgres: { severity: "warn" } }\nselect * from ${ref("a")} order by id',
};

let house: Warehouse & { end(): Promise<void> };

beforeAll(async () => {
  house = await sharedWarehouse(project, "empty");
});

afterAll(() => house.end());

const read = async (failingRows?: number, schedules: readonly DeclaredLine[] = []) => {
  const graph = await house.project.compile();
  return readOperations(house.client, {
    environment: "main",
    rawSchemas: ["raw", "crm_raw"],
    schedules,
    graph: {
      ...graph,
      project: { ...graph.project, retention: { ...(failingRows === undefined ? {} : { failingRows }) } },
    },
  });
};

const NOTHING = {
  ...{ runs: [], moreRuns: 0, models: [], assertions: [], releases: [], freshness: [], loads: [], moreLoads: 0 },
  ...{ rejects: [], storageHistory: [], waits: [], schedules: [], dues: [] },
};

test("nothing is told where nothing ran, and loads where only loads ran", async () => {
  expect(await read()).toMatchObject({ version: 1, environment: "main", ...NOTHING, storage: [] });
  await prepareLedger(house.client, "raw", {});
  await house.sql(`
    create table raw.items (id bigint, _load_id bigint);
    insert into raw.items select n, 1 from generate_series(1, 1000) as n;
    insert into raw._load (source, stream, table_name, status, started_at, finished_at, rows, rejected, details)
    values
      ('shop', 'items', 'items', 'loaded', '2026-01-01 10:00+00', '2026-01-01 10:00:02.5+00', 1000, 3,
        '{"table_bytes": 8192, "freshness": {"warn": 3600}}'),
      ('shop', 'items', 'items', 'failed', '2026-01-02 10:00+00', '2026-01-02 10:00:01+00', 0, 0, '{"error": "gone"}');
    insert into raw._rejected (load_id, source, stream, row_no, position, reason, record)
    values
      (1, 'shop', 'items', 1, '1', 'id: must be integer, found "ada@example.com"', '{}'),
      (1, 'shop', 'items', 2, '2', 'id: must be integer, found "bob@example.com"', '{}'),
      (1, 'shop', 'items', 3, '3', 'line 17: no such field', '{}')`);
  expect(await read()).toMatchObject({
    ...NOTHING,
    loads: [
      { schema: "raw", loadId: "2", table: "raw.items", status: "failed", seconds: 1, error: "gone", tableBytes: null },
      { loadId: "1", status: "loaded", seconds: 2.5, rows: 1000, rejected: 3, tableBytes: 8192 },
    ],
    rejects: [
      { reason: 'id: must be integer, found "…"', count: 2 },
      { reason: "line …: no such field", count: 1 },
    ],
    storage: expect.arrayContaining([expect.objectContaining({ kind: "raw", name: "raw.items" })]),
    storageHistory: [{ at: "2026-01-01T10:00:02.5+00:00", kind: "raw", bytes: 8192 }],
  });
});

test("runs with their steps, models' times, failing rows with every digit, releases and how they differ, waits and sizes", async () => {
  await house.run();
  house.project.write({ "b.sqlx": 'config { type: "view" }\nselect id, 1 as one from ${ref("a")}' });
  const report = await house.run();
  expect(Object.values(statuses(report)).every((status) => status === "ok" || status === "warned")).toBe(true);
  const { runs, models, assertions, releases, waits, storage, storageHistory } = await read();
  expect(runs).toMatchObject([
    { runId: report.runId, status: "success", releases: [2], built: 15, failed: 0, warned: 1, errors: [] },
    { status: "success", releases: [1] },
  ]);
  const [a, b] = ["a", "b"].map((name) => runs[0]!.steps!.find(({ target }) => target.name === name)!);
  expect(a).toMatchObject({ kind: "table", status: "ok", rows: 30, bytes: expect.any(Number), error: null });
  expect(b!.start).toBeGreaterThanOrEqual(a!.start! + a!.seconds);
  expect(runs[0]!.steps!.filter(({ isCritical }) => isCritical).length).toBeGreaterThan(1);
  expect(models.find(({ target }) => target.name === "a")).toMatchObject({
    runs: 2,
    lastRows: 30,
    history: [{ runId: runs[1]!.runId }, { runId: report.runId }],
  });
  expect(assertions).toMatchObject([
    {
      target: { name: "few" },
      status: "warned",
      rows: 30,
      runId: report.runId,
      since: runs[1]!.startedAt,
      error: null,
    },
  ]);
  expect(assertions[0]!.failingRows).toHaveLength(20);
  expect(assertions[0]!.failingRows[1]).toBe('{"id": 2, "amount": 12345678901234567890.10}');
  expect((await read(0)).assertions[0]!.failingRows).toEqual([]);
  expect(releases).toMatchObject([
    {
      release: 2,
      base: 1,
      isCurrent: true,
      isKept: true,
      models: 15,
      changes: { added: [], removed: [], changed: ["marts.b"] },
    },
    { release: 1, base: null, isCurrent: false, isKept: true },
  ]);
  expect(releases[0]!.changes!.rebuilt).toContain("marts.a");
  expect(releases[1]!.changes!.added).toContain("marts.a");
  expect(waits).toMatchObject([
    { release: 2, outcome: "published", attempts: 1, lockSeconds: 0 },
    { release: 1, outcome: "published" },
  ]);
  expect(storage.find(({ name }) => name === "marts.a")).toMatchObject({ kind: "private" });
  expect(storageHistory.filter(({ kind }) => kind === "private")).toHaveLength(2);
});

test("the views say the same in SQL, have the columns that are described, and are fresh, late or failed as loads were", async () => {
  expect(readdirSync(join(definitions, "marts")).sort()).toEqual(
    Object.keys(COLUMNS)
      .map((name) => `${name}.sqlx`)
      .sort(),
  );
  for (const [view, columns] of Object.entries(COLUMNS)) {
    const there = await house.rows(`select attname from pg_attribute
      where attrelid = 'operations.${view}'::regclass and attnum > 0 order by attnum`);
    expect([view, ...there.sort()]).toEqual([view, ...Object.keys(columns).sort()]);
  }
  expect(await house.rows("select count(*), count(distinct run_id) from operations.runs")).toEqual(["2|2"]);
  expect(await house.rows("select name, rows, failing_runs from operations.failing_assertions")).toEqual(["few|30|2"]);
  expect(await house.rows("select release_id, added, changed, bytes > 0 from operations.releases order by 1")).toEqual([
    "1|15|0|t",
    "2|0|1|t",
  ]);
  expect(await house.rows("select stream, warn_seconds, state, failure from operations.source_freshness")).toEqual([
    "items|3600|warn|gone",
  ]);
  expect(
    await house.rows(
      "select relation from operations.storage where kind in ('raw', 'private') and bytes > 0 order by 1",
    ),
  ).toEqual(["marts.a", "raw.items"]);
});

/** A line that is due at midnight, as schedules.yaml has it. */
const declared = (name: string, more: Partial<DeclaredLine["line"]> = {}): DeclaredLine => ({
  nextDue: "2030-01-01T00:00:00.000Z",
  line: {
    ...{ name, version: "1", trigger: { kind: "clock", cron: "0 0 * * *" }, zone: "UTC", enabled: true, blackout: [] },
    ...{ steps: [{ command: "run", arguments: [] }], timeout: 1, retries: 0, retryDelay: 1, jitter: 0 },
    ...{ overlap: "skip", catchUp: "once", catchUpWithin: 1 },
    ...more,
  },
});

test("a line is told as schedules.yaml has it, with what is recorded of it as long as that is the same line", async () => {
  const lines = ["never", "edited", "late", "rests"].map((name) => declared(name));
  const notBegun = { state: "not begun", lag: 0, last: null, nextDue: "2030-01-01T00:00:00.000Z" };
  expect((await read(0, [lines[0]!])).schedules).toMatchObject([{ name: "never", ...notBegun }]);
  const definition = (name: string) => JSON.stringify(declared(name).line);
  await house.sql(`
    insert into _dataform.schedule (environment, name, version, definition, next_due, start_at, paused_at, paused_by)
    values
      ('main', 'edited', '0', '${definition("edited")}', '2026-01-01', '2026-01-01', null, null),
      ('main', 'late', '1', '${definition("late")}', now() - interval '1 hour', now() - interval '30 minutes', null, null),
      ('main', 'rests', '1', '${definition("rests")}', '2026-01-01', '2026-01-01', '2026-01-02', 'ada'),
      ('other', 'late', '1', '${definition("late")}', '2026-01-01', '2026-01-01', null, null);
    insert into _dataform.schedule_due (environment, schedule, version, due, last_due, cause, definition, status, started_at, finished_at)
    select 'main', 'late', '1', at, at, 'clock', '{}', 'success', at + interval '3 seconds', at + interval '8 seconds'
    from generate_series('2026-01-01'::timestamptz, '2026-01-12', interval '1 day') as at`);
  const { schedules, dues } = await read(0, lines);
  expect(schedules).toMatchObject([
    { name: "never", ...notBegun },
    { name: "edited", ...notBegun },
    { name: "late", state: "on", last: { status: "success", delay: 3, seconds: 5 } },
    { name: "rests", state: "paused", pausedBy: "ada", lag: 0 },
  ]);
  expect(Math.round(schedules[2]!.lag / 60)).toBe(30);
  expect(Date.parse(schedules[2]!.startAt!) - Date.parse(schedules[2]!.nextDue!)).toBe(30 * 60_000);
  expect(schedules[1]!.startAt).toBeNull();
  expect(dues.map(({ schedule, due }) => `${schedule} ${due.slice(0, 10)}`)).toEqual(
    Array.from({ length: 10 }, (_, day) => `late 2026-01-${String(12 - day).padStart(2, "0")}`),
  );
  expect(
    await house.rows(
      "select environment, schedule, last_status, lag_seconds > 1700, is_enabled from operations.schedules order by 1, 2",
    ),
  ).toEqual(["main|edited|∅|t|t", "main|late|success|t|t", "main|rests|∅|f|t", "other|late|∅|t|t"]);
  expect(await house.rows("select count(*), sum(seconds), max(delay_seconds) from operations.schedule_dues")).toEqual([
    "12|60.000|3.000",
  ]);
});

test("what all tables took at a moment is what each took when it was last measured", () => {
  const measured: Measured[] = [
    { at: "2", kind: "raw", name: "b", bytes: 5 },
    { at: "1", kind: "raw", name: "a", bytes: 10 },
    { at: "3", kind: "raw", name: "a", bytes: 4 },
    { at: "3", kind: "private", name: "a", bytes: 7 },
    { at: "4", kind: "raw", name: "b", bytes: null },
  ];
  expect(totalsOverTime(measured)).toEqual([
    { at: "1", kind: "raw", bytes: 10 },
    { at: "2", kind: "raw", bytes: 15 },
    { at: "3", kind: "raw", bytes: 9 },
    { at: "3", kind: "private", bytes: 7 },
  ]);
});
