// One meaning per word: the columns of the models of advertising networks, described once.

const descriptions = {
  platform: "The network: google, meta, tiktok or linkedin.",
  account_id: "The advertising account.",
  account_name: "Name of the account.",
  timezone: "The account's time zone: its days begin and end there.",
  campaign_id: "The campaign; the campaign group at LinkedIn. Unique within a platform only.",
  campaign_name: "Name of the campaign today (as is); the last one if it was deleted; '(unknown)' if no list named it.",
  campaign_name_as_was:
    "Name of the campaign at the end of that day in the account's time zone (as was); the first known one for days before.",
  ad_group_id:
    "The ad group; the ad set at Meta, the campaign at LinkedIn, whose report does not say it: there it is that of the list of ads, and '(unknown)' if no list named the ad.",
  ad_group_name: "Name of the ad group today; the last one if it was deleted; '(unknown)' if no list named it.",
  ad_group_name_as_was: "Name of the ad group at the end of that day in the account's time zone.",
  creative_id: "The ad; the creative at LinkedIn. It can be in several ad groups.",
  creative_name: "Name of the ad today; the last one if it was deleted; '(unknown)' if no list named it.",
  creative_name_as_was: "Name of the ad at the end of that day in the account's time zone.",
  status: "Status, as the network spells it.",
  landing_url:
    "Where a click leads: of Google the first of its addresses. NULL at Meta, TikTok and LinkedIn, whose lists are not asked for it.",
  day: "The day, as the network counts it: of the account's time zone, at LinkedIn of UTC.",
  date_day: "The same as `day`, whose former name it is.",
  device: "mobile, tablet, desktop, connected_tv, other or unknown.",
  source_device: "The network's word for the device.",
  currency: "ISO 4217 code of spend and conversion_value. Amounts in two currencies are never added up.",
  reporting_currency: "ISO 4217 code of the columns that end in _reporting.",
  spend: "Money spent, in `currency`.",
  spend_reporting: "The same in the reporting currency, by the rate of each day. NULL, not 0, where a rate is missing.",
  impressions: "Times shown.",
  clicks: "Clicks.",
  conversions: "Conversions, fractions too. NULL where the network measured none of it; 0 is a figure.",
  conversion_value: "What the conversions are worth, in `currency`.",
  conversion_value_reporting: "The same in the reporting currency. NULL where a rate is missing.",
  has_unmeasured: "True where conversions of a part of the row were not measured: ratios with them are too low.",
  attribution_setting: "Which conversions count, as the network says; NULL where it does not.",
  rate_date: "Day of the exchange rate: the last one on or before the day. NULL without a rate.",
  is_final:
    "True once the day lies before what loads read again: its figures stay. The window in ingest/*.yaml says how far back that is.",
  is_partial: "True where the day had not ended, by the clocks of the account, when it was last read.",
  closes_at: "The last moment of the day, by the clocks of the account.",
  first_seen_at: "When the row was first read.",
  last_restated_at: "When the figures last changed; NULL if they never did.",
  n_restatements:
    "How many loads changed the row after its day had first been read: other figures, or a part of it that vanished, came back or came late.",
  restated_at: "When the change was read.",
  days_later: "Days from the day till then, by the clocks of the account.",
  what_happened:
    "restated, vanished (the row is no longer sent) or appeared (a row of a day that had been read before).",
  spend_before: "Spend before; NULL for a row that appeared.",
  spend_after: "Spend after; NULL for a row that vanished.",
  conversions_before: "Conversions before.",
  conversions_after: "Conversions after.",
  conversion_value_before: "Conversion value before.",
  conversion_value_after: "Conversion value after.",
  known_from: "When it was loaded.",
  known_to: "When a later load said otherwise; NULL while it holds.",
  is_current: "True for what the network says now.",
  ended_by: "restated or vanished; NULL while it holds.",
  is_deleted: "True once the network's lists no longer have it. Its figures stay.",
  is_unknown: "True if it appears in figures and no list ever named it: then no more than its id is known.",
  load_id: "The load that brought the record.",
  row_no: "Position of the record in its load.",
  feed: "The source and stream it was read from.",

  ctr: "Click-through rate: clicks / impressions. NULL without impressions.",
  conversion_rate: "CVR: conversions / clicks. NULL without clicks; above 1 where people convert after a view only.",
  cost_per_click: "CPC: spend / clicks, in `currency`. NULL without clicks.",
  cost_per_mille: "CPM: 1000 × spend / impressions, in `currency`. NULL without impressions.",
  spend_per_conversion: "CPA: spend / conversions, in `currency`. NULL without conversions.",
  roas: "Return on ad spend: conversion_value / spend, both in `currency`. NULL without spend.",
  conversions_per_currency_unit: "Conversions / spend: conversions for one unit of `currency`. NULL without spend.",
  conversions_per_currency_unit_reporting:
    "Conversions / spend_reporting: conversions for one unit of `reporting_currency`, comparable over all networks. NULL without spend or a rate.",
  conversion_rate_per_currency_unit_reporting:
    "Conversion rate / spend in `reporting_currency`, the other reading of “highest conversion rate / dollar”. Favours whoever spends little.",
  conversion_rate_low:
    "Lower end of the 95 % interval (Wilson) of the conversion rate. NULL without clicks, and where conversions are below zero or more than clicks.",
  conversion_rate_high: "Upper end of the same interval.",
  rank_by_conversion_rate_low:
    "1 is the highest conversion_rate_low of all networks in the period, among rows with at least minimum_conversions conversions (a project variable, 10 unless set); NULL for others. Ties share a rank.",
  period: "week (from Monday), month, last_7_days or last_28_days: the last ones of the account that are complete.",
  period_start: "First day of the period.",
  period_end: "Last day of the period.",
  is_complete: "True once loads have read every day of the period after its end. Compare only those.",
  has_figures:
    "False where nothing was told of the period: it is here because something was in the one before, which stands beside it.",
  previous_spend:
    "Spend in the period before, of the same kind (the month before a month, seven days before seven); NULL if nothing was told of it.",
  previous_impressions: "Impressions in the period before; NULL likewise.",
  previous_clicks: "Clicks in the period before; NULL likewise.",
  previous_conversions: "Conversions in the period before; NULL likewise.",
  conversions_per_dollar:
    "The former name of conversions_per_currency_unit_reporting: of dollars only where `reporting_currency` is USD.",
  cvr_per_dollar: "The former name of conversion_rate_per_currency_unit_reporting.",
};

for (const device of ["mobile", "tablet", "desktop", "connected_tv", "other", "unknown"]) {
  for (const measure of ["spend", "impressions", "clicks", "conversions"]) {
    descriptions[`${measure}_${device}`] =
      `${descriptions[measure].split(".")[0]}, on device ${device} only. NULL if nothing was reported for it.`;
  }
  descriptions[`conversion_rate_${device}`] = `conversions_${device} / clicks_${device}.`;
}

/** Descriptions of these columns, for a `columns` block; `own` adds or replaces some. */
function describe(names, own = {}) {
  const unknown = names.filter((name) => !Object.hasOwn(descriptions, name));
  if (unknown.length > 0) throw new Error(`ads_columns: no description of ${unknown.join(", ")}`);
  return { ...Object.fromEntries(names.map((name) => [name, descriptions[name]])), ...own };
}

module.exports = { describe };
