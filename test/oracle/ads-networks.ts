// What a row of each network says, from docs/products/ads.md and what columns say of themselves: a line of a report, an entry of a
// list, an account.

import { type Exact, known, number, times, ZERO } from "./exact.ts";
import type { RawRow, Row } from "./relation.ts";

export const MEASURES = ["spend", "impressions", "clicks", "conversions", "conversion_value"] as const;
export type Measure = (typeof MEASURES)[number];
type Figures = Readonly<Record<Measure, Exact | null>>;

const DEVICES: Readonly<Record<string, string>> = {
  ...{ MOBILE: "mobile", DESKTOP: "desktop", TABLET: "tablet", CONNECTED_TV: "connected_tv", OTHER: "other" },
  ...{ ANDROID: "mobile", PC: "desktop", IPAD: "tablet" },
  ...{ iphone: "mobile", android_smartphone: "mobile", desktop: "desktop" },
};

/** What one row of a report says. */
export interface Told {
  readonly campaign: string;
  /** Of a report of ads: the ad group and the ad. */
  readonly ad: Row;
  readonly day: string;
  /** The network's own word for the device; empty where it says none. */
  readonly word: string;
  readonly device: string;
  /** NULL where the report does not say it. */
  readonly currency: string | null;
  readonly attribution: string | null;
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
  /** What the list of accounts says of its money. */
  money(row: RawRow): string;
}

export const UNKNOWN = "(unknown)";

const json = (text: string | null) => JSON.parse(text ?? "{}") as Record<string, string>;
type Listed = { readonly id: string; readonly name: string; readonly finalUrls: readonly string[] };
const NO_AD: Row = {};
const adOf = (row: RawRow) => (JSON.parse(row.adGroupAd!) as { ad: Record<string, string> }).ad;
/** TikTok's `-` is no figure. */
const figure = (text: string | undefined) => (text === undefined || text === "-" ? null : number(text));

/** Of `urn:li:sponsoredAccount:51` the last part. */
const lastOf = (urn: string) => urn.split(":").at(-1)!;

/** Meta's kinds of action that count by themselves; it sends no list where it counted none. */
const COUNTED = ["offsite_conversion.fb_pixel_purchase", "onsite_conversion.purchase"];
function actions(text: string | null): Exact {
  const all = JSON.parse(text ?? "[]") as { readonly action_type: string; readonly value: string }[];
  return known(all.filter((one) => COUNTED.includes(one.action_type)).map(({ value }) => number(value))) ?? ZERO;
}

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
          word: segments.device!,
          device: DEVICES[segments.device!] ?? "unknown",
          attribution: null,
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
    money: (row) => json(row.customer!).currencyCode!,
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
        ...{ word: dimensions.platform!, device: DEVICES[dimensions.platform!] ?? "unknown", attribution: null },
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
    money: (row) => row.currency!,
  },
  {
    ...{ platform: "meta", account: "m" },
    told: (row) => ({
      ...{ row, campaign: row.campaign_id!, day: row.date_start!, word: row.impression_device! },
      ad: row.ad_id ? { ad_group_id: row.adset_id!, creative_id: row.ad_id } : NO_AD,
      device: DEVICES[row.impression_device!] ?? "unknown",
      ...{ currency: row.account_currency!, attribution: row.attribution_setting! },
      figures: {
        spend: figure(row.spend!),
        ...{ impressions: figure(row.impressions!), clicks: row.clicks ? number(row.clicks) : null },
        ...{ conversions: actions(row.actions!), conversion_value: actions(row.action_values!) },
      },
    }),
    listed: (kind, row): Row => {
      const account_id = row.account_id!;
      const { id, name, status } = row as Record<string, string>;
      if (kind === "campaigns") return { account_id, campaign_id: id!, campaign_name: name!, status: status! };
      const place = { account_id, campaign_id: row.campaign_id! };
      if (kind === "ad_groups") return { ...place, ad_group_id: id!, ad_group_name: name!, status: status! };
      const told = { creative_id: id!, creative_name: name!, status: status!, landing_url: null };
      return { ...place, ad_group_id: row.adset_id!, ...told };
    },
    zone: (row) => row.timezone_name!,
    money: (row) => row.currency!,
  },
  {
    ...{ platform: "linkedin", account: "51" },
    told: (row) => {
      const [, campaign, creative] = (JSON.parse(row.pivotValues!) as string[]).map(lastOf);
      const { start } = JSON.parse(row.dateRange!) as { start: Record<"year" | "month" | "day", number> };
      const value = row.conversionValueInLocalCurrency;
      const of = (text: string | null | undefined) => (text ? number(text) : null);
      return {
        ...{ row, campaign: campaign!, word: "", device: "unknown", currency: null, attribution: null },
        day: [start.year, start.month, start.day].map((part) => String(part).padStart(2, "0")).join("-"),
        // The list of ads says the ad group.
        ad: creative ? { ad_group_id: UNKNOWN, creative_id: creative } : NO_AD,
        figures: {
          ...{ spend: of(row.costInLocalCurrency), impressions: of(row.impressions), clicks: of(row.clicks) },
          ...{ conversions: of(row.externalWebsiteConversions), conversion_value: of(value) },
        },
      };
    },
    listed: (kind, row): Row => {
      const account_id = lastOf(row.account!);
      const { id, name, status } = row as Record<string, string>;
      if (kind === "campaigns") return { account_id, campaign_id: id!, campaign_name: name!, status: status! };
      const place = { account_id, campaign_id: lastOf(row.campaignGroup!) };
      if (kind === "ad_groups") return { ...place, ad_group_id: id!, ad_group_name: name!, status: status! };
      const told = { creative_id: lastOf(id!), creative_name: name!, status: row.intendedStatus!, landing_url: null };
      return { ...place, ad_group_id: lastOf(row.campaign!), ...told };
    },
    zone: () => "UTC",
    money: (row) => row.currency!,
  },
];
