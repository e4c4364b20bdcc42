import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { planted } from "../../ingest/ad-networks/server.ts";
import { accounts } from "../../ingest/ad-networks/world.ts";
import { script } from "../../src/sql/authored.ts";
import { blocksOf } from "../docs/markdown.ts";
import { type AdsWarehouse, adsWarehouse, networks } from "../support/ads.ts";
import { dayWithRoom } from "../support/day.ts";

// The four networks, read twice: what they say first, and what they say after having restated.
let ads: AdsWarehouse;
let firstReport: string[];
/** The day so many days ago. */
const day = (daysAgo: number) => ads.played.world.day(daysAgo);
const rows = (sql: string) => ads.rows(sql);
const money = (value: string | undefined) => Number(value).toFixed(2);

const report = `select platform, campaign_id, day, device, spend, conversions from ads_history.fct_campaign_daily order by 1, 2, 3, 4`;

beforeAll(() => dayWithRoom(120), 130_000);
beforeAll(async () => {
  ads = await adsWarehouse();
  await ads.load();
  firstReport = await rows(report);
  ads.played.restate();
  await ads.load();
}, 120_000);

afterAll(() => ads?.close());

/** What the played network says of ads today, as totals. */
function said(network: "google" | "meta" | "tiktok" | "linkedin", daysAgo: number) {
  const facts = ads.played.world.adFacts(network, day(daysAgo), day(daysAgo));
  const sum = (of: (fact: (typeof facts)[number]) => number) => facts.reduce((total, fact) => total + of(fact), 0);
  return { spend: sum((fact) => fact.spend), clicks: sum((fact) => fact.clicks) };
}

test("§2.1 every network's throttling is waited out: 429 with Retry-After, a code in HTTP 200, a report that is not ready", async () => {
  expect(
    await rows(
      "select source, count(*), bool_and(status = 'loaded'), sum(rejected) from raw._load group by 1 order by 1",
    ),
  ).toEqual([
    "exchange_rates|1|t|0",
    "google_ads|12|t|0",
    "linkedin_ads|12|t|0",
    "meta_ads|12|t|0",
    "tiktok_ads|12|t|0",
  ]);
});

test("§2.1 Google and LinkedIn are read with access tokens that a refresh token gives; one that ends early is renewed", async () => {
  const { GOOGLE_ADS_REFRESH_TOKEN: _, ...rest } = ads.played.env("http://127.0.0.1:1");
  expect(Object.keys(rest).filter((name) => name.startsWith("GOOGLE") && name.endsWith("_TOKEN"))).toEqual([
    "GOOGLE_ADS_DEVELOPER_TOKEN",
  ]);
  // Google's first token ended in the first load
  expect(ads.played.issued()).toEqual({ google: 3, linkedin: 2 });
  const refused = await ads.dataformWith({ GOOGLE_ADS_REFRESH_TOKEN: "other" }, "ingest", "google_ads.accounts");
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toContain("invalid_grant");
  expect(refused.stderr).toContain("put a new one into GOOGLE_ADS_REFRESH_TOKEN");
});

test("§2.1 a network's answer of HTTP 200 with an error's code fails the load and shows the code", async () => {
  const result = await ads.dataformWith({ TIKTOK_ADS_ADVERTISER_ID: "1" }, "ingest", "tiktok_ads.campaigns");
  expect(result.exitCode).toBe(1);
  expect(result.stderr).toContain('{"code":40001,"message":"No permission"');
  expect(await rows("select count(*) from raw.ads_tiktok_campaigns")).toEqual(["6"]);
});

/** The windows of a network's reports, as its file declares them. */
function windowsIn(source: string): number[] {
  const file = resolve(import.meta.dirname, `../../ingest/${source}.yaml`);
  const { streams } = parse(readFileSync(file, "utf8")) as { streams: { window?: { lookbackDays: number } }[] };
  return streams.flatMap(({ window }) => (window ? [window.lookbackDays] : []));
}

test("§2.1 each network is read again for as many days as its file declares, and the ledger says for which", async () => {
  for (const source of networks) {
    const declared = windowsIn(source);
    expect(declared).toHaveLength(2);
    expect(
      await rows(
        `select details -> 'days' ->> 'start', details -> 'days' ->> 'end', details ->> 'lookbackDays' from raw._load
         where source = '${source}' and batch = 'slice' order by load_id offset 2`,
      ),
    ).toEqual(declared.map((lookback) => `${day(lookback)}|${day(0)}|${lookback}`));
  }
});

test("§2.3 late restatement upwards replaces the figure and keeps the one before", async () => {
  const { ad, daysAgo, before, after } = planted.restatedUp;
  expect(
    await rows(
      `select conversions::float8, ended_by, is_current from ads_history.ad_daily_versions
       where creative_id = '${ad}' and day = '${day(daysAgo)}' and device = 'mobile' order by known_from`,
    ),
  ).toEqual([`${before}|restated|f`, `${after}|∅|t`]);
});

test("§2.3 late restatement downwards lowers the figure, at the level of ads and of campaigns", async () => {
  const { ad, daysAgo, before, after } = planted.restatedDown;
  const campaign = accounts.meta.ads.find(({ id }) => id === ad)!.campaign;
  const change = Number(after) - Number(before);
  expect(
    await rows(
      `select conversions_after::float8 - conversions_before::float8, what_happened from ads.restatements
       where platform = 'meta' and campaign_id = '${campaign}' and day = '${day(daysAgo)}'`,
    ),
  ).toEqual([`${change}|restated`]);
});

test("§2.1 TRAP a row that vanished is gone from the facts, not kept as it was", async () => {
  const { ad, daysAgo } = planted.vanishedRow;
  const where = `creative_id = '${ad}' and day = '${day(daysAgo)}' and device = 'mobile'`;
  expect(await rows(`select count(*) from ads_history.fct_ad_daily where ${where}`)).toEqual(["0"]);
  expect(await rows(`select ended_by, count(*) from ads_history.ad_daily_versions where ${where} group by 1`)).toEqual([
    "vanished|1",
  ]);
  const facts = await rows(
    `select sum(spend)::float8, sum(clicks) from ads_history.fct_ad_daily where platform = 'google' and day = '${day(daysAgo)}'`,
  );
  const { spend, clicks } = said("google", daysAgo);
  expect(money(facts[0]!.split("|")[0])).toBe(money(String(spend)));
  expect(facts[0]!.split("|")[1]).toBe(String(clicks));
});

test("§2.3 a day whose rows all vanished has no figures: the window that was asked for says so, no row does", async () => {
  const where = `platform = 'google' and day = '${day(planted.vanishedDay.daysAgo)}'`;
  for (const fact of ["fct_ad_daily", "fct_campaign_daily"])
    expect(await rows(`select count(*) from ads_history.${fact} where ${where}`)).toEqual(["0"]);
  expect(await rows(`select distinct what_happened from ads.restatements where ${where}`)).toEqual(["vanished"]);
  expect(
    await rows(`select count(*) > 0 from ads_history.fct_ad_daily where platform = 'meta' and day = '${day(7)}'`),
  ).toEqual(["t"]);
});

test("§2.3 what the report said before it was restated can be asked for, to the last figure", async () => {
  const moment = `(select max(finished_at) from raw._load where load_id < (select min(load_id) from raw._load where source = 'google_ads' and stream = 'accounts' and load_id > (select min(load_id) from raw._load where source = 'google_ads' and stream = 'accounts')))`;
  expect(
    await rows(
      `select platform, campaign_id, day, device, spend, conversions from ads_history.campaign_daily_versions
       where known_from <= ${moment} and (known_to is null or known_to > ${moment}) order by 1, 2, 3, 4`,
    ),
  ).toEqual(firstReport);
});

test("§2.3 days are final once the declared window no longer reaches them", async () => {
  const bounds = await rows(
    "select platform, max(day) filter (where is_final), min(day) filter (where not is_final) from ads_history.fct_ad_daily group by 1 order by 1",
  );
  expect(bounds).toEqual(
    ["google", "linkedin", "meta", "tiktok"].map((platform) => {
      const [lookback] = windowsIn(`${platform}_ads`) as [number, number];
      return `${platform}|${day(lookback + 1)}|${day(lookback)}`;
    }),
  );
});

test("a day that had not ended when it was read last is partial", async () => {
  for (const mart of ["campaign_daily", "creative_daily"])
    expect(
      await rows(
        `select day = '${day(0)}', is_partial from ads.${mart} where platform = 'linkedin' group by 1, 2 order by 1`,
      ),
    ).toEqual(["f|f", "t|t"]);
});

test("LinkedIn's reports name no currency: versions and restatements have that of the account", async () => {
  const { ad, daysAgo } = planted.restatedWithoutCurrency;
  const campaign = accounts.linkedin.ads.find(({ id }) => id === ad)!.campaign;
  expect(
    await rows(
      `select currency, what_happened from ads.restatements
       where platform = 'linkedin' and campaign_id = '${campaign}' and day = '${day(daysAgo)}'`,
    ),
  ).toEqual(["EUR|restated"]);
  for (const versions of ["ad_daily_versions", "campaign_daily_versions"])
    expect(
      await rows(`select currency, count(*) > 0 from ads_history.${versions} where platform = 'linkedin' group by 1`),
    ).toEqual(["EUR|t"]);
  // nor the ad group
  expect(
    await rows(
      "select count(*) from ads_history.ad_daily_versions where platform = 'linkedin' and ad_group_id = '(unknown)'",
    ),
  ).toEqual(["0"]);
});

test("n_restatements counts the loads that changed a day, whatever became of its devices", async () => {
  const { ad, daysAgo } = planted.vanishedRow;
  // the row of one of its devices is gone, and with it what that row could say
  expect(
    await rows(`select n_restatements from ads.creative_daily where creative_id = '${ad}' and day = '${day(daysAgo)}'`),
  ).toEqual(["1"]);
  expect(
    await rows(
      `select count(*) from ads.campaign_daily as mart where n_restatements <> (
         select count(distinct restated_at) from ads.restatements as changes
         where (changes.platform, changes.account_id, changes.campaign_id, changes.day)
           = (mart.platform, mart.account_id, mart.campaign_id, mart.day))`,
    ),
  ).toEqual(["0"]);
  expect(
    await rows(
      `select sum(n_restatements) from ads_history.fct_campaign_daily as facts
       union all
       select count(*) from ads.restatements join ads_history.fct_campaign_daily using (platform, account_id, campaign_id, day, device)`,
    ),
  ).toEqual(["4", "4"]);
});

test("§2.3 a renamed campaign has its name of today everywhere, and the name of then beside it", async () => {
  const { id, from, to } = planted.renamedCampaign;
  const names = await rows(
    `select campaign_name, campaign_name_as_was, max(day) < '${day(1)}' or min(day) >= '${day(1)}' from ads.campaign_daily
     where (platform, campaign_id) = ('google', '${id}') and day <> '${day(1)}' group by 1, 2 order by 2`,
  );
  expect(names).toEqual([`${to}|${from}|t`, `${to}|${to}|t`]);
});

test("§2.3 the same id on two platforms is two campaigns", async () => {
  const { id, networks: both } = planted.sameId;
  expect(await rows(`select distinct platform from ads.campaign_daily where campaign_id = '${id}' order by 1`)).toEqual(
    [...both].sort(),
  );
});

test("§2.3 an account of two currencies has figures in each, never added up", async () => {
  const { before, after, daysAgo } = planted.newCurrency;
  expect(
    await rows(
      "select currency, min(day), max(day) from ads.campaign_daily where platform = 'meta' group by 1 order by 2",
    ),
  ).toEqual([`${before}|${day(44)}|${day(daysAgo + 1)}`, `${after}|${day(daysAgo)}|${day(0)}`]);
});

test("the product's unit tests pass", async () => {
  const { exitCode, stderr } = await ads.dataform("test");
  expect(stderr).toContain("test_campaign_rank__once");
  expect(exitCode).toBe(0);
});

test("campaign_rank has final days only, and says which", async () => {
  expect(
    await rows(
      `select count(*) > 0, bool_and(rank.first_day = facts.first_day and rank.last_day = facts.last_day) from ads.campaign_rank as rank
       join (
         select platform, account_id, campaign_id, min(day) as first_day, max(day) as last_day
         from ads_history.fct_campaign_daily where is_final group by 1, 2, 3
       ) as facts using (platform, account_id, campaign_id)`,
    ),
  ).toEqual(["t|t"]);
});

test.each([
  ["campaign_by_day", "campaign_daily"],
  ["creative_by_day", "creative_daily"],
  ["campaign_till_day", "campaign_to_date"],
  ["campaign_by_device_wide", "campaign_device"],
])("%s is the former name of %s, with all of its rows", async (former, name) => {
  const columns = (
    await rows(
      `select column_name from information_schema.columns where table_schema = 'ads' and table_name = '${former}' order by ordinal_position`,
    )
  ).join(", ");
  const there = columns.replace("date_day", "day");
  expect(
    await rows(
      `select (select count(*) from (select ${columns} from ads.${former} except all select ${there} from ads.${name}) as more),
         (select count(*) from (select ${there} from ads.${name} except all select ${columns} from ads.${former}) as less)`,
    ),
  ).toEqual(["0|0"]);
  expect(await rows(`select obj_description('ads.${former}'::regclass) like 'The former name of ${name}%'`)).toEqual([
    "t",
  ]);
});

test("§2.2 (a) every mart with money has a currency, and a sum over currencies exists only as the reporting one", async () => {
  expect(
    await rows(
      `select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = 'ads' and exists (select from pg_attribute where attrelid = c.oid and attname like '%spend%')
         and not exists (select from pg_attribute where attrelid = c.oid and attname = 'currency')`,
    ),
  ).toEqual([]);
});

test("§2.2 (b) no money and no ratio is a floating point number", async () => {
  expect(
    await rows(
      "select table_name, column_name from information_schema.columns where table_schema in ('ads', 'ads_history') and data_type in ('real', 'double precision')",
    ),
  ).toEqual([]);
});

test("§2.2 (c) (d) every device is in the long mart, and the wide one has a column for each", async () => {
  expect(
    await rows(
      "select platform, string_agg(distinct device, ' ' order by device) from ads.campaign_by_device group by 1 order by 1",
    ),
  ).toEqual([
    "google|desktop mobile tablet",
    "linkedin|unknown",
    "meta|desktop mobile tablet",
    "tiktok|desktop mobile",
  ]);
  expect(
    await rows(
      `select sum(coalesce(clicks_mobile, 0) + coalesce(clicks_desktop, 0) + coalesce(clicks_tablet, 0) + coalesce(clicks_unknown, 0))
         = (select sum(clicks) from ads_history.fct_campaign_daily) from ads.campaign_device`,
    ),
  ).toEqual(["t"]);
});

test("§2.1 two of Meta's devices that are one of ours are one row, with the sum of both", async () => {
  const facts = ads.played.world
    .adFacts("meta", day(2), day(2))
    .filter(({ ad, device }) => ad === "23850001" && ["iphone", "android_smartphone"].includes(device));
  const clicks = facts.reduce((sum, fact) => sum + fact.clicks, 0);
  expect(
    await rows(
      `select clicks from ads_history.fct_ad_daily where creative_id = '23850001' and device = 'mobile' and day = '${day(2)}'`,
    ),
  ).toEqual([String(clicks)]);
});

test("§2.1 Meta's kinds of action overlap: a purchase that is told three times counts once", async () => {
  const facts = ads.played.world.adFacts("meta", day(10), day(10));
  const conversions = facts.reduce((sum, fact) => sum + fact.conversions, 0);
  expect(
    await rows(
      `select sum(conversions)::float8 from ads_history.fct_ad_daily where platform = 'meta' and day = '${day(10)}'`,
    ),
  ).toEqual([String(conversions)]);
});

test('§2.2 (f) and §2.3 TikTok\'s "-" is not measured: NULL, in ratios too, and never 0', async () => {
  const { id } = planted.unmeasuredAd;
  expect(
    await rows(
      `select count(conversions), count(spend) > 0, count(spend_per_conversion), count(roas), bool_and(has_unmeasured)
       from ads.creative_daily where creative_id = '${id}'`,
    ),
  ).toEqual(["0|t|0|0|t"]);
});

test("§2.2 (g) days are those of the account, and its time zone is kept", async () => {
  expect(await rows("select platform, timezone from ads_history.ads_accounts where is_current order by 1")).toEqual([
    "google|America/New_York",
    "linkedin|UTC",
    "meta|Europe/Berlin",
    "tiktok|Asia/Tokyo",
  ]);
  expect(await rows("select min(day), max(day) from ads_history.fct_ad_daily where platform = 'tiktok'")).toEqual([
    `${day(44)}|${day(0)}`,
  ]);
});

test("§2.2 (h) a campaign without ads has its figures; ads are never rolled up to campaigns", async () => {
  const { id } = planted.campaignWithoutAds;
  expect(
    await rows(
      `select (select count(*) > 0 from ads.campaign_daily where campaign_id = '${id}'),
         (select count(*) from ads.creative_daily where campaign_id = '${id}')`,
    ),
  ).toEqual(["t|0"]);
});

test("§2.2 (i) an ad in two ad groups has two rows a day, and both count", async () => {
  const { id, adGroups } = planted.sharedAd;
  expect(
    await rows(
      `select ad_group_id, count(*) from ads.creative_daily where creative_id = '${id}' and day = '${day(1)}' group by 1 order by 1`,
    ),
  ).toEqual(adGroups.map((group) => `${group}|1`));
});

test("§2.2 (j) figures of what no list names are kept under (unknown)", async () => {
  const { ad, campaign } = planted.orphan;
  expect(
    await rows(
      `select distinct creative_name, creative_name_as_was from ads.creative_daily where creative_id = '${ad}'
       union all select distinct campaign_name, campaign_name_as_was from ads.campaign_daily where campaign_id = '${campaign}'`,
    ),
  ).toEqual(["(unknown)|(unknown)", "(unknown)|(unknown)"]);
  expect(await rows(`select is_unknown from ads_history.dim_ads_campaigns where campaign_id = '${campaign}'`)).toEqual([
    "t",
  ]);
});

test("§2.3 an ad that the API leaves out because it was deleted keeps name and figures", async () => {
  const { id } = planted.deletedAd;
  expect(
    await rows(`select distinct creative_name, is_deleted from ads.creative_daily where creative_id = '${id}'`),
  ).toEqual(["Old teaser|t"]);
  expect(await rows(`select max(day) from ads.creative_daily where creative_id = '${id}'`)).toEqual([day(0)]);
});

test("§2.1 Meta's ad set and LinkedIn's campaign are ad groups, of which the mart has the name", async () => {
  expect(
    await rows(
      `select platform, string_agg(distinct ad_group_name_as_was, ', ' order by ad_group_name_as_was) from ads.creative_daily
       where day = '${day(10)}' group by 1 order by 1`,
    ),
  ).toEqual([
    "google|Brand broad, Brand exact, Shoes, Spring",
    "linkedin|Europe, Large companies",
    "meta|(unknown), All products, Broad, Visitors of 30 days",
    "tiktok|Dancers, Old teasers, Reviewers, Teasers",
  ]);
});

test("§2.1 LinkedIn's report has no ad group: an ad is in that of the list of ads, under its name", async () => {
  expect(
    await rows(
      "select distinct ad_group_id, creative_id, creative_name from ads.creative_daily where platform = 'linkedin' order by 2",
    ),
  ).toEqual(accounts.linkedin.ads.map((ad) => `${ad.adGroup}|${ad.id}|${ad.name}`));
});

test("§2.3 a renamed ad group has its name of today everywhere, and the name of then beside it", async () => {
  const { network, id, from, to } = planted.renamedAdGroup;
  expect(
    await rows(
      `select ad_group_name, ad_group_name_as_was, max(day) < '${day(1)}' or min(day) >= '${day(1)}' from ads.creative_daily
       where (platform, ad_group_id) = ('${network}', '${id}') and day <> '${day(1)}' group by 1, 2 order by 2`,
    ),
  ).toEqual([`${to}|${from}|t`, `${to}|${to}|t`]);
  expect(
    await rows(
      `select ad_group_name, is_current, ended_by from ads_history.ads_ad_groups
       where (platform, ad_group_id) = ('${network}', '${id}') order by version_no`,
    ),
  ).toEqual([`${from}|f|change`, `${to}|t|∅`]);
});

test("§2.3 an ad group that the API leaves out because it was deleted keeps name and figures", async () => {
  const { network, id } = planted.deletedAdGroup;
  const where = `(platform, ad_group_id) = ('${network}', '${id}')`;
  expect(await rows(`select ad_group_name, is_deleted from ads_history.dim_ads_ad_groups where ${where}`)).toEqual([
    "Old teasers|t",
  ]);
  expect(
    await rows(
      `select distinct ad_group_name, ad_group_name_as_was, max(day) from ads.creative_daily where ${where} group by 1, 2`,
    ),
  ).toEqual([`Old teasers|Old teasers|${day(0)}`]);
  expect(await rows(`select ended_by from ads_history.ads_ad_groups where ${where}`)).toEqual(["delete"]);
});

test("§2.3 conversions after a view, without a click, have no rate, and are no fault", async () => {
  const { ad, daysAgo } = planted.viewThrough;
  expect(
    await rows(
      `select clicks, conversions::float8, conversion_rate, cost_per_click from ads.creative_daily where creative_id = '${ad}' and day = '${day(daysAgo)}'`,
    ),
  ).toEqual(["0|2|∅|∅"]);
});

test("§2.3 reach and frequency, which do not add up, are in no mart, and nothing of them is lost", async () => {
  expect(
    await rows(
      "select column_name from information_schema.columns where table_schema like 'ads%' and column_name in ('reach', 'frequency')",
    ),
  ).toEqual([]);
  expect(await rows("select count(*) = count(_extra ->> 'reach') from raw.ads_meta_ad_daily")).toEqual(["t"]);
});

test("§2.1 LinkedIn's campaign group is a campaign, its money is in the account's currency", async () => {
  expect(
    await rows(
      "select distinct campaign_name, currency from ads.campaign_daily where platform = 'linkedin' order by 1",
    ),
  ).toEqual(["Buyers|EUR", "Hiring managers|EUR"]);
});

test("ROAS, CTR, CVR, CPC, CPM, CPA and conversions per dollar are sums over sums at the mart's grain", async () => {
  expect(
    await rows(
      `select bool_and(
           roas = m.value / m.spend and ctr = m.clicks::numeric / m.impressions and conversion_rate = m.conversions / m.clicks
           and cost_per_click = m.spend / m.clicks and cost_per_mille = 1000 * m.spend / m.impressions
           and spend_per_conversion = m.spend / m.conversions and conversions_per_currency_unit = m.conversions / m.spend
           and conversions_per_currency_unit_reporting = m.conversions / m.dollars and reporting_currency = 'USD'
           and conversions_per_dollar = conversions_per_currency_unit_reporting
         ), count(*) > 20
       from ads.campaign_by_device as mart
       join (
         select platform, campaign_id, device, currency, sum(conversion_value) as value, sum(spend) as spend, sum(clicks) as clicks,
           sum(impressions) as impressions, sum(conversions) as conversions, sum(spend_reporting) as dollars
         from ads_history.fct_campaign_daily group by 1, 2, 3, 4
       ) as m using (platform, campaign_id, device, currency)`,
    ),
  ).toEqual(["t|t"]);
});

test("a rate is that of the last day on or before, also on a weekend", async () => {
  expect(
    await rows(
      `select count(*) filter (where extract(isodow from rate_date) > 5), count(*) filter (where rate_date > day),
         count(*) filter (where rate_date < day) > 0, count(*) filter (where day - rate_date > 3)
       from ads_history.fct_campaign_daily where currency in ('EUR', 'GBP')`,
    ),
  ).toEqual(["0|0|t|0"]);
  expect(
    await rows(
      `select count(*) from ads_history.fct_campaign_daily facts
       join ads_history.exchange_rate_days usd on usd.currency = 'USD' and usd.rate_date = facts.rate_date
       join ads_history.exchange_rate_days gbp on gbp.currency = 'GBP' and gbp.rate_date = facts.rate_date
       where facts.currency = 'GBP' and facts.spend_reporting <> round(facts.spend * (usd.per_euro / gbp.per_euro), 6)`,
    ),
  ).toEqual(["0"]);
});

test("every mart is described, column by column", async () => {
  expect(
    await rows(
      `select c.relname || coalesce('.' || a.attname, '') from pg_class c
       join pg_namespace n on n.oid = c.relnamespace
       left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
       where n.nspname = 'ads' and (col_description(c.oid, coalesce(a.attnum, 0)) is null or obj_description(c.oid) is null)`,
    ),
  ).toEqual([]);
});

/** A load of Google's campaign report of another account, which says what no network should, and some do. */
async function landOdd(): Promise<string> {
  const figures = (device: string, currency: string, metrics: object) => ({
    customer: { id: "odd", currencyCode: currency },
    segments: { date: day(1), device },
    metrics,
  });
  const records = [
    figures("SMART_FRIDGE", "USD", { costMicros: "1000000", impressions: "3", clicks: "5", conversions: 9 }),
    figures("MOBILE", "USD", { costMicros: `${10 ** 12}000000`, impressions: "10", clicks: "1", conversions: 0 }),
    figures("TABLET", "XTS", { costMicros: "-2000000", impressions: "10", clicks: "1", conversions: -1 }),
  ].map((record, index) => ({ ...record, campaign: { id: `odd-${index}` } }));
  const [loadId] = await rows("select max(load_id) + 1 from raw._load");
  const days = JSON.stringify({ days: { start: day(1), end: day(1) } });
  await ads.client.script(
    script(`
      insert into raw._load (load_id, source, stream, table_name, status, started_at, finished_at, rows, details, batch)
      overriding system value
      values (${loadId}, 'odd_ads', 'campaign_daily', 'ads_google_campaign_daily', 'loaded', now(), clock_timestamp(), 3, '${days}', 'slice');
      insert into raw.ads_google_campaign_daily (customer, campaign, segments, metrics, _load_id, _row_no)
      select customer, campaign, segments, metrics, ${loadId}, row_number() over ()
      from jsonb_to_recordset('${JSON.stringify(records)}') as r (customer jsonb, campaign jsonb, segments jsonb, metrics jsonb);
      insert into raw._load (load_id, source, stream, table_name, status, started_at, finished_at, rows, batch)
      overriding system value
      values (${loadId} + 1, 'odd_ads', 'accounts', 'ads_google_accounts', 'loaded', now(), clock_timestamp(), 1, 'full');
      insert into raw.ads_google_accounts (customer, _load_id, _row_no)
      values ('{"id": "odd", "currencyCode": "USD", "timeZone": "Mars/Olympus"}', ${loadId} + 1, 1);
      insert into raw.exchange_rates ("CURRENCY", "CURRENCY_DENOM", "TIME_PERIOD", "OBS_VALUE", _load_id, _row_no)
      values ('XTS', 'EUR', '${day(1)}', 0, (select max(_load_id) from raw.exchange_rates), 1000000),
        ('XTT', 'EUR', '${day(1)}', 3, ${loadId}, 1)`),
  );
  return loadId!;
}

/** The lists of an account of Google's of which nothing was ever shown, and of which a report without a row was read. */
async function landSilent(): Promise<void> {
  const customer = '\'{"id": "silent", "currencyCode": "USD", "timeZone": "UTC"}\'::jsonb';
  const campaign = (id: string, status: string) => `'${JSON.stringify({ id, name: id.toUpperCase(), status })}'::jsonb`;
  const ad = (id: string, status: string) =>
    `'${JSON.stringify({ status, ad: { id, name: id.toUpperCase() } })}'::jsonb`;
  const group = '\'{"id": "g"}\'::jsonb';
  const days = JSON.stringify({ days: { start: day(9), end: day(1) } });
  await ads.client.script(
    script(`
      create temporary table last as select max(load_id) as id from raw._load;
      insert into raw._load (load_id, source, stream, table_name, status, started_at, finished_at, rows, details, batch)
      overriding system value
      select id + n, 'silent_ads', stream, 'ads_google_' || stream, 'loaded', now(), now(), 1, details::jsonb, batch
      from last cross join (values
        (1, 'accounts', '{}', 'full'), (2, 'campaigns', '{}', 'full'), (3, 'ads', '{}', 'full'), (4, 'campaign_daily', '${days}', 'slice')
      ) as told (n, stream, details, batch);
      insert into raw.ads_google_accounts (customer, _load_id, _row_no) select ${customer}, id + 1, 1 from last;
      insert into raw.ads_google_campaigns (customer, campaign, _load_id, _row_no)
      select ${customer}, campaign, id + 2, row_number() over ()
      from last cross join (values (${campaign("silent on", "ENABLED")}), (${campaign("silent paused", "PAUSED")})) as told (campaign);
      insert into raw.ads_google_ads (customer, campaign, "adGroup", "adGroupAd", _load_id, _row_no)
      select ${customer}, ${campaign("silent on", "ENABLED")}, ${group}, told, id + 3, row_number() over ()
      from last cross join (values (${ad("silent ad", "ENABLED")}), (${ad("silent paused ad", "PAUSED")})) as ads (told)`),
  );
}

interface Told {
  readonly status: string;
  readonly steps: readonly { readonly target: { readonly name: string }; readonly status: string }[];
}

let oddLoad = "0";

test("what networks do send is counted, told and holds nothing: new devices, rates over 1, 10^12, credits, unknown currencies and time zones", async () => {
  oddLoad = await landOdd();
  const run = await ads.dataform("run", "--tags", "ads", "--json");
  expect(run.exitCode).toBe(0);
  const { steps } = JSON.parse(run.stdout) as Told;
  const odd = steps.filter(({ status }) => status !== "ok").map(({ target, status }) => `${target.name} ${status}`);
  expect(odd.sort()).toEqual([
    "ads_devices_are_mapped warned",
    "ads_exchange_rates_are_above_zero warned",
    "ads_money_has_a_rate warned",
    "ads_rates_are_usual warned",
    "ads_time_zones_are_known warned",
  ]);
  expect(
    await rows(
      `select campaign_id, device, currency, spend::float8, spend_reporting is null, clicks, conversions::float8 from ads.campaign_by_device
       where account_id = 'odd' order by 1`,
    ),
  ).toEqual(["odd-0|unknown|USD|1|f|5|9", "odd-1|mobile|USD|1000000000000|f|1|0", "odd-2|tablet|XTS|-2|t|1|-1"]);
});

test("computing everything anew gives what the incremental runs gave, to the row, without a load that was struck", async () => {
  const stores = ["ad_daily_versions_store", "campaign_daily_versions_store"];
  const all = async () =>
    Promise.all(
      stores.map((store) =>
        rows(`select t::text from ads_history.${store} t where load_id <> ${oddLoad} order by row_id`),
      ),
    );
  expect((await ads.dataform("ingest", "strike", oddLoad, "--why", "a test")).exitCode).toBe(0);
  const before = await all();
  expect(before[0]!.length).toBeGreaterThan(1500);
  const rates = () => rows("select per_euro from ads_history.exchange_rate_days where currency = 'XTT'");
  expect(await rates()).toEqual(["3"]);
  const { stderr } = await ads.build("--full-refresh");
  expect(stderr).not.toMatch(/ads_devices_are_mapped \(/);
  expect(await all()).toEqual(before);
  expect(await rates()).toEqual([]);
  expect(await rows("select count(*) from ads.campaign_daily where account_id = 'odd'")).toEqual(["0"]);
});

test("every question of docs/marts.md about all networks is answered, marketing's campaigns among them in dollars", async () => {
  await ads.client.script(
    script(`
    create table raw.marketing_campaigns (id text, account_id text, time_zone text, name text, status text, objective text, currency text,
      daily_budget numeric, deleted boolean, created_at timestamptz, updated_at timestamptz, _load_id bigint, _row_no bigint);
    create table raw.marketing_creatives (id text, campaign_id text, name text, format text, landing_url text,
      deleted boolean, created_at timestamptz, updated_at timestamptz, _load_id bigint, _row_no bigint);
    create table raw.marketing_stats (creative_id text, campaign_id text, device text, measured_at timestamptz,
      reported_at timestamptz, currency text, spend numeric, impressions bigint, clicks bigint, conversions bigint,
      _load_id bigint, _row_no bigint, conversion_value numeric);
    with landed as (
      insert into raw._load (load_id, source, stream, table_name, status, started_at, finished_at, rows)
      overriding system value
      select max(load_id) + 1, 'marketing', 'stats', 'marketing_stats', 'loaded', now(), now(), 2 from raw._load returning load_id
    )
    insert into raw.marketing_stats
    select 'k', 'c', 'mobile', '${day(6)} 00:00Z'::timestamptz + n * interval '1 day', null, 'USD', 10 * n, n, n, n, load_id, n
    from landed cross join generate_series(0, 1) as n`),
  );
  await landSilent();
  expect((await ads.dataform("run", "--tags", "ads,marketing,networks")).stderr).toMatch(
    / 0 failed, 0 held, 0 skipped/,
  );
  expect(
    await rows(
      `select platform, day, spend_reporting::float8, has_missing_rate, conversions::float8 from networks.all_networks_daily
       where platform = 'marketing'`,
    ),
  ).toEqual([`marketing|${day(6)}|10|f|1`]);
  const questions = blocksOf("docs/marts.md").filter(({ notRun }) => notRun?.endsWith("ads.test.ts"));
  expect(questions.length).toBeGreaterThan(4);
  const answers = new Map<string, readonly string[]>();
  for (const { text, line } of questions) {
    const answer = rows(text);
    await expect(answer, `docs/marts.md:${line}`).resolves.toBeInstanceOf(Array);
    answers.set(text, await answer);
  }
  // what is on and was never shown, of an account without a figure
  const silent = [...answers.values()].map((answer) => answer.filter((row) => row.includes("SILENT")));
  expect(silent.filter((answer) => answer.length)).toEqual([
    [`google|SILENT ON|ENABLED|∅|${day(1)}`],
    [`google|SILENT AD|ENABLED|∅|${day(1)}`],
  ]);
  // of days that are final and were read from their begin there are none yet
  const empty = questions.filter(({ text }) => !answers.get(text)!.length);
  expect(empty.map(({ text }) => /from (\S+)/.exec(text)![1])).toEqual(["ads.conversion_lag"]);
});
