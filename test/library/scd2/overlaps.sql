select jsonb_build_array(timeline."country", timeline."Customer No")::text as id, valid_from, valid_to, "_dataform_next_valid_from" as next_valid_from
from (
  select
    versions."country",
    versions."Customer No",
    versions."valid_from",
    versions."valid_to",
    lead(versions.valid_from) over (partition by versions."country", versions."Customer No" order by versions.valid_from) as "_dataform_next_valid_from"
  from "shop"."customers" as versions
) as timeline
where coalesce(valid_to, 'infinity') > "_dataform_next_valid_from"
