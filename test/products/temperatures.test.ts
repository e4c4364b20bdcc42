import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { communes, communesCsv } from "../../ingest/weather/communes.ts";
import { corrected, frenchReadings, ndjson, type Reading } from "../../ingest/weather/readings.ts";
import { createWeatherApi, DEMO_KEY, type WeatherApi } from "../../ingest/weather/server.ts";
import { stationReadings } from "../../ingest/weather/stations.ts";
import { type Client, connect } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { type CliResult, cli, succeeds } from "../support/cli.ts";
import { expectDashboard } from "../support/dashboards.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { dayWithRoom } from "../support/day.ts";

// Tests go on from one another, in their order: loads arrive, and the marts follow.
const project = resolve(import.meta.dirname, "../..");
const id = (n: number) => `00000000-0000-4000-a000-${String(n).padStart(12, "0")}`;

/** A reading of January 1 in France, in the regions 11 and 24, unless `changes` say otherwise. */
function reading(n: number, time: string, temperature: number | null, changes: Partial<Reading> = {}): Reading {
  return {
    id: id(n),
    timestamp: `2026-01-01 ${time}`,
    lat: 48.2,
    lon: 2.2,
    temperature,
    country: "France",
    ...changes,
  };
}

/** Two rectangles that overlap: 11 is 48..49 north, 2..3 east; 24 is 47..48.5 north, 1..2.5 east. */
const corner = (regionCode: string, region: string, latitude: number, longitude: number) => ({
  regionCode,
  region,
  code: `${regionCode}${latitude}`,
  name: "corner",
  latitude,
  longitude,
});
const corners = [
  corner("24", "Centre", 47, 1),
  corner("24", "Centre", 48.5, 2.5),
  corner("11", "Île-de-France", 48, 3),
  corner("11", "Île-de-France", 49, 2),
];

const first = [
  reading(1, "00:10:00", 10),
  reading(2, "00:50:00", 20),
  reading(3, "01:30:00", 7),
  reading(4, "03:00:00", 4),
  reading(5, "04:59:59", 1),
  reading(6, "00:20:00", 5, { lat: 47.5, lon: 1.5 }),
  reading(7, "00:30:00", null),
  reading(8, "00:40:00", 40, { country: "Spain" }),
  reading(9, "00:15:00", 30, { lat: 43, lon: 5 }),
  reading(10, "05:00:00", 2, { lat: 49, lon: 3 }),
  // what no air has
  reading(16, "05:00:00", -273.15, { lat: 49, lon: 3 }),
  reading(17, "05:00:00", 1000, { lat: 49, lon: 3 }),
  // still December 31 in New York, and January 2 already in Auckland
  reading(18, "02:00:00", -5, { lat: 40.7, lon: -74, country: "United States" }),
  reading(19, "15:00:00", 25, { lat: -36.8, lon: 174.7, country: "New Zealand" }),
];
const bad = [
  { ...reading(11, "00:00:00", 1), id: undefined },
  { ...reading(12, "00:00:00", 1), lat: 95 },
  reading(13, "00:00:00Z", 1),
  { ...reading(14, "00:00:00", 1), temperature: "warm" },
] as Reading[];
/** 2 was wrong, 3 was at another time, 1 is as it was, 15 is new. */
const second = [
  reading(2, "00:50:00", 30),
  reading(3, "02:30:00", 7),
  reading(1, "00:10:00", 10),
  reading(15, "06:00:00", 9),
];

let folder: string;
let database: TestDatabase;
let client: Client;
let api: WeatherApi;
let env: Record<string, string>;

beforeAll(() => dayWithRoom(120), 130_000);
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "temperatures-"));
  database = await testDatabase();
  client = await connect(database.settings);
  api = createWeatherApi();
  env = {
    DATABASE_URL: database.url,
    TEMPERATURES_FILES: folder,
    TEMPERATURES_API_URL: await api.app.listen({ port: 0, host: "127.0.0.1" }),
    TEMPERATURES_API_KEY: DEMO_KEY,
  };
  // whatever zone a session has, an hour is an hour of UTC
  await client.script(script(`alter database ${database.settings.database} set timezone = 'Asia/Kathmandu'`));
  put("communes.csv", communesCsv(corners));
  put("temperatures-1.ndjson.gz", gzipSync(ndjson([...first, ...bad])));
  await succeeds(dataform("ingest", "temperatures_bulk"));
  await landedOn("2026-01-01");
  await run();
}, 120_000);

afterAll(async () => {
  await client?.close();
  await api?.app.close();
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
});

function put(name: string, content: string | Uint8Array): void {
  writeFileSync(join(folder, name), content);
  utimesSync(join(folder, name), 0, 0);
}

/** As if all that is in the raw table had landed on that day. */
async function landedOn(day: string): Promise<void> {
  await client.script(
    script(`create table raw.temperatures_${day.replaceAll("-", "")} partition of raw.temperatures for values from ('${day}') to (date '${day}' + 1);
     update raw.temperatures set _load_date = '${day}'`),
  );
}

function dataform(...args: string[]): Promise<CliResult> {
  return cli(project, args, env);
}

async function run(...args: string[]): Promise<void> {
  const { stderr } = await dataform("run", "--tags", "temperatures", ...args);
  expect(stderr).toMatch(/Done: \d+ ok, (?:\d+ warned, )?0 failed, 0 held, 0 skipped/);
}

async function rows(sql: string): Promise<string[]> {
  const { rows } = await client.table(script(sql));
  return rows.map((row) => row.map((value) => value ?? "∅").join("|"));
}

const hour = "to_char(hour at time zone 'UTC', 'HH24')";
const hourly = `select ${hour}, region_code, round(temperature, 2), number_of_points, round(temperature_3_hours_before, 2)
  from temperatures.hourly where hour < '2026-01-02Z' order by hour, region_code`;
const afterSecond = [
  "00|11|20.00|2|∅",
  "00|24|5.00|1|∅",
  "02|11|7.00|1|∅",
  "03|11|4.00|1|20.00",
  "04|11|1.00|1|∅",
  "05|11|2.00|1|7.00",
  "06|11|9.00|1|4.00",
];
const whole = `select md5(string_agg(t, '|' order by t)) from (
  select t::text as t from temperatures.hourly as t union all select t::text from temperatures.daily_extremes as t union all
  select t::text from temperatures.corrections as t) as marts`;

test("a reading without an id, off the globe, with a zone or with words for a temperature is rejected", async () => {
  expect(await rows("select line, split_part(reason, ':', 1) from raw._rejected order by line")).toEqual([
    "15|id",
    "16|lat",
    "17|timestamp",
    "18|temperature",
  ]);
});

test("the mean per hour and region, in the first region by code, and three hours before by the clock", async () => {
  expect(await rows(hourly)).toEqual([
    "00|11|15.00|2|∅",
    "00|24|5.00|1|∅",
    "01|11|7.00|1|∅",
    // two o'clock is missing: three rows before is nothing, three hours before is midnight
    "03|11|4.00|1|15.00",
    "04|11|1.00|1|7.00",
    "05|11|2.00|1|∅",
  ]);
});

test("readings without a temperature or with one that no air has, of another country and outside of all regions are counted as such", async () => {
  expect(
    await rows(
      "select place, sum(number_of_points) from history.temperatures_hourly_places where region is null group by place order by place",
    ),
  ).toEqual(["(another country)|3", "(no region)|1", "(no temperature)|1", "(not plausible)|2"]);
});

test("another model over the same raw readings: extremes of each cell and country, without a region", async () => {
  expect(
    await rows(
      "select date, country, cell_latitude, cell_longitude, temperature_min, temperature_max, number_of_points from temperatures.daily_extremes order by 2, 3, 4",
    ),
  ).toEqual([
    "2026-01-01|France|43|5|30|30|1",
    "2026-01-01|France|47|1|5|5|1",
    "2026-01-01|France|48|2|1|20|5",
    "2026-01-01|France|49|3|2|2|1",
    "2026-01-01|New Zealand|-37|174|25|25|1",
    "2026-01-01|Spain|48|2|40|40|1",
    "2026-01-01|United States|40|-74|-5|-5|1",
  ]);
});

test("a day is a day of UTC in one mart, and of the clocks of the place in the other; an hour has both times", async () => {
  expect(
    await rows(
      "select date, country, number_of_points from temperatures.daily_extremes_local where country <> 'France' order by country",
    ),
  ).toEqual(["2026-01-02|New Zealand|1", "2026-01-01|Spain|1", "2025-12-31|United States|1"]);
  expect(
    await rows(
      "select distinct local_hour - (hour at time zone 'UTC'), to_char(min(local_hour), 'YYYY-MM-DD HH24') from temperatures.hourly group by 1",
    ),
  ).toEqual(["01:00:00|2026-01-01 01"]);
});

test("what no air has is named by the run that packed it", async () => {
  const { stderr } = await dataform("run", "--tags", "temperatures");
  expect(stderr).toMatch(/warn .*temperatures_are_plausible \(2 rows/);
});

test("corrections from the API change their hours, those they came from too, and no other is computed", async () => {
  await rows("create table public.before as select * from history.temperatures_hourly_places");
  api.answer(second);
  await succeeds(dataform("ingest", "temperatures"));
  await run();
  expect(await rows(hourly)).toEqual(afterSecond);
  expect(
    await rows(
      `select distinct ${hour} from (select * from history.temperatures_hourly_places except select * from public.before) t order by 1`,
    ),
  ).toEqual(["00", "01", "02", "06"]);
  expect(
    await rows(
      "select temperature_max, number_of_points from temperatures.daily_extremes where country = 'France' and cell_latitude = 48",
    ),
  ).toEqual(["30|6"]);
});

test("a corrected reading has its versions, one that was sent again unchanged has none", async () => {
  expect(
    await rows(
      `select reading_id, version_no, temperature, to_char(measured_at at time zone 'UTC', 'HH24:MI'), is_current,
         valid_from = (select finished_at from raw._load where load_id = case version_no when 1 then 1 else 3 end),
         valid_to = (select finished_at from raw._load where load_id = 3)
       from temperatures.corrections order by 1, 2`,
    ),
  ).toEqual([
    `${id(2)}|1|20|00:50|f|t|t`,
    `${id(2)}|2|30|00:50|t|t|∅`,
    `${id(3)}|1|7|01:30|f|t|t`,
    `${id(3)}|2|7|02:30|t|t|∅`,
  ]);
});

test("the packed readings have a partition for each load date, and every record of every load is in its own", async () => {
  expect(
    await rows(
      `select inhrelid::regclass, pg_get_expr(relpartbound, inhrelid) from pg_inherits join pg_class on pg_class.oid = inhrelid
       where inhparent = 'history.temperatures_archive'::regclass order by 1 limit 1`,
    ),
  ).toEqual(["history.temperatures_archive_20260101|FOR VALUES FROM ('2026-01-01') TO ('2026-01-02')"]);
  expect(
    await rows(
      `select load_id, readings, tableoid::regclass::text = 'history.temperatures_archive_' || to_char(load_date, 'YYYYMMDD'),
         load_date = case load_id when 1 then '2026-01-01' else (now() at time zone 'UTC')::date end
       from history.temperatures_archive order by load_id`,
    ),
  ).toEqual(["1|14|t|t", "3|4|t|t"]);
});

test("raw rows go with their partition once they are packed and a week old, and newer ones stay", async () => {
  expect(await rows("select _load_id, count(*) from raw.temperatures group by 1")).toEqual(["3|4"]);
  expect(await rows("select to_regclass('raw.temperatures_20260101')")).toEqual(["∅"]);
});

test("a range of load dates is computed again with changed rules by one command, and nothing else", async () => {
  const range = "reprocess_from=2026-01-01,reprocess_to=2026-01-01";
  await run("--vars", `temperatures_country=Spain,${range}`);
  // six o'clock came with another load
  expect(await rows(hourly)).toEqual(["00|11|40.00|1|∅", "06|11|9.00|1|∅"]);
  await run("--vars", range);
  expect(await rows(hourly)).toEqual(afterSecond);
});

test("without new loads nothing is computed, whatever the rules are by now", async () => {
  const before = await rows(whole);
  await run("--vars", "temperatures_country=Spain");
  expect(await rows(whole)).toEqual(before);
});

test.each([
  ["reprocess_from=2026-01-01", "vars.reprocess_to is missing"],
  [
    "reprocess_from=2026-01-01,reprocess_to=2026-02-30",
    'vars.reprocess_to must be a date such as 2026-01-31, got "2026-02-30"',
  ],
])("a range that is none stops the compilation: %s", async (vars, message) => {
  const { exitCode, stderr } = await dataform("compile", "--vars", vars);
  expect(exitCode).not.toBe(0);
  expect(stderr).toContain(message);
});

test.runIf(inject("everyCase"))(
  "thousands of readings and corrections of some: the marts are those of a full refresh, and count each reading once",
  async () => {
    const many = frenchReadings({ from: "2026-01-02T00:00:00Z", hours: 20, perHour: 150 });
    put("communes-2026.csv", communesCsv());
    put("temperatures-2.ndjson", ndjson(many));
    await succeeds(dataform("ingest", "temperatures_bulk"));
    await run();
    api.answer(corrected(many, 100));
    await succeeds(dataform("ingest", "temperatures"));
    await run();
    const later = "where hour >= '2026-01-02Z'";
    expect(await rows(`select sum(number_of_points) from history.temperatures_hourly_places ${later}`)).toEqual([
      "3000",
    ]);
    expect(
      await rows("select count(*) from temperatures.corrections where is_current and measured_at >= '2026-01-02Z'"),
    ).toEqual([String(corrected(many, 100).length)]);
    expect(await rows(`select count(distinct region_code) > 10 from temperatures.hourly ${later}`)).toEqual(["t"]);
    await run("--vars", "reprocess_from=2026-01-01,reprocess_to=2100-01-01");
    const before = await rows(whole);
    await run("--full-refresh");
    expect(await rows(whole)).toEqual(before);
  },
);

// Of the thousands above.
test.runIf(inject("everyCase"))("packed readings take less than half of the space of raw rows", async () => {
  const columns = "row_nos reading_ids measured_ats latitudes longitudes temperatures countries".split(" ");
  const packed = columns.map((column) => `pg_column_size(${column})`).join(" + ");
  expect(
    await rows(
      `select (select sum(${packed}) / sum(readings) from history.temperatures_archive where readings > 900)
         < 0.5 * (select avg(pg_column_size(t.*)) from raw.temperatures as t)`,
    ),
  ).toEqual(["t"]);
});

test("a load that is taken back in the ledger is gone after a full refresh", async () => {
  await client.script(sql`update raw._load set status = 'withdrawn' where load_id > 2 and table_name = 'temperatures'`);
  // Most of the rows go with it, which is held unless it is allowed.
  await run("--full-refresh", "--allow-loss", "history.*");
  expect(await rows("select count(*) from temperatures.corrections")).toEqual(["0"]);
  expect(await rows("select count(*) from history.temperatures_records")).toEqual(["14"]);
});

test("the marts are described to the column and hold no floating point number", async () => {
  expect(
    await rows(
      `select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
       where c.relnamespace = 'temperatures'::regnamespace
         and (col_description(c.oid, a.attnum) is null or obj_description(c.oid) is null or a.atttypid in ('float4'::regtype, 'float8'::regtype))`,
    ),
  ).toEqual([]);
  expect(
    await rows("select relname from pg_class where relnamespace = 'temperatures'::regnamespace order by 1"),
  ).toEqual(["corrections", "daily_extremes", "daily_extremes_local", "hourly"]);
});

test("the stations are NOAA's, two readings for each of their days, and the communes are those of 13 regions", async () => {
  const readings = await stationReadings();
  expect(readings).toHaveLength(2 * 2922);
  expect(new Set(readings.map((one) => one.id)).size).toBe(readings.length);
  expect(readings[1]).toMatchObject({ timestamp: "2012-01-01 23:00:00", temperature: 12.8, country: "United States" });
  expect(communes).toHaveLength(96);
  expect(communes.filter(({ latitude, longitude, name }) => !(latitude > 41 && longitude > -6 && name))).toEqual([]);
  expect(new Set(communes.map(({ regionCode }) => regionCode)).size).toBe(13);
});

test("its dashboard shows what the server says, panel by panel", () =>
  expectDashboard("temperatures", resolve(import.meta.dirname, "../.."), database.settings));
