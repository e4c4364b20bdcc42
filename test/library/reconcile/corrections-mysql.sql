with

"_dataform_proposals" as not materialized (
  select * from proposals as "_dataform_proposals"
),

"_dataform_decisions" as not materialized (
  select * from decisions as "_dataform_decisions"
),

-- of several decisions about one proposal the last counts
"decisions" as (
  select distinct on (proposal_id) *
  from "_dataform_decisions"
  order by proposal_id, decided_on desc, load_id desc, row_no desc
),

"corrections" as (
  select
    decisions.proposal_id,
    case when proposals.proposal_id is null then decisions."user" else proposals."user" end as "user",
    case when proposals.proposal_id is null then decisions."Mixed Case" else proposals."Mixed Case" end as "Mixed Case",
    case when proposals.proposal_id is null then decisions."column_name" else proposals."column_name" end as "column_name",
    case when proposals.proposal_id is null then decisions."our_value" else proposals."our_value" end as "our_value",
    case when proposals.proposal_id is null then decisions."their_value" else proposals."their_value" end as "their_value",
    case when proposals.proposal_id is null then decisions."proposed_action" else proposals."proposed_action" end as "proposed_action",
    decisions."decision",
    decisions."decided_by",
    decisions."decided_on",
    decisions."comment",
    case
      when decisions.decision = 'reject' then 'rejected'
      when proposals.proposal_id is not null then 'accepted'
      when others.column_name is not null then 'superseded'
      else 'applied'
    end as state
  from decisions
  left join "_dataform_proposals" as proposals on proposals.proposal_id = decisions.proposal_id
  left join (
    select distinct "user", "Mixed Case", coalesce(column_name, '') as column_name
    from "_dataform_proposals"
  ) as others
    on (others."user" = decisions."user") and (others."Mixed Case" = decisions."Mixed Case") and (others.column_name = coalesce(decisions.column_name, ''))
),

"stated" as (
  select
    proposal_id,
    "user",
    "Mixed Case",
    "column_name",
    "our_value",
    "their_value",
    "proposed_action",
    "decision",
    "decided_by",
    "decided_on",
    "comment",
    state,
    case when state = 'accepted' then
      case proposed_action
        when 'update' then
          'update shop.payments set '
          || '`' || replace(column_name, '`', '``') || '`'
          || ' = '
          || coalesce(case when their_value ~ E'[^ -~]|\\\\' then '_utf8mb4 x''' || encode(convert_to(their_value, 'UTF8'), 'hex') || '''' else quote_literal(their_value) end, 'null')
          || ' where '
          || '`user` = '
          || coalesce(case when "user"::text ~ E'[^ -~]|\\\\' then '_utf8mb4 x''' || encode(convert_to("user"::text, 'UTF8'), 'hex') || '''' else quote_literal("user"::text) end, 'null')
          || ' and '
          || '`Mixed Case` = '
          || coalesce(case when "Mixed Case"::text ~ E'[^ -~]|\\\\' then '_utf8mb4 x''' || encode(convert_to("Mixed Case"::text, 'UTF8'), 'hex') || '''' else quote_literal("Mixed Case"::text) end, 'null')
          || ' and '
          || '`' || replace(column_name, '`', '``') || '`'
          || ' <=> '
          || coalesce(case when our_value ~ E'[^ -~]|\\\\' then '_utf8mb4 x''' || encode(convert_to(our_value, 'UTF8'), 'hex') || '''' else quote_literal(our_value) end, 'null')
          || ';'
        when 'insert' then
          'insert into shop.payments (`user`, `Mixed Case`, `status`) select '
          || coalesce(case when (their_value::jsonb ->> 'user') ~ E'[^ -~]|\\\\' then '_utf8mb4 x''' || encode(convert_to((their_value::jsonb ->> 'user'), 'UTF8'), 'hex') || '''' else quote_literal((their_value::jsonb ->> 'user')) end, 'null')
          || ', '
          || coalesce(case when (their_value::jsonb ->> 'Mixed Case') ~ E'[^ -~]|\\\\' then '_utf8mb4 x''' || encode(convert_to((their_value::jsonb ->> 'Mixed Case'), 'UTF8'), 'hex') || '''' else quote_literal((their_value::jsonb ->> 'Mixed Case')) end, 'null')
          || ', '
          || coalesce(case when (their_value::jsonb ->> 'status') ~ E'[^ -~]|\\\\' then '_utf8mb4 x''' || encode(convert_to((their_value::jsonb ->> 'status'), 'UTF8'), 'hex') || '''' else quote_literal((their_value::jsonb ->> 'status')) end, 'null')
          || ' from dual where not exists (select 1 from shop.payments where '
          || '`user` = '
          || coalesce(case when (their_value::jsonb ->> 'user') ~ E'[^ -~]|\\\\' then '_utf8mb4 x''' || encode(convert_to((their_value::jsonb ->> 'user'), 'UTF8'), 'hex') || '''' else quote_literal((their_value::jsonb ->> 'user')) end, 'null')
          || ' and '
          || '`Mixed Case` = '
          || coalesce(case when (their_value::jsonb ->> 'Mixed Case') ~ E'[^ -~]|\\\\' then '_utf8mb4 x''' || encode(convert_to((their_value::jsonb ->> 'Mixed Case'), 'UTF8'), 'hex') || '''' else quote_literal((their_value::jsonb ->> 'Mixed Case')) end, 'null')
          || ');'
      end
    end as apply_statement
  from corrections
)

select * from stated
