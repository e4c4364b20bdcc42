select
  ledger.load_id,
  ledger.source || '.' || ledger.stream as feed,
  ledger.finished_at as loaded_at,
  (ledger.details -> 'days' ->> 'start')::date as first_day,
  (ledger.details -> 'days' ->> 'end')::date as last_day,
  ledger.rejected = 0 and (to_jsonb(ledger.*) ->> 'replay_of')::bigint is null as is_whole,
  (ledger.details ->> 'lookbackDays')::integer as lookback_days,
  (to_jsonb(ledger.*) ->> 'replay_of')::bigint as replay_of
from raw._load as ledger
where ledger.status = 'loaded' and ledger.table_name in ('a', 'b')
  and case
    when ledger.batch = 'slice' then true
    when ledger.status <> 'loaded' or ledger.table_name not in ('a', 'b') then false
    when exists (
      select from raw._load as slice where slice.load_id = (to_jsonb(ledger.*) ->> 'replay_of')::bigint and slice.batch = 'slice'
    ) then true
    else ('loads: one is no slice, so that nobody knows which days it says all of: declare its stream with batch: { kind: slice, by: [its day] }, strike it (dataform ingest strike), and load its days again; found ' || left(pg_typeof(('load ' || ledger.load_id || ' of ' || ledger.source || '.' || ledger.stream || ', a ' || ledger.batch))::text, 0) || left(('load ' || ledger.load_id || ' of ' || ledger.source || '.' || ledger.stream || ', a ' || ledger.batch)::text, 100))::int::boolean
  end
