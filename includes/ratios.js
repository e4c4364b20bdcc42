// Ratios are sums over sums, exact, and null when there is nothing to divide by.

function ratio(numerator, denominator) {
  return `(${numerator})::numeric / nullif(${denominator}, 0)`;
}

/** Rank of a ratio, best first; ties share a rank, and what has no ratio has no rank. */
function rank(column, { per = [] } = {}) {
  const groups = [...per, `${column} is null`].join(", ");
  return `case when ${column} is not null then rank() over (partition by ${groups} order by ${column} desc) end`;
}

/** A whole number from the project's vars, so that a typing error stops the compilation and not the query. */
function minimum(vars, name, fallback) {
  const value = vars?.[name] ?? String(fallback);
  if (!/^[1-9]\d*$/.test(value)) throw new Error(`vars.${name} must be a whole number from 1 on, got "${value}"`);
  return value;
}

module.exports = { ratio, rank, minimum };
