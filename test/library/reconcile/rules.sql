select
  position, column_name, kind, currency_column, abs_tol, rel_tol, time_tol, normalize, is_blocking
from (
  values
    (1, 'amount', 'money', 'currency', '0.01'::numeric, '0.001'::numeric, null::text::interval, null::text, true),
    (2, 'currency', 'text', null::text, null::text::numeric, null::text::numeric, null::text::interval, 'trim, upper', true),
    (3, 'booked_on', 'date', null::text, null::text::numeric, null::text::numeric, '3 days'::interval, null::text, true),
    (4, 'booked_at', 'timestamp', null::text, null::text::numeric, null::text::numeric, '5 minutes'::interval, null::text, true),
    (5, 'fee', 'number', null::text, '0'::numeric, '0'::numeric, null::text::interval, null::text, true),
    (6, 'details', 'exact', null::text, null::text::numeric, null::text::numeric, null::text::interval, null::text, false)
) as rules (position, column_name, kind, currency_column, abs_tol, rel_tol, time_tol, normalize, is_blocking)
