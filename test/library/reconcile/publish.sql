---- publish payments_store
-- {
--   "schema": "shop",
--   "tags": [
--     "x"
--   ],
--   "type": "table",
--   "description": "What payments_rows is kept in; read that one.",
--   "postgres": {
--     "volatile": false,
--     "indexes": [
--       {
--         "columns": [
--           "(\"account\")",
--           "(\"reference\")"
--         ],
--         "unique": true,
--         "where": "has_key"
--       }
--     ]
--   }
-- }

-- query
with

"_dataform_ours" as not materialized (
  select * from "shop"."payments" as "_dataform_ours"
),

"_dataform_theirs" as not materialized (
  select * from "marts"."entries" as "_dataform_theirs"
),

-- what types the columns have, asked of no row
"column_types" as (
  select
    pg_typeof(coalesce("ours"."amount", null)) as "amount_ours",
    pg_typeof(coalesce("theirs"."amount", null)) as "amount_theirs",
    pg_typeof(coalesce("ours"."booked_on", null)) as "booked_on_ours",
    pg_typeof(coalesce("theirs"."booked_on", null)) as "booked_on_theirs",
    pg_typeof(coalesce("ours"."booked_at", null)) as "booked_at_ours",
    pg_typeof(coalesce("theirs"."booked_at", null)) as "booked_at_theirs",
    pg_typeof(coalesce("ours"."fee", null)) as "fee_ours",
    pg_typeof(coalesce("theirs"."fee", null)) as "fee_theirs",
    pg_typeof(coalesce("ours"."details", null)) as "details_ours",
    pg_typeof(coalesce("ours"."record_id", null)) as "record_id_ours",
    pg_typeof(coalesce("theirs"."details", null)) as "details_theirs",
    pg_typeof(coalesce("theirs"."path", null)) as "path_theirs",
    pg_typeof(coalesce(case when true then "ours"."details" else "theirs"."details" end, null)) as "details_common"
  from (select) as one
  left join (select * from "_dataform_ours" limit 0) as "ours" on true
  left join (select * from "_dataform_theirs" limit 0) as "theirs" on true
),

"type_parts" as materialized (
  with recursive parts (whole, type, collated) as (
    select one.type, one.type::oid, 0::oid
    from "column_types"
    cross join unnest(array["details_ours", "record_id_ours", "details_theirs", "path_theirs", "details_common"]) as one (type)
    union
    select parts.whole, part.type, part.collated
    from parts
    cross join lateral (
      select unnest(array[made.typbasetype, made.typelem]), made.typcollation
      from pg_type as made
      where made.oid = parts.type
      union all
      select ranges.rngsubtype, ranges.rngcollation
      from pg_range as ranges
      where parts.type in (ranges.rngtypid, ranges.rngmultitypid)
      union all
      select field.atttypid, field.attcollation
      from pg_type as made
      inner join pg_attribute as field on field.attrelid = made.typrelid
      where made.oid = parts.type and field.attnum > 0 and not field.attisdropped
    ) as part (type, collated)
    where part.type <> 0
  )
  select
    parts.whole,
    parts.type,
    made.typtype in ('c', 'd', 'r', 'm') or made.typcategory = 'A' as is_made,
    made.typtype = 'e' as is_enum,
    coalesce(collations.collisdeterministic, true) as is_deterministic
  from parts
  inner join pg_type as made on made.oid = parts.type
  left join pg_collation as collations on collations.oid = parts.collated
),

"answers" as materialized (
  select
    "amount_ours" in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'numeric'::regtype, 'money'::regtype) as "amount_ours",
    "amount_theirs" in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'numeric'::regtype, 'money'::regtype) as "amount_theirs",
    case "booked_on_ours"
      when 'date'::regtype then true
      when 'timestamp with time zone'::regtype then ('ours: column booked_on has no day of its own, cast it where its time zone is known: ' || left(pg_typeof("booked_on_ours")::text, 0) || left("booked_on_ours"::text, 100))::int::boolean
      else false
    end as "booked_on_ours",
    case "booked_on_theirs"
      when 'date'::regtype then true
      when 'timestamp with time zone'::regtype then ('theirs: column booked_on has no day of its own, cast it where its time zone is known: ' || left(pg_typeof("booked_on_theirs")::text, 0) || left("booked_on_theirs"::text, 100))::int::boolean
      else false
    end as "booked_on_theirs",
    ("booked_at_ours" in ('timestamp without time zone'::regtype, 'date'::regtype)) as "booked_at_ours",
    ("booked_at_theirs" in ('timestamp without time zone'::regtype, 'date'::regtype)) as "booked_at_theirs",
    "fee_ours" in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'numeric'::regtype, 'money'::regtype) as "fee_ours",
    "fee_theirs" in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'numeric'::regtype, 'money'::regtype) as "fee_theirs",
    (case
      when "details_ours" <> 'timestamptz'::regtype
        and exists (select from "type_parts" where whole = "details_ours" and type = 'timestamptz'::regtype) then ('ours: column details has moments inside, which are written in the session''s time zone: give each in a column of its own; it is ' || left(pg_typeof("details_ours")::text, 0) || left("details_ours"::text, 100))::int::boolean
      else true
    end) and (case
      when "record_id_ours" <> 'timestamptz'::regtype
        and exists (select from "type_parts" where whole = "record_id_ours" and type = 'timestamptz'::regtype) then ('ours: column record_id has moments inside, which are written in the session''s time zone: give each in a column of its own; it is ' || left(pg_typeof("record_id_ours")::text, 0) || left("record_id_ours"::text, 100))::int::boolean
      else true
    end) and (case
      when "details_theirs" <> 'timestamptz'::regtype
        and exists (select from "type_parts" where whole = "details_theirs" and type = 'timestamptz'::regtype) then ('theirs: column details has moments inside, which are written in the session''s time zone: give each in a column of its own; it is ' || left(pg_typeof("details_theirs")::text, 0) || left("details_theirs"::text, 100))::int::boolean
      else true
    end) and (case
      when "path_theirs" <> 'timestamptz'::regtype
        and exists (select from "type_parts" where whole = "path_theirs" and type = 'timestamptz'::regtype) then ('theirs: column path has moments inside, which are written in the session''s time zone: give each in a column of its own; it is ' || left(pg_typeof("path_theirs")::text, 0) || left("path_theirs"::text, 100))::int::boolean
      else true
    end) and (case
      when "details_common" <> "details_ours" and "details_common" in ('double precision'::regtype, 'timestamp with time zone'::regtype)
        then ('column details: both sides have to be of one type, ours is ' || left(pg_typeof("details_ours")::text, 0) || left("details_ours"::text, 100))::int::boolean
      else true
    end) and (case
      when "details_common" <> "details_theirs" and "details_common" in ('double precision'::regtype, 'timestamp with time zone'::regtype)
        then ('column details: both sides have to be of one type, theirs is ' || left(pg_typeof("details_theirs")::text, 0) || left("details_theirs"::text, 100))::int::boolean
      else true
    end) and (case
      when ("booked_at_ours" in ('timestamp without time zone'::regtype, 'date'::regtype)) <> ("booked_at_theirs" in ('timestamp without time zone'::regtype, 'date'::regtype))
        then ('column booked_at: one side has no time zone, cast it where it is known; ours and theirs are ' || left(pg_typeof(concat_ws(', ', "booked_at_ours", "booked_at_theirs"))::text, 0) || left(concat_ws(', ', "booked_at_ours", "booked_at_theirs")::text, 100))::int::boolean
      else true
    end) as "_dataform_are_comparable",
    (
      select
        case
          when not bool_and(type in ('numeric'::regtype, 'jsonb'::regtype, 'bigint'::regtype, 'money'::regtype, 'timestamp without time zone'::regtype, 'timestamp with time zone'::regtype, 'time without time zone'::regtype, 'time with time zone'::regtype, 'xid8'::regtype, 'pg_lsn'::regtype, 'smallint'::regtype, 'integer'::regtype, 'oid'::regtype, 'boolean'::regtype, '"char"'::regtype, 'name'::regtype, 'text'::regtype, 'character varying'::regtype, 'date'::regtype, 'uuid'::regtype, 'bytea'::regtype, 'inet'::regtype, 'cidr'::regtype, 'macaddr'::regtype, 'macaddr8'::regtype) and is_deterministic or is_made or is_enum) then null
          when bool_or(type in ('numeric'::regtype, 'jsonb'::regtype)) then 'numbers'
          when bool_or(type in ('bigint'::regtype, 'money'::regtype, 'timestamp without time zone'::regtype, 'timestamp with time zone'::regtype, 'time without time zone'::regtype, 'time with time zone'::regtype, 'xid8'::regtype, 'pg_lsn'::regtype)) then 'text'
        end
      from "type_parts"
      where whole = "details_common"
    ) as "details_written_as"
  from "column_types"
),

"typed_ours" as not materialized (
  select
    "account"::text as "account",
    upper(btrim("reference"::text, e' \t\r\n')) as "reference",
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
    case
      when (select "booked_at_ours" from "answers") then "booked_at"::timestamp at time zone 'UTC'
      when ('_dataform_reading', 'ours: column booked_at', 'timestamptz', "booked_at"::text, '$1::timestamptz') is null then null
      else "booked_at"::timestamptz
    end as "booked_at",
    case
      when (select "fee_ours" from "answers") then "fee"::numeric
      when ('_dataform_reading', 'ours: column fee', 'numeric', "fee"::text, '$1::numeric') is null then null
      else "fee"::text::numeric
    end as "fee",
    case when true then "details" else (select "details" from "_dataform_theirs" limit 0) end as "details",
    case
      when pg_typeof(coalesce("record_id", null)) = 'timestamptz'::regtype then regexp_replace(((to_jsonb("record_id") #>> '{}')::timestamptz at time zone 'UTC')::text, '(:\S+)', E'\\1+00')
      else "record_id"::text
    end as "record_id"
  from "_dataform_ours"
),

"ours" as not materialized (
  select
    *,
    nullif("account"::text, '') is not null and nullif("reference"::text, '') is not null as "_dataform_has_key",
    case when nullif("account"::text, '') is not null and nullif("reference"::text, '') is not null then hashtextextended("reference", hashtextextended("account", 0)) end as "_dataform_key_hash",
    hash_record_extended(row(trim_scale("amount")::text, "currency", "booked_on", timestamptz_send("booked_at"), trim_scale("fee")::text, "details", num_nulls("details"), case (select "details_written_as" from "answers")
      when 'numbers' then translate(case
        when pg_typeof(coalesce("details", null)) = 'timestamptz'::regtype then regexp_replace(((to_jsonb("details") #>> '{}')::timestamptz at time zone 'UTC')::text, '(:\S+)', E'\\1+00')
        else "details"::text
      end, '0.', '')
      when 'text' then case
        when pg_typeof(coalesce("details", null)) = 'timestamptz'::regtype then regexp_replace(((to_jsonb("details") #>> '{}')::timestamptz at time zone 'UTC')::text, '(:\S+)', E'\\1+00')
        else "details"::text
      end
    end), 0) as "_dataform_row_hash"
  from "typed_ours"
),

"typed_theirs" as not materialized (
  select
    "account"::text as "account",
    upper(btrim("reference"::text, e' \t\r\n')) as "reference",
    case
      when (select "amount_theirs" from "answers") then "amount"::numeric
      when ('_dataform_reading', 'theirs: column amount', 'numeric', "amount"::text, '$1::numeric') is null then null
      else "amount"::text::numeric
    end as "amount",
    "currency"::text as "currency",
    case
      when (select "booked_on_theirs" from "answers") then "booked_on"::date
      when ('_dataform_reading', 'theirs: column booked_on', 'date', "booked_on"::text, '$1::timestamp, $1::date') is null then null
      when "booked_on"::text::timestamp <> "booked_on"::text::date then ('theirs: column booked_on is no date: ' || left(pg_typeof("booked_on"::text)::text, 0) || left("booked_on"::text::text, 100))::int::text::date
      else "booked_on"::text::date
    end as "booked_on",
    case
      when (select "booked_at_theirs" from "answers") then "booked_at"::timestamp at time zone 'UTC'
      when ('_dataform_reading', 'theirs: column booked_at', 'timestamptz', "booked_at"::text, '$1::timestamptz') is null then null
      else "booked_at"::timestamptz
    end as "booked_at",
    case
      when (select "fee_theirs" from "answers") then "fee"::numeric
      when ('_dataform_reading', 'theirs: column fee', 'numeric', "fee"::text, '$1::numeric') is null then null
      else "fee"::text::numeric
    end as "fee",
    case when true then "details" else (select "details" from "_dataform_ours" limit 0) end as "details",
    case
      when pg_typeof(coalesce("path", null)) = 'timestamptz'::regtype then regexp_replace(((to_jsonb("path") #>> '{}')::timestamptz at time zone 'UTC')::text, '(:\S+)', E'\\1+00')
      else "path"::text
    end as "path"
  from "_dataform_theirs"
),

"theirs" as not materialized (
  select
    *,
    nullif("account"::text, '') is not null and nullif("reference"::text, '') is not null as "_dataform_has_key",
    case when nullif("account"::text, '') is not null and nullif("reference"::text, '') is not null then hashtextextended("reference", hashtextextended("account", 0)) end as "_dataform_key_hash",
    hash_record_extended(row(trim_scale("amount")::text, "currency", "booked_on", timestamptz_send("booked_at"), trim_scale("fee")::text, "details", num_nulls("details"), case (select "details_written_as" from "answers")
      when 'numbers' then translate(case
        when pg_typeof(coalesce("details", null)) = 'timestamptz'::regtype then regexp_replace(((to_jsonb("details") #>> '{}')::timestamptz at time zone 'UTC')::text, '(:\S+)', E'\\1+00')
        else "details"::text
      end, '0.', '')
      when 'text' then case
        when pg_typeof(coalesce("details", null)) = 'timestamptz'::regtype then regexp_replace(((to_jsonb("details") #>> '{}')::timestamptz at time zone 'UTC')::text, '(:\S+)', E'\\1+00')
        else "details"::text
      end
    end), 0) as "_dataform_row_hash"
  from "typed_theirs"
),

-- keys that a side has more than once, by their hash
"repeated" as materialized (
  select "_dataform_key_hash" from "ours" where "_dataform_has_key" group by "_dataform_key_hash" having count(*) > 1
  union all
  select "_dataform_key_hash" from "theirs" where "_dataform_has_key" group by "_dataform_key_hash" having count(*) > 1
),

"single_pairs" as (
  select
    "ours"."account" as "account_ours",
    "ours"."reference" as "reference_ours",
    "ours"."amount" as "amount_ours",
    "ours"."currency" as "currency_ours",
    "ours"."booked_on" as "booked_on_ours",
    "ours"."booked_at" as "booked_at_ours",
    "ours"."fee" as "fee_ours",
    "ours"."details" as "details_ours",
    "ours"."_dataform_count" as "_dataform_count_ours",
    "ours"."record_id" as "record_id_ours",
    "theirs"."account" as "account_theirs",
    "theirs"."reference" as "reference_theirs",
    "theirs"."amount" as "amount_theirs",
    "theirs"."currency" as "currency_theirs",
    "theirs"."booked_on" as "booked_on_theirs",
    "theirs"."booked_at" as "booked_at_theirs",
    "theirs"."fee" as "fee_theirs",
    "theirs"."details" as "details_theirs",
    "theirs"."_dataform_count" as "_dataform_count_theirs",
    "theirs"."path" as "path_theirs",
    ours."_dataform_count" = 1 and theirs."_dataform_count" = 1 and ("ours"."amount", "ours"."currency", "ours"."booked_on", "ours"."booked_at", "ours"."fee", "ours"."details") is not distinct from ("theirs"."amount", "theirs"."currency", "theirs"."booked_on", "theirs"."booked_at", "theirs"."fee", "theirs"."details") as "_dataform_is_same"
  from (
    select *, 1 as "_dataform_count" from "ours" where not exists (select from repeated where repeated."_dataform_key_hash" = "ours"."_dataform_key_hash")
  ) as ours
  full join (
    select *, 1 as "_dataform_count" from "theirs" where not exists (select from repeated where repeated."_dataform_key_hash" = "theirs"."_dataform_key_hash")
  ) as theirs
    on ("ours"."account" = "theirs"."account") and ("ours"."reference" = "theirs"."reference") and (ours."_dataform_has_key")
  offset 0
),

"single_keys" as (
  select
    coalesce("account_ours", "account_theirs") as "account",
    coalesce("reference_ours", "reference_theirs") as "reference",
    nullif(coalesce("account_ours", "account_theirs")::text, '') is not null and nullif(coalesce("reference_ours", "reference_theirs")::text, '') is not null as has_key,
    coalesce("_dataform_count_ours", 0) as n_ours,
    coalesce("_dataform_count_theirs", 0) as n_theirs,
    case when "_dataform_count_ours" = 1 then hash_record_extended(row(trim_scale("amount_ours")::text, "currency_ours", "booked_on_ours", timestamptz_send("booked_at_ours"), trim_scale("fee_ours")::text, "details_ours", num_nulls("details_ours"), case (select "details_written_as" from "answers")
      when 'numbers' then translate(case
        when pg_typeof(coalesce("details_ours", null)) = 'timestamptz'::regtype then regexp_replace(((to_jsonb("details_ours") #>> '{}')::timestamptz at time zone 'UTC')::text, '(:\S+)', E'\\1+00')
        else "details_ours"::text
      end, '0.', '')
      when 'text' then case
        when pg_typeof(coalesce("details_ours", null)) = 'timestamptz'::regtype then regexp_replace(((to_jsonb("details_ours") #>> '{}')::timestamptz at time zone 'UTC')::text, '(:\S+)', E'\\1+00')
        else "details_ours"::text
      end
    end), 0) end as our_row_hash,
    case when "_dataform_is_same" then null else case when "_dataform_count_theirs" = 1 then hash_record_extended(row(trim_scale("amount_theirs")::text, "currency_theirs", "booked_on_theirs", timestamptz_send("booked_at_theirs"), trim_scale("fee_theirs")::text, "details_theirs", num_nulls("details_theirs"), case (select "details_written_as" from "answers")
      when 'numbers' then translate(case
        when pg_typeof(coalesce("details_theirs", null)) = 'timestamptz'::regtype then regexp_replace(((to_jsonb("details_theirs") #>> '{}')::timestamptz at time zone 'UTC')::text, '(:\S+)', E'\\1+00')
        else "details_theirs"::text
      end, '0.', '')
      when 'text' then case
        when pg_typeof(coalesce("details_theirs", null)) = 'timestamptz'::regtype then regexp_replace(((to_jsonb("details_theirs") #>> '{}')::timestamptz at time zone 'UTC')::text, '(:\S+)', E'\\1+00')
        else "details_theirs"::text
      end
    end), 0) end end as their_row_hash,
    "amount_ours" as "amount_ours",
    case when "_dataform_is_same" then null else "amount_theirs" end as "amount_theirs",
    "fee_ours" as "fee_ours",
    case when "_dataform_is_same" then null else "fee_theirs" end as "fee_theirs",
    "currency_ours" as "currency_ours",
    case when "_dataform_is_same" then null else "currency_theirs" end as "currency_theirs",
    case
      when "_dataform_is_same" then case when "amount_ours" is null or "currency_ours" is null or "booked_on_ours" is null or "booked_at_ours" is null or "fee_ours" is null or "details_ours" is null then
        case when "amount_ours" is null then 'b' else 'e' end
        || case when "currency_ours" is null then 'b' else 'e' end
        || case when "booked_on_ours" is null then 'b' else 'e' end
        || case when "booked_at_ours" is null then 'b' else 'e' end
        || case when "fee_ours" is null then 'b' else 'e' end
        || case when "details_ours" is null then 'b' else 'e' end
      end
      when "_dataform_count_ours" = 1 and "_dataform_count_theirs" = 1 then case
        when "amount_ours" is null then case when "amount_theirs" is null then 'b' else 'o' end
        when "amount_theirs" is null then 't'
        when upper(btrim("currency_ours", e' \t\r\n')) is not distinct from upper(btrim("currency_theirs", e' \t\r\n')) and round("amount_ours", case
           when upper(btrim("currency_theirs", e' \t\r\n')) in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
           when upper(btrim("currency_theirs", e' \t\r\n')) in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
           when upper(btrim("currency_theirs", e' \t\r\n')) in ('CLF', 'UYW') then 4
           else 2
         end) = round("amount_theirs", case
           when upper(btrim("currency_theirs", e' \t\r\n')) in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
           when upper(btrim("currency_theirs", e' \t\r\n')) in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
           when upper(btrim("currency_theirs", e' \t\r\n')) in ('CLF', 'UYW') then 4
           else 2
         end) then 'e'
        when (upper(btrim("currency_ours", e' \t\r\n')) is not distinct from upper(btrim("currency_theirs", e' \t\r\n'))) and ((abs(round("amount_ours", case
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('CLF', 'UYW') then 4
          else 2
        end) - round("amount_theirs", case
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('CLF', 'UYW') then 4
          else 2
        end)) <= '0.01'::numeric) or ((abs(round("amount_ours", case
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('CLF', 'UYW') then 4
          else 2
        end) - round("amount_theirs", case
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('CLF', 'UYW') then 4
          else 2
        end)) < 'Infinity'::numeric and abs(round("amount_ours", case
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('CLF', 'UYW') then 4
          else 2
        end) - round("amount_theirs", case
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('CLF', 'UYW') then 4
          else 2
        end)) <= '0.001'::numeric * abs(round("amount_theirs", case
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('CLF', 'UYW') then 4
          else 2
        end))))) then 'w'
        else 'd'
      end
      || case
        when "currency_ours" is null then case when "currency_theirs" is null then 'b' else 'o' end
        when "currency_theirs" is null then 't'
        when upper(btrim("currency_ours", e' \t\r\n')) = upper(btrim("currency_theirs", e' \t\r\n')) then 'e'
        else 'd'
      end
      || case
        when "booked_on_ours" is null then case when "booked_on_theirs" is null then 'b' else 'o' end
        when "booked_on_theirs" is null then 't'
        when "booked_on_ours" = "booked_on_theirs" then 'e'
        when case when isfinite("booked_on_ours") and isfinite("booked_on_theirs") then abs("booked_on_ours" - "booked_on_theirs") <= 3 else false end then 'w'
        else 'd'
      end
      || case
        when "booked_at_ours" is null then case when "booked_at_theirs" is null then 'b' else 'o' end
        when "booked_at_theirs" is null then 't'
        when "booked_at_ours" = "booked_at_theirs" then 'e'
        when case when isfinite("booked_at_ours") and isfinite("booked_at_theirs") then greatest("booked_at_ours", "booked_at_theirs") - least("booked_at_ours", "booked_at_theirs") <= '5 minutes'::interval else false end then 'w'
        else 'd'
      end
      || case
        when "fee_ours" is null then case when "fee_theirs" is null then 'b' else 'o' end
        when "fee_theirs" is null then 't'
        when "fee_ours" = "fee_theirs" then 'e'
        else 'd'
      end
      || case
        when "details_ours" is null then case when "details_theirs" is null then 'b' else 'o' end
        when "details_theirs" is null then 't'
        when "details_ours" = "details_theirs" then 'e'
        else 'd'
      end
    end as outcomes,
    case when "_dataform_is_same" then null else case when "_dataform_count_ours" = 1 then jsonb_build_object(
      'account', "account_ours",
      'reference', "reference_ours",
      'amount', trim_scale("amount_ours"),
      'currency', "currency_ours",
      'booked_on', "booked_on_ours",
      'booked_at', case
        when (select "booked_at_ours" from "answers") then to_jsonb("booked_at_ours" at time zone 'UTC')
        else to_jsonb(regexp_replace(to_jsonb("booked_at_ours" at time zone 'UTC') #>> '{}', '(:\S+)', E'\\1+00:00'))
      end,
      'fee', trim_scale("fee_ours"),
      'details', case
        when pg_typeof(coalesce("details_ours", null)) = 'timestamptz'::regtype then to_jsonb(regexp_replace(to_jsonb((to_jsonb("details_ours") #>> '{}')::timestamptz at time zone 'UTC') #>> '{}', '(:\S+)', E'\\1+00:00'))
        else to_jsonb("details_ours")
      end,
      'record_id', "record_id_ours"
    ) end end as ours,
    case when "_dataform_is_same" then null else case when "_dataform_count_theirs" = 1 then jsonb_build_object(
      'account', "account_theirs",
      'reference', "reference_theirs",
      'amount', trim_scale("amount_theirs"),
      'currency', "currency_theirs",
      'booked_on', "booked_on_theirs",
      'booked_at', case
        when (select "booked_at_theirs" from "answers") then to_jsonb("booked_at_theirs" at time zone 'UTC')
        else to_jsonb(regexp_replace(to_jsonb("booked_at_theirs" at time zone 'UTC') #>> '{}', '(:\S+)', E'\\1+00:00'))
      end,
      'fee', trim_scale("fee_theirs"),
      'details', case
        when pg_typeof(coalesce("details_theirs", null)) = 'timestamptz'::regtype then to_jsonb(regexp_replace(to_jsonb((to_jsonb("details_theirs") #>> '{}')::timestamptz at time zone 'UTC') #>> '{}', '(:\S+)', E'\\1+00:00'))
        else to_jsonb("details_theirs")
      end,
      'path', "path_theirs"
    ) end end as theirs
  from single_pairs
),

"repeated_pairs" as (
  select
    "ours"."account" as "account_ours",
    "ours"."reference" as "reference_ours",
    "ours"."amount" as "amount_ours",
    "ours"."currency" as "currency_ours",
    "ours"."booked_on" as "booked_on_ours",
    "ours"."booked_at" as "booked_at_ours",
    "ours"."fee" as "fee_ours",
    "ours"."details" as "details_ours",
    "ours"."_dataform_count" as "_dataform_count_ours",
    "ours"."record_id" as "record_id_ours",
    "theirs"."account" as "account_theirs",
    "theirs"."reference" as "reference_theirs",
    "theirs"."amount" as "amount_theirs",
    "theirs"."currency" as "currency_theirs",
    "theirs"."booked_on" as "booked_on_theirs",
    "theirs"."booked_at" as "booked_at_theirs",
    "theirs"."fee" as "fee_theirs",
    "theirs"."details" as "details_theirs",
    "theirs"."_dataform_count" as "_dataform_count_theirs",
    "theirs"."path" as "path_theirs",
    ours."_dataform_count" = 1 and theirs."_dataform_count" = 1 and ("ours"."amount", "ours"."currency", "ours"."booked_on", "ours"."booked_at", "ours"."fee", "ours"."details") is not distinct from ("theirs"."amount", "theirs"."currency", "theirs"."booked_on", "theirs"."booked_at", "theirs"."fee", "theirs"."details") as "_dataform_is_same"
  from (
    select *
    from (
      select *, (count(*) over same_key)::int as "_dataform_count", row_number() over same_key as "_dataform_place"
      from "ours"
      where "_dataform_has_key" and exists (select from repeated where repeated."_dataform_key_hash" = "ours"."_dataform_key_hash")
      window same_key as (partition by "account", "reference")
    ) as counted
    where "_dataform_place" = 1
  ) as ours
  full join (
    select *
    from (
      select *, (count(*) over same_key)::int as "_dataform_count", row_number() over same_key as "_dataform_place"
      from "theirs"
      where "_dataform_has_key" and exists (select from repeated where repeated."_dataform_key_hash" = "theirs"."_dataform_key_hash")
      window same_key as (partition by "account", "reference")
    ) as counted
    where "_dataform_place" = 1
  ) as theirs
    on ("ours"."account" = "theirs"."account") and ("ours"."reference" = "theirs"."reference")
  offset 0
),

"marked_pairs" as (
  select *, coalesce("_dataform_count_ours", 1) = 1 and coalesce("_dataform_count_theirs", 1) = 1 as "_dataform_are_single" from repeated_pairs
),

"repeated_keys" as (
  select
    coalesce("account_ours", "account_theirs") as "account",
    coalesce("reference_ours", "reference_theirs") as "reference",
    true as has_key,
    coalesce("_dataform_count_ours", 0) as n_ours,
    coalesce("_dataform_count_theirs", 0) as n_theirs,
    case when "_dataform_are_single" then case when "_dataform_count_ours" = 1 then hash_record_extended(row(trim_scale("amount_ours")::text, "currency_ours", "booked_on_ours", timestamptz_send("booked_at_ours"), trim_scale("fee_ours")::text, "details_ours", num_nulls("details_ours"), case (select "details_written_as" from "answers")
      when 'numbers' then translate(case
        when pg_typeof(coalesce("details_ours", null)) = 'timestamptz'::regtype then regexp_replace(((to_jsonb("details_ours") #>> '{}')::timestamptz at time zone 'UTC')::text, '(:\S+)', E'\\1+00')
        else "details_ours"::text
      end, '0.', '')
      when 'text' then case
        when pg_typeof(coalesce("details_ours", null)) = 'timestamptz'::regtype then regexp_replace(((to_jsonb("details_ours") #>> '{}')::timestamptz at time zone 'UTC')::text, '(:\S+)', E'\\1+00')
        else "details_ours"::text
      end
    end), 0) end end as our_row_hash,
    case when "_dataform_are_single" then case when "_dataform_is_same" then null else case when "_dataform_count_theirs" = 1 then hash_record_extended(row(trim_scale("amount_theirs")::text, "currency_theirs", "booked_on_theirs", timestamptz_send("booked_at_theirs"), trim_scale("fee_theirs")::text, "details_theirs", num_nulls("details_theirs"), case (select "details_written_as" from "answers")
      when 'numbers' then translate(case
        when pg_typeof(coalesce("details_theirs", null)) = 'timestamptz'::regtype then regexp_replace(((to_jsonb("details_theirs") #>> '{}')::timestamptz at time zone 'UTC')::text, '(:\S+)', E'\\1+00')
        else "details_theirs"::text
      end, '0.', '')
      when 'text' then case
        when pg_typeof(coalesce("details_theirs", null)) = 'timestamptz'::regtype then regexp_replace(((to_jsonb("details_theirs") #>> '{}')::timestamptz at time zone 'UTC')::text, '(:\S+)', E'\\1+00')
        else "details_theirs"::text
      end
    end), 0) end end end as their_row_hash,
    case when "_dataform_are_single" then "amount_ours" end as "amount_ours",
    case when "_dataform_are_single" then case when "_dataform_is_same" then null else "amount_theirs" end end as "amount_theirs",
    case when "_dataform_are_single" then "fee_ours" end as "fee_ours",
    case when "_dataform_are_single" then case when "_dataform_is_same" then null else "fee_theirs" end end as "fee_theirs",
    case when "_dataform_are_single" then "currency_ours" end as "currency_ours",
    case when "_dataform_are_single" then case when "_dataform_is_same" then null else "currency_theirs" end end as "currency_theirs",
    case
      when "_dataform_is_same" then case when "amount_ours" is null or "currency_ours" is null or "booked_on_ours" is null or "booked_at_ours" is null or "fee_ours" is null or "details_ours" is null then
        case when "amount_ours" is null then 'b' else 'e' end
        || case when "currency_ours" is null then 'b' else 'e' end
        || case when "booked_on_ours" is null then 'b' else 'e' end
        || case when "booked_at_ours" is null then 'b' else 'e' end
        || case when "fee_ours" is null then 'b' else 'e' end
        || case when "details_ours" is null then 'b' else 'e' end
      end
      when "_dataform_count_ours" = 1 and "_dataform_count_theirs" = 1 then case
        when "amount_ours" is null then case when "amount_theirs" is null then 'b' else 'o' end
        when "amount_theirs" is null then 't'
        when upper(btrim("currency_ours", e' \t\r\n')) is not distinct from upper(btrim("currency_theirs", e' \t\r\n')) and round("amount_ours", case
           when upper(btrim("currency_theirs", e' \t\r\n')) in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
           when upper(btrim("currency_theirs", e' \t\r\n')) in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
           when upper(btrim("currency_theirs", e' \t\r\n')) in ('CLF', 'UYW') then 4
           else 2
         end) = round("amount_theirs", case
           when upper(btrim("currency_theirs", e' \t\r\n')) in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
           when upper(btrim("currency_theirs", e' \t\r\n')) in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
           when upper(btrim("currency_theirs", e' \t\r\n')) in ('CLF', 'UYW') then 4
           else 2
         end) then 'e'
        when (upper(btrim("currency_ours", e' \t\r\n')) is not distinct from upper(btrim("currency_theirs", e' \t\r\n'))) and ((abs(round("amount_ours", case
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('CLF', 'UYW') then 4
          else 2
        end) - round("amount_theirs", case
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('CLF', 'UYW') then 4
          else 2
        end)) <= '0.01'::numeric) or ((abs(round("amount_ours", case
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('CLF', 'UYW') then 4
          else 2
        end) - round("amount_theirs", case
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('CLF', 'UYW') then 4
          else 2
        end)) < 'Infinity'::numeric and abs(round("amount_ours", case
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('CLF', 'UYW') then 4
          else 2
        end) - round("amount_theirs", case
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('CLF', 'UYW') then 4
          else 2
        end)) <= '0.001'::numeric * abs(round("amount_theirs", case
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
          when upper(btrim("currency_theirs", e' \t\r\n')) in ('CLF', 'UYW') then 4
          else 2
        end))))) then 'w'
        else 'd'
      end
      || case
        when "currency_ours" is null then case when "currency_theirs" is null then 'b' else 'o' end
        when "currency_theirs" is null then 't'
        when upper(btrim("currency_ours", e' \t\r\n')) = upper(btrim("currency_theirs", e' \t\r\n')) then 'e'
        else 'd'
      end
      || case
        when "booked_on_ours" is null then case when "booked_on_theirs" is null then 'b' else 'o' end
        when "booked_on_theirs" is null then 't'
        when "booked_on_ours" = "booked_on_theirs" then 'e'
        when case when isfinite("booked_on_ours") and isfinite("booked_on_theirs") then abs("booked_on_ours" - "booked_on_theirs") <= 3 else false end then 'w'
        else 'd'
      end
      || case
        when "booked_at_ours" is null then case when "booked_at_theirs" is null then 'b' else 'o' end
        when "booked_at_theirs" is null then 't'
        when "booked_at_ours" = "booked_at_theirs" then 'e'
        when case when isfinite("booked_at_ours") and isfinite("booked_at_theirs") then greatest("booked_at_ours", "booked_at_theirs") - least("booked_at_ours", "booked_at_theirs") <= '5 minutes'::interval else false end then 'w'
        else 'd'
      end
      || case
        when "fee_ours" is null then case when "fee_theirs" is null then 'b' else 'o' end
        when "fee_theirs" is null then 't'
        when "fee_ours" = "fee_theirs" then 'e'
        else 'd'
      end
      || case
        when "details_ours" is null then case when "details_theirs" is null then 'b' else 'o' end
        when "details_theirs" is null then 't'
        when "details_ours" = "details_theirs" then 'e'
        else 'd'
      end
    end as outcomes,
    case when "_dataform_are_single" then case when "_dataform_is_same" then null else case when "_dataform_count_ours" = 1 then jsonb_build_object(
      'account', "account_ours",
      'reference', "reference_ours",
      'amount', trim_scale("amount_ours"),
      'currency', "currency_ours",
      'booked_on', "booked_on_ours",
      'booked_at', case
        when (select "booked_at_ours" from "answers") then to_jsonb("booked_at_ours" at time zone 'UTC')
        else to_jsonb(regexp_replace(to_jsonb("booked_at_ours" at time zone 'UTC') #>> '{}', '(:\S+)', E'\\1+00:00'))
      end,
      'fee', trim_scale("fee_ours"),
      'details', case
        when pg_typeof(coalesce("details_ours", null)) = 'timestamptz'::regtype then to_jsonb(regexp_replace(to_jsonb((to_jsonb("details_ours") #>> '{}')::timestamptz at time zone 'UTC') #>> '{}', '(:\S+)', E'\\1+00:00'))
        else to_jsonb("details_ours")
      end,
      'record_id', "record_id_ours"
    ) end end end as ours,
    case when "_dataform_are_single" then case when "_dataform_is_same" then null else case when "_dataform_count_theirs" = 1 then jsonb_build_object(
      'account', "account_theirs",
      'reference', "reference_theirs",
      'amount', trim_scale("amount_theirs"),
      'currency', "currency_theirs",
      'booked_on', "booked_on_theirs",
      'booked_at', case
        when (select "booked_at_theirs" from "answers") then to_jsonb("booked_at_theirs" at time zone 'UTC')
        else to_jsonb(regexp_replace(to_jsonb("booked_at_theirs" at time zone 'UTC') #>> '{}', '(:\S+)', E'\\1+00:00'))
      end,
      'fee', trim_scale("fee_theirs"),
      'details', case
        when pg_typeof(coalesce("details_theirs", null)) = 'timestamptz'::regtype then to_jsonb(regexp_replace(to_jsonb((to_jsonb("details_theirs") #>> '{}')::timestamptz at time zone 'UTC') #>> '{}', '(:\S+)', E'\\1+00:00'))
        else to_jsonb("details_theirs")
      end,
      'path', "path_theirs"
    ) end end end as theirs
  from marked_pairs
),

"results" as (
  select * from single_keys
  union all
  select * from repeated_keys
)

select * from results
where (select "_dataform_are_comparable" from "answers")

-- pre_operations
set local extra_float_digits = 1

---- publish payments_rows
-- {
--   "schema": "shop",
--   "tags": [
--     "x"
--   ],
--   "type": "view",
--   "description": "Payments.",
--   "columns": {
--     "account": "The key, in the form it is matched by.",
--     "reference": "The key, in the form it is matched by.",
--     "status": "no_key, duplicate, missing_in_ours, missing_in_theirs, mismatched, matched_within_tolerance or matched: the first that holds.",
--     "n_ours": "Our rows with this key.",
--     "n_theirs": "Their rows with this key.",
--     "amount_ours": "amount of our row; NULL where a side has the key more than once.",
--     "amount_theirs": "amount of their row; NULL where a side has the key more than once.",
--     "fee_ours": "fee of our row; NULL where a side has the key more than once.",
--     "fee_theirs": "fee of their row; NULL where a side has the key more than once.",
--     "currency_ours": "currency of our row; NULL where a side has the key more than once.",
--     "currency_theirs": "currency of their row; NULL where a side has the key more than once.",
--     "amount_diff": "Theirs less ours, where there is one row each, of one currency.",
--     "diff_columns": "The columns that make the row mismatched.",
--     "within_tolerance_columns": "The columns that differ by no more than they may.",
--     "outcomes": "A letter per compared column: e equal, b both_null, o null_in_ours, t null_in_theirs, w within_tolerance, d different.",
--     "our_row_hash": "Checksum of our row's compared columns.",
--     "their_row_hash": "Checksum of their row's compared columns.",
--     "ours": "Our row, where it is not the same as theirs.",
--     "theirs": "Their row, where it is not the same as ours."
--   }
-- }

-- query
with

"_dataform_stored" as not materialized (
  select * from "shop"."payments_store" as "_dataform_stored"
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
  from "_dataform_stored"
),

"named" as (
  select
    "account",
    "reference",
    case
      when not has_key then 'no_key'
      when n_ours > 1 or n_theirs > 1 then 'duplicate'
      when n_ours = 0 then 'missing_in_ours'
      when n_theirs = 0 then 'missing_in_theirs'
      when "_dataform_is_same" then 'matched'
      when (substr(outcomes, 1, 1) in ('o', 't', 'd')) or (substr(outcomes, 2, 1) in ('o', 't', 'd')) or (substr(outcomes, 3, 1) in ('o', 't', 'd')) or (substr(outcomes, 4, 1) in ('o', 't', 'd')) or (substr(outcomes, 5, 1) in ('o', 't', 'd')) then 'mismatched'
      when (substr(outcomes, 1, 1) in ('w')) or (substr(outcomes, 2, 1) in ('w')) or (substr(outcomes, 3, 1) in ('w')) or (substr(outcomes, 4, 1) in ('w')) or (substr(outcomes, 5, 1) in ('w')) then 'matched_within_tolerance'
      else 'matched'
    end as status,
    n_ours,
    n_theirs,
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
)

select * from named

---- publish payments_duplicates
-- {
--   "schema": "shop",
--   "tags": [
--     "x"
--   ],
--   "type": "table",
--   "description": "The rows of keys that are there more than once: one row per key and different content.",
--   "columns": {
--     "account": "The key, in the form it is matched by.",
--     "reference": "The key, in the form it is matched by.",
--     "row_hash": "Checksum of the compared columns, as they came.",
--     "n_ours": "Our rows of this content.",
--     "n_theirs": "Their rows of this content.",
--     "n_equal": "How many of them have an equal one on the other side. What is left of n_ours and n_theirs is surplus.",
--     "amount": "Of each of these rows.",
--     "currency": "Of each of these rows.",
--     "ours": "Our rows.",
--     "theirs": "Their rows."
--   }
-- }

-- query
with

"_dataform_ours" as not materialized (
  select * from "shop"."payments" as "_dataform_ours"
),

"_dataform_theirs" as not materialized (
  select * from "marts"."entries" as "_dataform_theirs"
),

"_dataform_stored" as not materialized (
  select * from "shop"."payments_store" as "_dataform_stored"
),

-- what types the columns have, asked of no row
"column_types" as (
  select
    pg_typeof(coalesce("ours"."amount", null)) as "amount_ours",
    pg_typeof(coalesce("theirs"."amount", null)) as "amount_theirs",
    pg_typeof(coalesce("ours"."booked_on", null)) as "booked_on_ours",
    pg_typeof(coalesce("theirs"."booked_on", null)) as "booked_on_theirs",
    pg_typeof(coalesce("ours"."booked_at", null)) as "booked_at_ours",
    pg_typeof(coalesce("theirs"."booked_at", null)) as "booked_at_theirs",
    pg_typeof(coalesce("ours"."fee", null)) as "fee_ours",
    pg_typeof(coalesce("theirs"."fee", null)) as "fee_theirs",
    pg_typeof(coalesce("ours"."details", null)) as "details_ours",
    pg_typeof(coalesce("ours"."record_id", null)) as "record_id_ours",
    pg_typeof(coalesce("theirs"."details", null)) as "details_theirs",
    pg_typeof(coalesce("theirs"."path", null)) as "path_theirs",
    pg_typeof(coalesce(case when true then "ours"."details" else "theirs"."details" end, null)) as "details_common"
  from (select) as one
  left join (select * from "_dataform_ours" limit 0) as "ours" on true
  left join (select * from "_dataform_theirs" limit 0) as "theirs" on true
),

"type_parts" as materialized (
  with recursive parts (whole, type, collated) as (
    select one.type, one.type::oid, 0::oid
    from "column_types"
    cross join unnest(array["details_ours", "record_id_ours", "details_theirs", "path_theirs", "details_common"]) as one (type)
    union
    select parts.whole, part.type, part.collated
    from parts
    cross join lateral (
      select unnest(array[made.typbasetype, made.typelem]), made.typcollation
      from pg_type as made
      where made.oid = parts.type
      union all
      select ranges.rngsubtype, ranges.rngcollation
      from pg_range as ranges
      where parts.type in (ranges.rngtypid, ranges.rngmultitypid)
      union all
      select field.atttypid, field.attcollation
      from pg_type as made
      inner join pg_attribute as field on field.attrelid = made.typrelid
      where made.oid = parts.type and field.attnum > 0 and not field.attisdropped
    ) as part (type, collated)
    where part.type <> 0
  )
  select
    parts.whole,
    parts.type,
    made.typtype in ('c', 'd', 'r', 'm') or made.typcategory = 'A' as is_made,
    made.typtype = 'e' as is_enum,
    coalesce(collations.collisdeterministic, true) as is_deterministic
  from parts
  inner join pg_type as made on made.oid = parts.type
  left join pg_collation as collations on collations.oid = parts.collated
),

"answers" as materialized (
  select
    "amount_ours" in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'numeric'::regtype, 'money'::regtype) as "amount_ours",
    "amount_theirs" in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'numeric'::regtype, 'money'::regtype) as "amount_theirs",
    case "booked_on_ours"
      when 'date'::regtype then true
      when 'timestamp with time zone'::regtype then ('ours: column booked_on has no day of its own, cast it where its time zone is known: ' || left(pg_typeof("booked_on_ours")::text, 0) || left("booked_on_ours"::text, 100))::int::boolean
      else false
    end as "booked_on_ours",
    case "booked_on_theirs"
      when 'date'::regtype then true
      when 'timestamp with time zone'::regtype then ('theirs: column booked_on has no day of its own, cast it where its time zone is known: ' || left(pg_typeof("booked_on_theirs")::text, 0) || left("booked_on_theirs"::text, 100))::int::boolean
      else false
    end as "booked_on_theirs",
    ("booked_at_ours" in ('timestamp without time zone'::regtype, 'date'::regtype)) as "booked_at_ours",
    ("booked_at_theirs" in ('timestamp without time zone'::regtype, 'date'::regtype)) as "booked_at_theirs",
    "fee_ours" in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'numeric'::regtype, 'money'::regtype) as "fee_ours",
    "fee_theirs" in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'numeric'::regtype, 'money'::regtype) as "fee_theirs",
    (case
      when "details_ours" <> 'timestamptz'::regtype
        and exists (select from "type_parts" where whole = "details_ours" and type = 'timestamptz'::regtype) then ('ours: column details has moments inside, which are written in the session''s time zone: give each in a column of its own; it is ' || left(pg_typeof("details_ours")::text, 0) || left("details_ours"::text, 100))::int::boolean
      else true
    end) and (case
      when "record_id_ours" <> 'timestamptz'::regtype
        and exists (select from "type_parts" where whole = "record_id_ours" and type = 'timestamptz'::regtype) then ('ours: column record_id has moments inside, which are written in the session''s time zone: give each in a column of its own; it is ' || left(pg_typeof("record_id_ours")::text, 0) || left("record_id_ours"::text, 100))::int::boolean
      else true
    end) and (case
      when "details_theirs" <> 'timestamptz'::regtype
        and exists (select from "type_parts" where whole = "details_theirs" and type = 'timestamptz'::regtype) then ('theirs: column details has moments inside, which are written in the session''s time zone: give each in a column of its own; it is ' || left(pg_typeof("details_theirs")::text, 0) || left("details_theirs"::text, 100))::int::boolean
      else true
    end) and (case
      when "path_theirs" <> 'timestamptz'::regtype
        and exists (select from "type_parts" where whole = "path_theirs" and type = 'timestamptz'::regtype) then ('theirs: column path has moments inside, which are written in the session''s time zone: give each in a column of its own; it is ' || left(pg_typeof("path_theirs")::text, 0) || left("path_theirs"::text, 100))::int::boolean
      else true
    end) and (case
      when "details_common" <> "details_ours" and "details_common" in ('double precision'::regtype, 'timestamp with time zone'::regtype)
        then ('column details: both sides have to be of one type, ours is ' || left(pg_typeof("details_ours")::text, 0) || left("details_ours"::text, 100))::int::boolean
      else true
    end) and (case
      when "details_common" <> "details_theirs" and "details_common" in ('double precision'::regtype, 'timestamp with time zone'::regtype)
        then ('column details: both sides have to be of one type, theirs is ' || left(pg_typeof("details_theirs")::text, 0) || left("details_theirs"::text, 100))::int::boolean
      else true
    end) and (case
      when ("booked_at_ours" in ('timestamp without time zone'::regtype, 'date'::regtype)) <> ("booked_at_theirs" in ('timestamp without time zone'::regtype, 'date'::regtype))
        then ('column booked_at: one side has no time zone, cast it where it is known; ours and theirs are ' || left(pg_typeof(concat_ws(', ', "booked_at_ours", "booked_at_theirs"))::text, 0) || left(concat_ws(', ', "booked_at_ours", "booked_at_theirs")::text, 100))::int::boolean
      else true
    end) as "_dataform_are_comparable",
    (
      select
        case
          when not bool_and(type in ('numeric'::regtype, 'jsonb'::regtype, 'bigint'::regtype, 'money'::regtype, 'timestamp without time zone'::regtype, 'timestamp with time zone'::regtype, 'time without time zone'::regtype, 'time with time zone'::regtype, 'xid8'::regtype, 'pg_lsn'::regtype, 'smallint'::regtype, 'integer'::regtype, 'oid'::regtype, 'boolean'::regtype, '"char"'::regtype, 'name'::regtype, 'text'::regtype, 'character varying'::regtype, 'date'::regtype, 'uuid'::regtype, 'bytea'::regtype, 'inet'::regtype, 'cidr'::regtype, 'macaddr'::regtype, 'macaddr8'::regtype) and is_deterministic or is_made or is_enum) then null
          when bool_or(type in ('numeric'::regtype, 'jsonb'::regtype)) then 'numbers'
          when bool_or(type in ('bigint'::regtype, 'money'::regtype, 'timestamp without time zone'::regtype, 'timestamp with time zone'::regtype, 'time without time zone'::regtype, 'time with time zone'::regtype, 'xid8'::regtype, 'pg_lsn'::regtype)) then 'text'
        end
      from "type_parts"
      where whole = "details_common"
    ) as "details_written_as"
  from "column_types"
),

"typed_ours" as not materialized (
  select
    "account"::text as "account",
    upper(btrim("reference"::text, e' \t\r\n')) as "reference",
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
    case
      when (select "booked_at_ours" from "answers") then "booked_at"::timestamp at time zone 'UTC'
      when ('_dataform_reading', 'ours: column booked_at', 'timestamptz', "booked_at"::text, '$1::timestamptz') is null then null
      else "booked_at"::timestamptz
    end as "booked_at",
    case
      when (select "fee_ours" from "answers") then "fee"::numeric
      when ('_dataform_reading', 'ours: column fee', 'numeric', "fee"::text, '$1::numeric') is null then null
      else "fee"::text::numeric
    end as "fee",
    case when true then "details" else (select "details" from "_dataform_theirs" limit 0) end as "details",
    case
      when pg_typeof(coalesce("record_id", null)) = 'timestamptz'::regtype then regexp_replace(((to_jsonb("record_id") #>> '{}')::timestamptz at time zone 'UTC')::text, '(:\S+)', E'\\1+00')
      else "record_id"::text
    end as "record_id"
  from "_dataform_ours"
),

"ours" as not materialized (
  select
    *,
    nullif("account"::text, '') is not null and nullif("reference"::text, '') is not null as "_dataform_has_key",
    case when nullif("account"::text, '') is not null and nullif("reference"::text, '') is not null then hashtextextended("reference", hashtextextended("account", 0)) end as "_dataform_key_hash",
    hash_record_extended(row(trim_scale("amount")::text, "currency", "booked_on", timestamptz_send("booked_at"), trim_scale("fee")::text, "details", num_nulls("details"), case (select "details_written_as" from "answers")
      when 'numbers' then translate(case
        when pg_typeof(coalesce("details", null)) = 'timestamptz'::regtype then regexp_replace(((to_jsonb("details") #>> '{}')::timestamptz at time zone 'UTC')::text, '(:\S+)', E'\\1+00')
        else "details"::text
      end, '0.', '')
      when 'text' then case
        when pg_typeof(coalesce("details", null)) = 'timestamptz'::regtype then regexp_replace(((to_jsonb("details") #>> '{}')::timestamptz at time zone 'UTC')::text, '(:\S+)', E'\\1+00')
        else "details"::text
      end
    end), 0) as "_dataform_row_hash"
  from "typed_ours"
),

"typed_theirs" as not materialized (
  select
    "account"::text as "account",
    upper(btrim("reference"::text, e' \t\r\n')) as "reference",
    case
      when (select "amount_theirs" from "answers") then "amount"::numeric
      when ('_dataform_reading', 'theirs: column amount', 'numeric', "amount"::text, '$1::numeric') is null then null
      else "amount"::text::numeric
    end as "amount",
    "currency"::text as "currency",
    case
      when (select "booked_on_theirs" from "answers") then "booked_on"::date
      when ('_dataform_reading', 'theirs: column booked_on', 'date', "booked_on"::text, '$1::timestamp, $1::date') is null then null
      when "booked_on"::text::timestamp <> "booked_on"::text::date then ('theirs: column booked_on is no date: ' || left(pg_typeof("booked_on"::text)::text, 0) || left("booked_on"::text::text, 100))::int::text::date
      else "booked_on"::text::date
    end as "booked_on",
    case
      when (select "booked_at_theirs" from "answers") then "booked_at"::timestamp at time zone 'UTC'
      when ('_dataform_reading', 'theirs: column booked_at', 'timestamptz', "booked_at"::text, '$1::timestamptz') is null then null
      else "booked_at"::timestamptz
    end as "booked_at",
    case
      when (select "fee_theirs" from "answers") then "fee"::numeric
      when ('_dataform_reading', 'theirs: column fee', 'numeric', "fee"::text, '$1::numeric') is null then null
      else "fee"::text::numeric
    end as "fee",
    case when true then "details" else (select "details" from "_dataform_ours" limit 0) end as "details",
    case
      when pg_typeof(coalesce("path", null)) = 'timestamptz'::regtype then regexp_replace(((to_jsonb("path") #>> '{}')::timestamptz at time zone 'UTC')::text, '(:\S+)', E'\\1+00')
      else "path"::text
    end as "path"
  from "_dataform_theirs"
),

"theirs" as not materialized (
  select
    *,
    nullif("account"::text, '') is not null and nullif("reference"::text, '') is not null as "_dataform_has_key",
    case when nullif("account"::text, '') is not null and nullif("reference"::text, '') is not null then hashtextextended("reference", hashtextextended("account", 0)) end as "_dataform_key_hash",
    hash_record_extended(row(trim_scale("amount")::text, "currency", "booked_on", timestamptz_send("booked_at"), trim_scale("fee")::text, "details", num_nulls("details"), case (select "details_written_as" from "answers")
      when 'numbers' then translate(case
        when pg_typeof(coalesce("details", null)) = 'timestamptz'::regtype then regexp_replace(((to_jsonb("details") #>> '{}')::timestamptz at time zone 'UTC')::text, '(:\S+)', E'\\1+00')
        else "details"::text
      end, '0.', '')
      when 'text' then case
        when pg_typeof(coalesce("details", null)) = 'timestamptz'::regtype then regexp_replace(((to_jsonb("details") #>> '{}')::timestamptz at time zone 'UTC')::text, '(:\S+)', E'\\1+00')
        else "details"::text
      end
    end), 0) as "_dataform_row_hash"
  from "typed_theirs"
),

"repeated" as (
  select "account", "reference" from "_dataform_stored" where n_ours > 1 or n_theirs > 1
),

"repeated_rows" as (
  select
    "ours"."account",
    "ours"."reference",
    "ours"."amount",
    "ours"."currency",
    "ours"."booked_on",
    "ours"."booked_at",
    "ours"."fee",
    "ours"."details",
    'ours' as "_dataform_side",
    "ours"."_dataform_row_hash",
    jsonb_build_object(
      'account', "ours"."account",
      'reference', "ours"."reference",
      'amount', trim_scale("ours"."amount"),
      'currency', "ours"."currency",
      'booked_on', "ours"."booked_on",
      'booked_at', case
        when (select "booked_at_ours" from "answers") then to_jsonb("ours"."booked_at" at time zone 'UTC')
        else to_jsonb(regexp_replace(to_jsonb("ours"."booked_at" at time zone 'UTC') #>> '{}', '(:\S+)', E'\\1+00:00'))
      end,
      'fee', trim_scale("ours"."fee"),
      'details', case
        when pg_typeof(coalesce("ours"."details", null)) = 'timestamptz'::regtype then to_jsonb(regexp_replace(to_jsonb((to_jsonb("ours"."details") #>> '{}')::timestamptz at time zone 'UTC') #>> '{}', '(:\S+)', E'\\1+00:00'))
        else to_jsonb("ours"."details")
      end,
      'record_id', "ours"."record_id"
    ) as "_dataform_content"
  from "ours"
  inner join repeated on ("repeated"."account" = "ours"."account") and ("repeated"."reference" = "ours"."reference")
  where "ours"."_dataform_has_key"
  union all
  select
    "theirs"."account",
    "theirs"."reference",
    "theirs"."amount",
    "theirs"."currency",
    "theirs"."booked_on",
    "theirs"."booked_at",
    "theirs"."fee",
    "theirs"."details",
    'theirs' as "_dataform_side",
    "theirs"."_dataform_row_hash",
    jsonb_build_object(
      'account', "theirs"."account",
      'reference', "theirs"."reference",
      'amount', trim_scale("theirs"."amount"),
      'currency', "theirs"."currency",
      'booked_on', "theirs"."booked_on",
      'booked_at', case
        when (select "booked_at_theirs" from "answers") then to_jsonb("theirs"."booked_at" at time zone 'UTC')
        else to_jsonb(regexp_replace(to_jsonb("theirs"."booked_at" at time zone 'UTC') #>> '{}', '(:\S+)', E'\\1+00:00'))
      end,
      'fee', trim_scale("theirs"."fee"),
      'details', case
        when pg_typeof(coalesce("theirs"."details", null)) = 'timestamptz'::regtype then to_jsonb(regexp_replace(to_jsonb((to_jsonb("theirs"."details") #>> '{}')::timestamptz at time zone 'UTC') #>> '{}', '(:\S+)', E'\\1+00:00'))
        else to_jsonb("theirs"."details")
      end,
      'path', "theirs"."path"
    ) as "_dataform_content"
  from "theirs"
  inner join repeated on ("repeated"."account" = "theirs"."account") and ("repeated"."reference" = "theirs"."reference")
  where "theirs"."_dataform_has_key"
),

"contents" as (
  select
    "account",
    "reference",
    min("_dataform_row_hash") as row_hash,
    (count(*) filter (where "_dataform_side" = 'ours'))::int as n_ours,
    (count(*) filter (where "_dataform_side" = 'theirs'))::int as n_theirs,
    least(count(*) filter (where "_dataform_side" = 'ours'), count(*) filter (where "_dataform_side" = 'theirs'))::int as n_equal,
    min("amount") as "amount",
    min("currency") as "currency",
    coalesce(jsonb_agg("_dataform_content") filter (where "_dataform_side" = 'ours'), '[]') as ours,
    coalesce(jsonb_agg("_dataform_content") filter (where "_dataform_side" = 'theirs'), '[]') as theirs
  from repeated_rows
  group by "account", "reference", "amount", "currency", "booked_on", "booked_at", "fee", "details"
)

select * from contents
where (select "_dataform_are_comparable" from "answers")

-- pre_operations
set local extra_float_digits = 1

---- publish payments_columns
-- {
--   "schema": "shop",
--   "tags": [
--     "x"
--   ],
--   "type": "table",
--   "description": "How each column compares, over the keys that both sides have once.",
--   "columns": {
--     "position": "Place of its letter in outcomes.",
--     "column_name": "The column.",
--     "kind": "money, number, date, timestamp, text or exact.",
--     "compared": "Keys that both sides have once.",
--     "equal": "Pairs with equal values, by the column's rule.",
--     "both_null": "Pairs without a value on either side.",
--     "null_in_ours": "Pairs where only they have a value.",
--     "null_in_theirs": "Pairs where only we have a value.",
--     "within_tolerance": "Pairs that differ by no more than they may.",
--     "different": "Pairs that differ by more.",
--     "match_pct": "Percentage of pairs that are equal, both NULL or within tolerance, rounded down: 100 is all of them. NULL where nothing was compared.",
--     "currency": "Money: the currency of all pairs, where there is only one.",
--     "sum_ours": "Sum of our values; of money in one currency only, see the summary for several.",
--     "sum_theirs": "Sum of their values.",
--     "sum_diff": "Theirs less ours.",
--     "max_abs_diff": "The largest difference of a pair."
--   },
--   "assertions": {
--     "uniqueKey": [
--       "column_name"
--     ],
--     "nonNull": [
--       "column_name",
--       "compared",
--       "equal",
--       "both_null",
--       "null_in_ours",
--       "null_in_theirs",
--       "within_tolerance",
--       "different"
--     ]
--   }
-- }

-- query
with

"_dataform_rows" as not materialized (
  select * from "shop"."payments_rows" as "_dataform_rows"
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

---- publish payments_summary
-- {
--   "schema": "shop",
--   "tags": [
--     "x"
--   ],
--   "type": "table",
--   "description": "Keys, rows and money of each status and currency.",
--   "columns": {
--     "status": "Status of the row results.",
--     "keys": "Row results: keys, and rows without one.",
--     "rows_ours": "Our rows.",
--     "rows_theirs": "Their rows.",
--     "currency": "Currency. What the other side has in another currency is in that currency's row; keys count in theirs, or ours where they have no row, and where a side has several in the first by its code.",
--     "amount_ours": "Sum of our amounts.",
--     "amount_theirs": "Sum of their amounts.",
--     "amount_diff": "Theirs less ours. Over all statuses it is the whole difference."
--   },
--   "assertions": {
--     "uniqueKey": [
--       "status",
--       "currency"
--     ],
--     "nonNull": [
--       "status",
--       "keys",
--       "rows_ours",
--       "rows_theirs"
--     ]
--   }
-- }

-- query
with

"_dataform_rows" as not materialized (
  select * from "shop"."payments_rows" as "_dataform_rows"
),

"_dataform_duplicates" as not materialized (
  select * from "shop"."payments_duplicates" as "_dataform_duplicates"
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

---- publish payments_rules
-- {
--   "schema": "shop",
--   "tags": [
--     "x"
--   ],
--   "type": "view",
--   "description": "The rules the columns are compared by.",
--   "columns": {
--     "position": "Place of its letter in outcomes.",
--     "column_name": "The column.",
--     "kind": "How it is compared.",
--     "currency_column": "Money: the column of its currency.",
--     "abs_tol": "Largest difference that is within tolerance.",
--     "rel_tol": "The same, as a share of their value.",
--     "time_tol": "Largest difference of dates and times.",
--     "normalize": "What is done to both texts before they are compared.",
--     "is_blocking": "Whether a difference makes the row mismatched."
--   }
-- }

-- query
select
  position, column_name, kind, currency_column, abs_tol, rel_tol, time_tol, normalize, is_blocking
from (
  values
    (1, 'amount', 'money', 'currency', '0.01'::numeric, '0.001'::numeric, null::text::interval, null::text, true),
    (2, 'currency', 'text', null::text, null::text::numeric, null::text::numeric, null::text::interval, 'trim, upper', true),
    (3, 'booked_on', 'date', null::text, null::text::numeric, null::text::numeric, '3 days'::interval, null::text, true),
    (4, 'booked_at', 'timestamp', null::text, null::text::numeric, null::text::numeric, '5 minutes'::interval, null::text, true),
    (5, 'fee', 'number', null::text, '0'::numeric, '0'::numeric, null::text::interval, null::text, true),
    (6, 'details', 'exact', null::text, null::text::numeric, null::text::numeric, null::text::interval, null::text, false)
) as rules (position, column_name, kind, currency_column, abs_tol, rel_tol, time_tol, normalize, is_blocking)

---- publish payments_proposals
-- {
--   "schema": "shop",
--   "tags": [
--     "x"
--   ],
--   "type": "view",
--   "description": "What could be corrected, one row per differing column or missing row.",
--   "columns": {
--     "proposal_id": "Made of what the proposal says: with other values it is another proposal.",
--     "account": "The key, in the form it is matched by.",
--     "reference": "The key, in the form it is matched by.",
--     "status": "Status of the row result.",
--     "column_name": "The column that differs, and a figure only where it is another; NULL where the whole row is missing.",
--     "our_value": "What we have; the whole row as JSON where they have none.",
--     "their_value": "What they have; the whole row as JSON where we have none.",
--     "proposed_action": "update: take their value. insert: add their row to ours. investigate: they do not have our row, ask them."
--   },
--   "assertions": {
--     "uniqueKey": [
--       "proposal_id"
--     ]
--   }
-- }

-- query
with

"_dataform_rows" as not materialized (
  select * from "shop"."payments_rows" as "_dataform_rows"
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

---- assert payments_counts_every_row_once
-- {
--   "tags": [
--     "x"
--   ],
--   "description": "Every row of both sides is in payments_rows exactly once."
-- }

-- query
with

"_dataform_ours" as not materialized (
  select * from "shop"."payments" as "_dataform_ours"
),

"_dataform_theirs" as not materialized (
  select * from "marts"."entries" as "_dataform_theirs"
),

"_dataform_rows" as not materialized (
  select * from "shop"."payments_rows" as "_dataform_rows"
),

"counted" as (
  select coalesce(sum(n_ours), 0) as n_ours, coalesce(sum(n_theirs), 0) as n_theirs
  from "_dataform_rows"
),

"sides" as (
  select 'ours' as side, (select count(*) from "_dataform_ours") as source_rows, n_ours as counted_rows from counted
  union all
  select 'theirs', (select count(*) from "_dataform_theirs"), n_theirs from counted
)

select side, source_rows, counted_rows
from sides
where source_rows <> counted_rows

---- assert payments_columns_add_up
-- {
--   "tags": [
--     "x"
--   ],
--   "description": "The outcomes of each column add up to the pairs compared."
-- }

-- query
with

"_dataform_rows" as not materialized (
  select * from "shop"."payments_rows" as "_dataform_rows"
),

"_dataform_columns" as not materialized (
  select * from "shop"."payments_columns" as "_dataform_columns"
),

"counted" as (
  select count(*) as pairs
  from "_dataform_rows"
  where status in ('matched', 'matched_within_tolerance', 'mismatched')
)

select column_name, compared, pairs
from "_dataform_columns"
cross join counted
where compared <> pairs or "equal" + "both_null" + "null_in_ours" + "null_in_theirs" + "within_tolerance" + "different" <> compared

---- assert payments_sums_are_explained
-- {
--   "tags": [
--     "x"
--   ],
--   "description": "The statuses add up to the money of both sides, in each currency."
-- }

-- query
with

"_dataform_ours" as not materialized (
  select * from "shop"."payments" as "_dataform_ours"
),

"_dataform_theirs" as not materialized (
  select * from "marts"."entries" as "_dataform_theirs"
),

"_dataform_summary" as not materialized (
  select * from "shop"."payments_summary" as "_dataform_summary"
),

-- what types the columns have, asked of no row
"column_types" as (
  select
    pg_typeof(coalesce("ours"."amount", null)) as "amount_ours",
    pg_typeof(coalesce("theirs"."amount", null)) as "amount_theirs"
  from (select) as one
  left join (select * from "_dataform_ours" limit 0) as "ours" on true
  left join (select * from "_dataform_theirs" limit 0) as "theirs" on true
),

"answers" as materialized (
  select
    "amount_ours" in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'numeric'::regtype, 'money'::regtype) as "amount_ours",
    "amount_theirs" in ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'numeric'::regtype, 'money'::regtype) as "amount_theirs"
  from "column_types"
),

"ours" as (
  select upper(btrim("currency"::text, e' \t\r\n')) as currency, sum(case
    when (select "amount_ours" from "answers") then "amount"::numeric
    when ('_dataform_reading', 'ours: column amount', 'numeric', "amount"::text, '$1::numeric') is null then null
    else "amount"::text::numeric
  end) as amount
  from "_dataform_ours"
  group by 1
),

"theirs" as (
  select upper(btrim("currency"::text, e' \t\r\n')) as currency, sum(case
    when (select "amount_theirs" from "answers") then "amount"::numeric
    when ('_dataform_reading', 'theirs: column amount', 'numeric', "amount"::text, '$1::numeric') is null then null
    else "amount"::text::numeric
  end) as amount
  from "_dataform_theirs"
  group by 1
),

"explained" as (
  select currency, sum(amount_ours) as ours, sum(amount_theirs) as theirs
  from "_dataform_summary"
  group by currency
),

"expected" as (
  select coalesce(ours.currency, theirs.currency) as currency, ours.amount as ours, theirs.amount as theirs
  from ours
  full join theirs on coalesce(theirs.currency, '') = coalesce(ours.currency, '')
)

select
  coalesce(expected.currency, explained.currency) as currency,
  coalesce(expected.ours, 0) as ours,
  explained.ours as explained_ours,
  coalesce(expected.theirs, 0) as theirs,
  explained.theirs as explained_theirs
from expected
full join explained on coalesce(explained.currency, '') = coalesce(expected.currency, '')
where coalesce(expected.ours, 0) <> coalesce(explained.ours, 0)
  or coalesce(expected.theirs, 0) <> coalesce(explained.theirs, 0)
