with recursive

"_dataform_stored" as not materialized (
  select * from stored as "_dataform_stored"
),

"_dataform_duplicates" as not materialized (
  select * from duplicates as "_dataform_duplicates"
),

-- rows whose key the other side does not have, and rows without one
"open_rows" as (
  select *, n_ours = 1 as "_dataform_is_ours", coalesce(ours, theirs) as "_dataform_content"
  from "_dataform_stored"
  where case when n_ours + n_theirs = 1 then true else false end
),

"pass_1_sums" as (
  select
    "account", "reference",
    sum(n_ours) as n_ours,
    sum(n_theirs) as n_theirs,
    round(sum("amount" * n_ours), case
      when min(upper(btrim("currency", e' \t\r\n'))) in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
      when min(upper(btrim("currency", e' \t\r\n'))) in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
      when min(upper(btrim("currency", e' \t\r\n'))) in ('CLF', 'UYW') then 4
      else 2
    end) as "_dataform_sum_ours",
    round(sum("amount" * n_theirs), case
      when min(upper(btrim("currency", e' \t\r\n'))) in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
      when min(upper(btrim("currency", e' \t\r\n'))) in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
      when min(upper(btrim("currency", e' \t\r\n'))) in ('CLF', 'UYW') then 4
      else 2
    end) as "_dataform_sum_theirs"
  from "_dataform_duplicates"
  group by "account", "reference"
  having
    sum(n_ours) >= 1
    and sum(n_theirs) >= 1
    and least(sum(n_ours), sum(n_theirs)) = 1
    and bool_and(coalesce("amount" > '-Infinity' and "amount" < 'Infinity', false))
    and count(distinct upper(btrim("currency", e' \t\r\n'))) = 1 and count(upper(btrim("currency", e' \t\r\n'))) = count(*)
),

"pass_1_told" as materialized (
  select
    stored."_dataform_row_no",
    case when summed."_dataform_sum_ours" = summed."_dataform_sum_theirs" then 'matched' else 'sum_differs' end as outcome,
    md5(jsonb_build_array('one reference', jsonb_build_array("stored"."account", "stored"."reference"))::text) as match_group
  from "pass_1_sums" as summed
  inner join "_dataform_stored" as stored on ("summed"."account" = "stored"."account") and ("summed"."reference" = "stored"."reference") and (stored.has_key)
),

"pass_2_rows" as materialized (
  select *
  from (
    select
      "_dataform_row_no",
      "_dataform_is_ours" as is_ours,
      "_dataform_content" as content,
      coalesce("amount_ours", "amount_theirs") as amount,
      upper(btrim(coalesce("currency_ours", "currency_theirs"), e' \t\r\n')) as currency,
      nullif("account"::text, '') as "common_1",
      nullif(("_dataform_content" ->> 'batch'), '') as "common_2"
    from open_rows
  ) as left_rows
  where (case when (amount > '-Infinity' and amount < 'Infinity') and (currency is not null) and ("common_1" is not null) and ("common_2" is not null) then true else false end) and (not exists (select from "pass_1_told" as told where told."_dataform_row_no" = left_rows."_dataform_row_no" and case when told.outcome in ('matched', 'ambiguous') then true else false end))
),

"pass_2_groups" as (
  select
    currency,
    "common_1",
    "common_2",
    case
      when least(count(*) filter (where is_ours), count(*) filter (where not is_ours)) > 1 then 'ambiguous'
      when round(sum(amount) filter (where is_ours), case
        when currency in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
        when currency in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
        when currency in ('CLF', 'UYW') then 4
        else 2
      end) = round(sum(amount) filter (where not is_ours), case
        when currency in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
        when currency in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
        when currency in ('CLF', 'UYW') then 4
        else 2
      end) then 'matched'
      else 'sum_differs'
    end as outcome,
    md5(jsonb_build_array('batch', jsonb_agg(jsonb_build_array(is_ours, content) order by is_ours, content))::text) as match_group
  from "pass_2_rows"
  group by currency, "common_1", "common_2"
  having case when count(*) filter (where is_ours) >= 1 and count(*) filter (where not is_ours) >= 1  then true else false end
),

"pass_2_told" as materialized (
  select
    grouped."_dataform_row_no",
    found.outcome,
    case when found.outcome <> 'ambiguous' then found.match_group end as match_group
  from "pass_2_rows" as grouped
  inner join "pass_2_groups" as found on (grouped.currency = found.currency) and (grouped."common_1" = found."common_1") and (grouped."common_2" = found."common_2")
),

"pass_3_rows" as materialized (
  select *
  from (
    select
      "_dataform_row_no",
      "_dataform_is_ours" as is_ours,
      "_dataform_content" as content,
      coalesce("amount_ours", "amount_theirs") as amount,
      upper(btrim(coalesce("currency_ours", "currency_theirs"), e' \t\r\n')) as currency,
      ("_dataform_content" ->> 'booked_on')::date as booked_on,
      nullif("account"::text, '') as "common_1"
    from open_rows
  ) as left_rows
  where (case when (amount > '-Infinity' and amount < 'Infinity') and (currency is not null) and (isfinite(booked_on)) and ("common_1" is not null) then true else false end) and (not exists (select from "pass_1_told" as told where told."_dataform_row_no" = left_rows."_dataform_row_no" and case when told.outcome in ('matched', 'ambiguous') then true else false end)) and (not exists (select from "pass_2_told" as told where told."_dataform_row_no" = left_rows."_dataform_row_no" and case when told.outcome in ('matched', 'ambiguous') then true else false end))
),

"pass_3_cells" as materialized (
  select
    row_number() over () as cell,
    currency,
    "common_1",
    is_ours,
    booked_on,
    round(amount, case
      when currency in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
      when currency in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
      when currency in ('CLF', 'UYW') then 4
      else 2
    end) as amount,
    array_agg("_dataform_row_no") as row_nos,
    count(*) = 1 as is_single,
    min(content::text) as content
  from "pass_3_rows"
  group by currency, "common_1", is_ours, booked_on, round(amount, case
    when currency in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
    when currency in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
    when currency in ('CLF', 'UYW') then 4
    else 2
  end)
),

"pass_3_nearby" as materialized (
  select ours.*, booked_on + nearby.days as near_on, abs(nearby.days) as days
  from "pass_3_cells" as ours
  cross join generate_series(-3, 3) as nearby (days)
  where is_ours
),

"pass_3_pairs" as (
  select
    ours.cell as our_cell,
    theirs.cell as their_cell,
    ours.row_nos as our_rows,
    theirs.row_nos as their_rows,
    ours.content as our_content,
    theirs.content as their_content,
    ours.is_single and theirs.is_single as are_single,
    ours.days
  from "pass_3_nearby" as ours
  inner join "pass_3_cells" as theirs
    on (ours.currency = theirs.currency) and (ours."common_1" = theirs."common_1") and (ours.amount = theirs.amount) and (theirs.booked_on = ours.near_on) and (not theirs.is_ours)
),

"pass_3_ranked" as (
  select
    pairs.*,
    rank() over (partition by our_cell order by days) = 1 and count(*) over (partition by our_cell, days) = 1 as is_ours_nearest,
    rank() over (partition by their_cell order by days) = 1 and count(*) over (partition by their_cell, days) = 1 as is_theirs_nearest
  from "pass_3_pairs" as pairs
),

"pass_3_judged" as (
  select
    ranked.*,
    bool_or(is_match) over (partition by our_cell) as is_ours_taken,
    bool_or(is_match) over (partition by their_cell) as is_theirs_taken
  from (
    select *, are_single and is_ours_nearest and is_theirs_nearest as is_match from "pass_3_ranked" as ranked
  ) as ranked
),

"pass_3_told" as materialized (
  select one."_dataform_row_no", 'matched' as outcome, md5(jsonb_build_array('amount and day', our_content, their_content)::text) as match_group
  from "pass_3_judged"
  cross join lateral unnest(our_rows || their_rows) as one ("_dataform_row_no")
  where is_match
  union all
  select distinct one."_dataform_row_no", 'ambiguous', null
  from "pass_3_judged"
  cross join lateral unnest(our_rows || their_rows) as one ("_dataform_row_no")
  where not is_ours_taken and not is_theirs_taken
),

"pass_4_rows" as materialized (
  select *
  from (
    select
      "_dataform_row_no",
      "_dataform_is_ours" as is_ours,
      "_dataform_content" as content,
      coalesce("amount_ours", "amount_theirs") as amount,
      upper(btrim(coalesce("currency_ours", "currency_theirs"), e' \t\r\n')) as currency,
      ("_dataform_content" ->> 'booked_on')::date as booked_on,
      nullif("account"::text, '') as "common_1"
    from open_rows
  ) as left_rows
  where (case when (amount > '-Infinity' and amount < 'Infinity') and (currency is not null) and (isfinite(booked_on)) and ("common_1" is not null) then true else false end) and (not exists (select from "pass_1_told" as told where told."_dataform_row_no" = left_rows."_dataform_row_no" and case when told.outcome in ('matched', 'ambiguous') then true else false end)) and (not exists (select from "pass_2_told" as told where told."_dataform_row_no" = left_rows."_dataform_row_no" and case when told.outcome in ('matched', 'ambiguous') then true else false end)) and (not exists (select from "pass_3_told" as told where told."_dataform_row_no" = left_rows."_dataform_row_no" and case when told.outcome in ('matched', 'ambiguous') then true else false end))
),

"pass_4_days" as (
  select currency, "common_1", is_ours, booked_on, sign(amount) as direction, count(*) as row_count
  from "pass_4_rows"
  where amount <> 0
  group by currency, "common_1", is_ours, booked_on, sign(amount)
),

"pass_4_nearby" as materialized (
  select
    "_dataform_row_no",
    currency,
    "common_1",
    not is_ours as are_ours,
    sign(amount) as direction,
    amount,
    booked_on + nearby.days as near_on
  from "pass_4_rows"
  cross join generate_series(-3, 3) as nearby (days)
  where amount <> 0
),

-- how many rows of the other side come into question
"pass_4_around" as materialized (
  select near_rows.*, sum(other.row_count) over (partition by near_rows."_dataform_row_no") as row_count
  from "pass_4_nearby" as near_rows
  inner join "pass_4_days" as other on (near_rows.currency = other.currency) and (near_rows."common_1" = other."common_1") and (other.is_ours = near_rows.are_ours) and (other.direction = near_rows.direction) and (other.booked_on = near_rows.near_on)
),

"pass_4_parts" as materialized (
  select
    near_rows."_dataform_row_no" as whole_no,
    near_rows.amount as whole,
    near_rows.currency as currency,
    other."_dataform_row_no" as part_no,
    other.amount,
    row_number() over (partition by near_rows."_dataform_row_no" order by other."_dataform_row_no") as place
  from "pass_4_around" as near_rows
  inner join "pass_4_rows" as other on (near_rows.currency = other.currency) and (near_rows."common_1" = other."common_1") and (other.is_ours = near_rows.are_ours) and (sign(other.amount) = near_rows.direction) and (other.booked_on = near_rows.near_on)
  where case when near_rows.row_count between 2 and 16 then true else false end
),

"pass_4_sums" as (
  select whole_no, whole, currency, array[part_no] as part_nos, place, amount, 1 as size
  from "pass_4_parts"
  where case when abs(amount) <= abs(whole) + 1 then true else false end
  union all
  select sums.whole_no, sums.whole, sums.currency, sums.part_nos || parts.part_no, parts.place, sums.amount + parts.amount, sums.size + 1
  from "pass_4_sums" as sums
  inner join "pass_4_parts" as parts
    on parts.whole_no = sums.whole_no
    and parts.place > sums.place
    and sums.size < 4
    and case when abs(sums.amount + parts.amount) <= abs(sums.whole) + 1 then true else false end
),

"pass_4_solutions" as materialized (
  select row_number() over () as solution, whole_no || part_nos as row_nos
  from "pass_4_sums"
  where case when size >= 2 and round(amount, case
    when currency in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
    when currency in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
    when currency in ('CLF', 'UYW') then 4
    else 2
  end) = round(whole, case
    when currency in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
    when currency in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
    when currency in ('CLF', 'UYW') then 4
    else 2
  end) then true else false end
),

"pass_4_members" as materialized (
  select counted.*, max(solutions_of_row) over (partition by solution) as most_solutions
  from (
    select solutions.solution, member."_dataform_row_no", count(*) over (partition by member."_dataform_row_no") as solutions_of_row
    from "pass_4_solutions" as solutions
    cross join lateral unnest(solutions.row_nos) as member ("_dataform_row_no")
  ) as counted
),

"pass_4_told" as materialized (
  select unnest(matched.row_nos) as "_dataform_row_no", 'matched' as outcome, matched.match_group
  from (
    select array_agg(members."_dataform_row_no") as row_nos, md5(jsonb_build_array('sum', jsonb_agg(jsonb_build_array(is_ours, content) order by is_ours, content))::text) as match_group
    from "pass_4_members" as members
    inner join "pass_4_rows" as rows on rows."_dataform_row_no" = members."_dataform_row_no"
    where most_solutions = 1
    group by members.solution
  ) as matched
  union all
  select distinct "_dataform_row_no", 'ambiguous', null
  from "pass_4_members"
  where most_solutions > 1
  union all
  select distinct "_dataform_row_no", 'too_many', null
  from "pass_4_around"
  where row_count > 16
),

"told" as (
  select "_dataform_row_no", 1 as position, 'one reference' as match_pass, 'high' as confidence, outcome, match_group
  from "pass_1_told"
  union all
  select "_dataform_row_no", 2 as position, 'batch' as match_pass, 'high' as confidence, outcome, match_group
  from "pass_2_told"
  union all
  select "_dataform_row_no", 3 as position, 'amount and day' as match_pass, 'medium' as confidence, outcome, match_group
  from "pass_3_told"
  union all
  select "_dataform_row_no", 4 as position, 'sum' as match_pass, 'low' as confidence, outcome, match_group
  from "pass_4_told"
),

-- of what several passes say of a row
"first_told" as (
  select distinct on ("_dataform_row_no")
    "_dataform_row_no",
    match_pass,
    case when outcome = 'matched' then confidence end as confidence,
    outcome,
    match_group
  from told
  order by "_dataform_row_no", array_position(array['matched', 'ambiguous', 'sum_differs', 'too_many'], outcome), position
)

select * from first_told
