-- a name serves from its version on, the first also before, the last also after a deletion
select
  versions."country",
  versions."Customer No",
  versions."name",
  versions."user",
  case when versions.version_no = 1 then '-infinity' else versions.valid_from end as named_from,
  lead(versions.valid_from, 1, 'infinity') over (
    partition by versions."country", versions."Customer No" order by versions.valid_from
  ) as named_until
from "shop"."customers" as versions
