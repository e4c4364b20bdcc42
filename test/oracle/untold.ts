// Relations that the oracles do not tell of, and why: what the others are made of, whose figures show in them.

/** What the next run goes on from, under a view that is told. */
const INNER = /_(store|batches|loads)$/;

const UNTOLD: Readonly<Record<string, readonly string[]>> = {
  "former names, views of one select": [
    ...["ads.campaign_by_day", "ads.campaign_by_device_wide", "ads.campaign_till_day", "ads.creative_by_day"],
  ],
  "what lists and reports say, renamed, before versions are made of it": [
    ...["ads_history.account_records", "ads_history.campaign_records", "ads_history.ad_group_records"],
    ...["ads_history.creative_records", "ads_history.campaign_reports", "ads_history.ad_reports"],
    ...["ads_history.campaign_daily_told", "ads_history.ad_daily_told", "history.stat_readings"],
    ...["history.temperatures_readings", "history.temperatures_records", "history.temperatures_sent_again"],
  ],
  "parts of marts that are told": [
    ...["ads_history.ads_accounts", "blog_history.blog_calendar", "blog_history.blog_days", "blog_history.blog_deltas"],
    ...["blog_history.blog_snapshots", "blog_history.blog_totals", "history.active_campaigns"],
    ...["history.campaign_device_days", "history.campaign_readings", "history.campaign_time_zones"],
    ...["history.creative_days", "history.creative_months", "history.creative_weeks"],
    ...["history.reconciliation_announced", "history.reconciliation_booked", "history.reconciliation_decided"],
    ...["history.reconciliation_files", "history.reconciliation_ours", "history.reconciliation_statements"],
    ...["history.reconciliation_theirs", "history.reconciliation_told_until", "reconciliation.bank_matches"],
    ...["history.temperatures_daily_cells", "history.temperatures_hourly_places", "history.temperatures_regions"],
    ...["history.temperatures_touched", "history.temperatures_versions"],
  ],
  "what the project declares, in rows": ["reconciliation.bank_rules", "reconciliation.bank_passes"],
};

const ALL = new Set(Object.values(UNTOLD).flat());

export const isUntold = (relation: string): boolean => ALL.has(relation) || INNER.test(relation);
