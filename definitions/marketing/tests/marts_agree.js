// Each mart adds up to what it is made of: the same groups in both, with the same sums. docs/counters.md, "Totals that agree".

const tags = ["marketing"];
const counters_of_stats = ["history", "stat_store"];

// what happened: the differences of the readings, without baselines
const deltas = {
  from: "stat_deltas",
  where: "not is_baseline",
  columns: {
    spend: "spend_delta",
    impressions: "impressions_delta",
    clicks: "clicks_delta",
    conversions: "conversions_delta",
    conversion_value: "conversion_value_delta",
  },
};

// the same over all days; without a figure where nothing but baselines was measured. creative_totals is held to the months by
// a test below, and the months to the differences by tests that counters.publish() makes
const measured_totals = { from: "creative_totals", where: "conversions is not null" };

const enough_clicks = `sum(clicks) >= ${vars.wholeNumber("minimum_clicks", { default: 100 })}`;

// what the source itself reports, resets made good: differences and baselines
const to_date = {
  from: "creative_totals",
  columns: {
    spend: "coalesce(spend, 0) + coalesce(spend_before_feed, 0)",
    impressions: "coalesce(impressions, 0) + coalesce(impressions_before_feed, 0)",
    clicks: "coalesce(clicks, 0) + coalesce(clicks_before_feed, 0)",
    conversions: "coalesce(conversions, 0) + coalesce(conversions_before_feed, 0)",
  },
};

const conversions_to_date = {
  from: "creative_totals",
  columns: { conversions_to_date: "coalesce(conversions, 0) + coalesce(conversions_before_feed, 0)" },
};

// marts with a column for each device
const devices = {
  impressions:
    "coalesce(impressions_desktop, 0) + coalesce(impressions_mobile, 0) + coalesce(impressions_tablet, 0) + coalesce(impressions_other, 0)",
  clicks:
    "coalesce(clicks_desktop, 0) + coalesce(clicks_mobile, 0) + coalesce(clicks_tablet, 0) + coalesce(clicks_other, 0)",
  conversions:
    "coalesce(conversions_desktop, 0) + coalesce(conversions_mobile, 0) + coalesce(conversions_tablet, 0) + coalesce(conversions_other, 0)",
};

totals.agree("marketing_facts_agree_with_deltas", {
  tags,
  description: "The daily facts hold every delta once and no baseline.",
  expected: deltas,
  actual: "fct_creative_daily",
  by: ["creative_id", "campaign_id", "device", "day", "currency"],
  measures: ["spend", "impressions", "clicks", "conversions", "conversion_value"],
  // of days that the last run changed only; without a day, only where all was computed
  following: { counters: counters_of_stats, day: "day" },
});

totals.agree("marketing_campaign_daily_agrees_with_facts", {
  tags,
  description:
    "campaign_daily adds up to the differences that the facts are made of, campaign by campaign and day by day.",
  expected: deltas,
  actual: ["marketing", "campaign_daily"],
  by: ["campaign_id", "day", "currency"],
  measures: ["spend", "impressions", "clicks", "conversions", "conversion_value"],
  following: { counters: counters_of_stats, day: "day" },
});

totals.agree("marketing_creative_daily_agrees_with_facts", {
  tags,
  description:
    "creative_daily adds up to the differences that the facts are made of, creative by creative and day by day.",
  expected: deltas,
  actual: ["marketing", "creative_daily"],
  by: ["creative_id", "campaign_id", "day", "currency"],
  measures: ["spend", "impressions", "clicks", "conversions", "conversion_value"],
  following: { counters: counters_of_stats, day: "day" },
});

totals.agree("marketing_campaign_history_agrees_with_versions", {
  tags,
  description: "campaign_history holds every version of every campaign once.",
  expected: { from: "campaign_versions", columns: { versions: "1" } },
  actual: { from: "campaign_history", columns: { versions: "1" } },
  by: ["campaign_id"],
  measures: ["versions", "daily_budget"],
});

totals.agree("marketing_totals_agree_with_months", {
  tags,
  description: "The totals of each creative are those of its months.",
  expected: { from: "creative_months", where: "readings > 0" },
  actual: "creative_totals",
  by: ["creative_id", "campaign_id", "device", "currency"],
  measures: [
    "spend",
    "impressions",
    "clicks",
    "conversions",
    "conversion_value",
    "spend_with_value",
    "spend_before_feed",
    "impressions_before_feed",
    "clicks_before_feed",
    "conversions_before_feed",
    "conversion_value_before_feed",
  ],
});

for (const [period, day] of [
  ["week", "date_trunc('week', day::timestamp)::date"],
  ["month", "date_trunc('month', day::timestamp)::date"],
])
  totals.agree(`marketing_campaign_periods_agrees_by_${period}`, {
    tags,
    description: `The figures of each ${period} in campaign_periods are those of its days.`,
    expected: { from: ["marketing", "campaign_daily"], columns: { period_start: day } },
    actual: { from: ["marketing", "campaign_periods"], where: `has_figures and period = '${period}'` },
    by: ["campaign_id", "currency", "period_start"],
    measures: ["spend", "impressions", "clicks", "conversions", "conversion_value", "spend_with_value"],
  });

for (const [period, months] of [
  ["week", "creative_weeks"],
  ["month", "creative_months"],
])
  totals.agree(`marketing_creative_periods_agrees_by_${period}`, {
    tags,
    description: `creative_periods holds each ${period} of each creative once.`,
    expected: { from: months, where: "differences > 0", columns: { period_start: period } },
    actual: { from: ["marketing", "creative_periods"], where: `has_figures and period = '${period}'` },
    by: ["creative_id", "currency", "period_start"],
    measures: ["spend", "impressions", "clicks", "conversions", "conversion_value", "spend_with_value"],
  });

totals.agree("marketing_creative_device_agrees_with_facts", {
  tags,
  description: "creative_device holds every creative and device of the facts, with all of its figures.",
  expected: measured_totals,
  actual: "creative_device",
  by: ["creative_id", "device", "currency"],
  measures: ["spend", "impressions", "clicks", "conversions", "conversion_value"],
});

totals.agree("marketing_campaign_device_daily_agrees_with_facts", {
  tags,
  description: "campaign_device_daily adds up to the differences that the facts are made of, device by device.",
  expected: deltas,
  actual: "campaign_device_daily",
  by: ["campaign_id", "device", "day", "currency"],
  measures: ["spend", "impressions", "clicks", "conversions", "conversion_value"],
  following: { counters: counters_of_stats, day: "day" },
});

const campaign_daily = { from: ["marketing", "campaign_daily"] };
const creative_days = { from: "creative_days", where: "differences > 0" };

for (const [attribute, from] of [
  ["account", campaign_daily],
  ["objective", campaign_daily],
  ["status", campaign_daily],
  ["format", creative_days],
  ["landing_page", creative_days],
  ["age", creative_days],
])
  totals.agree(`marketing_attribute_daily_agrees_by_${attribute}`, {
    tags,
    description: `Split by ${attribute}, attribute_daily holds all figures of each day.`,
    // which hold every difference: assertions of their own say so
    expected: from,
    actual: { from: "attribute_daily", where: `attribute = '${attribute}'` },
    by: ["day", "currency"],
    measures: ["spend", "impressions", "clicks", "conversions", "conversion_value", "spend_with_value"],
    following: { counters: counters_of_stats, day: "day" },
  });

totals.agree("marketing_campaign_device_agrees_with_facts", {
  tags,
  description: "The device columns of campaign_device add up to the facts: no device is left out.",
  expected: measured_totals,
  actual: {
    from: ["marketing", "campaign_device"],
    columns: {
      spend:
        "coalesce(spend_desktop, 0) + coalesce(spend_mobile, 0) + coalesce(spend_tablet, 0) + coalesce(spend_other, 0)",
      ...devices,
    },
  },
  by: ["campaign_id", "currency"],
  measures: ["spend", "impressions", "clicks", "conversions"],
});

totals.agree("marketing_spend_per_conversion_agrees_with_facts", {
  tags,
  description: "spend_per_conversion holds every campaign of the facts, with all of its spend and conversions.",
  expected: measured_totals,
  actual: "spend_per_conversion",
  by: ["campaign_id", "currency"],
  measures: ["spend", "conversions"],
});

totals.agree("marketing_best_converting_campaigns_agrees_with_facts", {
  tags,
  description: "best_converting_campaigns holds every campaign with enough clicks, with its totals, and no other.",
  expected: { ...measured_totals, having: enough_clicks },
  actual: "best_converting_campaigns",
  by: ["campaign_id", "currency"],
  measures: ["spend", "clicks", "conversions"],
});

totals.agree("marketing_best_converting_creatives_agrees_with_facts", {
  tags,
  description: "best_converting_creatives holds every creative with enough clicks, with its totals, and no other.",
  expected: { ...measured_totals, having: enough_clicks },
  actual: "best_converting_creatives",
  by: ["creative_id", "currency"],
  measures: ["spend", "clicks", "conversions"],
});

totals.agree("marketing_conversions_by_campaign_agrees_with_deltas", {
  tags,
  description:
    "conversions_by_campaign: conversions are those of the totals, conversions to date these and the baselines.",
  expected: conversions_to_date,
  actual: "conversions_by_campaign",
  by: ["campaign_id"],
  measures: ["conversions", "conversions_to_date", "clicks"],
});

totals.agree("marketing_conversions_by_creative_agrees_with_deltas", {
  tags,
  description:
    "conversions_by_creative: conversions are those of the totals, conversions to date these and the baselines.",
  expected: conversions_to_date,
  actual: "conversions_by_creative",
  by: ["creative_id"],
  measures: ["conversions", "conversions_to_date", "clicks"],
});

totals.agree("marketing_campaign_to_date_agrees_with_deltas", {
  tags,
  description: "The last row of each campaign in campaign_to_date = its totals, baselines and differences.",
  expected: to_date,
  actual: { from: ["marketing", "campaign_to_date"], last: "measured_at", columns: devices },
  by: ["campaign_id", "currency"],
  measures: ["spend", "impressions", "clicks", "conversions"],
});

totals.agree("marketing_creative_to_date_agrees_with_deltas", {
  tags,
  description: "The last row of each creative in creative_to_date = its totals, baselines and differences.",
  expected: to_date,
  actual: { from: "creative_to_date", last: "measured_at", columns: devices },
  by: ["creative_id", "currency"],
  measures: ["spend", "impressions", "clicks", "conversions"],
  // a view over all deltas: it is added up only where everything was computed
  following: { counters: counters_of_stats },
});

totals.agree("marketing_creative_to_date_has_its_key", {
  tags,
  description: "creative_to_date has one row for each reading of a creative, whatever devices it counts.",
  expected: { from: "stat_deltas", last: "device", columns: { row_count: "1" } },
  actual: { from: "creative_to_date", columns: { row_count: "1" } },
  by: ["creative_id", "currency", "measured_at"],
  measures: ["row_count"],
  following: { counters: counters_of_stats },
});
