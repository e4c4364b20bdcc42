case when conversion_rate is not null then rank() over (partition by currency, (lower(market)), conversion_rate is null order by conversion_rate desc) end
