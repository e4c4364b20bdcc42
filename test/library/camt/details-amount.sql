(
  select case when count(*) = count(listed.amount) then
    sum(coalesce(listed.amount ->> '#text', listed.amount #>> '{}')::numeric * case listed.indicator when 'DBIT' then -1 else 1 end)
  end
  from (
    select
      coalesce(detail.value -> 'Amt', detail.value #> '{AmtDtls,TxAmt,Amt}') as amount,
      coalesce(detail.value ->> 'CdtDbtInd', entry.indicator) as indicator
    from jsonb_array_elements(details) as detail (value)
    cross join (select case when amount < 0 then 'DBIT' else 'CRDT' end as indicator) as entry
  ) as listed
)
