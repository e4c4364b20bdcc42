// The row results of a reconciliation as people read them, and what the rows of a duplicate key hold.

const compare = require("./reconcile_compare");
const { asJson, kept, measure, sideOf } = require("./reconcile_sides");

function keptNames(options) {
  return kept(options).flatMap((name) => [`${name}_ours`, `${name}_theirs`]);
}

/** The row results as people read them, of the relation that `store` made. */
function results(options, stored) {
  const { key, columns } = options;
  const blocking = Object.keys(columns).map((name) => columns[name].blocking !== false);
  const amount = measure(options);
  const both = "n_ours = 1 and n_theirs = 1 and has_key";
  const same = `${both} and their_row_hash is null`;
  return `
with

stored as (
  select * from ${stored} as stored
),

-- two rows with the same values were kept once
completed as (
  select
    ${Object.keys(key).join(", ")},
    has_key,
    ${same} as is_same,
    n_ours,
    n_theirs,
    our_row_hash,
    case when ${same} then our_row_hash else their_row_hash end as their_row_hash,
    ${kept(options)
      .map(
        (name) =>
          `${name}_ours,\n    case when ${same} then ${name}_ours else ${name}_theirs end as ${name}_theirs,\n    `,
      )
      .join(
        "",
      )}case when ${same} then coalesce(outcomes, '${"e".repeat(blocking.length)}') else outcomes end as outcomes,
    ours,
    theirs
  from stored
),

named as (
  select
    ${Object.keys(key).join(", ")},
    case
      when not has_key then 'no_key'
      when n_ours > 1 or n_theirs > 1 then 'duplicate'
      when n_ours = 0 then 'missing_in_ours'
      when n_theirs = 0 then 'missing_in_theirs'
      when is_same then 'matched'
      when ${anyOf(blocking, "otd")} then 'mismatched'
      when ${anyOf(blocking, "w")} then 'matched_within_tolerance'
      else 'matched'
    end as status,
    n_ours,
    n_theirs,
    ${keptNames(options)
      .map((name) => `${name},\n    `)
      .join(
        "",
      )}${amount ? `${differenceOf(options, amount, both)} as ${amount}_diff,\n    ` : ""}${listOf(columns, blocking, "otd")} as diff_columns,
    ${listOf(columns, blocking, "w")} as within_tolerance_columns,
    outcomes,
    our_row_hash,
    their_row_hash,
    ours,
    theirs
  from completed
)

select * from named`;
}

/** Theirs less ours, where both are of one currency. */
function differenceOf({ columns }, amount, both) {
  const { currency } = columns[amount];
  const form = (side) => compare.normalized(`${currency}_${side}`, columns[currency].normalize);
  return `case when ${both} and ${form("ours")} is not distinct from ${form("theirs")} then ${amount}_theirs - ${amount}_ours end`;
}

/** Whether one of the columns that count has one of the letters. */
function anyOf(blocking, letters) {
  const tests = blocking.flatMap((counts, index) => (counts ? [hasLetter(index, letters)] : []));
  return tests.length ? `(${tests.join(" or ")})` : "false";
}

function listOf(columns, blocking, letters) {
  const items = Object.keys(columns).flatMap((name, index) =>
    blocking[index] ? [`case when ${hasLetter(index, letters)} then '${name}' end`] : [],
  );
  if (!items.length) return "'{}'::text[]";
  return `case
      when outcomes is null or is_same then '{}'
      else array_remove(array[${items.join(", ")}], null)
    end`;
}

function hasLetter(index, letters) {
  return `substr(outcomes, ${index + 1}, 1) in ('${[...letters].join("', '")}')`;
}

/**
 * The rows of keys that are there more than once, one result for each different content: nobody can know which of them
 * belong together, but of equal ones there are as many pairs as both sides have.
 */
function duplicates(options, stored) {
  const list = Object.keys(options.key).join(", ");
  const amount = measure(options);
  const money = amount ? [amount, options.columns[amount].currency] : [];
  const of = (side, no) => `
  select ${[...Object.keys(options.key), ...money].map((name) => `${side}.${name}`).join(", ")},
    ${no} as side, row_hash, ${asJson(options, side, (name) => `${side}.${name}`)} as content
  from ${side}
  inner join repeated using (${list})
  where has_key`;
  return `
with

ours as not materialized (
  ${sideOf(options, "ours")}
),

theirs as not materialized (
  ${sideOf(options, "theirs")}
),

repeated as (
  select ${list} from ${stored} as stored where n_ours > 1 or n_theirs > 1
),

repeated_rows as (${of("ours", 1)}
  union all${of("theirs", 2)}
),

contents as (
  select
    ${list},
    row_hash,
    count(*) filter (where side = 1)::int as n_ours,
    count(*) filter (where side = 2)::int as n_theirs,
    least(count(*) filter (where side = 1), count(*) filter (where side = 2))::int as n_equal,
    ${money.map((name) => `min(${name}) as ${name},\n    `).join("")}coalesce(jsonb_agg(content) filter (where side = 1), '[]') as ours,
    coalesce(jsonb_agg(content) filter (where side = 2), '[]') as theirs
  from repeated_rows
  group by ${list}, row_hash
)

select * from contents`;
}

module.exports = { results, duplicates };
