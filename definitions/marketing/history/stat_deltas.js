// What the readings of the statistics add up to. docs/counters.md says what is made of this, and by which rules.

// Of a ratio both sides are of the same readings: spend of those without a value would make it too low.
const valued = {
  measures: { spend_with_value: "sum(spend_delta) filter (where conversion_value_delta is not null)" },
  columns: { spend_with_value: "Spend of the readings that add a conversion value; NULL without one." },
};

counters.publish("stat", {
  schema: "history",
  tags: ["marketing"],
  from: "stat_readings",
  loads: "stg_marketing__stat_loads",
  loadOrder: ["load_id", "row_no"],
  kind: "log",
  series: { creative_id: "text", device: "text" },
  takenAt: { measured_at: "timestamptz" },
  reportedAt: { reported_at: "timestamptz" },
  counters: {
    spend: "numeric",
    impressions: "bigint",
    clicks: "bigint",
    conversions: "bigint",
    conversion_value: "numeric",
  },
  // when impressions fall, all four have started again; what falls without them was taken back
  leading: "impressions",
  // further columns of a reading, as the winning one has them
  keep: { campaign_id: "text", currency: "text", time_zone: "text" },
  nonNull: ["campaign_id", "currency", "time_zone"],
  timeZone: { column: "time_zone" },
  // a reading may say nothing of it
  optional: "conversion_value",
  // an account that changes its currency keeps its counts: what the money of that reading adds is not known
  unit: { column: "currency", of: ["spend", "conversion_value"] },
  // what was created while the feed ran begins from 0; else its first reading is a baseline, of no day
  births: { from: "stg_marketing__creatives", key: "creative_id", at: { created_at: "timestamptz" } },
  columns: {
    creative_id: "The creative.",
    device: "desktop, mobile, tablet, or what else the source calls it.",
    campaign_id: "The campaign at measured_at: the delta belongs to it. '(unknown)' where the source named none.",
    currency: "ISO 4217 code of the spend columns.",
    day: "The day the reading closes, by the clocks of time_zone: the day of the delta.",
    time_zone: "Time zone of the campaign's account.",
    reported_at: "When the winning reading was reported.",
    load_id: "The load that brought the winning reading.",
    row_no: "Position of the winning reading in its load.",
    spend: "Money spent",
    impressions: "Impressions",
    clicks: "Clicks",
    conversions: "Conversions",
    conversion_value: "What the conversions are worth",
  },
  rollups: {
    creative_days: {
      description:
        "What marketing.creative_daily is kept in; read that one. Only days of creatives whose readings changed are computed again.",
      by: ["creative_id", "campaign_id", "currency"],
      every: "day",
      ...valued,
    },
    creative_weeks: {
      description:
        "What each creative did in each week, per campaign and currency: what creative_periods is made of. Only weeks of creatives whose readings changed are computed again.",
      by: ["creative_id", "campaign_id", "currency"],
      every: "week",
      ...valued,
    },
    campaign_device_days: {
      description:
        "What marketing.campaign_device_daily is kept in; read that one. Only days with a changed reading are computed again.",
      by: ["campaign_id", "device", "currency"],
      every: "day",
      ...valued,
    },
    creative_months: {
      description:
        "What each creative did in each month, per campaign, device and currency: what the marts over all days are made of. Only months of counters whose readings changed are computed again.",
      by: ["creative_id", "campaign_id", "device", "currency"],
      every: "month",
      ...valued,
    },
    campaign_readings: {
      description:
        "What the readings of each moment add to each campaign: what campaign_daily and campaign_to_date are made of. Only moments with a changed reading are computed again.",
      by: ["campaign_id", "currency"],
      every: "reading",
      // a baseline is what was there at the first reading: in totals to date it counts once, at that moment
      measures: {
        ...valued.measures,
        first_time_zone: "min(time_zone)",
        last_time_zone: "max(time_zone)",
        // by device, as campaign_to_date shows them: kept with each reading
        added_spend: "sum(case when is_baseline then spend_to_date else spend_delta end)",
        added_impressions_desktop:
          "(sum(coalesce(impressions_delta, impressions_to_date)) filter (where device = 'desktop'))::bigint",
        added_impressions_mobile:
          "(sum(coalesce(impressions_delta, impressions_to_date)) filter (where device = 'mobile'))::bigint",
        added_impressions_tablet:
          "(sum(coalesce(impressions_delta, impressions_to_date)) filter (where device = 'tablet'))::bigint",
        added_impressions_other:
          "(sum(coalesce(impressions_delta, impressions_to_date)) filter (where device not in ('desktop', 'mobile', 'tablet')))::bigint",
        added_clicks_desktop: "(sum(coalesce(clicks_delta, clicks_to_date)) filter (where device = 'desktop'))::bigint",
        added_clicks_mobile: "(sum(coalesce(clicks_delta, clicks_to_date)) filter (where device = 'mobile'))::bigint",
        added_clicks_tablet: "(sum(coalesce(clicks_delta, clicks_to_date)) filter (where device = 'tablet'))::bigint",
        added_clicks_other:
          "(sum(coalesce(clicks_delta, clicks_to_date)) filter (where device not in ('desktop', 'mobile', 'tablet')))::bigint",
        added_conversions_desktop:
          "(sum(coalesce(conversions_delta, conversions_to_date)) filter (where device = 'desktop'))::bigint",
        added_conversions_mobile:
          "(sum(coalesce(conversions_delta, conversions_to_date)) filter (where device = 'mobile'))::bigint",
        added_conversions_tablet:
          "(sum(coalesce(conversions_delta, conversions_to_date)) filter (where device = 'tablet'))::bigint",
        added_conversions_other:
          "(sum(coalesce(conversions_delta, conversions_to_date)) filter (where device not in ('desktop', 'mobile', 'tablet')))::bigint",
      },
      columns: {
        ...valued.columns,
        first_time_zone: "By whose clocks their day was counted; of several time zones the first in the alphabet.",
        last_time_zone: "The last of them.",
        added_spend: "Spend that counts in totals to date: differences and baselines.",
        added_impressions_desktop: "The same of impressions on desktop; NULL without a reading.",
        added_impressions_mobile: "The same of impressions on mobile; NULL without a reading.",
        added_impressions_tablet: "The same of impressions on tablet; NULL without a reading.",
        added_impressions_other: "The same of impressions on all other devices; NULL without a reading.",
        added_clicks_desktop: "The same of clicks on desktop; NULL without a reading.",
        added_clicks_mobile: "The same of clicks on mobile; NULL without a reading.",
        added_clicks_tablet: "The same of clicks on tablet; NULL without a reading.",
        added_clicks_other: "The same of clicks on all other devices; NULL without a reading.",
        added_conversions_desktop: "The same of conversions on desktop; NULL without a reading.",
        added_conversions_mobile: "The same of conversions on mobile; NULL without a reading.",
        added_conversions_tablet: "The same of conversions on tablet; NULL without a reading.",
        added_conversions_other: "The same of conversions on all other devices; NULL without a reading.",
      },
    },
  },
});
