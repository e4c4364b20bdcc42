create schema raw; create table raw.prices (shop text, item int, price numeric); insert into raw.prices values ('a', 1, 1.0), ('b', 1, 2.0);
