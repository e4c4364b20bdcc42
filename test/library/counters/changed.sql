select * from (
  select everything.*
  from "marts"."daily" as everything
  where (select runs."_dataform_run_at" = runs."_dataform_built_at" from "history"."stat_store" as runs where "runs"."_dataform_row_kind" = 'run')
  union all
  select changed.*
  from "marts"."daily" as changed
  where not (select runs."_dataform_run_at" = runs."_dataform_built_at" from "history"."stat_store" as runs where "runs"."_dataform_row_kind" = 'run')
    and changed."Day" = any (
      array(
        select distinct looked.*
        from (
          select "written"."day" from "history"."stat_store" as written where "written"."_dataform_row_kind" in ('reading', 'void') and "written"."_dataform_run_at" = (select runs."_dataform_run_at" from "history"."stat_store" as runs where "runs"."_dataform_row_kind" = 'run')
        ) as looked
      )
    )
) as daily
