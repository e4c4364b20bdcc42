---- assert days_agree
-- {
--   "description": "",
--   "tags": []
-- }

-- query
select
  coalesce("expected"."day", "actual"."day") as "day",
  "expected"."views" as "expected_views",
  "actual"."views" as "actual_views"
from (
  select
    "counted"."day" as "day",
    coalesce(sum("counted"."views"), 0) as "views"
  from "marts"."facts" as counted
  group by "counted"."day"
) as expected
full join (
  select
    "counted"."day" as "day",
    coalesce(sum("counted"."views"), 0) as "views"
  from "marts"."days" as counted
  group by "counted"."day"
) as actual on "expected"."day" = "actual"."day"
where "expected"."views" is distinct from "actual"."views"

---- assert marts_agree
-- {
--   "description": "The same.",
--   "tags": [
--     "x"
--   ]
-- }

-- query
select
  coalesce("expected"."day", "actual"."day") as "day",
  coalesce("expected"."order", "actual"."order") as "order",
  "expected"."views" as "expected_views",
  "actual"."views" as "actual_views"
from (
  select
    "counted"."day" as "day",
    "counted"."order" as "order",
    coalesce(sum(views_delta), 0) as "views"
  from (
    select everything.*
    from "marts"."facts" as everything
    where (select runs."_dataform_run_at" = runs."_dataform_built_at" from "history"."stat_store" as runs where "runs"."_dataform_row_kind" = 'run')
    union all
    select changed.*
    from "marts"."facts" as changed
    where not (select runs."_dataform_run_at" = runs."_dataform_built_at" from "history"."stat_store" as runs where "runs"."_dataform_row_kind" = 'run')
      and changed."day" = any (
        array(
          select distinct looked.*
          from (
            select "written"."day" from "history"."stat_store" as written where "written"."_dataform_row_kind" in ('reading', 'void') and "written"."_dataform_run_at" = (select runs."_dataform_run_at" from "history"."stat_store" as runs where "runs"."_dataform_row_kind" = 'run')
          ) as looked
        )
      )
  ) as counted
  where (not is_baseline)
  group by "counted"."day", "counted"."order"
  having (sum(views) > 0)
) as expected
full join (
  select
    closes as "day",
    "counted"."order" as "order",
    coalesce(sum("counted"."views"), 0) as "views"
  from (
    select distinct on (closes, "counted"."order") counted.*
    from (
      select everything.*
      from "marts"."mart" as everything
      where (select runs."_dataform_run_at" = runs."_dataform_built_at" from "history"."stat_store" as runs where "runs"."_dataform_row_kind" = 'run')
      union all
      select changed.*
      from "marts"."mart" as changed
      where not (select runs."_dataform_run_at" = runs."_dataform_built_at" from "history"."stat_store" as runs where "runs"."_dataform_row_kind" = 'run')
        and changed."day" = any (
          array(
            select distinct looked.*
            from (
              select "written"."day" from "history"."stat_store" as written where "written"."_dataform_row_kind" in ('reading', 'void') and "written"."_dataform_run_at" = (select runs."_dataform_run_at" from "history"."stat_store" as runs where "runs"."_dataform_row_kind" = 'run')
            ) as looked
          )
        )
    ) as counted
    where (views > 0)
    order by closes, "counted"."order", "counted"."measured at" desc
  ) as counted
  group by closes, "counted"."order"
) as actual on ("expected"."day" = "actual"."day") and ("expected"."order" = "actual"."order")
where "expected"."views" is distinct from "actual"."views"

---- assert views_agree
-- {
--   "description": "",
--   "tags": []
-- }

-- query
select
  "expected"."n" as "expected_n",
  "actual"."n" as "actual_n"
from (
  select
    coalesce(sum("counted"."n"), 0) as "n"
  from (select everything.* from "marts"."a" as everything where (select runs."_dataform_run_at" = runs."_dataform_built_at" from "marts"."stat_store" as runs where "runs"."_dataform_row_kind" = 'run')) as counted
) as expected
full join (
  select
    coalesce(sum("counted"."n"), 0) as "n"
  from (select everything.* from "marts"."b" as everything where (select runs."_dataform_run_at" = runs."_dataform_built_at" from "marts"."stat_store" as runs where "runs"."_dataform_row_kind" = 'run')) as counted
) as actual on true
where "expected"."n" is distinct from "actual"."n"
