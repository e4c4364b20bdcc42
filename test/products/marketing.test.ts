import { resolve } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { createDemoApi, DEMO_TOKEN, planted } from "../../ingest/demo-api/server.ts";
import { type Client, connect } from "../../src/postgres/client.ts";
import { script } from "../../src/sql/authored.ts";
import { sql } from "../../src/sql/sql.ts";
import { type CliResult, cli, succeeds } from "../support/cli.ts";
import { expectDashboard } from "../support/dashboards.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

// The main job over the demo API, once for all tests of this file.
const project = resolve(import.meta.dirname, "../..");
let database: TestDatabase;
let client: Client;
let closeApi: () => Promise<void>;
let dataform: (...args: string[]) => Promise<CliResult>;

beforeAll(async () => {
  database = await testDatabase();
  client = await connect(database.settings);
  // All of it is landed by test/ingest, and built by `npm start` in test/docs.
  const api = await createDemoApi({ faults: true, every: 5 });
  closeApi = () => api.close();
  const env = {
    DATABASE_URL: database.url,
    MARKETING_API_URL: await api.listen({ port: 0, host: "127.0.0.1" }),
    MARKETING_API_TOKEN: DEMO_TOKEN,
  };
  dataform = (...args) => cli(project, args, env);
  await succeeds(dataform("ingest", "marketing"));
  const run = await dataform("run", "--tags", "marketing", "--run-tests");
  expect(run.stderr).toMatch(/Done: \d+ ok, 0 failed, 0 held, 0 skipped/);
}, 180_000);

afterAll(async () => {
  await client?.close();
  await closeApi?.();
  await database?.drop();
});

async function rows(sql: string): Promise<string[]> {
  const { rows } = await client.table(script(sql));
  return rows.map((row) => row.map((value) => value ?? "∅").join("|"));
}

test("what the API sent is in the raw tables or among the rejects, to the record", async () => {
  expect(await rows("select stream, rows, rejected from raw._load order by load_id")).toEqual([
    "campaigns|167|0",
    "creatives|93|1",
    "stats|16760|1",
  ]);
  expect(await rows("select stream, reason from raw._rejected order by stream")).toEqual([
    "creatives|name: is missing",
    "stats|impressions: is missing",
  ]);
});

test("a second ingest lands nothing and a second run changes no figure", async () => {
  const before = await rows("select md5(string_agg(t::text, '|' order by t::text)) from marketing.campaign_daily t");
  await succeeds(dataform("ingest", "marketing"));
  expect(await rows("select count(*) from raw.marketing_stats")).toEqual(["16760"]);
  await succeeds(dataform("run", "--tags", "marketing"));
  expect(await rows("select md5(string_agg(t::text, '|' order by t::text)) from marketing.campaign_daily t")).toEqual(
    before,
  );
});

test("every mart has a description, described columns, and a key that is unique", async () => {
  const undescribed = await rows(
    `select c.relname || coalesce('.' || a.attname, '') from pg_class c
     join pg_namespace n on n.oid = c.relnamespace
     left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
     where n.nspname = 'marketing' and col_description(c.oid, coalesce(a.attnum, 0)) is null
        or n.nspname = 'marketing' and obj_description(c.oid) is null`,
  );
  expect(undescribed).toEqual([]);
  expect(await rows("select count(*) from pg_class where relnamespace = 'marketing'::regnamespace")).toEqual(["19"]);
});

test("the curve of late conversions adds up to the days that it follows, and has the steps of what was restated", async () => {
  const [added, share, steps, days] = (
    await rows(
      "select sum(conversions_added), max(share_known)::float8, string_agg(days_later::text, ',' order by days_later), max(days) from marketing.conversion_lag",
    )
  )[0]!.split("|");
  expect(
    await rows(`
      select sum(conversions_delta), count(distinct day)
      from history.stat_deltas as deltas inner join history.complete_days as complete using (time_zone)
      where not is_baseline and not is_reset and day <= last_complete_day - 28`),
  ).toEqual([`${added}|${days}`]);
  // reported in the night after its day, and one series once more, weeks later
  expect(steps!.split(",")[0]).toBe("1");
  expect(steps!.split(",").length).toBeGreaterThan(2);
  expect(Number(share)).toBeGreaterThanOrEqual(1);
});

test("no mart holds money or a ratio as a floating point number", async () => {
  expect(
    await rows(
      "select table_name, column_name from information_schema.columns where table_schema in ('marketing', 'history') and data_type in ('real', 'double precision')",
    ),
  ).toEqual([]);
});

test("the renamed campaign has both names in its history, and reports carry the name now and the name then", async () => {
  const { id, to, at } = planted.renamedCampaign;
  expect(
    await rows(
      `select campaign_name = '${to}', valid_from = '${at}', is_current from marketing.campaign_history where campaign_id = '${id}' order by valid_from`,
    ),
  ).toEqual(["f|f|f", "t|t|t"]);
  expect(
    await rows(
      `select campaign_name = '${to}', campaign_name_as_was = '${to}', count(*) > 0 from marketing.campaign_daily where campaign_id = '${id}' group by 1, 2 order by 2`,
    ),
  ).toEqual(["t|f|t", "t|t|t"]);
});

test("the deleted campaign ends in its history and keeps its figures", async () => {
  const { id, lastDay } = planted.deletedCampaign;
  expect(
    await rows(
      `select ended_by, is_current from marketing.campaign_history where campaign_id = '${id}' order by valid_from desc limit 1`,
    ),
  ).toEqual(["delete|f"]);
  expect(
    await rows(
      `select max(day), sum(spend) > 0, bool_and(is_deleted) from marketing.campaign_daily where campaign_id = '${id}'`,
    ),
  ).toEqual([`${lastDay}|t|t`]);
});

test("the creative that moved has figures under both campaigns, none twice", async () => {
  const { id, from, to, firstDay } = planted.movedCreative;
  expect(
    await rows(
      `select campaign_id, min(day) >= '${firstDay}', max(day) < '${firstDay}' from marketing.creative_daily where creative_id = '${id}' group by 1 order by 1`,
    ),
  ).toEqual([`${to}|t|f`, `${from}|f|t`].sort());
});

test("the restated figures are the lower ones, without a false reset", async () => {
  const { id, resent } = planted.restatedCreative;
  expect(
    await rows(
      `select bool_or(is_reset), min(impressions_delta) >= 0 from history.stat_deltas where creative_id = '${id}'`,
    ),
  ).toEqual(["f|t"]);
  const counted = await rows(
    `select count(*) from history.stat_snapshots s join (
       select creative_id, device, measured_at, min(impressions) as lowest, count(distinct reported_at) as reports
       from raw.marketing_stats where creative_id = '${id}' group by 1, 2, 3 having count(distinct reported_at) > 1
     ) r using (creative_id, device, measured_at) where s.impressions = r.lowest`,
  );
  expect(counted).toEqual([String((resent.to - resent.from + 1) * 3)]);
});

test("the counter that was reset counts on from zero and its totals to date do not fall", async () => {
  const { id, date } = planted.resetCreative;
  expect(
    await rows(`select day, count(*) from history.stat_deltas where creative_id = '${id}' and is_reset group by 1`),
  ).toEqual([`${date}|3`]);
  expect(
    await rows(`select bool_and(impressions_to_date >= before) from (
      select impressions_to_date, lag(impressions_to_date, 1, 0::bigint) over (partition by device order by measured_at) as before
      from history.stat_deltas where creative_id = '${id}') t`),
  ).toEqual(["t"]);
});

test("a gap is one delta that says how many days it covers", async () => {
  for (const { creative, from, to } of planted.gaps) {
    expect(
      await rows(
        `select distinct days_covered from history.stat_deltas where creative_id = '${creative}' and days_covered > 1`,
      ),
    ).toEqual([String(to - from + 2)]);
  }
});

test("a creative older than the feed has a baseline, one born in it has none", async () => {
  const baselines = (id: string) =>
    rows(`select count(*) from history.stat_deltas where creative_id = '${id}' and is_baseline`);
  expect(await baselines(planted.oldCreative.id)).toEqual(["3"]);
  expect(await baselines(planted.newCreative.id)).toEqual(["0"]);
});

test("spend without a conversion gives no cost per conversion, and is named", async () => {
  expect(
    await rows(
      `select bool_and(spend_per_conversion is null), sum(spend) > 0 from marketing.creative_daily where creative_id = '${planted.withoutConversions.id}'`,
    ),
  ).toEqual(["t|t"]);
});

test("the figures per campaign equal those computed from the raw table by another way", async () => {
  // Independent of the models: last winning reading, plus what was counted before a reset, minus the baseline.
  const independent = `
    with winners as (
      select distinct on (creative_id, device, measured_at) * from raw.marketing_stats
      order by creative_id, device, measured_at, reported_at desc, _load_id desc, _row_no desc
    ), steps as (
      select *, lag(spend) over w as spend_before, lag(impressions) over w as before,
        (select min(created_at) from raw.marketing_creatives c where c.id = winners.creative_id) >= '2026-01-01' as born
      from winners window w as (partition by creative_id, device order by measured_at)
    )
    select currency, sum(case
      when before is null and born then spend
      when before is null then 0
      when impressions < before then spend
      else spend - spend_before end) from steps group by currency order by currency`;
  expect(
    await rows("select currency, sum(spend) from marketing.campaign_daily group by currency order by currency"),
  ).toEqual(await rows(independent));
});

test("both currencies are there and no money mart adds them up", async () => {
  expect(
    await rows("select string_agg(distinct currency, ',' order by currency) from marketing.spend_per_conversion"),
  ).toEqual(["EUR,USD"]);
  const without = await rows(
    `select table_name from information_schema.columns where table_schema = 'marketing'
     group by table_name having bool_or(column_name like '%spend%') and not bool_or(column_name = 'currency')`,
  );
  expect(without).toEqual([]);
});

test("the best converting campaigns are ranked by rate, ties by rank, with enough clicks to tell", async () => {
  expect(
    await rows(`select count(*), min(clicks) >= 100, bool_and(rank_by_conversion_rate = expected) from (
      select *, rank() over (order by conversion_rate desc nulls last) as expected from marketing.best_converting_campaigns) t`),
  ).toEqual([expect.stringMatching(/^\d+\|t\|t$/)]);
});

test("a load with a negative counter is kept out of the release, with all that reads it; struck out of the ledger it is as if it had never been", async () => {
  const shown = "select md5(string_agg(t::text, '|' order by t::text)) from marketing.campaign_daily t";
  const before = await rows(shown);
  await client.script(sql`
    with bad as (
      insert into raw._load (source, stream, table_name, status, started_at, finished_at, rows)
      values ('marketing', 'stats', 'marketing_stats', 'loaded', now(), now(), 1) returning load_id
    )
    insert into raw.marketing_stats
      (creative_id, campaign_id, device, measured_at, reported_at, currency, spend, impressions, clicks, conversions, _load_id, _row_no)
    select creative_id, campaign_id, device, measured_at, now(), currency, spend, impressions, clicks, -1, bad.load_id, 1
    from (select * from raw.marketing_stats order by measured_at desc, creative_id limit 1) as stats, bad`);
  const bad = await dataform("run", "--tags", "marketing");
  expect(bad.exitCode).toBe(1);
  expect(bad.stderr).toContain("FAIL  assertion assertions.stat_is_sound");
  expect(bad.stderr).toContain("held  table marketing.campaign_daily");
  expect(await rows(shown)).toEqual(before);
  await client.query(sql`update raw._load set status = 'failed' where load_id = (select max(load_id) from raw._load)`);
  const mended = await dataform("run", "--tags", "marketing");
  expect(mended.stderr).toMatch(/Done: \d+ ok, 0 failed, 0 held, 0 skipped/);
  expect(await rows(shown)).toEqual(before);
});

// It reads all loads twice, by statements that the tests before it sent.
test.runIf(inject("everyCase"))(
  "figures that are not those of their reports are found in the run that brings them, and all of them by a full refresh",
  async () => {
    // as a fault in a model would have it: the store says otherwise than the raw table
    const [store] = await rows(
      "select relname from pg_class where relname like 'stat\\_store%s' and relkind = 'r' order by oid desc limit 1",
    );
    const written = `_dataform_run_at = (select _dataform_run_at from _dataform."${store}" where _dataform_row_kind = 'run')`;
    await client.script(
      script(`
    update _dataform."${store}" set clicks = clicks + 1, ${written}
    where ctid = (select ctid from _dataform."${store}" where _dataform_row_kind = 'reading' order by measured_at desc, creative_id limit 1);
    update _dataform."${store}" set ${written} where _dataform_row_kind = 'load'`),
    );
    const faulty = await dataform("run", "--tags", "marketing");
    expect(faulty.exitCode).toBe(1);
    for (const name of ["stat_snapshots_agree_with_records", "stat_deltas_agree_with_snapshots"])
      expect(faulty.stderr).toContain(`FAIL  assertion assertions.${name}`);
    const anew = await dataform("run", "--tags", "marketing", "--full-refresh");
    expect(anew.stderr).toMatch(/Done: \d+ ok, 0 failed, 0 held, 0 skipped/);
  },
);

test("its dashboard shows what the server says, panel by panel", () =>
  expectDashboard("marketing", resolve(import.meta.dirname, "../.."), database.settings));
