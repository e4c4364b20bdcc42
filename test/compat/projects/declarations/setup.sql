create schema raw; create table raw.a as select 1 as x; create table raw.b as select 2 as x; create view raw.c as select 3 as x;
