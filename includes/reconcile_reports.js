// What is told of the row results: by column, in all, what to correct; and the promises they are checked for.

const { OUTCOMES, literal, normalized } = require("./reconcile_compare");
const { figures, measure } = require("./reconcile_sides");

const values = (rows) => rows.map((row) => `(${row.join(", ")})`).join(",\n    ");

/** One row per compared column. Equal texts of outcomes are counted together first: there are few of them. */
function columnStats({ columns }, rows) {
  const names = Object.keys(columns);
  const sums = figures({ columns });
  const sumColumns = sums.flatMap((name) => [
    `sum(${name}_ours) as ${name}_ours`,
    `sum(${name}_theirs) as ${name}_theirs`,
    `max(abs(${name}_theirs - ${name}_ours)) as ${name}_max`,
  ]);
  const currencies = [...new Set(sums.flatMap((name) => columns[name].currency ?? []))];
  const currencyColumns = currencies.flatMap((name) => [
    `min(least(${name}_ours, ${name}_theirs)) as ${name}_first`,
    `max(greatest(${name}_ours, ${name}_theirs)) as ${name}_last`,
  ]);
  const ofColumn = (name, place) => {
    const { currency, kind } = columns[name];
    const one = currency ? `min(${currency}_first) = max(${currency}_last)` : "true";
    const sum = (what) => (["money", "number"].includes(kind) ? `case when ${one} then ${what} end` : "null::numeric");
    return `select
    ${place + 1} as position,
    '${name}' as column_name,
    '${kind}' as kind,
    ${currency ? `case when ${one} then min(${currency}_first) end` : "null::text"} as currency,
    coalesce(sum(pairs), 0)::bigint as compared,
    ${Object.entries(OUTCOMES)
      .map(
        ([letter, label]) =>
          `coalesce(sum(pairs) filter (where substr(outcomes, ${place + 1}, 1) = '${letter}'), 0)::bigint as ${label}`,
      )
      .join(",\n    ")},
    ${sum(`sum(${name}_ours)`)} as sum_ours,
    ${sum(`sum(${name}_theirs)`)} as sum_theirs,
    ${sum(`max(${name}_max)`)} as max_abs_diff
  from by_outcome`;
  };
  return `
with

compared as (
  select * from ${rows} as results where outcomes is not null
),

by_outcome as (
  select ${["outcomes", "count(*) as pairs", ...sumColumns, ...currencyColumns].join(",\n    ")}
  from compared
  group by outcomes
),

by_column as (
  ${names.map(ofColumn).join("\n  union all\n  ")}
),

rated as (
  select
    position,
    column_name,
    kind,
    compared,
    ${Object.values(OUTCOMES).join(", ")},
    round(100.0 * (equal + both_null + within_tolerance) / nullif(compared, 0), 4)::numeric(7, 4) as match_pct,
    currency,
    sum_ours,
    sum_theirs,
    coalesce(sum_theirs, 0 * sum_ours) - coalesce(sum_ours, 0 * sum_theirs) as sum_diff,
    max_abs_diff
  from by_column
)

select * from rated`;
}

/** One row per status, and per currency where there is money. Ours counts under our currency, theirs under theirs. */
function summary(options, rows, duplicates) {
  const amount = measure(options);
  if (!amount) return countSummary(rows);
  const { currency } = options.columns[amount];
  const rule = options.columns[currency];
  const form = (value) => normalized(value, rule.normalize);
  return `
with

grouped as (
  select
    status,
    ${form(`${currency}_ours`)} as currency_ours,
    ${form(`${currency}_theirs`)} as currency_theirs,
    count(*) as keys,
    sum(n_ours) as rows_ours,
    sum(n_theirs) as rows_theirs,
    sum(${amount}_ours) as amount_ours,
    sum(${amount}_theirs) as amount_theirs
  from ${rows} as results
  group by 1, 2, 3
),

-- a key with several rows has no amount of its own
parts as (
  select status, coalesce(currency_theirs, currency_ours) as currency, keys, 0 as rows_ours, 0 as rows_theirs, 0 as amount_ours, 0 as amount_theirs
  from grouped where status <> 'duplicate'
  union all
  select status, currency_ours, 0, rows_ours, 0, amount_ours, 0 from grouped where status <> 'duplicate' and rows_ours > 0
  union all
  select status, currency_theirs, 0, 0, rows_theirs, 0, amount_theirs from grouped where status <> 'duplicate' and rows_theirs > 0
  union all
  select 'duplicate', first_currency, count(*), 0, 0, 0, 0
  from (
    select min(${form(currency)}) as first_currency from ${duplicates} as contents group by ${Object.keys(options.key).join(", ")}
  ) as repeated
  group by first_currency
  union all
  select 'duplicate', ${form(currency)}, 0, n_ours, n_theirs, ${amount} * n_ours, ${amount} * n_theirs
  from ${duplicates} as contents
),

summed as (
  select
    status,
    currency,
    sum(keys)::bigint as keys,
    sum(rows_ours)::bigint as rows_ours,
    sum(rows_theirs)::bigint as rows_theirs,
    coalesce(sum(amount_ours), 0) as amount_ours,
    coalesce(sum(amount_theirs), 0) as amount_theirs,
    coalesce(sum(amount_theirs), 0) - coalesce(sum(amount_ours), 0) as amount_diff
  from parts
  group by status, currency
)

select * from summed`;
}

function countSummary(rows) {
  return `
select status, count(*) as keys, sum(n_ours)::bigint as rows_ours, sum(n_theirs)::bigint as rows_theirs
from ${rows} as results
group by status`;
}

/** One row per thing to correct. Its id is made of what it says, so that a decision is about these very values. */
function proposals({ key }, rows) {
  const keys = Object.keys(key);
  const id = `md5(jsonb_build_array(${keys.join(", ")}, column_name, our_value, their_value, proposed_action)::text)`;
  return `
with

results as (
  select * from ${rows} as results where status in ('mismatched', 'missing_in_ours', 'missing_in_theirs')
),

proposed as (
  select
    ${keys.join(", ")},
    status,
    differing.column_name,
    ours ->> differing.column_name as our_value,
    theirs ->> differing.column_name as their_value,
    'update' as proposed_action
  from results
  cross join lateral unnest(diff_columns) as differing (column_name)
  -- amounts in two currencies differ although the figure may be the same
  where status = 'mismatched' and ours ->> differing.column_name is distinct from theirs ->> differing.column_name
  union all
  select ${keys.join(", ")}, status, null, null, theirs::text, 'insert' from results where status = 'missing_in_ours'
  union all
  select ${keys.join(", ")}, status, null, ours::text, null, 'investigate' from results where status = 'missing_in_theirs'
),

identified as (
  select ${id} as proposal_id, proposed.* from proposed
)

select * from identified`;
}

/** The rules as rows. */
function rules({ columns }) {
  const text = (value) => (value === undefined ? "null::text" : literal(value));
  const rows = Object.entries(columns).map(([name, rule], index) => [
    index + 1,
    literal(name),
    literal(rule.kind),
    text(rule.currency),
    `${rule.absTol ?? (rule.kind === "money" || rule.kind === "number" ? 0 : "null")}::numeric`,
    `${rule.relTol ?? (rule.kind === "money" || rule.kind === "number" ? 0 : "null")}::numeric`,
    `${rule.days === undefined ? text(rule.tolerance) : literal(`${rule.days} days`)}::interval`,
    text(rule.normalize?.join(", ")),
    rule.blocking !== false,
  ]);
  return `
select position, column_name, kind, currency_column, abs_tol, rel_tol, time_tol, normalize, is_blocking
from (
  values
    ${values(rows)}
) as rules (position, column_name, kind, currency_column, abs_tol, rel_tol, time_tol, normalize, is_blocking)`;
}

/** Sides of which not every row is counted once. */
function rowsLost({ ours, theirs }, rows) {
  return `
select side, source_rows, counted_rows
from (
  select 'ours' as side, (select count(*) from ${ours} as ours) as source_rows, (select coalesce(sum(n_ours), 0) from ${rows} as results) as counted_rows
  union all
  select 'theirs', (select count(*) from ${theirs} as theirs), (select coalesce(sum(n_theirs), 0) from ${rows} as results)
) as sides
where source_rows <> counted_rows`;
}

/** Columns whose counts are not as many as the pairs of rows that were compared. */
function columnsWrong(rows, stats) {
  return `
select column_name, compared, pairs
from ${stats} as stats
cross join (select count(*) as pairs from ${rows} as results where status like 'matched%' or status = 'mismatched') as counted
where compared <> pairs
  or ${Object.values(OUTCOMES).join(" + ")} <> compared`;
}

/** Currencies in which the statuses do not add up to what the sources have. */
function sumsWrong(options, summed) {
  const amount = measure(options);
  const { currency } = options.columns[amount];
  const form = normalized(`${currency}::text`, options.columns[currency].normalize);
  const of = (side) => `
  select ${form} as currency, ${side === "ours" ? `${amount}::numeric` : "0"} as ours, ${side === "ours" ? "0" : `${amount}::numeric`} as theirs from ${options[side]} as ${side}`;
  return `
with

sources as (${of("ours")}
  union all${of("theirs")}
),

expected as (
  select currency, coalesce(sum(ours), 0) as ours, coalesce(sum(theirs), 0) as theirs from sources group by currency
),

explained as (
  select currency, sum(amount_ours) as ours, sum(amount_theirs) as theirs from ${summed} as summed group by currency
)

select coalesce(expected.currency, explained.currency) as currency, expected.ours, explained.ours as explained_ours, expected.theirs, explained.theirs as explained_theirs
from expected
full join explained on coalesce(explained.currency, '') = coalesce(expected.currency, '')
where coalesce(expected.ours, 0) <> coalesce(explained.ours, 0)
  or coalesce(expected.theirs, 0) <> coalesce(explained.theirs, 0)`;
}

module.exports = { columnStats, summary, proposals, rules, rowsLost, columnsWrong, sumsWrong };
