create table public.log (seq serial, said text);
