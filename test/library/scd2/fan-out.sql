select facts."country", facts."Customer No", facts."_dataform_at" as _at, count(*) as versions
from (
  select distinct facts."country", facts."Customer No", paid_at as "_dataform_at"
  from "shop"."payments" as facts
) as facts
inner join "shop"."customers" as versions
  on (facts."country" = versions."country") and (facts."Customer No" = versions."Customer No")
  and (versions.version_no = 1 or versions.valid_from <= facts."_dataform_at") and (versions.valid_to is null or facts."_dataform_at" < versions.valid_to)
group by facts."country", facts."Customer No", facts."_dataform_at"
having count(*) > 1
