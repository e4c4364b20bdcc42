select
  status,
  count(*) as keys,
  sum(n_ours)::bigint as rows_ours,
  sum(n_theirs)::bigint as rows_theirs
from results as results
group by status
