// Totals of the same thing, counted twice.

function summed(relation, by, measures) {
  const sums = measures.map((measure) => `coalesce(sum(${measure}), 0) as ${measure}`);
  return `(
    select ${[...by, ...sums].join(", ")}
    from ${relation} as counted
    ${by.length > 0 ? `group by ${by.join(", ")}` : ""}
  )`;
}

/** Rows for which the sums of `measures` differ between two relations, or that only one of them has. */
function disagree({ expected, actual, by = [], measures }) {
  const keys = by.map((column) => `coalesce(expected.${column}, actual.${column}) as ${column}`);
  const pairs = measures.flatMap((measure) => [
    `expected.${measure} as expected_${measure}`,
    `actual.${measure} as actual_${measure}`,
  ]);
  const same = by.map((column) => `expected.${column} = actual.${column}`).join(" and ") || "true";
  const differ = measures.map((measure) => `expected.${measure} is distinct from actual.${measure}`).join(" or ");
  return `
  select
    ${[...keys, ...pairs].join(",\n    ")}
  from ${summed(expected, by, measures)} as expected
  full join ${summed(actual, by, measures)} as actual on ${same}
  where ${differ}`;
}

module.exports = { disagree };
