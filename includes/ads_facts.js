// Facts of today out of the versions of a report: currency, conversion, finality and how often it was restated.

const { UNKNOWN, lookbackDays, platforms, quoted, reportingCurrency, withoutAdGroups } = require("./ads");

/**
 * The select of a fact table.
 *
 * - `versions`, `loads`: as made by slices.publish; `accounts`: the history of accounts, for rows without a currency of
 *   their own; `rates`: currency, rate_date, per_euro; `key`: the columns that name a row; `at(versions, moment)`: the
 *   condition that a version holds, as scd2.at; `vars`: of the project.
 * - `creatives`: the history of ads, for facts by ad: says the ad group where a network's report has none.
 */
function facts({ versions, loads, accounts, rates, creatives, key, at, endOfDay, vars }) {
  const reporting = reportingCurrency(vars);
  const keys = (relation) => key.map((column) => `${relation}.${column}`).join(", ");
  // an ad of these networks is in one ad group for good
  const homes = `
    left join (
      select platform, creative_id, min(ad_group_id) as ad_group_id
      from ${creatives} as creatives
      where platform in (${quoted(withoutAdGroups)})
      group by platform, creative_id
      having count(distinct ad_group_id) = 1
    ) as homes
      on homes.platform = facts.platform
      and homes.creative_id = facts.creative_id
      and facts.ad_group_id = '${UNKNOWN}'`;
  const named = (column) =>
    creatives && column === "ad_group_id"
      ? "coalesce(homes.ad_group_id, facts.ad_group_id) as ad_group_id"
      : `facts.${column}`;
  const limits = platforms.map((platform) => `when '${platform}' then ${lookbackDays[platform]}`).join(" ");
  // the last rate on or before the day; the euro is what rates are against
  const perEuro = (currency) => `(
          select 1::numeric as per_euro, needed.date_day as rate_date where ${currency} = 'EUR'
          union all
          (
            select rates.per_euro, rates.rate_date
            from ${rates} as rates
            where rates.currency = ${currency} and rates.rate_date <= needed.date_day and ${currency} <> 'EUR'
            order by rates.rate_date desc
            limit 1
          )
        )`;
  return `
    with

    versions as (
      select * from ${versions} as versions
    ),

    -- a row that vanished counts as restated, too
    known as (
      select
        ${key.join(", ")},
        min(known_from) as first_seen_at,
        max(known_from) as last_known_from,
        count(*) - 1 as n_restatements
      from versions
      group by ${key.join(", ")}
    ),

    finality as (
      select feed, coalesce(max(last_day), max(loaded_at)::date) as read_until
      from ${loads} as loads
      group by feed
    ),

    current_rows as (
      select
        versions.*,
        coalesce(versions.currency, accounts.currency) as account_currency,
        known.first_seen_at,
        case when known.n_restatements > 0 then known.last_known_from end as last_restated_at,
        known.n_restatements,
        versions.date_day < finality.read_until - case versions.platform ${limits} end as is_final
      from versions
      inner join known on (${keys("known")}) = (${keys("versions")})
      left join finality on finality.feed = versions.feed
      left join ${accounts} as accounts
        on accounts.platform = versions.platform
        and accounts.account_id = versions.account_id
        and ${at("accounts", endOfDay("versions.date_day", "'UTC'"))}
      where versions.is_current
    ),

    needed as materialized (
      select distinct account_currency as currency, date_day from current_rows where account_currency is not null
    ),

    daily_rates as (
      select
        needed.currency,
        needed.date_day,
        case when needed.currency = '${reporting}' then 1 else target.per_euro / own.per_euro end as rate,
        case when needed.currency = '${reporting}' then needed.date_day else least(own.rate_date, target.rate_date) end as rate_date
      from needed
      left join lateral ${perEuro("needed.currency")} as own on true
      left join lateral ${perEuro(`'${reporting}'`)} as target on true
    )

    select
      ${key.map(named).join(", ")},
      facts.account_currency as currency,
      facts.spend,
      round(facts.spend * daily_rates.rate, 6) as spend_reporting,
      facts.impressions,
      facts.clicks,
      facts.conversions,
      facts.conversion_value,
      round(facts.conversion_value * daily_rates.rate, 6) as conversion_value_reporting,
      facts.attribution_setting,
      case when daily_rates.rate is not null then daily_rates.rate_date end as rate_date,
      coalesce(facts.is_final, false) as is_final,
      facts.first_seen_at,
      facts.last_restated_at,
      facts.n_restatements,
      facts.feed,
      facts.load_id
    from current_rows as facts
    left join daily_rates on daily_rates.currency = facts.account_currency and daily_rates.date_day = facts.date_day${creatives ? homes : ""}`;
}

module.exports = { facts };
