with

"_dataform_stored" as not materialized (
  select * from stored as "_dataform_stored"
),

-- two rows with the same values were kept once
"completed" as (
  select
    "user",
    "Mixed Case",
    has_key,
    n_ours = 1 and n_theirs = 1 and has_key and their_row_hash is null as "_dataform_is_same",
    n_ours,
    n_theirs,
    our_row_hash,
    case when n_ours = 1 and n_theirs = 1 and has_key and their_row_hash is null then our_row_hash else their_row_hash end as their_row_hash,
    case when n_ours = 1 and n_theirs = 1 and has_key and their_row_hash is null then coalesce(outcomes, 'e') else outcomes end as outcomes,
    ours,
    theirs
  from "_dataform_stored"
),

"named" as (
  select
    "user",
    "Mixed Case",
    case
      when not has_key then 'no_key'
      when n_ours > 1 or n_theirs > 1 then 'duplicate'
      when n_ours = 0 then 'missing_in_ours'
      when n_theirs = 0 then 'missing_in_theirs'
      when "_dataform_is_same" then 'matched'
      when substr(outcomes, 1, 1) in ('o', 't', 'd') then 'mismatched'
      when substr(outcomes, 1, 1) in ('w') then 'matched_within_tolerance'
      else 'matched'
    end as status,
    n_ours,
    n_theirs,
    case
      when outcomes is null or "_dataform_is_same" then '{}'
      else array_remove(array[case when substr(outcomes, 1, 1) in ('o', 't', 'd') then 'status' end], null)
    end as diff_columns,
    case
      when outcomes is null or "_dataform_is_same" then '{}'
      else array_remove(array[case when substr(outcomes, 1, 1) in ('w') then 'status' end], null)
    end as within_tolerance_columns,
    outcomes,
    our_row_hash,
    their_row_hash,
    ours,
    theirs
  from completed
)

select * from named
