with

"_dataform_proposals" as not materialized (
  select * from proposals as "_dataform_proposals"
),

"_dataform_decisions" as not materialized (
  select * from decisions as "_dataform_decisions"
),

"_dataform_ours" as not materialized (
  select * from shop.payments as "_dataform_ours"
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
    case when proposals.proposal_id is null then decisions."account" else proposals."account" end as "account",
    case when proposals.proposal_id is null then decisions."reference" else proposals."reference" end as "reference",
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
    select distinct "account", "reference", coalesce(column_name, '') as column_name
    from "_dataform_proposals"
  ) as others
    on (others."account" = decisions."account") and (others."reference" = decisions."reference") and (others.column_name = coalesce(decisions.column_name, ''))
),

-- a key as our system stores it
"located" as (
  select
    corrections.*,
    ours."account"::text as "_dataform_stored_1",
    ours."reference"::text as "_dataform_stored_2"
  from corrections
  left join "_dataform_ours" as ours
    on (corrections."account" = ours."account"::text) and (corrections."reference" = upper(btrim(ours."reference"::text, e' \t\r\n'))) and (corrections.state = 'accepted') and (corrections.proposed_action = 'update')
),

"stated" as (
  select
    proposal_id,
    "account",
    "reference",
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
          case when ("_dataform_stored_1" is not null) and ("_dataform_stored_2" is not null) then 'update "shop"."payments" set '
          || '"' || replace(column_name, '"', '""') || '"'
          || ' = '
          || coalesce(quote_literal(their_value), 'null')
          || ' where '
          || '"account" = '
          || coalesce(quote_literal("_dataform_stored_1"), 'null')
          || ' and '
          || '"reference" = '
          || coalesce(quote_literal("_dataform_stored_2"), 'null')
          || ' and '
          || '"' || replace(column_name, '"', '""') || '"'
          || ' is not distinct from '
          || coalesce(quote_literal(our_value), 'null')
          || ';' end
        when 'insert' then
          'insert into "shop"."payments" ("account", "reference", "amount", "currency", "booked_on", "booked_at", "fee", "details") select '
          || coalesce(quote_literal((their_value::jsonb ->> 'account')), 'null')
          || ', '
          || coalesce(quote_literal((their_value::jsonb ->> 'reference')), 'null')
          || ', '
          || coalesce(quote_literal((their_value::jsonb ->> 'amount')), 'null')
          || ', '
          || coalesce(quote_literal((their_value::jsonb ->> 'currency')), 'null')
          || ', '
          || coalesce(quote_literal((their_value::jsonb ->> 'booked_on')), 'null')
          || ', '
          || coalesce(quote_literal((their_value::jsonb ->> 'booked_at')), 'null')
          || ', '
          || coalesce(quote_literal((their_value::jsonb ->> 'fee')), 'null')
          || ', '
          || coalesce(quote_literal((their_value::jsonb ->> 'details')), 'null')
          || ' where not exists (select 1 from "shop"."payments" where '
          || '"account" = '
          || coalesce(quote_literal((their_value::jsonb ->> 'account')), 'null')
          || ' and '
          || '"reference" = '
          || coalesce(quote_literal((their_value::jsonb ->> 'reference')), 'null')
          || ');'
      end
    end as apply_statement
  from located
)

select * from stated
