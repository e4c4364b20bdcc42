select "user", "Day" from "a"."b"
union all
select "user", "Day" from raw.c
