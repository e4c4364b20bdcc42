false

load_date between date '2026-01-01' and date '2026-01-03'
