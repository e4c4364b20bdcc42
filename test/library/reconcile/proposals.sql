with

"_dataform_rows" as not materialized (
  select * from results as "_dataform_rows"
),

"proposed" as (
  select
    "account",
    "reference",
    status,
    differing.column_name,
    ours ->> differing.column_name as our_value,
    theirs ->> differing.column_name as their_value,
    'update' as proposed_action
  from "_dataform_rows"
  cross join lateral unnest(diff_columns) as differing (column_name)
  -- amounts in two currencies differ although the figure may be the same
  where status = 'mismatched' and ours ->> differing.column_name is distinct from theirs ->> differing.column_name
  union all
  select "account", "reference", status, null, null, theirs::text, 'insert'
  from "_dataform_rows"
  where status = 'missing_in_ours'
  union all
  select "account", "reference", status, null, ours::text, null, 'investigate'
  from "_dataform_rows"
  where status = 'missing_in_theirs'
),

"identified" as (
  select md5(jsonb_build_array(
    "account",
    "reference",
    "column_name",
    case when column_name is null then ("our_value"::jsonb - array['record_id'])::text else "our_value" end,
    case when column_name is null then ("their_value"::jsonb - array['path'])::text else "their_value" end,
    "proposed_action"
  )::text) as proposal_id, proposed.* from proposed
)

select * from identified
