with

"_dataform_ours" as not materialized (
  select * from ours as "_dataform_ours"
),

"_dataform_theirs" as not materialized (
  select * from theirs as "_dataform_theirs"
),

-- what types the columns have, asked of no row
"column_types" as (
  select
    pg_typeof(coalesce("ours"."user", null)) as "user_ours",
    pg_typeof(coalesce("ours"."Mixed Case", null)) as "Mixed Case_ours",
    pg_typeof(coalesce("theirs"."user", null)) as "user_theirs",
    pg_typeof(coalesce("theirs"."Mixed Case", null)) as "Mixed Case_theirs",
    pg_typeof(coalesce(case when true then "ours"."user" else "theirs"."user" end, null)) as "user_common",
    pg_typeof(coalesce(case when true then "ours"."Mixed Case" else "theirs"."Mixed Case" end, null)) as "Mixed Case_common"
  from (select) as one
  left join (select * from "_dataform_ours" limit 0) as "ours" on true
  left join (select * from "_dataform_theirs" limit 0) as "theirs" on true
),

"type_parts" as materialized (
  with recursive parts (whole, type, collated) as (
    select one.type, one.type::oid, 0::oid
    from "column_types"
    cross join unnest(array["user_ours", "Mixed Case_ours", "user_theirs", "Mixed Case_theirs", "user_common", "Mixed Case_common"]) as one (type)
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
    (case
      when "user_ours" <> 'timestamptz'::regtype
        and exists (select from "type_parts" where whole = "user_ours" and type = 'timestamptz'::regtype) then ('ours: column user has moments inside, which are written in the session''s time zone: give each in a column of its own; it is ' || left(pg_typeof("user_ours")::text, 0) || left("user_ours"::text, 100))::int::boolean
      else true
    end) and (case
      when "Mixed Case_ours" <> 'timestamptz'::regtype
        and exists (select from "type_parts" where whole = "Mixed Case_ours" and type = 'timestamptz'::regtype) then ('ours: column Mixed Case has moments inside, which are written in the session''s time zone: give each in a column of its own; it is ' || left(pg_typeof("Mixed Case_ours")::text, 0) || left("Mixed Case_ours"::text, 100))::int::boolean
      else true
    end) and (case
      when "user_theirs" <> 'timestamptz'::regtype
        and exists (select from "type_parts" where whole = "user_theirs" and type = 'timestamptz'::regtype) then ('theirs: column user has moments inside, which are written in the session''s time zone: give each in a column of its own; it is ' || left(pg_typeof("user_theirs")::text, 0) || left("user_theirs"::text, 100))::int::boolean
      else true
    end) and (case
      when "Mixed Case_theirs" <> 'timestamptz'::regtype
        and exists (select from "type_parts" where whole = "Mixed Case_theirs" and type = 'timestamptz'::regtype) then ('theirs: column Mixed Case has moments inside, which are written in the session''s time zone: give each in a column of its own; it is ' || left(pg_typeof("Mixed Case_theirs")::text, 0) || left("Mixed Case_theirs"::text, 100))::int::boolean
      else true
    end) and (case
      when "user_common" <> "user_ours" and "user_common" in ('double precision'::regtype, 'timestamp with time zone'::regtype)
        then ('column user: both sides have to be of one type, ours is ' || left(pg_typeof("user_ours")::text, 0) || left("user_ours"::text, 100))::int::boolean
      else true
    end) and (case
      when "user_common" <> "user_theirs" and "user_common" in ('double precision'::regtype, 'timestamp with time zone'::regtype)
        then ('column user: both sides have to be of one type, theirs is ' || left(pg_typeof("user_theirs")::text, 0) || left("user_theirs"::text, 100))::int::boolean
      else true
    end) and (case
      when "Mixed Case_common" <> "Mixed Case_ours" and "Mixed Case_common" in ('double precision'::regtype, 'timestamp with time zone'::regtype)
        then ('column Mixed Case: both sides have to be of one type, ours is ' || left(pg_typeof("Mixed Case_ours")::text, 0) || left("Mixed Case_ours"::text, 100))::int::boolean
      else true
    end) and (case
      when "Mixed Case_common" <> "Mixed Case_theirs" and "Mixed Case_common" in ('double precision'::regtype, 'timestamp with time zone'::regtype)
        then ('column Mixed Case: both sides have to be of one type, theirs is ' || left(pg_typeof("Mixed Case_theirs")::text, 0) || left("Mixed Case_theirs"::text, 100))::int::boolean
      else true
    end) as "_dataform_are_comparable"
  from "column_types"
),

"typed_ours" as not materialized (
  select
    case when true then "user" else (select "user" from "_dataform_theirs" limit 0) end as "user",
    case when true then "Mixed Case" else (select "Mixed Case" from "_dataform_theirs" limit 0) end as "Mixed Case",
    "status"::text as "status"
  from "_dataform_ours"
),

"ours" as not materialized (
  select
    *,
    nullif("user"::text, '') is not null and nullif("Mixed Case"::text, '') is not null as "_dataform_has_key",
    case when nullif("user"::text, '') is not null and nullif("Mixed Case"::text, '') is not null then hash_record_extended(row("user", "Mixed Case"), 0) end as "_dataform_key_hash",
    hash_record_extended(row("status"), 0) as "_dataform_row_hash"
  from "typed_ours"
),

"typed_theirs" as not materialized (
  select
    case when true then "user" else (select "user" from "_dataform_ours" limit 0) end as "user",
    case when true then "Mixed Case" else (select "Mixed Case" from "_dataform_ours" limit 0) end as "Mixed Case",
    "status"::text as "status"
  from "_dataform_theirs"
),

"theirs" as not materialized (
  select
    *,
    nullif("user"::text, '') is not null and nullif("Mixed Case"::text, '') is not null as "_dataform_has_key",
    case when nullif("user"::text, '') is not null and nullif("Mixed Case"::text, '') is not null then hash_record_extended(row("user", "Mixed Case"), 0) end as "_dataform_key_hash",
    hash_record_extended(row("status"), 0) as "_dataform_row_hash"
  from "typed_theirs"
),

"single_pairs" as (
  select
    "ours"."user" as "user_ours",
    "ours"."Mixed Case" as "Mixed Case_ours",
    "ours"."status" as "status_ours",
    "ours"."_dataform_count" as "_dataform_count_ours",
    "theirs"."user" as "user_theirs",
    "theirs"."Mixed Case" as "Mixed Case_theirs",
    "theirs"."status" as "status_theirs",
    "theirs"."_dataform_count" as "_dataform_count_theirs",
    ours."_dataform_count" = 1 and theirs."_dataform_count" = 1 and ("ours"."status") is not distinct from ("theirs"."status") as "_dataform_is_same"
  from (
    select *, 1 as "_dataform_count" from "ours"
  ) as ours
  full join (
    select *, 1 as "_dataform_count" from "theirs"
  ) as theirs
    on ("ours"."user" = "theirs"."user") and ("ours"."Mixed Case" = "theirs"."Mixed Case") and (ours."_dataform_has_key")
  offset 0
),

"single_keys" as (
  select
    coalesce("user_ours", "user_theirs") as "user",
    coalesce("Mixed Case_ours", "Mixed Case_theirs") as "Mixed Case",
    nullif(coalesce("user_ours", "user_theirs")::text, '') is not null and nullif(coalesce("Mixed Case_ours", "Mixed Case_theirs")::text, '') is not null as has_key,
    coalesce("_dataform_count_ours", 0) as n_ours,
    coalesce("_dataform_count_theirs", 0) as n_theirs,
    case when "_dataform_count_ours" = 1 then hash_record_extended(row("status_ours"), 0) end as our_row_hash,
    case when "_dataform_is_same" then null else case when "_dataform_count_theirs" = 1 then hash_record_extended(row("status_theirs"), 0) end end as their_row_hash,
    case
      when "_dataform_is_same" then case when "status_ours" is null then
        case when "status_ours" is null then 'b' else 'e' end
      end
      when "_dataform_count_ours" = 1 and "_dataform_count_theirs" = 1 then case
        when "status_ours" is null then case when "status_theirs" is null then 'b' else 'o' end
        when "status_theirs" is null then 't'
        when "status_ours" = "status_theirs" then 'e'
        else 'd'
      end
    end as outcomes,
    case when "_dataform_is_same" then null else case when "_dataform_count_ours" = 1 then jsonb_build_object(
      'user', case
        when pg_typeof(coalesce("user_ours", null)) = 'timestamptz'::regtype then to_jsonb(regexp_replace(to_jsonb((to_jsonb("user_ours") #>> '{}')::timestamptz at time zone 'UTC') #>> '{}', '(:\S+)', E'\\1+00:00'))
        else to_jsonb("user_ours")
      end,
      'Mixed Case', case
        when pg_typeof(coalesce("Mixed Case_ours", null)) = 'timestamptz'::regtype then to_jsonb(regexp_replace(to_jsonb((to_jsonb("Mixed Case_ours") #>> '{}')::timestamptz at time zone 'UTC') #>> '{}', '(:\S+)', E'\\1+00:00'))
        else to_jsonb("Mixed Case_ours")
      end,
      'status', "status_ours"
    ) end end as ours,
    case when "_dataform_is_same" then null else case when "_dataform_count_theirs" = 1 then jsonb_build_object(
      'user', case
        when pg_typeof(coalesce("user_theirs", null)) = 'timestamptz'::regtype then to_jsonb(regexp_replace(to_jsonb((to_jsonb("user_theirs") #>> '{}')::timestamptz at time zone 'UTC') #>> '{}', '(:\S+)', E'\\1+00:00'))
        else to_jsonb("user_theirs")
      end,
      'Mixed Case', case
        when pg_typeof(coalesce("Mixed Case_theirs", null)) = 'timestamptz'::regtype then to_jsonb(regexp_replace(to_jsonb((to_jsonb("Mixed Case_theirs") #>> '{}')::timestamptz at time zone 'UTC') #>> '{}', '(:\S+)', E'\\1+00:00'))
        else to_jsonb("Mixed Case_theirs")
      end,
      'status', "status_theirs"
    ) end end as theirs
  from single_pairs
),

"results" as (
  select * from single_keys
)

select * from results
where (select "_dataform_are_comparable" from "answers")
