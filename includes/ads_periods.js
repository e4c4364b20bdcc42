// Figures by week, by month and of the last 7 and 28 complete days, as a select over one of the daily marts.

/** `by` names what a row is of, besides currency and period. The period before stands beside it: of the same kind, if there was one. */
function totals({ daily, complete, by }) {
  const columns = (alias) => [...by, "currency"].map((name) => `${alias}.${name}`).join(", ");
  const same = [...by, "currency", "period"].map((name) => `previous.${name} = totals.${name}`).join(" and ");
  return `
    with

    aged as (
      select
        daily.*,
        complete.first_complete_day,
        complete.last_complete_day,
        (complete.last_complete_day - daily.day) / 7 as sevens,
        (complete.last_complete_day - daily.day) / 28 as twenty_eights
      from ${daily} as daily
      -- loads without a window say nothing of days
      left join ${complete} as complete on complete.platform = daily.platform and complete.account_id = daily.account_id
    ),

    spans as (
      select
        aged.*,
        'week' as period,
        date_trunc('week', day::timestamp)::date as period_start,
        (date_trunc('week', day::timestamp) + interval '6 days')::date as period_end,
        false as is_before
      from aged
      union all
      select
        aged.*,
        'month',
        date_trunc('month', day::timestamp)::date,
        (date_trunc('month', day::timestamp) + interval '1 month' - interval '1 day')::date,
        false
      from aged
      union all
      select aged.*, 'last_7_days', last_complete_day - 7 * sevens - 6, last_complete_day - 7 * sevens, sevens > 0
      from aged
      where day <= last_complete_day and sevens < 2
      union all
      select
        aged.*, 'last_28_days', last_complete_day - 28 * twenty_eights - 27, last_complete_day - 28 * twenty_eights, twenty_eights > 0
      from aged
      where day <= last_complete_day and twenty_eights < 2
    ),

    totals as (
      select
        ${columns("spans")},
        spans.period,
        spans.period_start,
        spans.period_end,
        spans.is_before,
        bool_and(coalesce(spans.period_start >= spans.first_complete_day and spans.period_end <= spans.last_complete_day, false)) as is_complete,
        bool_and(spans.is_final) as is_final,
        sum(spans.spend) as spend,
        -- a sum without a part of it would look like all
        case when count(spans.spend) = count(spans.spend_reporting) then sum(spans.spend_reporting) end as spend_reporting,
        sum(spans.impressions)::bigint as impressions,
        sum(spans.clicks)::bigint as clicks,
        sum(spans.conversions) as conversions,
        sum(spans.conversion_value) as conversion_value,
        bool_or(spans.has_unmeasured) as has_unmeasured
      from spans
      group by ${columns("spans")}, spans.period, spans.period_start, spans.period_end, spans.is_before
    )

    select
      totals.*,
      previous.spend as previous_spend,
      previous.impressions as previous_impressions,
      previous.clicks as previous_clicks,
      previous.conversions as previous_conversions
    from totals
    left join totals as previous on ${same} and previous.period_end = totals.period_start - 1
    where not totals.is_before`;
}

module.exports = { totals };
