with

"_dataform_ours" as not materialized (
  select * from shop.payments as "_dataform_ours"
),

"_dataform_theirs" as not materialized (
  select * from (select * from bank."Entries") as "_dataform_theirs"
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
