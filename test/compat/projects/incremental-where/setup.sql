create schema raw; create table raw.events (id int); insert into raw.events values (1), (2);
