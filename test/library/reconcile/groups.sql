with

"_dataform_rows" as not materialized (
  select * from results as "_dataform_rows"
),

"_dataform_duplicates" as not materialized (
  select * from duplicates as "_dataform_duplicates"
),

"single_rows" as (
  select
    match_group, match_pass, confidence, coalesce(match_note, 'matched') as outcome,
    n_ours,
    n_theirs,
    case match_pass when 'one reference' then upper(btrim(case when "currency_ours" is not null then "currency_ours" when "currency_theirs" is not null then "currency_theirs" end, e' \t\r\n')) when 'batch' then upper(btrim(case when "currency_ours" is not null then "currency_ours" when "currency_theirs" is not null then "currency_theirs" end, e' \t\r\n')) when 'amount and day' then upper(btrim(case when "currency_ours" is not null then "currency_ours" when "currency_theirs" is not null then "currency_theirs" end, e' \t\r\n')) when 'sum' then upper(btrim(case when "currency_ours" is not null then "currency_ours" when "currency_theirs" is not null then "currency_theirs" end, e' \t\r\n')) end::text as currency,
    case match_pass when 'one reference' then "amount_ours" when 'batch' then "amount_ours" when 'amount and day' then "amount_ours" when 'sum' then "amount_ours" end as amount_ours,
    case match_pass when 'one reference' then "amount_theirs" when 'batch' then "amount_theirs" when 'amount and day' then "amount_theirs" when 'sum' then "amount_theirs" end as amount_theirs,
    ours,
    theirs
  from "_dataform_rows"
  where match_group is not null and n_ours <= 1 and n_theirs <= 1
),

"repeated_rows" as (
  select
    match_group, match_pass, confidence, coalesce(match_note, 'matched') as outcome,
    1,
    0,
    upper(btrim("repeated"."currency", e' \t\r\n'))::text,
    repeated."amount",
    null,
    one.content,
    null
  from "_dataform_rows" as results
  inner join "_dataform_duplicates" as repeated on ("repeated"."account" = "results"."account") and ("repeated"."reference" = "results"."reference")
  cross join lateral jsonb_array_elements(repeated."ours") as one (content)
  where results.match_group is not null
  union all
  select
    match_group, match_pass, confidence, coalesce(match_note, 'matched') as outcome,
    0,
    1,
    upper(btrim("repeated"."currency", e' \t\r\n'))::text,
    null,
    repeated."amount",
    null,
    one.content
  from "_dataform_rows" as results
  inner join "_dataform_duplicates" as repeated on ("repeated"."account" = "results"."account") and ("repeated"."reference" = "results"."reference")
  cross join lateral jsonb_array_elements(repeated."theirs") as one (content)
  where results.match_group is not null
),

"members" as (
  select * from single_rows
  union all
  select * from repeated_rows
),

"summed" as (
  select
    match_group,
    match_pass,
    outcome,
    min(confidence) as confidence,
    sum(n_ours)::int as n_ours,
    sum(n_theirs)::int as n_theirs,
    min(currency) as currency,
    sum(amount_ours) as sum_ours,
    sum(amount_theirs) as sum_theirs,
    coalesce(jsonb_agg(ours order by ours) filter (where ours is not null), '[]') as ours,
    coalesce(jsonb_agg(theirs order by theirs) filter (where theirs is not null), '[]') as theirs
  from members
  group by match_group, match_pass, outcome
),

"differing" as (
  select summed.*, sum_theirs - sum_ours as sum_diff from summed
)

select match_group, match_pass, outcome, confidence, n_ours, n_theirs, currency, sum_ours, sum_theirs, sum_diff, ours, theirs
from differing
