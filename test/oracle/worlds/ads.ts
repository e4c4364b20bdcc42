import { type Choose, type Landed, Ledger, oneIn, pick, type Value, type World } from "./world.ts";

type Columns = Readonly<Record<string, Value>>;

const google = "customer jsonb, campaign jsonb";
const tables = {
  ads_google_accounts: google,
  ads_google_campaigns: google,
  ads_google_ad_groups: `${google}, "adGroup" jsonb`,
  ads_google_ads: `${google}, "adGroup" jsonb, "adGroupAd" jsonb`,
  ads_google_ad_daily: `${google}, "adGroup" jsonb, "adGroupAd" jsonb, segments jsonb, metrics jsonb`,
  ads_google_campaign_daily: `${google}, segments jsonb, metrics jsonb`,
  ads_tiktok_accounts: "advertiser_id text, name text, currency text, timezone text",
  ads_tiktok_campaigns: "advertiser_id text, campaign_id text, campaign_name text, operation_status text",
  ads_tiktok_ad_groups:
    "advertiser_id text, campaign_id text, adgroup_id text, adgroup_name text, operation_status text",
  ads_tiktok_ads:
    "advertiser_id text, campaign_id text, adgroup_id text, ad_id text, ad_name text, operation_status text",
  ads_tiktok_ad_daily: "dimensions jsonb, metrics jsonb",
  ads_tiktok_campaign_daily: "dimensions jsonb, metrics jsonb",
  exchange_rates: '"CURRENCY" text, "CURRENCY_DENOM" text, "TIME_PERIOD" date, "OBS_VALUE" numeric',
};

const CAMPAIGNS = ["c1", "c2", "c3"];
const DEVICES = { google: ["MOBILE", "DESKTOP", "CONNECTED_TV", "FRIDGE"], tiktok: ["ANDROID", "PC", "IPAD"] } as const;
const ZONES = ["America/New_York", "Asia/Tokyo", "Pacific/Auckland", "Mars/Olympus"];
type Platform = keyof typeof DEVICES;

const dayOf = (day: number) => new Date(Date.UTC(2026, 2, 6 + day)).toISOString().slice(0, 10);

/** Reports of the last days, read again each day: restated, vanished, late, with rejects, taken back; lists that change. */
export function adsWorld(choose: Choose, days: number): World {
  const ledger = new Ledger();
  const figures = new Map<string, Columns | null>();
  const ads = new Map<string, Columns | null>();
  const currency = { google: pick(choose, ["EUR", "USD"]), tiktok: pick(choose, ["GBP", "JPY"]) };
  for (let day = 0; day < days; day++) {
    ledger.day();
    if (day === 0 || oneIn(choose, 3)) ledger.add(rates(choose, day));
    for (const platform of ["google", "tiktok"] as const) {
      if (day === 0 || oneIn(choose, 9)) ledger.add(account(choose, platform, currency[platform]));
      if (day === 0 || oneIn(choose, 3)) for (const one of lists(choose, platform)) ledger.add(one);
      if (oneIn(choose, 6)) continue;
      ledger.add(report(choose, platform, day, currency[platform], figures));
      ledger.add(ofAds(report(choose, platform, day, currency[platform], ads)));
      if (oneIn(choose, 5)) {
        const at = new Date(Date.UTC(2026, 2, 7 + day, pick(choose, [1, 2, 9]))).toISOString();
        ledger.add({ ...report(choose, platform, day, currency[platform], figures), loaded: at });
      }
    }
    ledger.strikes(choose);
  }
  return { tables, days: ledger.days };
}

function account(choose: Choose, platform: Platform, currency: string): Landed {
  const timeZone = pick(choose, ZONES);
  const row: Columns =
    platform === "google"
      ? {
          customer: JSON.stringify({ id: "g", descriptiveName: "G", currencyCode: currency, timeZone }),
          campaign: null,
        }
      : { advertiser_id: "t", name: "T", currency, timezone: timeZone };
  return list(platform, "accounts", [row]);
}

/** Ad groups, and the campaigns that they are in; each has an ad, of Google two the same one. */
const GROUPS = [
  { campaign: "c1", group: "g-c1", ad: { google: "a1", tiktok: "a1" } },
  { campaign: "c2", group: "g-c2", ad: { google: "a2", tiktok: "g-c2" } },
  { campaign: "c2", group: "g-c3", ad: { google: "a2", tiktok: "g-c3" } },
] as const;

/** Full lists of campaigns, ad groups and ads: most are in them under one of two names, the last ones seldom. */
function lists(choose: Choose, platform: Platform): Landed[] {
  const some = <T>(all: readonly T[]) =>
    all.filter((_, index) => index === 0 || !oneIn(choose, 3)).filter((_, index) => index < 2 || oneIn(choose, 4));
  const name = (id: string) => `${id} ${pick(choose, ["spring", "summer"])}`;
  const status = () => pick(choose, ["ENABLED", "ENABLED", "PAUSED"]);
  const rejected = () => (oneIn(choose, 6) ? 1 : 0);
  const told = LISTED[platform];
  const found = [
    list(
      platform,
      "campaigns",
      some(CAMPAIGNS).map((id) => told.campaign(id, name(id), status())),
      rejected(),
    ),
    list(
      platform,
      "ad_groups",
      some(GROUPS).map((one) => told.group(one, name(one.group), status())),
      rejected(),
    ),
    list(
      platform,
      "ads",
      some(GROUPS).map((one) => told.ad(one, name(one.ad[platform]), status())),
      rejected(),
    ),
  ];
  return found.filter((_, index) => index === 0 || !oneIn(choose, 3));
}

type Group = (typeof GROUPS)[number];
interface Listing {
  campaign(id: string, name: string, status: string): Columns;
  group(one: Group, name: string, status: string): Columns;
  ad(one: Group, name: string, status: string): Columns;
}

const LISTED: Readonly<Record<Platform, Listing>> = {
  google: {
    campaign: (id, name, status) => ({ customer: G, campaign: JSON.stringify({ id, name, status }) }),
    group: ({ campaign, group: id }, name, status) => ({
      ...{ customer: G, campaign: JSON.stringify({ id: campaign }), adGroup: JSON.stringify({ id, name, status }) },
    }),
    ad: ({ campaign, group, ad: { google: id } }, name, status) => ({
      ...{ customer: G, campaign: JSON.stringify({ id: campaign }), adGroup: JSON.stringify({ id: group }) },
      adGroupAd: JSON.stringify({
        ad: { id, name, finalUrls: [`https://${id}.example`, "https://b.example"] },
        status,
      }),
    }),
  },
  tiktok: {
    campaign: (id, name, status) => ({ ...T, campaign_id: id, campaign_name: name, operation_status: status }),
    group: ({ campaign, group }, name, status) => ({
      ...{ ...T, campaign_id: campaign, adgroup_id: group, adgroup_name: name, operation_status: status },
    }),
    ad: ({ campaign, group, ad: { tiktok: id } }, name, status) => ({
      ...{ ...T, campaign_id: campaign, adgroup_id: group, ad_id: id, ad_name: name, operation_status: status },
    }),
  },
};
const G = '{"id": "g"}';
const T = { advertiser_id: "t" };

const list = (platform: Platform, stream: string, rows: readonly Columns[], rejected = 0): Landed => ({
  table: `ads_${platform}_${stream}`,
  rows,
  ledger: { source: `${platform}_ads`, stream, batch: "full", rejected },
});

/** What the network says of the last days now: most as before. */
function report(
  choose: Choose,
  platform: Platform,
  day: number,
  currency: string,
  figures: Map<string, Columns | null>,
): Landed {
  const [start, end] = [Math.max(day - 2 - choose(2), 0), day];
  const rows: Columns[] = [];
  for (let of = start; of <= end; of++)
    for (const campaign of CAMPAIGNS)
      for (const device of DEVICES[platform]) {
        const key = `${platform} ${campaign} ${device} ${of}`;
        if (!figures.has(key) || oneIn(choose, 6)) figures.set(key, oneIn(choose, 4) ? null : measured(choose));
        const own = figures.get(key);
        if (own) rows.push(rowOf(platform, { campaign, device, currency, day: dayOf(of) }, own));
      }
  // a page that was sent twice, and a day that nobody asked for
  if (rows.length && oneIn(choose, 4)) rows.push(rows[0]!);
  if (oneIn(choose, 4)) {
    const where = { campaign: "c1", device: DEVICES[platform][0], currency, day: dayOf(end + 1) };
    rows.push(rowOf(platform, where, measured(choose)));
  }
  return {
    table: `ads_${platform}_campaign_daily`,
    rows,
    ledger: {
      ...{ source: `${platform}_ads`, stream: "campaign_daily", batch: "slice", rejected: oneIn(choose, 6) ? 1 : 0 },
      details: JSON.stringify({ days: { start: dayOf(start), end: dayOf(end) }, lookbackDays: 3 }),
    },
  };
}

/** The same report of ads: one of each campaign, and one ad that is in two ad groups. */
function ofAds({ table, rows, ledger }: Landed): Landed {
  const json = (text: Value) => JSON.parse(String(text)) as Record<string, unknown>;
  const place = (campaign: string) => ({ campaign: campaign === "c3" ? "c2" : campaign, group: `g-${campaign}` });
  const ad = ({ group }: ReturnType<typeof place>) => (group === "g-c1" ? "a1" : "a2");
  const google = (row: Columns): Columns => {
    const at = place(String(json(row.campaign!).id));
    const [campaign, adGroup] = [{ id: at.campaign }, { id: at.group }].map((one) => JSON.stringify(one));
    return { ...row, campaign: campaign!, adGroup: adGroup!, adGroupAd: JSON.stringify({ ad: { id: ad(at) } }) };
  };
  const tiktok = (row: Columns): Columns => {
    const { campaign_id, ...dimensions } = json(row.dimensions!);
    const at = place(String(campaign_id));
    return {
      dimensions: JSON.stringify({ ...dimensions, ad_id: at.group === "g-c1" ? "a1" : at.group }),
      metrics: JSON.stringify({ ...json(row.metrics!), campaign_id: at.campaign, adgroup_id: at.group }),
    };
  };
  return {
    table: table.replace("campaign_daily", "ad_daily"),
    rows: rows.map(table.includes("google") ? google : tiktok),
    ledger: { ...ledger, stream: "ad_daily" },
  };
}

const measured = (choose: Choose): Columns => ({
  spend: choose(5000) / 100,
  impressions: choose(400),
  clicks: choose(40),
  conversions: oneIn(choose, 5) ? "-" : String(choose(40) / 4),
  value: String(choose(9000) / 100),
});

function rowOf(
  platform: Platform,
  where: { readonly campaign: string; readonly device: string; readonly currency: string; readonly day: string },
  { spend, impressions, clicks, conversions, value }: Columns,
): Columns {
  if (platform === "google")
    return {
      customer: JSON.stringify({ id: "g", currencyCode: where.currency }),
      campaign: JSON.stringify({ id: where.campaign }),
      segments: JSON.stringify({ date: where.day, device: where.device }),
      metrics: JSON.stringify({
        costMicros: String(Math.round(Number(spend) * 1e6)),
        ...{ impressions: String(impressions), clicks: String(clicks), conversionsValue: String(value) },
        conversions: conversions === "-" ? "0" : conversions,
      }),
    };
  return {
    dimensions: JSON.stringify({
      ...{ campaign_id: where.campaign, platform: where.device, stat_time_day: `${where.day} 00:00:00` },
    }),
    metrics: JSON.stringify({
      ...{ advertiser_id: "t", currency: where.currency, spend: String(spend), impressions: String(impressions) },
      ...{ clicks: String(clicks), conversion: conversions, total_purchase_value: String(value) },
    }),
  };
}

/** Rates of some days, some of them again, one that is none. */
function rates(choose: Choose, day: number): Landed {
  const rows = ["USD", "GBP", "JPY"].flatMap((currency) =>
    [day - 1, day].flatMap((of) =>
      oneIn(choose, 3)
        ? []
        : [
            {
              ...{ CURRENCY: currency, CURRENCY_DENOM: "EUR", TIME_PERIOD: dayOf(of) },
              OBS_VALUE: pick(choose, ["1.08", "0.85", "161.5", "0", "1.1"]),
            },
          ],
    ),
  );
  return { table: "exchange_rates", rows };
}
