with

"_dataform_ours" as not materialized (
  select * from shop.payments as "_dataform_ours"
),

"_dataform_corrections" as not materialized (
  select * from corrections as "_dataform_corrections"
),

-- what types the columns have, asked of no row
"column_types" as (
  select
    pg_typeof(coalesce("ours"."amount", null)) as "amount_ours",
    pg_typeof(coalesce("ours"."booked_on", null)) as "booked_on_ours",
    pg_typeof(coalesce("ours"."booked_at", null)) as "booked_at_ours",
    pg_typeof(coalesce("ours"."fee", null)) as "fee_ours"
  from (select) as one
  left join (select * from "_dataform_ours" limit 0) as "ours" on true
),

"answers" as materialized (
  select
    "amount_ours" in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'numeric'::regtype, 'money'::regtype) as "amount_ours",
    case "booked_on_ours"
      when 'date'::regtype then true
      when 'timestamp with time zone'::regtype then ('ours: column booked_on has no day of its own, cast it where its time zone is known: ' || left(pg_typeof("booked_on_ours")::text, 0) || left("booked_on_ours"::text, 100))::int::boolean
      else false
    end as "booked_on_ours",
    ("booked_at_ours" in ('timestamp without time zone'::regtype, 'date'::regtype)) as "booked_at_ours",
    "fee_ours" in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'numeric'::regtype, 'money'::regtype) as "fee_ours"
  from "column_types"
),

"ours" as (
  select
    "account",
    "reference",
    "record_id",
    case
      when (select "amount_ours" from "answers") then "amount"::numeric
      when ('_dataform_reading', 'ours: column amount', 'numeric', "amount"::text, '$1::numeric') is null then null
      else "amount"::text::numeric
    end as "amount",
    "currency"::text as "currency",
    case
      when (select "booked_on_ours" from "answers") then "booked_on"::date
      when ('_dataform_reading', 'ours: column booked_on', 'date', "booked_on"::text, '$1::timestamp, $1::date') is null then null
      when "booked_on"::text::timestamp <> "booked_on"::text::date then ('ours: column booked_on is no date: ' || left(pg_typeof("booked_on"::text)::text, 0) || left("booked_on"::text::text, 100))::int::text::date
      else "booked_on"::text::date
    end as "booked_on",
    case when ('_dataform_reading', 'column booked_at', 'timestamptz', "booked_at"::text, '$1::timestamptz') is null then null when (select "booked_at_ours" from "answers") and "booked_at"::text::timestamptz::timestamp <> "booked_at"::text::timestamp then ('column booked_at: the time zone of the session does not have the time ' || left(pg_typeof("booked_at"::text)::text, 0) || left("booked_at"::text::text, 100))::int::text::timestamptz else "booked_at"::text::timestamptz end as "booked_at",
    case
      when (select "fee_ours" from "answers") then "fee"::numeric
      when ('_dataform_reading', 'ours: column fee', 'numeric', "fee"::text, '$1::numeric') is null then null
      else "fee"::text::numeric
    end as "fee",
    "details"::text as "details"
  from "_dataform_ours"
),

"accepted" as (
  select * from "_dataform_corrections" where state = 'accepted'
),

"changes" as (
  select
    "account",
    "reference",
    jsonb_object_agg(column_name, their_value) as "_dataform_new_values"
  from accepted
  where proposed_action = 'update'
  group by "account", "reference"
),

"changed" as (
  select
    ours."account",
    ours."reference",
    ours."record_id",
    case when changes."_dataform_new_values" ? 'amount' then case when ('_dataform_reading', 'column amount', 'numeric', (changes."_dataform_new_values" ->> 'amount'), '$1::numeric') is null then null else (changes."_dataform_new_values" ->> 'amount')::numeric end else ours."amount" end as "amount",
    case when changes."_dataform_new_values" ? 'currency' then (changes."_dataform_new_values" ->> 'currency') else ours."currency" end as "currency",
    case when changes."_dataform_new_values" ? 'booked_on' then case when ('_dataform_reading', 'column booked_on', 'date', (changes."_dataform_new_values" ->> 'booked_on'), '$1::date') is null then null else (changes."_dataform_new_values" ->> 'booked_on')::date end else ours."booked_on" end as "booked_on",
    case when changes."_dataform_new_values" ? 'booked_at' then case when ('_dataform_reading', 'column booked_at', 'timestamptz', (changes."_dataform_new_values" ->> 'booked_at'), '$1::timestamptz') is null then null when (select "booked_at_ours" from "answers") and (changes."_dataform_new_values" ->> 'booked_at')::timestamptz::timestamp <> (changes."_dataform_new_values" ->> 'booked_at')::timestamp then ('column booked_at: the time zone of the session does not have the time ' || left(pg_typeof((changes."_dataform_new_values" ->> 'booked_at'))::text, 0) || left((changes."_dataform_new_values" ->> 'booked_at')::text, 100))::int::text::timestamptz else (changes."_dataform_new_values" ->> 'booked_at')::timestamptz end else ours."booked_at" end as "booked_at",
    case when changes."_dataform_new_values" ? 'fee' then case when ('_dataform_reading', 'column fee', 'numeric', (changes."_dataform_new_values" ->> 'fee'), '$1::numeric') is null then null else (changes."_dataform_new_values" ->> 'fee')::numeric end else ours."fee" end as "fee",
    case when changes."_dataform_new_values" ? 'details' then (changes."_dataform_new_values" ->> 'details') else ours."details" end as "details",
    changes."_dataform_new_values" is not null as is_corrected,
    false as is_added
  from ours
  left join changes on (changes."account" = ours."account"::text) and (changes."reference" = upper(btrim(ours."reference"::text, e' \t\r\n')))
),

"added" as (
  select
    "account",
    "reference",
    (select ours."record_id" from ours limit 0) as "record_id",
    case when ('_dataform_reading', 'column amount', 'numeric', (their_value::jsonb ->> 'amount'), '$1::numeric') is null then null else (their_value::jsonb ->> 'amount')::numeric end as "amount",
    (their_value::jsonb ->> 'currency') as "currency",
    case when ('_dataform_reading', 'column booked_on', 'date', (their_value::jsonb ->> 'booked_on'), '$1::date') is null then null else (their_value::jsonb ->> 'booked_on')::date end as "booked_on",
    case when ('_dataform_reading', 'column booked_at', 'timestamptz', (their_value::jsonb ->> 'booked_at'), '$1::timestamptz') is null then null when (select "booked_at_ours" from "answers") and (their_value::jsonb ->> 'booked_at')::timestamptz::timestamp <> (their_value::jsonb ->> 'booked_at')::timestamp then ('column booked_at: the time zone of the session does not have the time ' || left(pg_typeof((their_value::jsonb ->> 'booked_at'))::text, 0) || left((their_value::jsonb ->> 'booked_at')::text, 100))::int::text::timestamptz else (their_value::jsonb ->> 'booked_at')::timestamptz end as "booked_at",
    case when ('_dataform_reading', 'column fee', 'numeric', (their_value::jsonb ->> 'fee'), '$1::numeric') is null then null else (their_value::jsonb ->> 'fee')::numeric end as "fee",
    (their_value::jsonb ->> 'details') as "details",
    false as is_corrected,
    true as is_added
  from accepted
  where proposed_action = 'insert'
)

select * from changed
union all
select * from added
