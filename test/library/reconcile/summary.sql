with

"_dataform_rows" as not materialized (
  select * from results as "_dataform_rows"
),

"_dataform_duplicates" as not materialized (
  select * from duplicates as "_dataform_duplicates"
),

"grouped" as (
  select
    status,
    upper(btrim("currency_ours", e' \t\r\n')) as currency_ours,
    upper(btrim("currency_theirs", e' \t\r\n')) as currency_theirs,
    count(*) as keys,
    sum(n_ours) as rows_ours,
    sum(n_theirs) as rows_theirs,
    sum("amount_ours") as amount_ours,
    sum("amount_theirs") as amount_theirs
  from "_dataform_rows"
  where n_ours <= 1 and n_theirs <= 1
  group by 1, 2, 3
),

"repeated" as (
  select 'duplicate' as "_dataform_status", duplicates.* from "_dataform_duplicates" as duplicates
),

-- a key with several rows has no amount of its own
"parts" as (
  select
    status, coalesce(currency_theirs, currency_ours) as currency, keys,
    0 as rows_ours, 0 as rows_theirs, 0 as amount_ours, 0 as amount_theirs
  from grouped
  union all
  select status, currency_ours, 0, rows_ours, 0, amount_ours, 0
  from grouped
  where rows_ours > 0
  union all
  select status, currency_theirs, 0, 0, rows_theirs, 0, amount_theirs
  from grouped
  where rows_theirs > 0
  union all
  select "_dataform_status", first_currency, count(*), 0, 0, 0, 0
  from (
    select min("_dataform_status") as "_dataform_status", min(upper(btrim("currency", e' \t\r\n'))) as first_currency
    from repeated
    group by "account", "reference"
  ) as keys
  group by "_dataform_status", first_currency
  union all
  select "_dataform_status", upper(btrim("currency", e' \t\r\n')), 0, n_ours, n_theirs, case when n_ours > 0 then "amount" * n_ours end, case when n_theirs > 0 then "amount" * n_theirs end
  from repeated
),

"summed" as (
  select
    status,
    currency,
    sum(keys)::bigint as keys,
    sum(rows_ours)::bigint as rows_ours,
    sum(rows_theirs)::bigint as rows_theirs,
    coalesce(sum(amount_ours), 0) as amount_ours,
    coalesce(sum(amount_theirs), 0) as amount_theirs,
    coalesce(sum(amount_theirs), 0) - coalesce(sum(amount_ours), 0) as amount_diff
  from parts
  group by status, currency
)

select * from summed
