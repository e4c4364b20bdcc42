select
  coalesce("expected"."day", "actual"."day") as "day",
  coalesce("expected"."User", "actual"."User") as "User",
  "expected"."views" as "expected_views",
  "actual"."views" as "actual_views",
  "expected"."xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" as "expected_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx_3f6664da",
  "actual"."xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" as "actual_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx_a9e03981"
from (
  select
    "counted"."day" as "day",
    "counted"."User" as "User",
    coalesce(sum("counted"."views"), 0) as "views",
    coalesce(sum("counted"."xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), 0) as "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
  from counted as counted
  group by "counted"."day", "counted"."User"
) as expected
full join (
  select
    "counted"."day" as "day",
    "counted"."User" as "User",
    coalesce(sum("counted"."views"), 0) as "views",
    coalesce(sum("counted"."xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"), 0) as "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
  from "marts"."days" as counted
  group by "counted"."day", "counted"."User"
) as actual on ("expected"."day" = "actual"."day") and ("expected"."User" = "actual"."User")
where ("expected"."views" is distinct from "actual"."views") or ("expected"."xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" is distinct from "actual"."xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")
