// What networks report, from docs/products/ads.md, docs/history.md (reports that are read again) and what columns say of themselves:
// rows of Google and TikTok, loads, and what each of them changed.

import {
  dayClosedBy,
  dayNamed,
  dayNumber,
  type Exact,
  isZone,
  lastMomentOf,
  type Moment,
  minus,
  moment,
  number,
  order,
  times,
  ZERO,
} from "./exact.ts";
import { grouped, type Raw, type RawRow, type Row } from "./relation.ts";

export const MEASURES = ["spend", "impressions", "clicks", "conversions", "conversion_value"] as const;
export type Measure = (typeof MEASURES)[number];
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
export type Report = "campaign_daily" | "ad_daily";

/** What networks list. */
export type Kind = "campaigns" | "ad_groups" | "ads";

export interface Network {
  readonly platform: string;
  readonly account: string;
  told(row: RawRow): Told;
  listed(kind: Kind, row: RawRow): Row;
  zone(row: RawRow): string | null;
}

const json = (text: string | null) => JSON.parse(text ?? "{}") as Record<string, string>;
type Listed = { readonly id: string; readonly name: string; readonly finalUrls: readonly string[] };
const NO_AD: Row = {};
const adOf = (row: RawRow) => (JSON.parse(row.adGroupAd!) as { ad: Record<string, string> }).ad;
/** TikTok's `-` is no figure. */
const figure = (text: string | undefined) => (text === undefined || text === "-" ? null : number(text));

export const NETWORKS: readonly Network[] = [
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
    listed: (kind, row) => {
      const [campaign, group] = [json(row.campaign!), json(row.adGroup ?? null)];
      const place = { account_id: json(row.customer!).id!, campaign_id: campaign.id! };
      if (kind === "campaigns") return { ...place, campaign_name: campaign.name!, status: campaign.status! };
      if (kind === "ad_groups")
        return { ...place, ad_group_id: group.id!, ad_group_name: group.name!, status: group.status! };
      const { ad, status } = JSON.parse(row.adGroupAd!) as { ad: Listed; status: string };
      const told = { creative_id: ad.id, creative_name: ad.name, status, landing_url: ad.finalUrls[0]! };
      return { ...place, ad_group_id: group.id!, ...told };
    },
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
    listed: (kind, row) => {
      const status = row.operation_status!;
      const place = { account_id: row.advertiser_id!, campaign_id: row.campaign_id! };
      if (kind === "campaigns") return { ...place, campaign_name: row.campaign_name!, status };
      const group = { ...place, ad_group_id: row.adgroup_id! };
      if (kind === "ad_groups") return { ...group, ad_group_name: row.adgroup_name!, status };
      const told = { creative_id: row.ad_id!, creative_name: row.ad_name!, status };
      return { ...group, ...told, landing_url: null };
    },
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

/** What the network said from one load on, until another said otherwise. */
interface Version {
  readonly said: Told;
  readonly from: Moment;
  readonly till: Moment | null;
  readonly endedBy: "restated" | "vanished" | null;
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
  readonly versions: readonly Version[];
}

export const loaded = (raw: Raw, table: string) =>
  raw
    ._load!.filter((load) => load.status === "loaded" && load.table_name === table)
    .map((load) => ({ load, at: moment(load.finished_at!) }))
    .sort((a, b) => Number(a.at - b.at) || Number(a.load.load_id) - Number(b.load.load_id));

export const feedOf = ({ network, report }: Pick<Line, "network" | "report">) => `${network.platform}_ads.${report}`;

export function loadsOf(raw: Raw, { platform }: Network, report: Report = "campaign_daily"): Load[] {
  return loaded(raw, `ads_${platform}_${report}`).map(({ load, at }) => {
    const { days, lookbackDays } = JSON.parse(load.details!) as { days: Record<string, string>; lookbackDays: number };
    return {
      ...{ id: load.load_id!, at, isWhole: load.rejected === "0" },
      ...{ start: days.start!, end: days.end!, lookback: lookbackDays },
    };
  });
}

export function linesOf(raw: Raw, network: Network, report: Report): Line[] {
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
    const versions: Version[] = [];
    const conversions: { at: Moment; added: Exact }[] = [];
    for (const load of asked) {
      const rows = own.filter(({ row }) => row._load_id === load.id);
      const said = rows.sort((a, b) => Number(a.row._row_no) - Number(b.row._row_no)).at(-1) ?? null;
      const before: Told | null = now;
      if (said === null && (before === null || !load.isWhole)) continue;
      if (said && before && isSame(said, before)) continue;
      const what = said === null ? "vanished" : before ? "restated" : "appeared";
      if (firstSeen !== undefined || load !== asked[0]) changes.push({ at: load.at, what, before, after: said });
      if (before) versions.push({ ...versions.pop()!, till: load.at, endedBy: said ? "restated" : "vanished" });
      if (said) versions.push({ said, from: load.at, till: null, endedBy: null });
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
      versions,
    };
  });
}

function isSame(a: Told, b: Told): boolean {
  const equal = (one: Exact | null, other: Exact | null) => (one && other ? order(one, other) === 0 : one === other);
  return a.currency === b.currency && MEASURES.every((measure) => equal(a.figures[measure], b.figures[measure]));
}

/** The time zone that the lists of accounts told last. */
export function zoneTold(raw: Raw, network: Network): string | null {
  const table = `ads_${network.platform}_accounts`;
  const last = loaded(raw, table).flatMap(({ load }) => raw[table]!.filter((row) => row._load_id === load.load_id));
  return last.length ? network.zone(last.at(-1)!) : null;
}

/** The clocks of the account: those that the lists told last, UTC where nobody knows them. */
export function zoneOf(raw: Raw, network: Network): string {
  const zone = zoneTold(raw, network);
  return zone && isZone(zone) ? zone : "UTC";
}

export const closes = (raw: Raw, network: Network, day: string): Moment => lastMomentOf(day, zoneOf(raw, network));

/** From the first day that a load read to the last that had ended when one read it. */
export function wholeDays(raw: Raw, network: Network): { first: string; last: string } | undefined {
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
export function lastFinal(loads: readonly Load[]): string {
  const last = [...loads].sort((a, b) => (a.end < b.end ? -1 : a.end > b.end ? 1 : Number(a.at - b.at))).at(-1)!;
  return dayNamed(dayNumber(last.end) - last.lookback - 1);
}

export const isFinal = (loads: readonly Load[], day: string) => day <= lastFinal(loads);
