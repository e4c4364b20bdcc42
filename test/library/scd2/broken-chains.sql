select timeline."id"::text as id, valid_from, valid_to, "_dataform_next_valid_from" as next_valid_from
from (
  select
    versions."id",
    versions."valid_from",
    versions."valid_to",
    versions."change_hash",
    versions."ended_by",
    lead(versions.valid_from) over timeline as "_dataform_next_valid_from",
    lead(versions.change_hash) over timeline as "_dataform_next_hash"
  from "shop"."customers" as versions
  window timeline as (partition by versions."id" order by versions.valid_from)
) as timeline
where ended_by = 'change' and ("_dataform_next_valid_from" is distinct from valid_to or "_dataform_next_hash" = change_hash)
