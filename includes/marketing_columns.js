// One meaning per word: the columns of the marketing marts, described once.

const descriptions = {
  account_id: "The advertising account that pays.",
  campaign_id: "The campaign. '(unknown)' where a figure came without one.",
  campaign_name:
    "Name of the campaign today (as is); the last one if it was deleted; '(unknown)' if the feed never named it.",
  campaign_name_as_was:
    "Name of the campaign at the end of that day (as was); the first known name for days before the feed knew it.",
  creative_id: "The creative.",
  creative_name: "Name of the creative today; the last one if it was deleted; '(unknown)' if the feed never named it.",
  is_deleted: "True once the entity was deleted at the source. Its figures stay.",
  currency: "ISO 4217 code of the money columns. Amounts in two currencies are never added up.",
  day: "The day the figures belong to, by the clocks of `time_zone`: the day its closing reading ends.",
  time_zone: "Time zone of the campaign's account, whose days are counted.",
  first_day: "First day with a measured figure.",
  last_day: "Last day with a measured figure.",
  device: "desktop, mobile, tablet, or what else the source calls it.",
  period: "week (from Monday), month, last_7_days or last_28_days: the last ones that are complete.",
  period_start: "First day of the period.",
  period_end: "Last day of the period.",
  is_complete:
    "True once every day of the period is closed by a reading, and the feed had begun before it. Compare only those.",
  measured_at: "The moment the totals are counted up to.",

  spend:
    "Money spent, in `currency`; NULL where nothing of it is known: a counter that was read in another currency before.",
  impressions: "Times a creative was shown.",
  clicks: "Clicks on a creative.",
  conversions: "Conversions reported by the source.",
  conversion_value:
    "What the conversions are worth, in `currency`, as far as the source says it; NULL where it says nothing.",
  spend_with_value: "Part of `spend` whose readings say a conversion value; NULL where none does.",

  ctr: "Click-through rate: clicks / impressions. NULL without impressions; above 1 where clicks are counted a day late.",
  conversion_rate: "Conversions / clicks. NULL without clicks; above 1 where people convert after a view only.",
  conversion_rate_low:
    "Lower end of the 95 % interval (Wilson) of the conversion rate: what it is at least, by so many clicks. NULL without clicks, and where conversions are below zero or more than clicks.",
  conversion_rate_high: "Upper end of the same interval.",
  cost_per_click: "Spend / clicks, in `currency`. NULL without clicks.",
  spend_per_conversion: "Spend / conversions, in `currency`. NULL without conversions.",
  roas: "Return on advertising spend: conversion_value / spend_with_value. NULL without a value, and without spend.",
  spend_without_conversion: "Part of `spend` that went to creatives without a single conversion in this campaign.",
  conversions_per_currency_unit: "Conversions / spend: conversions for one unit of `currency`. NULL without spend.",
  conversions_per_dollar: "The same, only where `currency` is USD; NULL elsewhere.",
  conversion_rate_per_currency_unit:
    "Conversion rate / spend, the other reading of “highest conversion rate / dollar”. Favours whoever spends little. NULL without spend or clicks.",
  rank_by_conversion_rate: "1 is the highest conversion rate of all; ties share a rank.",
  rank_by_conversions_per_currency_unit: "1 is the most conversions for one unit of this currency; ties share a rank.",
  rank_by_conversion_rate_per_currency_unit:
    "1 is the highest conversion rate / spend in this currency; ties share a rank.",

  rank_by_conversion_rate_low:
    "1 is the highest conversion_rate_low in the period, among rows with at least minimum_conversions conversions (a project variable, 10 unless set); NULL for others. Ties share a rank.",
  has_figures:
    "False where nothing was measured in the period: it is here because something was in the one before, which stands beside it.",
  previous_spend:
    "Spend in the period before, of the same kind (the month before a month, seven days before seven); NULL if nothing was measured in it.",
  previous_impressions: "Impressions in the period before; NULL likewise.",
  previous_clicks: "Clicks in the period before; NULL likewise.",
  previous_conversions: "Conversions in the period before; NULL likewise.",

  conversions_before_feed:
    "Conversions in the first reading of creatives older than the feed: real, but of unknown date.",
  conversions_to_date:
    "conversions + conversions_before_feed, resets made good: where has_reset is false, the total that the source itself reports.",
  days_covered:
    "Most days that one figure in this row covers. Above 1: earlier days were missing, their activity is in here.",
  has_reset: "True where a counter restarted from zero in what this row counts, so activity between may be lost.",
  has_correction:
    "True where the source took back some of a counter in what this row counts: a day may be below zero by that.",
};

const devices = ["desktop", "mobile", "tablet", "other"];
for (const device of devices) {
  for (const counter of ["spend", "impressions", "clicks", "conversions"]) {
    descriptions[`${counter}_${device}`] =
      `${descriptions[counter].replace(/\.$/, "")}, on ${device === "other" ? "devices of any other name" : device} only. NULL if nothing was ever reported for this device.`;
  }
}

/** Descriptions of these columns, for a `columns` block; `own` adds or replaces some. */
function describe(names, own = {}) {
  const unknown = names.filter((name) => !Object.hasOwn(descriptions, name));
  if (unknown.length > 0) throw new Error(`marketing_columns: no description of ${unknown.join(", ")}`);
  return { ...Object.fromEntries(names.map((name) => [name, descriptions[name]])), ...own };
}

module.exports = { describe };
