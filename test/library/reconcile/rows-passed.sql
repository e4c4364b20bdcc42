with

"_dataform_stored" as not materialized (
  select * from stored as "_dataform_stored"
),

"_dataform_matches" as not materialized (
  select * from matches as "_dataform_matches"
),

-- two rows with the same values were kept once
"completed" as (
  select
    "account",
    "reference",
    has_key,
    n_ours = 1 and n_theirs = 1 and has_key and their_row_hash is null as "_dataform_is_same",
    n_ours,
    n_theirs,
    our_row_hash,
    case when n_ours = 1 and n_theirs = 1 and has_key and their_row_hash is null then our_row_hash else their_row_hash end as their_row_hash,
    "amount_ours",
    case when n_ours = 1 and n_theirs = 1 and has_key and their_row_hash is null then "amount_ours" else "amount_theirs" end as "amount_theirs",
    "fee_ours",
    case when n_ours = 1 and n_theirs = 1 and has_key and their_row_hash is null then "fee_ours" else "fee_theirs" end as "fee_theirs",
    "currency_ours",
    case when n_ours = 1 and n_theirs = 1 and has_key and their_row_hash is null then "currency_ours" else "currency_theirs" end as "currency_theirs",
    case when n_ours = 1 and n_theirs = 1 and has_key and their_row_hash is null then coalesce(outcomes, 'eeeeee') else outcomes end as outcomes,
    ours,
    theirs
    , "_dataform_row_no"
  from "_dataform_stored"
),

"passed" as (
  select "_dataform_row_no", match_pass, confidence, match_group, outcome as "_dataform_outcome" from "_dataform_matches"
),

"named" as (
  select
    "account",
    "reference",
    case
      when "_dataform_outcome" = 'matched' then 'matched_by_pass'
      when not has_key then 'no_key'
      when n_ours > 1 or n_theirs > 1 then 'duplicate'
      when n_theirs = 0 and "ours" ->> 'waits_for' is not null then 'not_due'
      when n_ours = 0 then 'missing_in_ours'
      when n_theirs = 0 then 'missing_in_theirs'
      when "_dataform_is_same" then 'matched'
      when (substr(outcomes, 1, 1) in ('o', 't', 'd')) or (substr(outcomes, 2, 1) in ('o', 't', 'd')) or (substr(outcomes, 3, 1) in ('o', 't', 'd')) or (substr(outcomes, 4, 1) in ('o', 't', 'd')) or (substr(outcomes, 5, 1) in ('o', 't', 'd')) then 'mismatched'
      when (substr(outcomes, 1, 1) in ('w')) or (substr(outcomes, 2, 1) in ('w')) or (substr(outcomes, 3, 1) in ('w')) or (substr(outcomes, 4, 1) in ('w')) or (substr(outcomes, 5, 1) in ('w')) then 'matched_within_tolerance'
      else 'matched'
    end as status,
    n_ours,
    n_theirs,
    coalesce(passed.match_pass, case when n_ours = 1 and n_theirs = 1 and has_key then 'key' end) as match_pass,
    case when n_ours = 1 and n_theirs = 1 and has_key then 'certain' else passed.confidence end as confidence,
    nullif("_dataform_outcome", 'matched') as match_note,
    passed.match_group,
    "amount_ours",
    "amount_theirs",
    "fee_ours",
    "fee_theirs",
    "currency_ours",
    "currency_theirs",
    case when n_ours = 1 and n_theirs = 1 and has_key and upper(btrim("currency_ours", e' \t\r\n')) is not distinct from upper(btrim("currency_theirs", e' \t\r\n')) then "amount_theirs" - "amount_ours" end as "amount_diff",
    case
      when outcomes is null or "_dataform_is_same" then '{}'
      else array_remove(array[case when substr(outcomes, 1, 1) in ('o', 't', 'd') then 'amount' end, case when substr(outcomes, 2, 1) in ('o', 't', 'd') then 'currency' end, case when substr(outcomes, 3, 1) in ('o', 't', 'd') then 'booked_on' end, case when substr(outcomes, 4, 1) in ('o', 't', 'd') then 'booked_at' end, case when substr(outcomes, 5, 1) in ('o', 't', 'd') then 'fee' end], null)
    end as diff_columns,
    case
      when outcomes is null or "_dataform_is_same" then '{}'
      else array_remove(array[case when substr(outcomes, 1, 1) in ('w') then 'amount' end, case when substr(outcomes, 2, 1) in ('w') then 'currency' end, case when substr(outcomes, 3, 1) in ('w') then 'booked_on' end, case when substr(outcomes, 4, 1) in ('w') then 'booked_at' end, case when substr(outcomes, 5, 1) in ('w') then 'fee' end], null)
    end as within_tolerance_columns,
    outcomes,
    our_row_hash,
    their_row_hash,
    ours,
    theirs
  from completed
  left join passed on passed."_dataform_row_no" = completed."_dataform_row_no"
)

select * from named
