select
  position, match_pass, by_what, confidence, amount_column, same_columns, group_columns, date_column, days, most_rows, most_candidates, most_sums
from (
  values
    (1, 'one reference', 'key', 'high', 'amount', array[]::text[], array[]::text[], null::text, null::int, null::int, null::int, null::int),
    (2, 'batch', 'group', 'high', 'amount', array['account']::text[], array['batch']::text[], null::text, null::int, null::int, null::int, null::int),
    (3, 'amount and day', 'amount', 'medium', 'amount', array['account']::text[], array[]::text[], 'booked_on', 3, null::int, null::int, null::int),
    (4, 'sum', 'sum', 'low', 'amount', array['account']::text[], array[]::text[], 'booked_on', 3, 4, 16, 2500)
) as passes (position, match_pass, by_what, confidence, amount_column, same_columns, group_columns, date_column, days, most_rows, most_candidates, most_sums)
