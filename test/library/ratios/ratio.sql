(sum(spend))::numeric / nullif((sum(conversions)), 0)
