import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { communesCsv } from "../../ingest/weather/communes.ts";
import { frenchReadings, ndjson } from "../../ingest/weather/readings.ts";
import { type Client, connect } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { type CliResult, cli, succeeds } from "../support/cli.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { dayWithRoom } from "../support/day.ts";

// The packed readings of four load dates: 1 to 3 January 2026, each of one file, and today. Tests go on from one another.
const project = resolve(import.meta.dirname, "../..");
const PER_DAY = 24;
const part = (day: string) => `temperatures_archive_${day.replaceAll("-", "")}`;

let folder: string;
let database: TestDatabase;
/** The day on which the test runs, as landing saw it. */
let today: string;
let client: Client;

beforeAll(() => dayWithRoom(120), 130_000);
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "temperatures-"));
  database = await testDatabase();
  client = await connect(database.settings);
  put("communes.csv", communesCsv());
  for (const day of ["2026-01-01", "2026-01-02", "2026-01-03"]) {
    await land(day);
    await landedOn(day);
  }
  await land("2026-01-10");
  today = (await rows("select max(_load_date) from raw.temperatures"))[0]!;
  await run();
}, 120_000);

afterAll(async () => {
  await client?.close();
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
});

function put(name: string, content: string): void {
  writeFileSync(join(folder, name), content);
  utimesSync(join(folder, name), 0, 0);
}

/** Lands a day of readings, one an hour. */
async function land(day: string): Promise<void> {
  put(`temperatures-${day}.ndjson`, ndjson(frenchReadings({ from: `${day}T00:00:00Z`, hours: PER_DAY, perHour: 1 })));
  await dataform("ingest", "temperatures_bulk");
}

/** As if the last load had landed on that day. */
async function landedOn(day: string): Promise<void> {
  await client.script(
    script(`create table raw.temperatures_${day.replaceAll("-", "")} partition of raw.temperatures for values from ('${day}') to (date '${day}' + 1);
     update raw.temperatures set _load_date = '${day}' where _load_id = (select max(_load_id) from raw.temperatures)`),
  );
}

function dataform(...args: string[]): Promise<CliResult> {
  return succeeds(cli(project, args, { DATABASE_URL: database.url, TEMPERATURES_FILES: folder }));
}

async function run(...args: string[]): Promise<void> {
  const { stderr } = await dataform("run", "--tags", "temperatures", ...args);
  expect(stderr).toMatch(/Done: \d+ ok, 0 failed, 0 held, 0 skipped/);
}

async function rows(sql: string): Promise<string[]> {
  const { rows } = await client.table(script(sql));
  return rows.map((row) => row.map((value) => value ?? "∅").join("|"));
}

const archived = `select tableoid::regclass, load_date, sum(readings) from history.temperatures_archive group by 1, 2 order by 2`;
const whole = `select md5(string_agg(t::text, '|' order by t::text)) from temperatures.hourly as t`;

test("the packed readings have a partition for each load date, with the readings of that day", async () => {
  const days = ["2026-01-01", "2026-01-02", "2026-01-03", today];
  expect(
    await rows(
      "select inhrelid::regclass from pg_inherits where inhparent = 'history.temperatures_archive'::regclass order by inhrelid::regclass::text",
    ),
  ).toEqual(days.map((day) => `history.${part(day)}`));
  expect(await rows(archived)).toEqual(days.map((day) => `history.${part(day)}|${day}|${PER_DAY}`));
});

/** The partitions of the archive that a run of temperatures_records opens. */
async function opened(vars: string): Promise<string[]> {
  const { stdout } = await dataform("compile", "--json", "--vars", vars);
  const { actions } = JSON.parse(stdout) as {
    actions: { target: { name: string }; incrementalQuery?: string }[];
  };
  const { incrementalQuery } = actions.find(({ target }) => target.name === "temperatures_records")!;
  const plan = await rows(`explain (analyze, timing off, costs off) ${incrementalQuery}`);
  const scans = plan.filter((line) => !line.includes("never executed"));
  return [...new Set(scans.flatMap((line) => line.match(/ on (temperatures_archive_\d+)/)?.[1] ?? []))].sort();
}

test("a range of load dates opens the partitions of these days and no other, of new loads none where there are none", async () => {
  expect(await opened("reprocess_from=2026-01-02,reprocess_to=2026-01-03")).toEqual([
    part("2026-01-02"),
    part("2026-01-03"),
  ]);
  expect(await opened("reprocess_from=2025-01-01,reprocess_to=2025-12-31")).toEqual([]);
  // a load that is not in the records yet opens the partition of its day
  await client.script(
    sql`update history.temperatures_archive_loads set packed_at = now() where load_date = '2026-01-01'`,
  );
  expect(await opened("reprocess_from=2026-01-03,reprocess_to=2026-01-03")).toEqual([
    part("2026-01-01"),
    part("2026-01-03"),
  ]);
});

test("raw rows go with their partition once they are packed and a week old; newer ones stay, and so do those in use", async () => {
  expect(await rows("select distinct _load_date from raw.temperatures")).toEqual([today]);
  await land("2026-01-04");
  await landedOn("2026-01-04");
  // landing drops nothing, however old it is
  await land("2026-01-05");
  const user = await connect(database.settings);
  await user.script(sql`begin; select from raw.temperatures_20260104`);
  await run();
  await user.script(sql`rollback`);
  await user.close();
  expect(await rows(`${archived} offset 3`)).toEqual([
    `history.${part("2026-01-04")}|2026-01-04|${PER_DAY}`,
    `history.${part(today)}|${today}|${2 * PER_DAY}`,
  ]);
  expect(await rows("select count(*) from raw.temperatures_20260104")).toEqual([String(PER_DAY)]);
  await run();
  expect(await rows("select to_regclass('raw.temperatures_20260104')")).toEqual(["∅"]);
  expect(await rows("select count(*) from history.temperatures_readings")).toEqual([String(6 * PER_DAY)]);
});

test("another environment packs what it finds, and takes no raw row from this one", async () => {
  await land("2026-01-06");
  await landedOn("2026-01-06");
  await dataform("run", "--tags", "temperatures", "--schema-suffix", "dev");
  expect(await rows("select count(*) from history_dev.temperatures_readings")).toEqual([String(3 * PER_DAY)]);
  expect(await rows("select count(*) from raw.temperatures_20260106")).toEqual([String(PER_DAY)]);
});

test("temperatures_keep_days drops the partitions of older days, which are not packed again, and leaves the marts", async () => {
  await run("--vars", "temperatures_keep_unpacked_days=9999");
  const before = await rows(whole);
  await run("--vars", "temperatures_keep_days=1,temperatures_keep_unpacked_days=9999");
  await run("--vars", "temperatures_keep_unpacked_days=9999");
  expect(await rows("select count(*) from raw.temperatures_20260106")).toEqual([String(PER_DAY)]);
  expect(await rows(archived)).toEqual([`history.${part(today)}|${today}|${2 * PER_DAY}`]);
  expect(await rows("select count(*) from history.temperatures_archive_loads")).toEqual(["7"]);
  expect(await rows(whole)).toEqual(before);
});

test("a number of days that is none stops the compilation", async () => {
  const { exitCode, stderr } = await cli(project, ["compile", "--vars", "temperatures_keep_days=0"], {});
  expect(exitCode).not.toBe(0);
  expect(stderr).toContain('vars.temperatures_keep_days must be a number of days such as 90, got "0"');
});
