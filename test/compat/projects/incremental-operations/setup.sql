create schema raw; create table raw.log (seq serial, said text);
