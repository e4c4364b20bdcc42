select "part"."user", "part"."Day" from "a"."b" as part
union all
select "part"."user", "part"."Day" from raw.c as part
