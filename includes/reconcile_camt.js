// What an entry of an account statement (ISO 20022 camt.053) says about its transactions, from the list of its TxDtls as JSON.

/** A text of the transaction of an entry that has exactly one: NULL for a batch. */
function single(details, ...path) {
  const value = `${details} #> '{0,${path.join(",")}}'`;
  return `case when jsonb_array_length(${details}) = 1 then ${firstText(value)} end`;
}

/** An element that occurs several times is a list, one with attributes an object. */
function firstText(value) {
  return `case jsonb_typeof(${value})
      when 'array' then (${value}) #>> '{0}'
      when 'object' then (${value}) ->> '#text'
      else (${value}) #>> '{}'
    end`;
}

/** The other party: who paid a credit, who was paid by a debit. The name is `Nm` in .02 and `Pty/Nm` from .08 on. */
function party(details, indicator) {
  const name = (role) => `coalesce(
      ${details} #>> '{0,RltdPties,${role},Pty,Nm}',
      ${details} #>> '{0,RltdPties,${role},Nm}'
    )`;
  return `case when jsonb_array_length(${details}) = 1 then
      case when ${indicator} = 'DBIT' then ${name("Cdtr")} else ${name("Dbtr")} end
    end`;
}

/**
 * The sum of an entry's transactions, signed as the entry, or NULL unless all have an amount: `Amt` from .04 on,
 * `AmtDtls/TxAmt/Amt` before. A transaction with the other indicator than the others counts against them.
 */
function detailsAmount(details, amount) {
  const value = `coalesce(detail -> 'Amt', detail #> '{AmtDtls,TxAmt,Amt}')`;
  const number = `coalesce((${value}) ->> '#text', (${value}) #>> '{}')::numeric`;
  const sign = `case coalesce(detail ->> 'CdtDbtInd', case when ${amount} < 0 then 'DBIT' else 'CRDT' end)
          when 'DBIT' then -1 else 1 end`;
  return `(
      select case when count(*) = count(${value}) then sum(${number} * ${sign}) end
      from jsonb_array_elements(${details}) as listed (detail)
    )`;
}

module.exports = { single, party, detailsAmount };
