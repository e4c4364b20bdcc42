with

"_dataform_rows" as not materialized (
  select * from results as "_dataform_rows"
),

"by_outcome" as (
  select
    outcomes,
    sum("amount_ours") as "amount_ours",
    sum("amount_theirs") as "amount_theirs",
    max(abs("amount_theirs" - "amount_ours")) as "amount_max",
    sum("fee_ours") as "fee_ours",
    sum("fee_theirs") as "fee_theirs",
    max(abs("fee_theirs" - "fee_ours")) as "fee_max",
    min(least("currency_ours", "currency_theirs")) as "currency_first",
    max(greatest("currency_ours", "currency_theirs")) as "currency_last",
    count(*) as pairs
  from "_dataform_rows"
  where outcomes is not null
  group by outcomes
),

"by_column" as (
  select
    1 as position,
    'amount' as column_name,
    'money' as kind,
    case when min("currency_first") = max("currency_last") then min("currency_first") end as currency,
    coalesce(sum(pairs), 0)::bigint as compared,
    coalesce(sum(pairs) filter (where substr(outcomes, 1, 1) = 'e'), 0)::bigint as "equal",
    coalesce(sum(pairs) filter (where substr(outcomes, 1, 1) = 'b'), 0)::bigint as "both_null",
    coalesce(sum(pairs) filter (where substr(outcomes, 1, 1) = 'o'), 0)::bigint as "null_in_ours",
    coalesce(sum(pairs) filter (where substr(outcomes, 1, 1) = 't'), 0)::bigint as "null_in_theirs",
    coalesce(sum(pairs) filter (where substr(outcomes, 1, 1) = 'w'), 0)::bigint as "within_tolerance",
    coalesce(sum(pairs) filter (where substr(outcomes, 1, 1) = 'd'), 0)::bigint as "different",
    case when min("currency_first") = max("currency_last") then sum("amount_ours") end as sum_ours,
    case when min("currency_first") = max("currency_last") then sum("amount_theirs") end as sum_theirs,
    case when min("currency_first") = max("currency_last") then max("amount_max") end as max_abs_diff
  from by_outcome
  union all
  select
    2 as position,
    'currency' as column_name,
    'text' as kind,
    null::text as currency,
    coalesce(sum(pairs), 0)::bigint as compared,
    coalesce(sum(pairs) filter (where substr(outcomes, 2, 1) = 'e'), 0)::bigint as "equal",
    coalesce(sum(pairs) filter (where substr(outcomes, 2, 1) = 'b'), 0)::bigint as "both_null",
    coalesce(sum(pairs) filter (where substr(outcomes, 2, 1) = 'o'), 0)::bigint as "null_in_ours",
    coalesce(sum(pairs) filter (where substr(outcomes, 2, 1) = 't'), 0)::bigint as "null_in_theirs",
    coalesce(sum(pairs) filter (where substr(outcomes, 2, 1) = 'w'), 0)::bigint as "within_tolerance",
    coalesce(sum(pairs) filter (where substr(outcomes, 2, 1) = 'd'), 0)::bigint as "different",
    null::numeric as sum_ours,
    null::numeric as sum_theirs,
    null::numeric as max_abs_diff
  from by_outcome
  union all
  select
    3 as position,
    'booked_on' as column_name,
    'date' as kind,
    null::text as currency,
    coalesce(sum(pairs), 0)::bigint as compared,
    coalesce(sum(pairs) filter (where substr(outcomes, 3, 1) = 'e'), 0)::bigint as "equal",
    coalesce(sum(pairs) filter (where substr(outcomes, 3, 1) = 'b'), 0)::bigint as "both_null",
    coalesce(sum(pairs) filter (where substr(outcomes, 3, 1) = 'o'), 0)::bigint as "null_in_ours",
    coalesce(sum(pairs) filter (where substr(outcomes, 3, 1) = 't'), 0)::bigint as "null_in_theirs",
    coalesce(sum(pairs) filter (where substr(outcomes, 3, 1) = 'w'), 0)::bigint as "within_tolerance",
    coalesce(sum(pairs) filter (where substr(outcomes, 3, 1) = 'd'), 0)::bigint as "different",
    null::numeric as sum_ours,
    null::numeric as sum_theirs,
    null::numeric as max_abs_diff
  from by_outcome
  union all
  select
    4 as position,
    'booked_at' as column_name,
    'timestamp' as kind,
    null::text as currency,
    coalesce(sum(pairs), 0)::bigint as compared,
    coalesce(sum(pairs) filter (where substr(outcomes, 4, 1) = 'e'), 0)::bigint as "equal",
    coalesce(sum(pairs) filter (where substr(outcomes, 4, 1) = 'b'), 0)::bigint as "both_null",
    coalesce(sum(pairs) filter (where substr(outcomes, 4, 1) = 'o'), 0)::bigint as "null_in_ours",
    coalesce(sum(pairs) filter (where substr(outcomes, 4, 1) = 't'), 0)::bigint as "null_in_theirs",
    coalesce(sum(pairs) filter (where substr(outcomes, 4, 1) = 'w'), 0)::bigint as "within_tolerance",
    coalesce(sum(pairs) filter (where substr(outcomes, 4, 1) = 'd'), 0)::bigint as "different",
    null::numeric as sum_ours,
    null::numeric as sum_theirs,
    null::numeric as max_abs_diff
  from by_outcome
  union all
  select
    5 as position,
    'fee' as column_name,
    'number' as kind,
    null::text as currency,
    coalesce(sum(pairs), 0)::bigint as compared,
    coalesce(sum(pairs) filter (where substr(outcomes, 5, 1) = 'e'), 0)::bigint as "equal",
    coalesce(sum(pairs) filter (where substr(outcomes, 5, 1) = 'b'), 0)::bigint as "both_null",
    coalesce(sum(pairs) filter (where substr(outcomes, 5, 1) = 'o'), 0)::bigint as "null_in_ours",
    coalesce(sum(pairs) filter (where substr(outcomes, 5, 1) = 't'), 0)::bigint as "null_in_theirs",
    coalesce(sum(pairs) filter (where substr(outcomes, 5, 1) = 'w'), 0)::bigint as "within_tolerance",
    coalesce(sum(pairs) filter (where substr(outcomes, 5, 1) = 'd'), 0)::bigint as "different",
    sum("fee_ours") as sum_ours,
    sum("fee_theirs") as sum_theirs,
    max("fee_max") as max_abs_diff
  from by_outcome
  union all
  select
    6 as position,
    'details' as column_name,
    'exact' as kind,
    null::text as currency,
    coalesce(sum(pairs), 0)::bigint as compared,
    coalesce(sum(pairs) filter (where substr(outcomes, 6, 1) = 'e'), 0)::bigint as "equal",
    coalesce(sum(pairs) filter (where substr(outcomes, 6, 1) = 'b'), 0)::bigint as "both_null",
    coalesce(sum(pairs) filter (where substr(outcomes, 6, 1) = 'o'), 0)::bigint as "null_in_ours",
    coalesce(sum(pairs) filter (where substr(outcomes, 6, 1) = 't'), 0)::bigint as "null_in_theirs",
    coalesce(sum(pairs) filter (where substr(outcomes, 6, 1) = 'w'), 0)::bigint as "within_tolerance",
    coalesce(sum(pairs) filter (where substr(outcomes, 6, 1) = 'd'), 0)::bigint as "different",
    null::numeric as sum_ours,
    null::numeric as sum_theirs,
    null::numeric as max_abs_diff
  from by_outcome
),

"rated" as (
  select
    position,
    column_name,
    kind,
    compared,
    "equal",
    "both_null",
    "null_in_ours",
    "null_in_theirs",
    "within_tolerance",
    "different",
    trunc(100.0 * (equal + both_null + within_tolerance) / nullif(compared, 0), 4)::numeric(7, 4) as match_pct,
    currency,
    sum_ours,
    sum_theirs,
    coalesce(sum_theirs, 0 * sum_ours) - coalesce(sum_ours, 0 * sum_theirs) as sum_diff,
    max_abs_diff
  from by_column
)

select * from rated
