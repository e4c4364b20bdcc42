with

"_dataform_feed" as not materialized (
  select
    feed."customer_id",
    feed."name"::text as "name",
    case
      when pg_typeof(feed."credit") = 'numeric(18, 2)'::regtype then feed."credit"::numeric(18, 2)
      when ('_dataform_reading', 'column credit', 'numeric(18, 2)', feed."credit"::text, '$1::numeric(18, 2)') is null then null::numeric(18, 2)
      else feed."credit"::text::numeric(18, 2)
    end as "credit",
    feed."_load_id",
    feed."_row_no",
    (coalesce(updated_at, created_at)) as "_dataform_source_time",
    coalesce(false, false) as "_dataform_is_deletion"
  from "raw"."log" as feed
),

"winners" as (
  select distinct on (feed."customer_id", feed."_dataform_source_time")
    feed.*,
    feed."_dataform_source_time" as "_dataform_moment",
    null::timestamptz as "_dataform_next_listing"
  from _dataform_feed as feed
  where feed."customer_id" is not null and feed."_dataform_source_time" is not null
  order by feed."customer_id", feed."_dataform_source_time", feed."_load_id" desc, feed."_row_no" desc
),

-- what a listing does not have, between two records of a key or after the last, is gone
"observed" as (
  select
    *,
    case
      when lag("_dataform_is_deletion") over timeline is distinct from "_dataform_is_deletion" then true
      when "_dataform_is_deletion" then false
      else (
        "name",
        "credit"
      ) is distinct from (
        lag("name") over timeline,
        lag("credit") over timeline
      )
    end as "_dataform_is_other",
    not lag("_dataform_is_deletion") over timeline and lag("_dataform_next_listing") over timeline < "_dataform_moment" as "_dataform_is_back",
    case when not "_dataform_is_deletion" and "_dataform_next_listing" < coalesce(lead("_dataform_moment") over timeline, 'infinity') then "_dataform_next_listing" end as "_dataform_gone_at"
  from winners
  window timeline as (partition by "customer_id" order by "_dataform_moment")
),

-- equal neighbours collapse
"compared" as (
  select
    *,
    coalesce("_dataform_is_back", false) or "_dataform_is_other" as "_dataform_is_change",
    "_dataform_moment" as "_dataform_effective_at"
  from observed
),

"numbered" as (
  select
    *,
    coalesce("_dataform_gone_at", case when not lead("_dataform_is_change") over timeline then lead("_dataform_gone_at") over timeline end) as "_dataform_ends_at"
  from compared
  where "_dataform_is_change" or "_dataform_gone_at" is not null
  window timeline as (partition by "customer_id" order by "_dataform_moment")
),

"changes" as (
  select * from numbered where "_dataform_is_change"
),

"dated" as (
  select *, "_dataform_effective_at" as valid_from from changes
),

"bounded" as (
  select
    *,
    count(*) filter (where not "_dataform_is_deletion") over timeline as version_no,
    coalesce("_dataform_ends_at", lead(valid_from) over timeline) as valid_to,
    "_dataform_ends_at" is not null or lead("_dataform_is_deletion") over timeline as "_dataform_ends_by_deletion"
  from dated
  window timeline as (partition by "customer_id" order by "_dataform_moment")
),

"versions" as (
  select
    "customer_id",
    "name",
    "credit",
    version_no,
    valid_from,
    valid_to,
    valid_to is null as is_current,
    case when "_dataform_ends_by_deletion" then 'delete' when valid_to is not null then 'change' end as ended_by,
    "_load_id",
    "_row_no"
  from bounded
  where not "_dataform_is_deletion"
)

select
  versions."customer_id",
  versions."name",
  versions."credit",
  versions."version_no",
  md5(jsonb_build_array(versions."name", versions."credit")::text) as change_hash,
  versions."valid_from",
  versions."valid_to",
  versions."is_current",
  versions."ended_by",
  versions."_load_id",
  versions."_row_no"
from versions
