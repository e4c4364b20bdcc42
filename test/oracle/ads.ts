// Advertising networks, from docs/products/ads.md, docs/history.md (reports that are read again, and full lists) and what columns
// say of themselves: campaigns of Google and TikTok, by day and device.

import { adsQuestions } from "./ads-questions.ts";
import { byLoad } from "./changes.ts";
import {
  count,
  dayClosedBy,
  dayNamed,
  dayNumber,
  type Exact,
  isZone,
  known,
  lastMomentOf,
  type Moment,
  minus,
  moment,
  number,
  order,
  ratio,
  rounded,
  times,
  written,
  ZERO,
} from "./exact.ts";
import { type Cell, grouped, type Oracle, type Raw, type RawRow, type Row } from "./relation.ts";

const MEASURES = ["spend", "impressions", "clicks", "conversions", "conversion_value"] as const;
type Measure = (typeof MEASURES)[number];
type Figures = Readonly<Record<Measure, Exact | null>>;

const DEVICES: Readonly<Record<string, string>> = {
  ...{ MOBILE: "mobile", DESKTOP: "desktop", TABLET: "tablet", CONNECTED_TV: "connected_tv", OTHER: "other" },
  ...{ ANDROID: "mobile", PC: "desktop", IPAD: "tablet" },
};

/** What one row of a report says. */
interface Told {
  readonly campaign: string;
  /** Of a report of ads: the ad group and the ad. */
  readonly ad: Row;
  readonly day: string;
  readonly device: string;
  readonly currency: string;
  readonly figures: Figures;
  readonly row: RawRow;
}

/** What networks report of: campaigns, and ads in their ad groups. */
type Report = "campaign_daily" | "ad_daily";

export interface Network {
  readonly platform: string;
  readonly account: string;
  told(row: RawRow): Told;
  list(row: RawRow): { readonly id: string; readonly name: string };
  zone(row: RawRow): string | null;
}

const json = (text: string | null) => JSON.parse(text ?? "{}") as Record<string, string>;
const NO_AD: Row = {};
const adOf = (row: RawRow) => (JSON.parse(row.adGroupAd!) as { ad: Record<string, string> }).ad;
/** TikTok's `-` is no figure. */
const figure = (text: string | undefined) => (text === undefined || text === "-" ? null : number(text));

const NETWORKS: readonly Network[] = [
  {
    ...{ platform: "google", account: "g" },
    told: (row) => {
      const [segments, metrics] = [json(row.segments!), json(row.metrics!)];
      return {
        ...{
          row,
          campaign: json(row.campaign!).id!,
          day: segments.date!,
          device: DEVICES[segments.device!] ?? "unknown",
        },
        ad: row.adGroup ? { ad_group_id: json(row.adGroup).id!, creative_id: adOf(row).id! } : NO_AD,
        currency: json(row.customer!).currencyCode!,
        figures: {
          spend: times(number(metrics.costMicros!), { over: 1n, under: 1_000_000n }),
          impressions: figure(metrics.impressions),
          clicks: figure(metrics.clicks),
          conversions: figure(metrics.conversions),
          conversion_value: figure(metrics.conversionsValue),
        },
      };
    },
    list: (row) => ({ id: json(row.campaign!).id!, name: json(row.campaign!).name! }),
    zone: (row) => json(row.customer!).timeZone!,
  },
  {
    ...{ platform: "tiktok", account: "t" },
    told: (row) => {
      const [dimensions, metrics] = [json(row.dimensions!), json(row.metrics!)];
      return {
        ...{
          row,
          campaign: dimensions.campaign_id ?? metrics.campaign_id!,
          day: dimensions.stat_time_day!.slice(0, 10),
        },
        ad: dimensions.ad_id ? { ad_group_id: metrics.adgroup_id!, creative_id: dimensions.ad_id } : NO_AD,
        device: DEVICES[dimensions.platform!] ?? "unknown",
        currency: metrics.currency!,
        figures: {
          spend: figure(metrics.spend),
          impressions: figure(metrics.impressions),
          clicks: figure(metrics.clicks),
          conversions: figure(metrics.conversion),
          conversion_value: figure(metrics.total_purchase_value),
        },
      };
    },
    list: (row) => ({ id: row.campaign_id!, name: row.campaign_name! }),
    zone: (row) => row.timezone!,
  },
];

interface Load {
  readonly id: string;
  readonly at: Moment;
  readonly isWhole: boolean;
  readonly start: string;
  readonly end: string;
  readonly lookback: number;
}

interface Change {
  readonly at: Moment;
  readonly what: "restated" | "vanished" | "appeared";
  readonly before: Told | null;
  readonly after: Told | null;
}

/** A campaign's day and device, and what happened to it. */
export interface Line {
  readonly network: Network;
  readonly report: Report;
  readonly said: Told;
  readonly isCurrent: boolean;
  readonly firstSeen: Moment;
  /** What each report added to its conversions. */
  readonly conversions: readonly { readonly at: Moment; readonly added: Exact }[];
  /** After its day had first been read. */
  readonly changes: readonly Change[];
}

export const ads: Oracle = (raw) => {
  const linesFrom = (report: Report) => NETWORKS.flatMap((network) => linesOf(raw, network, report));
  const factsFrom = (all: readonly Line[]) =>
    all.filter(({ isCurrent }) => isCurrent).map((line) => ({ line, ...factOf(raw, line) }));
  const lines = linesFrom("campaign_daily");
  const facts = factsFrom(lines);
  const adLines = linesFrom("ad_daily");
  const adFacts = factsFrom(adLines);
  const campaigns = new Map(NETWORKS.map((network) => [network, listed(raw, network)]));
  const named = ({ network, said }: Line) => campaigns.get(network)!.get(said.campaign);
  const restated = lines.flatMap((line) => line.changes.map((change) => ({ line, change })));
  const dayOf = ({ network, said }: Line) => `${network.platform} ${said.campaign} ${said.day}`;
  return {
    ...adsQuestions({
      ...{ lines, facts, adFacts, sums },
      named: (line) => names(raw, line, named(line)),
      whole: (network) => wholeDays(raw, network),
      isFinal: (network, day) => isFinal(loadsOf(raw, network), day),
      dayAt: (network, at) => dayClosedBy(at + 1n, zoneOf(raw, network)),
    }),
    "ads_history.account_complete_days": {
      key: ["platform", "account_id"],
      rows: NETWORKS.flatMap((network) => {
        const whole = wholeDays(raw, network);
        const { platform, account: account_id } = network;
        return whole
          ? [
              {
                platform,
                account_id,
                first_complete_day: whole.first,
                last_complete_day: whole.last,
                last_final_day: lastFinal(loadsOf(raw, network)),
              },
            ]
          : [];
      }),
    },
    "ads_history.fct_campaign_daily": {
      key: ["platform", "account_id", "day", "campaign_id", "device"],
      without: ["date_day", "attribution_setting"],
      rows: facts.map(({ cells }) => cells),
    },
    "ads_history.fct_ad_daily": {
      key: ["platform", "account_id", "day", "campaign_id", "ad_group_id", "creative_id", "device"],
      without: ["date_day", "attribution_setting"],
      rows: adFacts.map(({ cells }) => cells),
    },
    "ads.creative_daily": {
      key: ["platform", "account_id", "campaign_id", "ad_group_id", "creative_id", "day", "currency"],
      rows: grouped(adFacts, ({ line }) => `${adDayOf(line)} ${line.said.currency}`).map((own) => {
        const { line } = own[0]!;
        return {
          ...{ ...place(line), ...line.said.ad, day: line.said.day, currency: line.said.currency },
          ...UNLISTED,
          ...sums(own),
          is_final: own.every(({ cells }) => cells.is_final),
          is_partial: own.some(({ cells }) => cells.is_partial),
          n_restatements: count(
            new Set(adLines.flatMap((one) => (adDayOf(one) === adDayOf(line) ? one.changes.map(({ at }) => at) : [])))
              .size,
          ),
        };
      }),
    },
    "ads.campaign_daily": {
      key: ["platform", "account_id", "campaign_id", "day", "currency"],
      rows: grouped(facts, ({ line }) => `${dayOf(line)} ${line.said.currency}`).map((own) => {
        const { line } = own[0]!;
        return {
          ...place(line),
          day: line.said.day,
          currency: line.said.currency,
          ...names(raw, line, named(line)),
          ...sums(own),
          is_final: own.every(({ cells }) => cells.is_final),
          is_partial: own.some(({ cells }) => cells.is_partial),
          n_restatements: count(
            new Set(restated.filter((one) => dayOf(one.line) === dayOf(line)).map(({ change }) => change.at)).size,
          ),
        };
      }),
    },
    "ads.campaign_by_device": {
      key: ["platform", "account_id", "campaign_id", "device", "currency"],
      rows: grouped(facts, ({ line: { network, said } }) =>
        [network.platform, said.campaign, said.device, said.currency].join(" "),
      ).map((own) => {
        const { line } = own[0]!;
        const { campaign_name, is_deleted } = names(raw, line, named(line));
        return {
          ...place(line),
          device: line.said.device,
          currency: line.said.currency,
          ...{ campaign_name: campaign_name!, is_deleted: is_deleted! },
          ...sums(own),
        };
      }),
    },
    "ads.restatements": {
      key: ["platform", "account_id", "campaign_id", "day", "device", "feed", "restated_at"],
      without: ["date_day"],
      rows: restated.map(({ line, change: { at, what, before, after } }) => ({
        ...place(line),
        campaign_name: names(raw, line, named(line)).campaign_name!,
        ...{ day: line.said.day, device: line.said.device, currency: (after ?? before)!.currency },
        ...{ feed: feedOf(line), restated_at: written(at), what_happened: what },
        days_later: count(dayNumber(dayClosedBy(at + 1n, zoneOf(raw, line.network))) - dayNumber(line.said.day)),
        ...Object.fromEntries(
          (["spend", "conversions", "conversion_value"] as const).flatMap((measure) => [
            [`${measure}_before`, before?.figures[measure] ?? null],
            [`${measure}_after`, after?.figures[measure] ?? null],
          ]),
        ),
      })),
    },
  };
};

const adDayOf = ({ network, said: { campaign, ad, day } }: Line) =>
  JSON.stringify([network.platform, campaign, ad, day]);

/** Names of ads and ad groups: no list of this world has them. */
const UNLISTED: Row = {
  ...{ ad_group_name: "(unknown)", ad_group_name_as_was: "(unknown)", is_deleted: false },
  ...{ creative_name: "(unknown)", creative_name_as_was: "(unknown)" },
};

const place = ({ network, said }: Line): Row => ({
  ...{ platform: network.platform, account_id: network.account, campaign_id: said.campaign },
});

const loaded = (raw: Raw, table: string) =>
  raw
    ._load!.filter((load) => load.status === "loaded" && load.table_name === table)
    .map((load) => ({ load, at: moment(load.finished_at!) }))
    .sort((a, b) => Number(a.at - b.at) || Number(a.load.load_id) - Number(b.load.load_id));

const feedOf = ({ network, report }: Pick<Line, "network" | "report">) => `${network.platform}_ads.${report}`;

function loadsOf(raw: Raw, { platform }: Network, report: Report = "campaign_daily"): Load[] {
  return loaded(raw, `ads_${platform}_${report}`).map(({ load, at }) => {
    const { days, lookbackDays } = JSON.parse(load.details!) as { days: Record<string, string>; lookbackDays: number };
    return {
      ...{ id: load.load_id!, at, isWhole: load.rejected === "0" },
      ...{ start: days.start!, end: days.end!, lookback: lookbackDays },
    };
  });
}

function linesOf(raw: Raw, network: Network, report: Report): Line[] {
  const loads = loadsOf(raw, network, report);
  const counting = new Map(loads.map((load) => [load.id, load]));
  const told = raw[`ads_${network.platform}_${report}`]!.map((row) => network.told(row)).filter(({ day, row }) => {
    const load = counting.get(row._load_id!);
    return load && load.start <= day && day <= load.end;
  });
  return grouped(told, ({ campaign, ad, day, device }) => JSON.stringify([campaign, ad, day, device])).map((own) => {
    const asked = loads.filter(({ start, end }) => start <= own[0]!.day && own[0]!.day <= end);
    let now: Told | null = null;
    let firstSeen: Moment | undefined;
    const changes: Change[] = [];
    const conversions: { at: Moment; added: Exact }[] = [];
    for (const load of asked) {
      const rows = own.filter(({ row }) => row._load_id === load.id);
      const said = rows.sort((a, b) => Number(a.row._row_no) - Number(b.row._row_no)).at(-1) ?? null;
      const before: Told | null = now;
      if (said === null && (before === null || !load.isWhole)) continue;
      if (said && before && isSame(said, before)) continue;
      const what = said === null ? "vanished" : before ? "restated" : "appeared";
      if (firstSeen !== undefined || load !== asked[0]) changes.push({ at: load.at, what, before, after: said });
      const known = (of: Told | null) => of?.figures.conversions ?? ZERO;
      conversions.push({ at: load.at, added: minus(known(said), known(before)) });
      firstSeen ??= load.at;
      now = said;
    }
    return {
      network,
      report,
      said: now ?? own[0]!,
      isCurrent: now !== null,
      firstSeen: firstSeen!,
      conversions,
      changes,
    };
  });
}

function isSame(a: Told, b: Told): boolean {
  const equal = (one: Exact | null, other: Exact | null) => (one && other ? order(one, other) === 0 : one === other);
  return a.currency === b.currency && MEASURES.every((measure) => equal(a.figures[measure], b.figures[measure]));
}

/** The clocks of the account: those that the lists told last, UTC where nobody knows them. */
function zoneOf(raw: Raw, network: Network): string {
  const table = `ads_${network.platform}_accounts`;
  const last = loaded(raw, table).flatMap(({ load }) => raw[table]!.filter((row) => row._load_id === load.load_id));
  const zone = last.length ? network.zone(last.at(-1)!) : null;
  return zone && isZone(zone) ? zone : "UTC";
}

const closes = (raw: Raw, network: Network, day: string): Moment => lastMomentOf(day, zoneOf(raw, network));

/** From the first day that a load read to the last that had ended when one read it. */
function wholeDays(raw: Raw, network: Network): { first: string; last: string } | undefined {
  const loads = loadsOf(raw, network);
  const first = loads.map(({ start }) => start).sort()[0];
  if (first === undefined) return undefined;
  const ended = loads.flatMap(({ at, start, end }) => {
    const yesterday = dayNamed(dayNumber(dayClosedBy(at + 1n, zoneOf(raw, network))) - 1);
    const last = [yesterday, end].sort()[0]!;
    return last >= start ? [last] : [];
  });
  return { first, last: ended.sort().at(-1) ?? dayNamed(dayNumber(first) - 1) };
}

/** Before what the load that read furthest reads again. */
function lastFinal(loads: readonly Load[]): string {
  const last = [...loads].sort((a, b) => (a.end < b.end ? -1 : a.end > b.end ? 1 : Number(a.at - b.at))).at(-1)!;
  return dayNamed(dayNumber(last.end) - last.lookback - 1);
}

const isFinal = (loads: readonly Load[], day: string) => day <= lastFinal(loads);

function factOf(raw: Raw, { network, report, said, firstSeen, changes }: Line) {
  const loads = loadsOf(raw, network, report);
  const reads = loads.filter(({ start, end }) => start <= said.day && said.day <= end);
  const { rate, rateDate } = rateOf(raw, said.currency, said.day);
  const reported = (amount: Exact | null) => amount && rate && rounded(times(amount, rate), 6);
  const reporting = { spend: reported(said.figures.spend), value: reported(said.figures.conversion_value) };
  const cells: Row = {
    ...{ platform: network.platform, account_id: network.account, day: said.day, campaign_id: said.campaign },
    ...{ ...said.ad, device: said.device, currency: said.currency, ...said.figures },
    spend_reporting: reporting.spend,
    conversion_value_reporting: reporting.value,
    rate_date: rate && rateDate,
    is_final: isFinal(loads, said.day),
    is_partial: reads.at(-1)!.at <= closes(raw, network, said.day),
    first_seen_at: written(firstSeen),
    last_restated_at: changes.length ? written(changes.at(-1)!.at) : null,
    n_restatements: count(changes.length),
    feed: feedOf({ network, report }),
    load_id: said.row._load_id!,
  };
  return { cells, reporting };
}

/** Dollars for one unit, by the last rates on or before the day. */
function rateOf(raw: Raw, currency: string, day: string): { rate: Exact | null; rateDate: string } {
  if (currency === "USD") return { rate: count(1), rateDate: day };
  const counting = new Set(loaded(raw, "exchange_rates").map(({ load }) => load.load_id));
  const perEuro = (of: string): { date: string; value: Exact } | null => {
    if (of === "EUR") return { date: day, value: count(1) };
    const own = raw.exchange_rates!.filter((row) => counting.has(row._load_id!) && row.CURRENCY === of);
    const days = grouped(own, ({ TIME_PERIOD }) => TIME_PERIOD!).map((all) => {
      const latest = [...all]
        .sort((a, b) => byLoad({ load: a._load_id!, row: a._row_no! }, { load: b._load_id!, row: b._row_no! }))
        .at(-1)!;
      return { date: latest.TIME_PERIOD!, value: number(latest.OBS_VALUE!) };
    });
    const usable = days.filter(({ date, value }) => date <= day && order(value, count(0)) > 0);
    return usable.sort((a, b) => (a.date < b.date ? -1 : 1)).at(-1) ?? null;
  };
  const [own, dollar] = [perEuro(currency), perEuro("USD")];
  if (!own || !dollar) return { rate: null, rateDate: day };
  return { rate: ratio(dollar.value, own.value), rateDate: [own.date, dollar.date].sort()[0]! };
}

interface Campaign {
  readonly names: readonly { readonly at: Moment; readonly name: string }[];
  readonly isDeleted: boolean;
}

/** What full lists of an account said of its campaigns; one with rejects says of nothing that it is gone. */
function listed(raw: Raw, network: Network): Map<string, Campaign> {
  const table = `ads_${network.platform}_campaigns`;
  const lists = loaded(raw, table)
    .map(({ load, at }) => ({
      at,
      isWhole: load.rejected === "0",
      rows: raw[table]!.filter((row) => row._load_id === load.load_id).map((row) => network.list(row)),
    }))
    .filter(({ rows }) => rows.length);
  const ids = new Set(lists.flatMap(({ rows }) => rows.map(({ id }) => id)));
  return new Map(
    [...ids].map((id) => {
      const own = lists.flatMap(({ at, rows }) => {
        const said = rows.findLast((row) => row.id === id);
        return said ? [{ at, name: said.name }] : [];
      });
      const isDeleted = lists.some(({ at, isWhole, rows }) => {
        return isWhole && at > own.at(-1)!.at && !rows.some((row) => row.id === id);
      });
      return [id, { names: own, isDeleted }];
    }),
  );
}

function names(raw: Raw, { network, said }: Line, campaign: Campaign | undefined): Row {
  if (!campaign) return { campaign_name: "(unknown)", campaign_name_as_was: "(unknown)", is_deleted: false };
  const end = closes(raw, network, said.day);
  return {
    campaign_name: campaign.names.at(-1)!.name,
    campaign_name_as_was: (campaign.names.findLast(({ at }) => at <= end) ?? campaign.names[0]!).name,
    is_deleted: campaign.isDeleted,
  };
}

export type Fact = ReturnType<typeof factOf> & { readonly line: Line };

/** Sums, NULL where nothing is known; in the reporting currency also where a part has no rate. */
function sums(own: readonly Fact[]): Row {
  const of = (measure: Measure) => known(own.map(({ line }) => line.said.figures[measure]));
  const inDollars = (measure: Measure, value: (fact: Fact) => Exact | null) =>
    own.some((fact) => fact.line.said.figures[measure] && !value(fact)) ? null : known(own.map(value));
  const [spend, impressions, clicks, conversions, value] = MEASURES.map(of) as [Exact | null, ...(Exact | null)[]];
  const spendReporting = inDollars("spend", ({ reporting }) => reporting.spend);
  const perUnit: Cell = ratio(conversions!, spendReporting);
  return {
    ...{
      spend,
      spend_reporting: spendReporting,
      impressions: impressions!,
      clicks: clicks!,
      conversions: conversions!,
    },
    conversion_value: value!,
    conversion_value_reporting: inDollars("conversion_value", ({ reporting }) => reporting.value),
    has_unmeasured: own.some(({ line }) => line.said.figures.conversions === null),
    ctr: ratio(clicks!, impressions!),
    conversion_rate: ratio(conversions!, clicks!),
    cost_per_click: ratio(spend, clicks!),
    cost_per_mille: ratio(spend && times(spend, count(1000)), impressions!),
    spend_per_conversion: ratio(spend, conversions!),
    roas: ratio(value!, spend),
    conversions_per_currency_unit: ratio(conversions!, spend),
    conversions_per_currency_unit_reporting: perUnit,
    reporting_currency: "USD",
    conversions_per_dollar: perUnit,
  };
}
