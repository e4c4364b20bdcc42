create schema raw; create table raw.orders (a int);
