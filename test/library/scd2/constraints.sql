alter table "shop"."customers"
  add primary key ("country", "Customer No", valid_from),
  add check (valid_from < valid_to),
  add check (is_current = (valid_to is null)),
  add check (is_current = (ended_by is null)),
  add check (ended_by in ('change', 'delete'))
