create schema raw; create table raw.events as select 1 as a; create schema raw_dev; create table raw_dev.events as select 2 as a;
