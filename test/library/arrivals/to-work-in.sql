true

touched."Added at" > coalesce((select max("_dataform_self"."computed ""from""") from "history"."cells" as "_dataform_self"), '-infinity')

true

((touched."Added at" > coalesce((select max("_dataform_self"."computed ""from""") from "history"."cells" as "_dataform_self"), '-infinity')) or (load_date between date '2026-01-01' and date '2026-01-03'))
