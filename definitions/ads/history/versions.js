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

const values = {
  currency: "text",
  spend: "numeric(18, 6)",
  impressions: "bigint",
  clicks: "bigint",
  conversions: "numeric(18, 6)",
  conversion_value: "numeric(18, 6)",
  attribution_setting: "text",
};

const reports = {
  ad_daily_versions: {
    from: "ad_reports",
    tables: "ad_daily",
    key: ["platform", "account_id", "date_day", "campaign_id", "ad_group_id", "creative_id", "device"],
    description: "What the networks said about every ad, day and device, and when they said so.",
  },
  campaign_daily_versions: {
    from: "campaign_reports",
    tables: "campaign_daily",
    key: ["platform", "account_id", "date_day", "campaign_id", "device"],
    description: "What the networks said about every campaign, day and device, and when they said so.",
  },
};

for (const [name, { from, tables, key, description }] of Object.entries(reports)) {
  slices.publish(name, {
    from: [schema, from],
    loads: { tables: ads.platforms.map((platform) => `ads_${platform}_${tables}`) },
    key,
    day: "date_day",
    values,
    loadOrder: ["load_id", "row_no"],
    schema,
    tags,
    description,
    columns: ads_columns.describe([...key, ...Object.keys(values)]),
  });
}
