// What two systems know a payment by. No reference of a statement's entry is guaranteed, so the first that is there serves,
// and what is left is told apart by what it says.

/** References of a camt.053 entry, the surest first. */
const CAMT = ["servicer_reference", "entry_reference", "end_to_end_id", "transaction_id", "uetr"];

/** The first of the columns that has a value. */
function firstOf(columns) {
  return `coalesce(${columns.join(", ")})`;
}

/** The name of that column; NULL where none has one. */
function sourceOf(columns) {
  return `case ${columns.map((column) => `when ${column} is not null then '${column}'`).join(" ")} end`;
}

/**
 * A key made of what a payment says. Equal payments have equal keys: number them. Names are compared without case and
 * blanks, amounts without trailing zeros.
 */
function contentKey({ account, bookedOn, amount, counterparty, remittance }) {
  const form = (text) => `coalesce(upper(regexp_replace(${text}, '\\s', '', 'g')), '')`;
  return `'content-' || md5(jsonb_build_array(${account}, ${bookedOn}, trim_scale(${amount}), ${form(counterparty)}, ${form(remittance)})::text)`;
}

module.exports = { CAMT, firstOf, sourceOf, contentKey };
