import { cpSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunReport } from "../../src/model/report.ts";
import { blocksOf } from "../docs/markdown.ts";
import { makeLedger } from "../support/history.ts";
import { sharedWarehouse, stepOf, type Warehouse } from "../support/warehouse.ts";

// What networks really send, in three days: no day is lost for it, and it is told. A creative for each case.

let house: Warehouse & { end(): Promise<void> };
const days: RunReport[] = [];

/** `[creative, device, spend, impressions, clicks, conversions]` of one day's reading. */
type Reading = readonly [string, string, string | number, number, number, number];

const readings: Readonly<Record<number, readonly Reading[]>> = {
  2: [
    ["late clicks", "mobile", 1, 100, 10, 1],
    ["retracted", "mobile", 1000, 100_000, 5000, 500],
    ["late device", "desktop", 2, 10, 1, 0],
    ["tv", "mobile", 1, 10, 1, 0],
    ["reset", "mobile", 50, 1000, 100, 20],
    ["ahead", "mobile", 1, 10, 1, 0],
  ],
  3: [
    // two clicks for each impression
    ["late clicks", "mobile", 1, 101, 12, 1],
    ["retracted", "mobile", 1100, 110_000, 5500, 499],
    ["late device", "desktop", 2, 10, 1, 0],
    ["late device", "mobile", 40, 200, 9, 3],
    ["tv", "mobile", 1, 10, 1, 0],
    ["tv", "connected_tv", 7, 70, 0, 0],
    ["reset", "mobile", 5, 10, 120, 2],
    ["rich", "mobile", "1000000000000.01", 1, 0, 0],
    ["told by its end", "mobile", 3, 30, 3, 1],
  ],
  4: [
    ["late clicks", "mobile", 2, 200, 15, 1],
    ["retracted", "mobile", 1200, 120_000, 6000, 510],
    ["wrong load", "mobile", 9, 90, 9, 9],
  ],
};

/** Of the feeds of campaigns and creatives: old ones, and one that is only known by its end. */
const described = `
  insert into raw.marketing_campaigns
  select id, 'a', zone, upper(id), 'active', 'sales', 'USD', 10, deleted, '2025-06-01Z', '2025-06-01Z', load, row_number() over ()
  from (values
    ('c', null, false, 101), ('ended', null, true, 101), ('wrong', null, false, 102),
    ('silent', 'Asia/Tokyo', false, 101), ('west', 'America/New_York', false, 101), ('east', 'Pacific/Auckland', false, 101), ('odd', 'Mars/Olympus', false, 101)
  ) as feed (id, zone, deleted, load);
  insert into raw.marketing_creatives
  select id, campaign, upper(id), 'image', null, deleted, created::timestamptz, greatest(created::timestamptz, '2025-07-01Z'), load, row_number() over ()
  from (values
    ('late clicks', 'c', false, '2025-06-01Z', 101), ('retracted', 'c', false, '2025-06-01Z', 101),
    ('late device', 'c', false, '2025-06-01Z', 101), ('tv', 'c', false, '2025-06-01Z', 101),
    ('reset', 'c', false, '2025-06-01Z', 101), ('told by its end', 'ended', true, '2026-01-02 09:00Z', 101),
    ('never shown', 'silent', false, '2026-02-01Z', 101), ('wrong load', 'wrong', false, '2026-01-03Z', 102)
  ) as feed (id, campaign, deleted, created, load)`;

/**
 * Of one moment by three clocks, at which it is January 11 in Auckland already: the next day one of them is told again, of
 * another account, and is read once more there on what is still January 10.
 */
const byOtherClocks: Readonly<Record<number, string>> = {
  2: `('mover', 'east', 'mobile', '2026-01-10 06:00Z', '2026-01-10 20:00Z', 'USD', 1, 10, 1, 0, 302, 1),
      ('mover', 'east', 'mobile', '2026-01-10 12:00Z', '2026-01-10 20:00Z', 'USD', 2, 20, 2, 0, 302, 2),
      ('stayer', 'utc', 'mobile', '2026-01-10 12:00Z', '2026-01-10 20:00Z', 'USD', 5, 50, 5, 0, 302, 3)`,
  3: `('mover', 'west', 'mobile', '2026-01-10 12:00Z', '2026-01-11 20:00Z', 'USD', 3, 30, 3, 0, 303, 1)`,
  4: `('mover', 'east', 'mobile', '2026-01-10 11:30Z', '2026-01-10 20:00Z', 'USD', 2, 20, 2, 0, 304, 1)`,
};

/** A load with readings of a day to come, and of one before there was anything, beside one that is right. */
const ahead = `
  insert into raw.marketing_stats
  select creative, 'c', 'mobile', at::timestamptz, at::timestamptz, 'USD', n, 10 * n, n, 0, 500, n
  from (values ('ahead', '2026-01-04 00:00Z', 2), ('ahead', '2999-01-02 00:00Z', 5), ('ancient', '1970-01-01 00:00Z', 1)) as told (creative, at, n);
  insert into raw._load values (500, 'marketing_stats', 'loaded', now(), 3, 0, 'log', null, '{}')`;

function landByOtherClocks(day: number): string {
  return `
    insert into raw.marketing_stats values ${byOtherClocks[day]};
    insert into raw._load values (${300 + day}, 'marketing_stats', 'loaded', now(), 1, 0, 'log', null, '{}')`;
}

beforeAll(async () => {
  house = await sharedWarehouse({ "definitions/package.json": '{ "type": "commonjs" }' });
  const root = resolve(import.meta.dirname, "../..");
  for (const path of ["definitions/marketing", "includes", "ingest"])
    cpSync(join(root, path), join(house.project.dir, path), { recursive: true });
  await house.sql(`${makeLedger};
    create table raw.marketing_campaigns (id text, account_id text, time_zone text, name text, status text, objective text, currency text,
      daily_budget numeric, deleted boolean, created_at timestamptz, updated_at timestamptz, _load_id bigint, _row_no bigint);
    create table raw.marketing_creatives (id text, campaign_id text, name text, format text, landing_url text,
      deleted boolean, created_at timestamptz, updated_at timestamptz, _load_id bigint, _row_no bigint);
    create table raw.marketing_stats (creative_id text, campaign_id text, device text, measured_at timestamptz,
      reported_at timestamptz, currency text, spend numeric, impressions bigint, clicks bigint, conversions bigint,
      _load_id bigint, _row_no bigint, conversion_value numeric);
    ${described};
    insert into raw._load
    select load, name, 'loaded', now(), 9, 0, 'log', null, '{}'
    from (values (101, 'marketing_campaigns'), (102, 'marketing_creatives')) as loads (load, name)`);
  await house.sql(inTheWest);
  for (const day of [2, 3, 4]) {
    await house.sql(land(day));
    await house.sql(landByOtherClocks(day));
    await house.sql(landByWorth(day));
    if (day === 4) await house.sql(ahead);
    days.push(await house.run());
  }
}, 120_000);

afterAll(() => house?.end());

function land(day: number): string {
  const rows = readings[day]!.map(([creative, device, ...totals], index) => {
    const campaign = { "told by its end": "ended", "wrong load": "wrong" }[creative] ?? "c";
    const midnight = `'2026-01-0${day} 00:00Z'`;
    return `('${creative}', '${campaign}', '${device}', ${midnight}, ${midnight}, 'USD', ${totals.join(", ")}, ${day}, ${index})`;
  });
  return `
    insert into raw.marketing_stats values ${rows.join(", ")};
    insert into raw._load values (${day}, 'marketing_stats', 'loaded', now(), ${rows.length}, 0, 'log', null, '{}')`;
}

/** `[creative, currency, spend, impressions, clicks, conversions, conversion_value]` of one day's reading. */
const byWorth: Readonly<Record<number, string>> = {
  2: "('other money', 'EUR', 10, 100, 10, 1, 40), ('worth', 'USD', 1, 10, 1, 1, 5), ('told late', 'USD', 1, 10, 1, 0, null)",
  3: "('other money', 'USD', 12, 150, 15, 2, 50), ('worth', 'USD', 2, 20, 2, 2, null), ('told late', 'USD', 2, 20, 2, 0, null)",
  4: "('other money', 'USD', 15, 200, 20, 4, 70), ('worth', 'USD', 4, 30, 3, 3, 25), ('told late', 'USD', 4, 40, 4, 0, null)",
};

/** Of a campaign of its own, whose time zone is told on the last day only. */
function landByWorth(day: number): string {
  const zone = `
    insert into raw.marketing_campaigns
    select 'worthy', 'a', 'America/New_York', 'WORTHY', 'active', 'sales', 'USD', 10, false, '2025-06-01Z', '2025-06-01Z', 104, 1;
    insert into raw._load values (104, 'marketing_campaigns', 'loaded', now(), 1, 0, 'log', null, '{}');`;
  return `
    insert into raw.marketing_stats
    select creative, 'worthy', 'mobile', '2026-01-0${day} 00:00Z', '2026-01-0${day} 00:00Z', currency, spend, impressions, clicks,
      conversions, ${400 + day}, row_number() over (), worth
    from (values ${byWorth[day]}) as told (creative, currency, spend, impressions, clicks, conversions, worth);
    insert into raw._load values (${400 + day}, 'marketing_stats', 'loaded', now(), 3, 0, 'log', null, '{}');
    ${day === 4 ? zone : ""}`;
}

/** Midnights of New York, with the change of clocks on March 8: at five of UTC before it, at four after. */
const inTheWest = `
  insert into raw.marketing_stats
  select 'west', 'west', 'mobile', at::timestamptz, at::timestamptz, 'USD', n, n, n, n, 100, n
  from (values ('2026-03-07 05:00Z', 1), ('2026-03-08 05:00Z', 3), ('2026-03-09 04:00Z', 6), ('2026-03-10 04:00Z', 10)) as told (at, n);
  insert into raw.marketing_stats
  select 'odd', 'odd', 'mobile', at::timestamptz, at::timestamptz, 'USD', n, n, n, n, 100, 10 + n
  from (values ('2026-03-08 00:00Z', 1), ('2026-03-09 00:00Z', 3)) as told (at, n);
  insert into raw._load values (100, 'marketing_stats', 'loaded', now(), 6, 0, 'log', null, '{}')`;

const daily = (creative: string) =>
  house.rows(
    `select day, spend, impressions, clicks, conversions, has_reset, has_correction
     from marketing.creative_daily where creative_id = '${creative}' order by day`,
  );

test("more clicks than impressions, an unknown device, money of thirteen digits and a correction hold nothing", () => {
  const notOk = days.map(({ steps }) =>
    steps.filter(({ status }) => status !== "ok").map(({ target, status }) => `${status} ${target.name}`),
  );
  const zones = "warned marketing_time_zones_are_known";
  expect(notOk.map((names) => names.sort())).toEqual([
    [zones],
    ["warned marketing_devices_are_known", "warned marketing_rates_are_usual", zones, "warned stat_keeps_its_unit"],
    ["warned marketing_readings_are_of_days_that_came", zones, "warned marketing_time_zones_are_those_of_days"],
  ]);
});

test("a creative that goes on in another currency keeps its counts and loses no day: what of its money is not known is NULL, and told", async () => {
  const money = (creative: string) =>
    house.rows(
      `select day, currency, spend, clicks, conversion_value, spend_with_value, round(roas, 2)
       from marketing.creative_daily where creative_id = '${creative}' order by day`,
    );
  expect(await money("other money")).toEqual(["2026-01-02|USD|∅|5|∅|∅|∅", "2026-01-03|USD|3|5|20|3|6.67"]);
  // of three readings the second says no value: the third is taken from the first
  expect(await money("worth")).toEqual(["2026-01-02|USD|1|1|∅|∅|∅", "2026-01-03|USD|2|1|20|2|10.00"]);
  expect(await money("late clicks")).toEqual(["2026-01-02|USD|0|2|∅|∅|∅", "2026-01-03|USD|1|3|∅|∅|∅"]);
  const told = JSON.parse(stepOf(days[1]!, "assertions.stat_keeps_its_unit").failingRows![0]!);
  expect(told).toMatchObject({ creative_id: "other money", currency: "USD", _dataform_unit_before: "EUR" });
  const worthy = "from marketing.campaign_periods where campaign_id = 'worthy' and period = 'month'";
  expect(
    await house.rows(
      `select currency, spend, conversion_value, spend_with_value, round(roas, 2), previous_spend ${worthy} order by period_start`,
    ),
    // what stopped in January has a row of February, to be compared in
  ).toEqual(["USD|9|40|5|8.00|∅", "USD|0|∅|∅|∅|9"]);
});

test("days that were counted before their time zone was told are told, with what to do", () => {
  const told = stepOf(days[2]!, "assertions.marketing_time_zones_are_those_of_days").failingRows!.map((row) =>
    JSON.parse(row),
  );
  expect(told).toMatchObject([
    {
      campaign_id: "worthy",
      time_zone_now: "America/New_York",
      days_are_counted_by: "UTC",
      first_day: "2026-01-01",
      last_day: "2026-01-02",
      what_to_do: expect.stringContaining("--full-refresh"),
    },
  ]);
});

test("what is not usual is told, with what it is", () => {
  const told = stepOf(days[1]!, "assertions.marketing_rates_are_usual").failingRows!.map((row) => JSON.parse(row));
  expect(Object.fromEntries(told.map(({ creative_id, what }) => [creative_id, what]))).toEqual({
    "late clicks": "more clicks than impressions",
    reset: "more clicks than impressions",
    retracted: "a correction",
  });
});

test("readings of a day to come, or of before their campaign was there, stand in their day, close and begin none, and are told with the load to strike", async () => {
  expect(await daily("ahead")).toEqual(["2026-01-03|1|10|1|0|f|f", "2999-01-01|3|30|3|0|f|f"]);
  const ends = "select min(first_complete_day), max(last_complete_day) from history.complete_days";
  expect(await house.rows(ends)).toEqual(["2026-01-02|2026-03-09"]);
  // what was there before the feed is no news of its first day
  expect(
    await house.rows("select spend_before_feed from history.creative_totals where creative_id = 'retracted'"),
  ).toEqual(["1000"]);
  const told = stepOf(days[2]!, "assertions.marketing_readings_are_of_days_that_came").failingRows!;
  expect(told.map((row) => JSON.parse(row))).toMatchObject([
    { load_id: 500, readings: 1, a_creative: "ahead", what_to_do: expect.stringContaining("ingest strike 500") },
    { load_id: 500, why: "of before its campaign was created", a_creative: "ancient" },
  ]);
});

test("clicks that come a day late are the day's, and the next day goes on", async () => {
  expect(await daily("late clicks")).toEqual(["2026-01-02|0|1|2|0|f|f", "2026-01-03|1|99|3|0|f|f"]);
});

test("one conversion that is taken back is -1 on its day, flagged, and no restart", async () => {
  expect(await daily("retracted")).toEqual(["2026-01-02|100|10000|500|-1|f|t", "2026-01-03|100|10000|500|11|f|f"]);
  expect(
    await house.rows(
      "select conversions, conversions_to_date, has_reset, has_correction from marketing.conversions_by_creative where creative_id = 'retracted'",
    ),
  ).toEqual(["10|510|f|t"]);
});

test("where impressions fall all has restarted, also clicks that are higher by now, and every mart says so", async () => {
  expect(await daily("reset")).toEqual(["2026-01-02|5|10|120|2|t|f"]);
  const marts = await house.rows(
    `select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = 'marketing'::regnamespace and a.attname in ('has_reset', 'has_correction') and not a.attisdropped
     group by 1 having count(*) = 2 order by 1`,
  );
  expect(
    await house.rows("select relname from pg_class where relnamespace = 'marketing'::regnamespace order by 1"),
  ).toEqual([...marts, "campaign_history", "campaigns_not_delivering", "conversion_lag"].sort());
  for (const mart of ["best_converting_creatives", "conversions_by_creative", "creative_daily", "creative_to_date"])
    expect(
      await house.rows(`select bool_or(has_reset) from marketing.${mart} where creative_id = 'reset'`),
      mart,
    ).toEqual(["t"]);
  for (const mart of marts.filter((name) => name.startsWith("campaign_") || name.endsWith("_campaign")))
    expect(await house.rows(`select bool_or(has_reset) from marketing.${mart} where campaign_id = 'c'`), mart).toEqual([
      "t",
    ]);
});

test("a device that appears late on an old creative had nothing before: all of its 40 are spent", async () => {
  expect(await daily("late device")).toEqual(["2026-01-02|40|200|9|3|f|f"]);
  expect(
    await house.rows(
      "select spend from marketing.creative_to_date where creative_id = 'late device' order by measured_at",
    ),
  ).toEqual(["2", "42"]);
});

test("a reading that comes to be of another account leaves its day there, covers no day less than none, and takes no other campaign's figures along", async () => {
  expect(
    await house.rows(
      "select measured_at at time zone 'UTC', campaign_id, day, spend_delta, days_covered from history.stat_deltas where creative_id = 'mover' order by 1",
    ),
  ).toEqual([
    "2026-01-10 06:00:00|east|2026-01-10|∅|∅",
    "2026-01-10 11:30:00|east|2026-01-11|1|1",
    "2026-01-10 12:00:00|west|2026-01-10|1|0",
  ]);
  expect(
    await house.rows(
      `select campaign_id, day, spend from marketing.campaign_daily where campaign_id in ('east', 'west') and day between '2026-01-10' and '2026-01-11' order by 1, 2`,
    ),
  ).toEqual(["east|2026-01-11|1", "west|2026-01-10|1"]);
  expect(
    await house.rows(
      "select campaign_id, spend from marketing.campaign_to_date where measured_at = '2026-01-10 12:00Z' order by 1",
    ),
  ).toEqual(["utc|5", "west|1"]);
});

test("an unknown device is counted as other, to the cent, and a device of its own in the facts", async () => {
  expect(
    await house.rows(
      "select spend_other, impressions_other, clicks_other from marketing.campaign_device where campaign_id = 'c'",
    ),
  ).toEqual(["7|70|0"]);
  expect(
    await house.rows("select distinct device from history.fct_creative_daily where creative_id = 'tv' and spend > 0"),
  ).toEqual(["connected_tv"]);
});

test("what is known by its end alone keeps its name, its campaign and its birth, and is deleted", async () => {
  expect(
    await house.rows(
      `select creative_name, campaign_id, campaign_name, is_deleted, spend from marketing.creative_daily where creative_id = 'told by its end'`,
    ),
  ).toEqual(["TOLD BY ITS END|ended|ENDED|t|3"]);
  expect(
    await house.rows(
      "select campaign_name, is_deleted, is_unknown from history.dim_campaigns where campaign_id = 'ended'",
    ),
  ).toEqual(["ENDED|t|f"]);
  expect(
    await house.rows("select campaign_name_as_was from marketing.campaign_daily where campaign_id = 'ended'"),
  ).toEqual(["ENDED"]);
});

test("a day is a day of the account's clocks, also where they change, and the marts say whose", async () => {
  expect(
    await house.rows(
      "select day, time_zone, spend from marketing.creative_daily where creative_id = 'west' order by day",
    ),
  ).toEqual(["2026-03-07|America/New_York|2", "2026-03-08|America/New_York|3", "2026-03-09|America/New_York|4"]);
  // A name that the server does not know is told, and counted by the project's days.
  expect(
    await house.rows("select day, time_zone, spend from marketing.campaign_daily where campaign_id = 'odd'"),
  ).toEqual(["2026-03-08|UTC|2"]);
});

test("campaigns and ads that are on and not shown are told by the selects of docs/marts.md, also of an account that nothing was ever shown of", async () => {
  const answer = async (words: string) => {
    const { text } = blocksOf("docs/marts.md").find((block) => block.text.includes(words))!;
    return (await house.rows(text)).filter((row) => /SILENT|NEVER SHOWN|RESET|^C\|/.test(row));
  };
  // the last reading of all closed March 9 in Tokyo, of clocks of UTC March 8
  expect(await answer("from marketing.campaigns_not_delivering")).toEqual([
    "SILENT|active|10|USD|2025-06-01 00:00:00+00|∅|66",
    "C|active|10|USD|2025-06-01 00:00:00+00|2026-01-03|64",
  ]);
  // by the clocks of the account, and not by those of whoever asks
  for (const clock of ["America/Los_Angeles", "UTC"]) {
    await house.sql(`set timezone = '${clock}'`);
    expect(await answer("as days_not_shown")).toEqual(["RESET|C|2026-01-02|65", "NEVER SHOWN|SILENT|∅|36"]);
  }
  const pacing = (await answer("from marketing.budget_pacing")).map((row) => row.split("|").slice(0, 4).join("|"));
  expect(pacing).toEqual(["SILENT|USD|0|90", "C|USD|0|80"]);
});

test("a load that is struck counts for no feed, and again when that is taken back", async () => {
  const whole = () =>
    house.rows(
      `select string_agg(t::text, ';' order by t::text) from (select * from history.dim_creatives) as t union all
       select string_agg(t::text, ';' order by t::text) from (select * from marketing.campaign_daily) as t`,
    );
  const before = await whole();
  const names = "select campaign_id, campaign_name, is_unknown from history.dim_campaigns where campaign_id = 'wrong'";
  expect(await house.rows(names)).toEqual(["wrong|WRONG|f"]);
  await house.sql("update raw._load set status = 'struck' where load_id = 102");
  await house.run();
  expect(await house.rows(names)).toEqual(["wrong|(unknown)|t"]);
  // nobody says any more that it was born: what it has is of unknown age
  expect(await daily("wrong load")).toEqual([]);
  await house.sql("update raw._load set status = 'struck' where load_id = 4");
  await house.run({ allowLoss: ["*"] });
  expect(await house.rows(names)).toEqual([]);
  expect(await daily("late clicks")).toEqual(["2026-01-02|0|1|2|0|f|f"]);
  await house.sql("update raw._load set status = 'loaded'");
  await house.run();
  expect(await whole()).toEqual(before);
});
