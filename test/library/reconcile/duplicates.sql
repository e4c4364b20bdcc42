with

"_dataform_ours" as not materialized (
  select * from shop.payments as "_dataform_ours"
),

"_dataform_theirs" as not materialized (
  select * from (select * from bank."Entries") as "_dataform_theirs"
),

"_dataform_stored" as not materialized (
  select * from stored as "_dataform_stored"
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
