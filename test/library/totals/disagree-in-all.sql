select
  "expected"."n" as "expected_n",
  "actual"."n" as "actual_n"
from (
  select
    coalesce(sum("counted"."n"), 0) as "n"
  from a as counted
) as expected
full join (
  select
    coalesce(sum("counted"."n"), 0) as "n"
  from b as counted
) as actual on true
where "expected"."n" is distinct from "actual"."n"
