create schema raw; create table raw.events (id int, at timestamptz); insert into raw.events values (1, '2024-01-01'), (2, '2024-01-02');
