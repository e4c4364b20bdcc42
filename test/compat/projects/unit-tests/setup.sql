create schema raw; create table raw.orders (currency text, amount numeric);
