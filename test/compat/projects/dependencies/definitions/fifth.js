operate("fifth", ctx => "insert into public.log (said) values ('fifth')").dependencies(["fourth"]);
