import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { CounterOptions } from "../../src/library/counters.ts";
import { makeLedger } from "../support/history.ts";
import { statuses, stepOf, type Warehouse, warehouse } from "../support/warehouse.ts";

// What the rules of docs/counters.md say, where the products do not show it.

interface Landing {
  readonly load: number;
  /** Tuples of SQL, without load and row. */
  readonly rows: readonly string[];
  readonly rejected?: number;
  readonly asOf?: string;
}

async function counting(
  table: string,
  options: Partial<CounterOptions>,
  more = "",
): Promise<Warehouse & { land(landing: Landing): Promise<void> }> {
  const house = await warehouse({
    "includes/counters.js": 'module.exports = require("dataform-postgres/includes/counters");',
    "definitions/feed.js": 'for (const name of ["readings", "births", "snapshots"]) declare({ schema: "raw", name });',
    "definitions/meter.js": `counters.publish("meter", ${JSON.stringify({
      from: ["raw", "readings"],
      kind: "log",
      series: { meter: "text" },
      takenAt: { read_at: "timestamptz" },
      counters: { kwh: "bigint" },
      ...options,
    })});`,
  });
  await house.sql(`${makeLedger}; create table raw.readings (${table}, _load_id bigint, _row_no bigint);
    create table raw.births (meter text, at date); ${more}`);
  const land = ({ load, rows, rejected = 0, asOf }: Landing) =>
    house.sql(`
      ${rows.map((row, index) => `insert into raw.readings values (${row}, ${load}, ${index + 1});`).join("\n")}
      insert into raw._load values (${load}, 'readings', 'loaded', now(), ${rows.length}, ${rejected}, 'full',
        ${asOf === undefined ? "null" : `'${asOf}'`}, null)`);
  return { ...house, land };
}

const plain = "meter text, read_at timestamptz, kwh numeric";
const failed = (report: Awaited<ReturnType<Warehouse["run"]>>) =>
  Object.entries(statuses(report)).flatMap(([name, status]) => (status === "failed" ? [name] : []));

test("a reading without its counter is refused by its name, in a first run and in later ones, and what is left out of the feed is not asked for", async () => {
  const house = await counting(plain, {});
  await house.land({ load: 1, rows: ["'a', '2026-01-02Z', null", "'b', '2026-01-02Z', 1"] });
  const told = async () => {
    const { steps } = await house.run();
    return steps.find(({ target }) => target.name === "meter_store")!.error?.message;
  };
  const said = (day: number) =>
    `column kwh: a reading without a value; leave it out of the feed, or say what it counted (coalesce): ["a", "2026-01-0${day}T00:00:00+00:00"]`;
  expect(await told()).toBe(said(2));
  await house.sql("update raw.readings set kwh = 1");
  expect(await told()).toBeUndefined();
  await house.land({ load: 2, rows: ["'a', '2026-01-03Z', null"] });
  expect(await told()).toBe(said(3));
  await house.sql("delete from raw.readings where kwh is null");
  expect(await told()).toBeUndefined();
});

test("a value that an insert would refuse is refused, and one that it would round is rounded", async () => {
  const house = await counting(plain, {});
  await house.land({ load: 1, rows: ["'a', '2026-01-02Z', 2.7"] });
  const report = await house.run();
  const step = report.steps.find(({ target }) => target.name === "meter_store")!;
  expect([step.status, step.error?.message]).toEqual([
    "failed",
    expect.stringMatching(/column .*: not a value of bigint: 2\.7/),
  ]);
  const spelled = await counting("meter text, read_at text, kwh text", {});
  await spelled.land({ load: 1, rows: ["'a', 'soon', '2'"] });
  const { steps } = await spelled.run();
  expect(steps.find(({ target }) => target.name === "meter_store")!.error?.message).toBe(
    "column read_at: not a value of timestamptz: soon",
  );
  await spelled.sql("update raw.readings set read_at = '2026-01-02Z'; delete from raw._load");
  await spelled.land({ load: 2, rows: ["'a', '2026-01-03Z', ' 5 '", "'b', '2026-01-03Z', '-1'"] });
  await spelled.sql("insert into raw._load select 1, table_name, status, finished_at, 1, 0, batch from raw._load");
  const unsound = stepOf(await spelled.run(), "assertions.meter_is_sound");
  expect(unsound).toMatchObject({ status: "failed", failingRows: [expect.stringContaining('"kwh":"-1"')] });
  await spelled.sql("update raw.readings set kwh = '1' where kwh = '-1'");
  expect(failed(await spelled.run())).toEqual([]);
  expect(await spelled.rows("select meter, kwh, kwh_delta from marts.meter_deltas order by 1, read_at")).toEqual([
    "a|2|∅",
    "a|5|3",
    "b|1|∅",
  ]);
  const rounding = await counting(`${plain}, heat float8`, { counters: { kwh: "numeric(10, 0)", heat: "float8" } });
  await rounding.land({ load: 1, rows: ["'a', '2026-01-02Z', 2.7, 0.1"] });
  expect(failed(await rounding.run())).toEqual([]);
  expect(await rounding.rows("select kwh from marts.meter_deltas")).toEqual(["3"]);
  // From these no total goes on.
  await rounding.land({ load: 2, rows: ["'a', '2026-01-03Z', 'NaN', 0.2", "'a', '2026-01-04Z', 3, 'Infinity'"] });
  expect(stepOf(await rounding.run(), "assertions.meter_is_sound").failingRows).toHaveLength(2);
});

test("totals to date outgrow the counter's type, and are of the largest like it", async () => {
  const counters = { i: "int", s: "int2", d: "numeric(3, 1)", n: "numeric", b: "bigint" };
  const house = await counting("meter text, read_at timestamptz, i int, s int2, d numeric, n numeric, b bigint", {
    counters,
    rollups: { days: { by: ["meter"], every: "day" } },
    totals: true,
  });
  const high = "2000000000, 32000, 99.9, 1, 2000000000";
  await house.land({
    load: 1,
    rows: [`'a', '2026-01-02Z', ${high}`, "'a', '2026-01-03Z', 0, 0, 0, 0, 0", `'a', '2026-01-04Z', ${high}`],
  });
  expect(failed(await house.run())).toEqual([]);
  await house.land({
    load: 2,
    rows: ["'a', '2026-01-05Z', 0, 0, 0, 0, 0", `'a', '2026-01-06Z', ${high}`],
  });
  expect(failed(await house.run())).toEqual([]);
  const names = Object.keys(counters);
  const toDate = names.map((name) => `${name}_to_date`).join(", ");
  const of = (columns: string) => `select ${columns} from marts.`;
  expect(await house.rows(`${of(toDate)}meter_deltas order by read_at desc limit 1`)).toEqual([
    "6000000000|96000|299.7|3|6000000000",
  ]);
  expect(await house.rows(`${of("i, s, d, n, b")}meter_totals`)).toEqual(["6000000000|96000|299.7|3|6000000000"]);
  const types = (relation: string, columns: readonly string[]) =>
    house.rows(`select string_agg(format_type(a.atttypid, a.atttypmod), ' ' order by array_position(array['${columns.join("', '")}'], a.attname::text))
      from pg_attribute a where a.attrelid = 'marts.${relation}'::regclass and a.attname in ('${columns.join("', '")}')`);
  const widened = ["bigint bigint numeric numeric bigint"];
  expect(await types("meter_deltas", names)).toEqual(["integer smallint numeric(3,1) numeric bigint"]);
  expect(
    await types(
      "meter_deltas",
      names.map((name) => `${name}_to_date`),
    ),
  ).toEqual(widened);
  expect(await types("meter_totals", names)).toEqual(widened);
  expect(await types("days", names)).toEqual(widened);
});

test("the day that a reading closes is one of the time zone", async () => {
  const house = await counting(plain, { timeZone: "Asia/Tokyo" });
  await house.land({
    load: 1,
    rows: ["'a', '2026-01-02 15:00Z', 1", "'a', '2026-01-02 15:01Z', 2", "'a', '2026-01-02 14:59Z', 0"],
  });
  expect(failed(await house.run())).toEqual([]);
  expect(await house.rows("select day, kwh, days_covered from marts.meter_deltas order by read_at")).toEqual([
    "2026-01-02|0|∅",
    "2026-01-02|1|0",
    "2026-01-03|2|1",
  ]);
});

test("what began inside the feed counts from zero, on the first day too; what began before is a baseline", async () => {
  const house = await counting(plain, { births: { from: ["raw", "births"], key: "meter", at: { at: "date" } } });
  await house.sql(
    "insert into raw.births values ('old', '2025-12-31'), ('new', '2026-01-01'), ('new', '2026-01-03'), ('other', '2025-01-01')",
  );
  await house.land({
    load: 1,
    rows: ["'old', '2026-01-02Z', 5", "'new', '2026-01-03Z', 7", "'unknown', '2026-01-03Z', 9"],
  });
  expect(failed(await house.run())).toEqual([]);
  const deltas = "select meter, kwh_delta, days_covered from marts.meter_deltas order by meter, read_at";
  expect(await house.rows(deltas)).toEqual(["new|7|2", "old|∅|∅", "unknown|∅|∅"]);
  // a reading before all others: the feed is older than was known
  await house.land({ load: 2, rows: ["'other', '2026-01-01Z', 1"] });
  expect(failed(await house.run())).toEqual([]);
  const all = ["new|7|2", "old|5|2", "other|∅|∅", "unknown|∅|∅"];
  expect(await house.rows(deltas)).toEqual(all);
  // readings of what had not begun, or nobody knows when it did: the feed is no older for them
  await house.land({ load: 3, rows: ["'new', '1970-01-02Z', 1", "'stray', '1970-01-02Z', 1"] });
  const later = ["new|1|1", "new|6|20455", ...all.slice(1, 3), "stray|∅|∅", "unknown|∅|∅"];
  for (const fullRefresh of [false, true]) {
    expect(failed(await house.run({ fullRefresh }))).toEqual([]);
    expect(await house.rows(deltas)).toEqual(later);
  }
});

test("of several reports of one reading the last loaded counts where none says when it was reported", async () => {
  const house = await counting(plain, {});
  await house.land({ load: 2, rows: ["'a', '2026-01-02Z', 5", "'a', '2026-01-02Z', 4"] });
  await house.run();
  await house.land({ load: 1, rows: ["'a', '2026-01-02Z', 9", "'a', '2026-01-01Z', 1"] });
  expect(failed(await house.run())).toEqual([]);
  expect(await house.rows("select kwh, _load_id, _row_no from marts.meter_snapshots order by read_at")).toEqual([
    "1|1|2",
    "4|2|2",
  ]);
});

test("snapshots may be several a day; what the whole one before lacks was born, after one with rejects nothing is", async () => {
  const house = await counting(
    "meter text, kwh numeric",
    {
      kind: "full",
      loads: ["raw", "snapshots"],
      rollups: { meter_days: { by: ["meter"], every: "day" } },
      totals: true,
    },
    `create view raw.snapshots as
      select load_id, as_of::timestamptz as read_at, finished_at as loaded_at, rejected = 0 as is_whole from raw._load`,
  );
  await house.land({ load: 1, asOf: "2026-01-01 06:00Z", rows: ["'a', 10"] });
  await house.land({ load: 2, asOf: "2026-01-01 18:00Z", rows: ["'a', 12", "'b', 3"] });
  expect(failed(await house.run())).toEqual([]);
  await house.land({ load: 3, asOf: "2026-01-01 12:00Z", rows: ["'a', 11"], rejected: 1 });
  await house.land({ load: 4, asOf: "2026-01-03 00:00Z", rows: ["'a', 13", "'c', 4"] });
  expect(failed(await house.run())).toEqual([]);
  expect(
    await house.rows(
      "select meter, read_at at time zone 'UTC', kwh_delta, days_covered from marts.meter_deltas order by 1, 2",
    ),
  ).toEqual([
    "a|2026-01-01 06:00:00|∅|∅",
    "a|2026-01-01 12:00:00|1|0",
    "a|2026-01-01 18:00:00|1|0",
    "a|2026-01-03 00:00:00|1|1",
    "b|2026-01-01 18:00:00|3|1",
    "c|2026-01-03 00:00:00|4|1",
  ]);
  expect(await house.rows("select meter, day, kwh, kwh_before_feed from marts.meter_days order by 1, 2")).toEqual([
    "a|2026-01-01|2|10",
    "a|2026-01-02|1|∅",
    "b|2026-01-01|3|∅",
    "c|2026-01-02|4|∅",
  ]);
  expect(await house.rows("select meter, kwh, kwh_before_feed from marts.meter_totals order by 1")).toEqual([
    "a|13|10",
    "b|3|0",
    "c|4|0",
  ]);
  expect(
    await house.rows("select read_at at time zone 'UTC', load_id, is_whole from marts.meter_calendar order by 1"),
  ).toEqual([
    "2026-01-01 06:00:00|1|t",
    "2026-01-01 12:00:00|3|f",
    "2026-01-01 18:00:00|2|t",
    "2026-01-03 00:00:00|4|t",
  ]);
});

test("a series that changes its unit is kept out, and so is a record without its key or its counter, below zero, or against a condition", async () => {
  const house = await counting(`${plain}, currency text`, {
    keep: { currency: "text" },
    unit: "currency",
    rowConditions: ["kwh < 100"],
  });
  await house.land({ load: 1, rows: ["'a', '2026-01-02Z', 1, 'EUR'", "'b', '2026-01-02Z', 1, null"] });
  expect(failed(await house.run())).toEqual([]);
  const wrong: [string, string][] = [
    ["'a', '2026-01-03Z', 2, 'USD'", "assertions.meter_keeps_its_unit"],
    ["'b', '2026-01-03Z', 2, 'USD'", "assertions.meter_keeps_its_unit"],
    ["'a', '2026-01-03Z', -2, 'EUR'", "assertions.meter_is_sound"],
    ["'a', '2026-01-03Z', 100, 'EUR'", "assertions.meter_is_sound"],
  ];
  for (const [index, [row, assertion]] of wrong.entries()) {
    await house.land({ load: index + 2, rows: [row] });
    expect(failed(await house.run())).toEqual([assertion]);
    await house.sql("update raw._load set status = 'failed' where load_id = (select max(load_id) from raw._load)");
    expect(failed(await house.run())).toEqual([]);
  }
  expect(await house.rows("select meter, kwh from marts.meter_deltas order by 1")).toEqual(["a|1", "b|1"]);
});

// What each adds is said beside each reading: shown, spent and value; R restarts, C is corrected, B a baseline.
const untold: readonly (readonly [row: string, expected: string])[] = [
  ["'a', '2026-01-02Z', 10, 5.00, null, 'EUR'", "a|02|∅|∅|∅|5.00|∅|B"],
  ["'a', '2026-01-03Z', 12, 6.00, 40, 'EUR'", "a|03|2|1.00|∅|6.00|∅|"],
  ["'a', '2026-01-04Z', 13, 6.50, null, 'EUR'", "a|04|1|0.50|∅|6.50|∅|"],
  ["'a', '2026-01-05Z', 15, 7.00, 50, 'EUR'", "a|05|2|0.50|10|7.00|10|"],
  ["'a', '2026-01-06Z', 16, 9.00, 60, 'USD'", "a|06|1|∅|∅|0|∅|"],
  ["'a', '2026-01-07Z', 18, 9.50, 55, 'USD'", "a|07|2|0.50|-5|0.50|-5|C"],
  ["'a', '2026-01-08Z', 3, 1.00, null, 'USD'", "a|08|3|1.00|∅|1.50|-5|R"],
  ["'a', '2026-01-09Z', 4, 2.00, 7, 'USD'", "a|09|1|1.00|7|2.50|2|"],
  ["'a', '2026-01-10Z', 1, 0.25, 2, 'EUR'", "a|10|1|0.25|2|0.25|2|R"],
  ["'b', '2026-01-02Z', 10, 5.00, 8, 'EUR'", "b|02|∅|∅|∅|5.00|8|B"],
  ["'b', '2026-01-03Z', 11, 4.00, 9, 'EUR'", "b|03|1|-1.00|1|4.00|9|C"],
];

test("what a reading does not say, or says in another unit, is no difference: its counter goes on from what is known, later, late and anew", async () => {
  const house = await counting(
    "meter text, read_at timestamptz, shown int, spent numeric(9, 2), value int, currency text",
    {
      counters: { shown: "int", spent: "numeric(9, 2)", value: "int" },
      leading: "shown",
      optional: "value",
      keep: { currency: "text" },
      nonNull: "currency",
      unit: { column: "currency", of: ["spent", "value"] },
      rollups: {
        meter_days: { by: ["currency"], every: "day" },
        meter_months: { by: ["meter", "currency"], every: "month" },
      },
    },
  );
  const read = () =>
    house.rows(`select meter, to_char(read_at at time zone 'UTC', 'DD'), shown_delta, spent_delta, value_delta, spent_to_date, value_to_date,
        case when is_baseline then 'B' when is_reset then 'R' when is_correction then 'C' else '' end
      from marts.meter_deltas order by 1, 2`);
  const arriving = async (load: number, readings: readonly number[]) => {
    await house.land({ load, rows: readings.map((index) => untold[index]![0]) });
    const report = await house.run();
    expect(failed(report)).toEqual([]);
    return statuses(report)["assertions.meter_keeps_its_unit"];
  };
  const loads = [[0, 1, 9], [4], [5, 6], [7, 8, 10], [2, 3]];
  const told: unknown[] = [];
  for (const [index, readings] of loads.entries()) told.push(await arriving(index + 1, readings));
  expect(told).toEqual(["ok", "warned", "ok", "warned", "warned"]);
  expect(await read()).toEqual(untold.map(([, expected]) => expected));
  const held = () => house.rows("select * from marts.meter_months order by 1, 2, 3");
  const months = (await held()).map((row) => row.split("|").slice(0, -1));
  const anew = await house.run({ fullRefresh: true });
  expect(failed(anew)).toEqual([]);
  expect(await read()).toEqual(untold.map(([, expected]) => expected));
  expect((await held()).map((row) => row.split("|").slice(0, -1))).toEqual(months);
  // what was computed is looked at by the run that did it, and by none to which nothing came
  const quiet = await house.run();
  const audits = [anew, quiet].map((report) => statuses(report)["assertions.meter_keeps_its_unit"]);
  expect(audits).toEqual(["warned", "ok"]);
});

test("readings of loads that vanish from raw stay, and what needs all loads once more is held", async () => {
  const house = await counting(plain, {});
  await house.land({ load: 1, rows: ["'a', '2026-01-02Z', 1"] });
  await house.land({ load: 2, rows: ["'a', '2026-01-03Z', 3"] });
  expect(failed(await house.run())).toEqual([]);
  const read = () => house.rows("select meter, kwh, kwh_delta from marts.meter_deltas order by read_at");
  await house.sql("delete from raw.readings where _load_id = 1; delete from raw._load where load_id = 1");
  await house.land({ load: 3, rows: ["'a', '2026-01-04Z', 7"] });
  expect(failed(await house.run())).toEqual([]);
  expect(await read()).toEqual(["a|1|∅", "a|3|2", "a|7|4"]);
  await house.sql("update raw._load set status = 'failed' where load_id = 3");
  expect((await house.run()).steps.find(({ status }) => status === "failed")?.error?.message).toMatch(/Gone: 1$/);
  expect(await read()).toEqual(["a|1|∅", "a|3|2", "a|7|4"]);
});

test("other options make the store and its sums anew; where loads are gone from raw that is held, and says what to do", async () => {
  const house = await counting(`${plain}, heat numeric`, { rollups: { days: { every: "day" } }, totals: true });
  await house.land({ load: 1, rows: ["'a', '2026-01-01Z', 1, 5"] });
  await house.land({ load: 2, rows: ["'a', '2026-01-03Z', 3, 8"] });
  const definition = "definitions/meter.js";
  const first = readFileSync(join(house.project.dir, definition), "utf8");
  expect(failed(await house.run())).toEqual([]);
  await house.land({ load: 3, rows: ["'a', '2026-01-04Z', 7, 9"] });
  const other = first
    .replace('"kwh":"bigint"', '"kwh":"bigint","heat":"numeric"')
    .replace('"every":"day"', '"every":"day","measures":{"most":"max(heat_delta)"}')
    .replace('"from"', '"timeZone":"America/New_York","from"');
  house.project.write({ [definition]: other });
  expect(failed(await house.run())).toEqual([]);
  const read = () => house.rows("select day::text, kwh, heat, most from marts.days order by day");
  expect(await read()).toEqual(["2025-12-31|∅|∅|∅", "2026-01-02|2|3|3", "2026-01-03|4|1|1"]);
  expect(await house.rows("select kwh, heat from marts.meter_totals")).toEqual(["7|9"]);
  await house.sql("delete from raw.readings where _load_id = 1; delete from raw._load where load_id = 1");
  house.project.write({ [definition]: first });
  expect((await house.run()).steps.find(({ status }) => status === "failed")?.error?.hint).toBe(
    "it is made anew because its version changed, by its options or with the package: put back what it was, and its rows are kept; or --allow-loss marts.meter_store lets them go this time",
  );
  expect(await read()).toHaveLength(3);
  house.project.write({ [definition]: other });
  expect(failed(await house.run())).toEqual([]);
});

const own = "create view raw.snapshots as select load_id from raw._load where status = 'loaded'";
const ownSnapshots = `create view raw.snapshots as select load_id, as_of::date as day, finished_at as loaded_at, true as is_whole
  from raw._load where status = 'loaded'`;
const full = { kind: "full", takenAt: { day: "date" } } as const;

describe.each([
  ["reports", "the ledger", plain, {}, ""],
  ["reports", "loads of one's own", plain, { loads: ["raw", "snapshots"] as const }, own],
  ["snapshots", "the ledger", "meter text, kwh numeric", full, ""],
  [
    "snapshots",
    "loads of one's own",
    "meter text, kwh numeric",
    { ...full, loads: ["raw", "snapshots"] as const },
    ownSnapshots,
  ],
] as const)("%s by %s", (kind, _, table, options, more) => {
  test("a load that is struck is gone after the next run, a full refresh or not; what is gone from raw is kept, and holds a full refresh", async () => {
    const { land, sql, run, rows } = await counting(table, options, more);
    for (const day of [1, 2, 3, 4])
      await land({
        load: day,
        asOf: `2026-01-0${day}`,
        rows: [kind === "reports" ? `'a', '2026-01-0${day}Z', ${day}` : `'a', ${day}`],
      });
    if (kind === "reports") await land({ load: 5, rows: [] });
    const refreshed = (allowLoss: string[] = []) => run({ fullRefresh: true, allowLoss });
    const read = () => rows("select string_agg(kwh::text, ',' order by kwh) from marts.meter_deltas");
    const comesTo = async (what: string, next: () => ReturnType<typeof run>, expected: string) => {
      await sql(what);
      expect(failed(await next())).toEqual([]);
      expect(await read()).toEqual([expected]);
    };
    const strike = (load: number) => `update raw._load set status = 'struck' where load_id = ${load}`;
    await comesTo("", run, "1,2,3,4");
    await comesTo(strike(2), refreshed, "1,3,4");
    await comesTo(`${strike(3)}; update raw._load set status = 'loaded' where load_id = 2`, run, "1,2,4");
    await comesTo("update raw._load set status = 'loaded' where load_id = 3", refreshed, "1,2,3,4");
    await comesTo(
      "delete from raw.readings where _load_id = 1; delete from raw._load where load_id = 1",
      run,
      "1,2,3,4",
    );
    const guard = (await refreshed()).steps.find(({ status }) => status === "failed");
    expect(guard?.error).toMatchObject({
      found: expect.stringMatching(/gone: 1, rows before: 4, rows now: 3$/),
      hint: "without --full-refresh they are kept; or --allow-loss marts.meter_store lets them go this time",
    });
    expect(await read()).toEqual(["1,2,3,4"]);
    await comesTo("delete from raw.readings where _load_id = 4", () => refreshed(["meter_store"]), "2,3");
  });
});

test("a load whose readings another one restated is missed all the same when its rows are gone", async () => {
  const house = await counting(plain, {});
  await house.land({ load: 1, rows: ["'a', '2026-01-01Z', 100"] });
  await house.land({ load: 3, rows: ["'a', '2026-01-02Z', 104"] });
  await house.land({ load: 4, rows: [] });
  expect(failed(await house.run())).toEqual([]);
  await house.land({ load: 5, rows: ["'a', '2026-01-02Z', 105"] });
  expect(failed(await house.run())).toEqual([]);
  const read = () => house.rows("select kwh from marts.meter_deltas order by read_at");
  await house.sql(`delete from raw.readings where _load_id in (1, 3);
    update raw._load set status = 'failed' where load_id = 5`);
  const message = async () => (await house.run()).steps.find(({ status }) => status === "failed")?.error?.message;
  expect(await message()).toMatch(/Gone: 1, 3$/);
  await house.sql("delete from raw._load where load_id = 3");
  expect(await message()).toMatch(/Gone: 1, 3$/);
  expect(await read()).toEqual(["100", "105"]);
});

test("a snapshot that another of its moment replaced is missed when it is gone, from the ledger too", async () => {
  const house = await counting("meter text, kwh numeric", { kind: "full", takenAt: { day: "date" } });
  await house.land({ load: 1, asOf: "2026-01-01", rows: ["'a', 1"] });
  await house.land({ load: 2, asOf: "2026-01-01", rows: ["'a', 2"] });
  expect(failed(await house.run())).toEqual([]);
  await house.sql(`delete from raw.readings where _load_id = 1; delete from raw._load where load_id = 1;
    update raw._load set status = 'failed' where load_id = 2`);
  expect((await house.run()).steps.find(({ status }) => status === "failed")?.error?.message).toMatch(/Gone: 1$/);
  expect(await house.rows("select kwh from marts.meter_deltas")).toEqual(["2"]);
});

test("what is emptied after it was worked in is no fault of the readings; what is undone then is", async () => {
  const reports = await counting(plain, {});
  const snapshots = await counting("meter text, kwh numeric", { kind: "full", takenAt: { day: "date" } });
  const days = ["2026-01-01", "2026-01-02"];
  for (const [index, day] of days.entries()) {
    await reports.land({ load: index + 1, rows: [`'a', '${day}Z', ${index + 1}`] });
    await snapshots.land({ load: index + 1, asOf: day, rows: [`'a', ${index + 1}`] });
    for (const house of [reports, snapshots]) {
      expect(failed(await house.run())).toEqual([]);
      // after a computation of everything, and after a run that worked in the last load
      await house.sql("create table raw.aside as table raw.readings; truncate raw.readings");
      expect(failed(await house.run())).toEqual([]);
      expect(await house.rows("select kwh from marts.meter_deltas order by kwh")).toEqual(
        ["1", "2"].slice(0, index + 1),
      );
      await house.sql("insert into raw.readings table raw.aside; drop table raw.aside");
    }
  }
  for (const house of [reports, snapshots]) {
    // the audit alone, over a store that still holds what was undone
    await house.sql("truncate raw.readings; update raw._load set status = 'failed' where load_id = 2");
    const report = await house.run({ actions: ["meter_snapshots_agree_with_records"] });
    expect(failed(report)).toEqual(["assertions.meter_snapshots_agree_with_records"]);
  }
});

test("sums that do not hold what the readings say are found in the run that follows them", async () => {
  const house = await counting(plain, {
    rollups: {
      meter_days: { by: ["meter"], every: "day" },
      meter_weeks: { every: "week" },
      meter_months: { every: "month" },
      meter_moments: { every: "reading" },
    },
    totals: true,
  });
  await house.land({ load: 1, rows: ["'a', '2026-01-02Z', 1", "'a', '2026-01-03Z', 3", "'a', '2026-02-03Z', 7"] });
  expect(failed(await house.run())).toEqual([]);
  // as a fault in a model would have it: rows say otherwise than the readings, and have followed them already
  for (const name of ["meter_days", "meter_weeks", "meter_months", "meter_moments", "meter_totals"]) {
    const [table] = await house.rows(
      `select relname from pg_class where relname like '${name.replaceAll("_", "\\_")}%s' and relkind = 'r' order by oid desc limit 1`,
    );
    await house.sql(`update _dataform."${table}" set kwh = kwh + 1`);
  }
  const report = await house.run({
    actions: [
      "meter_days_agrees_with_meter_deltas",
      "meter_weeks_agrees_with_meter_deltas",
      "meter_months_agrees_with_meter_deltas",
      "meter_moments_agrees_with_meter_deltas",
      "meter_totals_agree_with_meter_deltas",
    ],
  });
  expect(failed(report).sort()).toEqual([
    "assertions.meter_days_agrees_with_meter_deltas",
    "assertions.meter_moments_agrees_with_meter_deltas",
    "assertions.meter_months_agrees_with_meter_deltas",
    "assertions.meter_totals_agree_with_meter_deltas",
    "assertions.meter_weeks_agrees_with_meter_deltas",
  ]);
});
