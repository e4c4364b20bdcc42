// Each week and month of the marts by period adds up to its days.

const starts = [
  ["week", "date_trunc('week', day::timestamp)::date"],
  ["month", "date_trunc('month', day::timestamp)::date"],
];
const marts = [
  ["campaign", ["platform", "account_id", "campaign_id"]],
  ["creative", ["platform", "account_id", "campaign_id", "ad_group_id", "creative_id"]],
];

for (const [mart, key] of marts)
  for (const [period, start] of starts)
    totals.agree(`ads_${mart}_periods_agrees_by_${period}`, {
      tags: ["ads"],
      description: `The figures of each ${period} in ${mart}_periods are those of its days.`,
      expected: { from: ["ads", `${mart}_daily`], columns: { period_start: start } },
      actual: { from: ["ads", `${mart}_periods`], where: `has_figures and period = '${period}'` },
      by: [...key, "currency", "period_start"],
      measures: ["spend", "impressions", "clicks", "conversions", "conversion_value"],
    });
