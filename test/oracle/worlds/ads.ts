import { type Columns, type Place, type Platform, SENDERS, TABLES } from "./ads-networks.ts";
import { type Choose, type Landed, Ledger, oneIn, pick, type World } from "./world.ts";

const tables = {
  ...TABLES,
  exchange_rates: '"CURRENCY" text, "CURRENCY_DENOM" text, "TIME_PERIOD" date, "OBS_VALUE" numeric',
};

const CAMPAIGNS = ["c1", "c2", "c3"];
const ZONES = ["America/New_York", "Asia/Tokyo", "Pacific/Auckland", "Mars/Olympus"];
const PLATFORMS = Object.keys(SENDERS) as Platform[];

const dayOf = (day: number) => new Date(Date.UTC(2026, 2, 6 + day)).toISOString().slice(0, 10);

/** Reports of the last days, read again each day: restated, vanished, late, with rejects, taken back; lists that change. */
export function adsWorld(choose: Choose, days: number): World {
  const ledger = new Ledger();
  const figures = new Map<string, Columns | null>();
  const ads = new Map<string, Columns | null>();
  const currencies = { google: pick(choose, ["EUR", "USD"]), tiktok: pick(choose, ["GBP", "JPY"]) };
  // One changes its currency, and says so in its reports; another's is known by its lists only, which come late.
  const changed = choose(days + 1);
  const currencyOf = (platform: Platform, of: number) =>
    platform === "meta" || platform === "linkedin" ? (of < changed ? "EUR" : "USD") : currencies[platform];
  for (let day = 0; day < days; day++) {
    ledger.day();
    if (day === 0 || oneIn(choose, 3)) ledger.add(rates(choose, day));
    for (const platform of PLATFORMS) {
      const isTold = platform === "linkedin" ? oneIn(choose, 3) : day === 0 || oneIn(choose, 9);
      if (isTold) ledger.add(account(choose, platform, currencyOf(platform, day)));
      if (day === 0 || oneIn(choose, 3)) for (const one of lists(choose, platform)) ledger.add(one);
      if (oneIn(choose, 6)) continue;
      const told = (known: typeof figures) => report(choose, platform, day, (of) => currencyOf(platform, of), known);
      ledger.add(told(figures));
      ledger.add(ofAds(platform, told(ads)));
      if (oneIn(choose, 5)) {
        const at = new Date(Date.UTC(2026, 2, 7 + day, pick(choose, [1, 2, 9]))).toISOString();
        ledger.add({ ...told(figures), loaded: at });
      }
    }
    ledger.strikes(choose);
  }
  return { tables, days: ledger.days };
}

function account(choose: Choose, platform: Platform, currency: string): Landed {
  return list(platform, "accounts", [SENDERS[platform].account(currency, pick(choose, ZONES))]);
}

/** Ad groups, and the campaigns that they are in. */
const GROUPS = [
  { campaign: "c1", group: "g-c1" },
  { campaign: "c2", group: "g-c2" },
  { campaign: "c2", group: "g-c3" },
] as const;

/** Full lists of campaigns, ad groups and ads: most are in them under one of two names, the last ones seldom. */
function lists(choose: Choose, platform: Platform): Landed[] {
  const some = <T>(all: readonly T[]) =>
    all.filter((_, index) => index === 0 || !oneIn(choose, 3)).filter((_, index) => index < 2 || oneIn(choose, 4));
  const name = (id: string) => `${id} ${pick(choose, ["spring", "summer"])}`;
  const status = () => pick(choose, ["ENABLED", "ENABLED", "PAUSED"]);
  const rejected = () => (oneIn(choose, 6) ? 1 : 0);
  const sends = SENDERS[platform];
  const places = GROUPS.map((one): Place => ({ ...one, ad: sends.ad(one.group) }));
  const found = [
    list(
      platform,
      "campaigns",
      some(CAMPAIGNS).map((id) => sends.campaign(id, name(id), status())),
      rejected(),
    ),
    list(
      platform,
      "ad_groups",
      some(places).map((one) => sends.group(one, name(one.group), status())),
      rejected(),
    ),
    list(
      platform,
      "ads",
      some(places).map((one) => sends.listedAd(one, name(one.ad), status())),
      rejected(),
    ),
  ];
  return found.filter((_, index) => index === 0 || !oneIn(choose, 3));
}

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
  currencyOf: (day: number) => string,
  figures: Map<string, Columns | null>,
): Landed {
  const [start, end] = [Math.max(day - 2 - choose(2), 0), day];
  const rows: Columns[] = [];
  for (let of = start; of <= end; of++)
    for (const campaign of CAMPAIGNS)
      for (const device of SENDERS[platform].devices) {
        const key = `${platform} ${campaign} ${device} ${of}`;
        if (!figures.has(key) || oneIn(choose, 6)) figures.set(key, oneIn(choose, 4) ? null : measured(choose));
        const own = figures.get(key);
        const where = { campaign, device, currency: currencyOf(of), day: dayOf(of) };
        if (own) rows.push(SENDERS[platform].line(where, own));
      }
  // a page that was sent twice, and a day that nobody asked for
  if (rows.length && oneIn(choose, 4)) rows.push(rows[0]!);
  if (oneIn(choose, 4)) {
    const device = SENDERS[platform].devices[0]!;
    const where = { campaign: "c1", device, currency: currencyOf(end + 1), day: dayOf(end + 1) };
    rows.push(SENDERS[platform].line(where, measured(choose)));
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

/** The same report of ads: one of each campaign, those of two in one. */
function ofAds(platform: Platform, { table, rows, ledger }: Landed): Landed {
  const sends = SENDERS[platform];
  const place = (campaign: string): Place => {
    const group = `g-${campaign}`;
    return { campaign: campaign === "c3" ? "c2" : campaign, group, ad: sends.ad(group) };
  };
  return {
    table: table.replace("campaign_daily", "ad_daily"),
    rows: rows.map((row) => sends.ofAd(row, place(sends.campaignOf(row)))),
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
