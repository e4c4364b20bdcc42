select
  ledger.load_id,
  ledger.source || '.' || ledger.stream as feed,
  ledger.finished_at as loaded_at,
  (ledger.details -> 'days' ->> 'start')::date as first_day,
  (ledger.details -> 'days' ->> 'end')::date as last_day,
  ledger.rejected = 0 as is_whole,
  (ledger.details ->> 'lookbackDays')::integer as lookback_days
from raw._load as ledger
where ledger.status = 'loaded' and ledger.batch = 'slice' and ledger.table_name in ('a', 'b')
