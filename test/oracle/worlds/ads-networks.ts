// Rows as each network sends them: a line of a report, an entry of a list.

import type { Value } from "./world.ts";

export type Columns = Readonly<Record<string, Value>>;

const google = "customer jsonb, campaign jsonb";
const meta =
  "account_id text, account_currency text, campaign_id text, date_start date, impression_device text, attribution_setting text, " +
  "spend numeric, impressions bigint, clicks bigint, actions jsonb, action_values jsonb";
const linkedin =
  '"dateRange" jsonb, "pivotValues" jsonb, "costInLocalCurrency" numeric, impressions bigint, clicks bigint, ' +
  '"externalWebsiteConversions" bigint, "conversionValueInLocalCurrency" numeric';

export const TABLES = {
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
  ads_meta_accounts: "account_id text, name text, currency text, timezone_name text",
  ads_meta_campaigns: "id text, account_id text, name text, status text",
  ads_meta_ad_groups: "id text, account_id text, campaign_id text, name text, status text",
  ads_meta_ads: "id text, account_id text, campaign_id text, adset_id text, name text, status text",
  ads_meta_ad_daily: `${meta}, adset_id text, ad_id text`,
  ads_meta_campaign_daily: meta,
  ads_linkedin_accounts: "id bigint, name text, currency text",
  ads_linkedin_campaigns: "id text, account text, name text, status text",
  ads_linkedin_ad_groups: 'id text, account text, "campaignGroup" text, name text, status text',
  ads_linkedin_ads: 'id text, account text, campaign text, "campaignGroup" text, name text, "intendedStatus" text',
  ads_linkedin_ad_daily: linkedin,
  ads_linkedin_campaign_daily: linkedin,
};

export type Platform = "google" | "tiktok" | "meta" | "linkedin";

/** An ad in its ad group and campaign. */
export interface Place {
  readonly campaign: string;
  readonly group: string;
  readonly ad: string;
}

interface Line {
  readonly campaign: string;
  readonly device: string;
  readonly currency: string;
  readonly day: string;
}

interface Sender {
  readonly devices: readonly string[];
  /** The ad of an ad group: one network has the same one in two. */
  ad(group: string): string;
  account(currency: string, timeZone: string): Columns;
  campaign(id: string, name: string, status: string): Columns;
  group(place: Place, name: string, status: string): Columns;
  listedAd(place: Place, name: string, status: string): Columns;
  line(where: Line, figures: Columns): Columns;
  campaignOf(line: Columns): string;
  /** A line of the report of ads, of one of campaigns. */
  ofAd(line: Columns, place: Place): Columns;
}

const json = (text: Value) => JSON.parse(String(text)) as Record<string, unknown>;
const urn = (kind: string, id: string) => `urn:li:sponsored${kind}:${id}`;
const G = '{"id": "g"}';
const T = { advertiser_id: "t" };
const M = { account_id: "m" };
const L = { account: urn("Account", "51") };

/** Meta tells one purchase under several kinds, and sends no list where there is none. */
const actions = (value: Value) =>
  value === "-" || value === null
    ? null
    : JSON.stringify(
        ["purchase", "offsite_conversion.fb_pixel_purchase", "onsite_conversion.purchase", "link_click"].map(
          (action_type) => ({ action_type, value }),
        ),
      );

export const SENDERS: Readonly<Record<Platform, Sender>> = {
  google: {
    devices: ["MOBILE", "DESKTOP", "CONNECTED_TV", "FRIDGE"],
    ad: (group) => (group === "g-c1" ? "a1" : "a2"),
    account: (currencyCode, timeZone) => ({
      customer: JSON.stringify({ id: "g", descriptiveName: "G", currencyCode, timeZone }),
      campaign: null,
    }),
    campaign: (id, name, status) => ({ customer: G, campaign: JSON.stringify({ id, name, status }) }),
    group: ({ campaign, group: id }, name, status) => ({
      ...{ customer: G, campaign: JSON.stringify({ id: campaign }), adGroup: JSON.stringify({ id, name, status }) },
    }),
    listedAd: ({ campaign, group, ad: id }, name, status) => ({
      ...{ customer: G, campaign: JSON.stringify({ id: campaign }), adGroup: JSON.stringify({ id: group }) },
      adGroupAd: JSON.stringify({
        ad: { id, name, finalUrls: [`https://${id}.example`, "https://b.example"] },
        status,
      }),
    }),
    line: (where, { spend, impressions, clicks, conversions, value }) => ({
      customer: JSON.stringify({ id: "g", currencyCode: where.currency }),
      campaign: JSON.stringify({ id: where.campaign }),
      segments: JSON.stringify({ date: where.day, device: where.device }),
      metrics: JSON.stringify({
        costMicros: String(Math.round(Number(spend) * 1e6)),
        ...{ impressions: String(impressions), clicks: String(clicks), conversionsValue: String(value) },
        conversions: conversions === "-" ? "0" : conversions,
      }),
    }),
    campaignOf: (row) => String(json(row.campaign!).id),
    ofAd: (row, { campaign, group, ad }) => ({
      ...{ ...row, campaign: JSON.stringify({ id: campaign }), adGroup: JSON.stringify({ id: group }) },
      adGroupAd: JSON.stringify({ ad: { id: ad } }),
    }),
  },
  tiktok: {
    devices: ["ANDROID", "PC", "IPAD"],
    ad: (group) => (group === "g-c1" ? "a1" : group),
    account: (currency, timezone) => ({ ...T, name: "T", currency, timezone }),
    campaign: (id, name, status) => ({ ...T, campaign_id: id, campaign_name: name, operation_status: status }),
    group: ({ campaign, group }, name, status) => ({
      ...{ ...T, campaign_id: campaign, adgroup_id: group, adgroup_name: name, operation_status: status },
    }),
    listedAd: ({ campaign, group, ad }, name, status) => ({
      ...{ ...T, campaign_id: campaign, adgroup_id: group, ad_id: ad, ad_name: name, operation_status: status },
    }),
    line: (where, { spend, impressions, clicks, conversions, value }) => ({
      dimensions: JSON.stringify({
        ...{ campaign_id: where.campaign, platform: where.device, stat_time_day: `${where.day} 00:00:00` },
      }),
      metrics: JSON.stringify({
        ...{ ...T, currency: where.currency, spend: String(spend), impressions: String(impressions) },
        ...{ clicks: String(clicks), conversion: conversions, total_purchase_value: String(value) },
      }),
    }),
    campaignOf: (row) => String(json(row.dimensions!).campaign_id),
    ofAd: ({ dimensions: of, metrics }, { campaign, group, ad }) => {
      const { campaign_id: _, ...dimensions } = json(of!);
      return {
        dimensions: JSON.stringify({ ...dimensions, ad_id: ad }),
        metrics: JSON.stringify({ ...json(metrics!), campaign_id: campaign, adgroup_id: group }),
      };
    },
  },
  meta: {
    devices: ["iphone", "android_smartphone", "desktop"],
    ad: (group) => `a-${group}`,
    account: (currency, timezone_name) => ({ ...M, name: "M", currency, timezone_name }),
    campaign: (id, name, status) => ({ ...M, id, name, status }),
    group: ({ campaign, group }, name, status) => ({ ...M, id: group, campaign_id: campaign, name, status }),
    listedAd: ({ campaign, group, ad }, name, status) => ({
      ...{ ...M, id: ad, campaign_id: campaign, adset_id: group, name, status },
    }),
    line: (where, { spend, impressions, clicks, conversions, value }) => ({
      ...{ ...M, account_currency: where.currency, campaign_id: where.campaign, date_start: where.day },
      ...{ impression_device: where.device, attribution_setting: Number(clicks) % 5 ? "7d_click" : "1d_view" },
      ...{ spend: spend!, impressions: impressions!, clicks: Number(clicks) % 7 ? clicks! : null },
      ...{ actions: actions(conversions!), action_values: actions(value!) },
    }),
    campaignOf: (row) => String(row.campaign_id),
    ofAd: (row, { campaign, group, ad }) => ({ ...row, campaign_id: campaign, adset_id: group, ad_id: ad }),
  },
  linkedin: {
    devices: [""],
    ad: (group) => `a-${group}`,
    account: (currency) => ({ id: "51", name: "L", currency }),
    campaign: (id, name, status) => ({ ...L, id, name, status }),
    group: ({ campaign, group }, name, status) => ({
      ...{ ...L, id: group, campaignGroup: urn("CampaignGroup", campaign), name, status },
    }),
    listedAd: ({ campaign, group, ad }, name, status) => ({
      ...{ ...L, id: urn("Creative", ad), campaign: urn("Campaign", group), name, intendedStatus: status },
      campaignGroup: urn("CampaignGroup", campaign),
    }),
    line: (where, { spend, impressions, clicks, conversions, value }) => {
      const [year, month, day] = where.day.split("-").map(Number);
      return {
        dateRange: JSON.stringify({ start: { year, month, day }, end: { year, month, day } }),
        pivotValues: JSON.stringify([L.account, urn("CampaignGroup", where.campaign)]),
        ...{ costInLocalCurrency: spend!, impressions: impressions!, clicks: clicks! },
        externalWebsiteConversions: conversions === "-" ? null : Math.floor(Number(conversions)),
        conversionValueInLocalCurrency: Number(clicks) % 6 ? value! : null,
      };
    },
    campaignOf: (row) => (JSON.parse(String(row.pivotValues)) as string[])[1]!.split(":").at(-1)!,
    ofAd: (row, { campaign, ad }) => ({
      ...row,
      pivotValues: JSON.stringify([L.account, urn("CampaignGroup", campaign), urn("Creative", ad)]),
    }),
  },
};
