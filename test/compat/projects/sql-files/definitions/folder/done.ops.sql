${hasOutput(true)}create table if not exists ${self()} as select 1 as a
---
select 2
