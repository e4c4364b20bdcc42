create schema raw; create table raw.orders (id int, state text, at int); insert into raw.orders values (1, 'new', 1), (2, 'new', 1);
