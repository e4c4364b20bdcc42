// What accounts, campaigns, ad groups and ads were, when; and what the reports said, when.
const schema = "ads_history";
const tags = ["ads"];

const entities = {
  ads_accounts: {
    key: ["platform", "account_id"],
    attributes: { account_name: "text", currency: "text", timezone: "text" },
    by: ["platform", "account_id"],
    feed: "account_records",
    description: "Every version of every account (SCD2).",
  },
  ads_campaigns: {
    key: ["platform", "campaign_id"],
    attributes: { account_id: "text", campaign_name: "text", status: "text" },
    by: ["platform", "account_id"],
    feed: "campaign_records",
    description: "Every version of every campaign (SCD2).",
  },
  ads_ad_groups: {
    key: ["platform", "ad_group_id"],
    attributes: { account_id: "text", campaign_id: "text", ad_group_name: "text", status: "text" },
    by: ["platform", "account_id"],
    feed: "ad_group_records",
    description: "Every version of every ad group (SCD2).",
  },
  // one ad can be in several ad groups
  ads_creatives: {
    key: ["platform", "creative_id", "ad_group_id"],
    attributes: { account_id: "text", campaign_id: "text", creative_name: "text", status: "text", landing_url: "text" },
    by: ["platform", "account_id"],
    feed: "creative_records",
    description: "Every version of every ad in an ad group (SCD2).",
  },
};

for (const [name, { feed, ...options }] of Object.entries(entities)) {
  scd2.publish(name, {
    from: [schema, feed],
    batches: { ledger: { schema, name: "entity_loads" }, table: feed },
    schema,
    tags,
    ...options,
  });
}

// without a precision: what a network counts, however much it is, is no reason to end a run
const values = {
  currency: "text",
  spend: "numeric",
  impressions: "bigint",
  clicks: "bigint",
  conversions: "numeric",
  conversion_value: "numeric",
  attribution_setting: "text",
};

// Stores are kept by the names of their columns: the day is date_day in them, and day in all that is read.
const reports = {
  ad_daily_versions: {
    from: "ad_reports",
    versions: "ad_daily_told",
    tables: "ad_daily",
    key: ["platform", "account_id", "date_day", "campaign_id", "ad_group_id", "creative_id", "device"],
    description: "What the reports said about every ad, day and device, and when: as they said it.",
  },
  campaign_daily_versions: {
    from: "campaign_reports",
    versions: "campaign_daily_told",
    tables: "campaign_daily",
    key: ["platform", "account_id", "date_day", "campaign_id", "device"],
    description: "What the reports said about every campaign, day and device, and when: as they said it.",
  },
};

for (const [name, { from, tables, key, ...options }] of Object.entries(reports)) {
  slices.publish(name, {
    from: [schema, from],
    loads: { tables: ads.platforms.map((platform) => `ads_${platform}_${tables}`) },
    key,
    day: "date_day",
    values,
    loadOrder: ["load_id", "row_no"],
    schema,
    tags,
    columns: ads_columns.describe([...key, ...Object.keys(values)]),
    ...options,
  });
}
