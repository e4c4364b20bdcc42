// How one column of two rows is compared, as SQL. Outcomes are one letter each; a pair of rows has a text of them. The values
// of a pair are called `<column>_ours` and `<column>_theirs`.

const OUTCOMES = {
  e: "equal",
  b: "both_null",
  o: "null_in_ours",
  t: "null_in_theirs",
  w: "within_tolerance",
  d: "different",
};

/** Options of each kind of column, besides `kind` and `blocking`. */
const KINDS = {
  money: ["currency", "absTol", "relTol"],
  number: ["absTol", "relTol"],
  date: ["days"],
  timestamp: ["tolerance"],
  text: ["normalize"],
  exact: [],
};

const TYPES = { money: "numeric", number: "numeric", date: "date", timestamp: "timestamptz", text: "text" };

const NORMALIZERS = {
  text: (value) => value,
  trim: (value) => `btrim(${value}, e' \\t\\r\\n')`,
  spaces: (value) => `regexp_replace(${value}, '\\s+', ' ', 'g')`,
  upper: (value) => `upper(${value})`,
  lower: (value) => `lower(${value})`,
  unpad: (value) => `ltrim(${value}, '0')`,
};

// ISO 4217: the currencies whose minor unit is not a hundredth.
const MINOR_UNITS = [
  [0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"],
  [3, "BHD IQD JOD KWD LYD OMR TND"],
  [4, "CLF UYW"],
];

/** A text in the form it is compared in: steps of `normalize`, in their order. */
function normalized(value, steps = []) {
  return steps.reduce((inner, step) => NORMALIZERS[step](inner), value);
}

/** The digits of a currency's minor unit. */
function minorUnit(currency) {
  const cases = MINOR_UNITS.map(
    ([digits, codes]) => `when ${currency} in ('${codes.split(" ").join("', '")}') then ${digits}`,
  );
  return `case ${cases.join(" ")} else 2 end`;
}

/** The type both sides are brought to, so that equal values are the same; undefined where they come in one. */
function typeOf({ kind }) {
  return TYPES[kind];
}

/** A condition for each of "equal" and "within tolerance" of two values that are not NULL. */
function conditions(name, rule, columns) {
  const ours = `${name}_ours`;
  const theirs = `${name}_theirs`;
  switch (rule.kind) {
    case "money":
      return ofMoney(ours, theirs, rule, columns[rule.currency] ?? { kind: "exact" });
    case "number":
      return { equal: `${ours} = ${theirs}`, within: tolerance(ours, theirs, rule) };
    case "date":
      return {
        equal: `${ours} = ${theirs}`,
        within: rule.days ? `abs(${ours} - ${theirs}) <= ${rule.days}` : undefined,
      };
    case "timestamp":
      return {
        equal: `${ours} = ${theirs}`,
        within: rule.tolerance
          ? `greatest(${ours}, ${theirs}) - least(${ours}, ${theirs}) <= interval ${literal(rule.tolerance)}`
          : undefined,
      };
    case "text":
      return { equal: `${normalized(ours, rule.normalize)} = ${normalized(theirs, rule.normalize)}` };
    default:
      return { equal: `${ours} = ${theirs}` };
  }
}

/** Amounts are compared in whole minor units; round() of numeric takes halves away from zero. */
function ofMoney(ours, theirs, rule, currencyRule) {
  const [of, against] = ["ours", "theirs"].map((side) =>
    normalized(`${rule.currency}_${side}`, currencyRule.normalize),
  );
  const same = `${of} is not distinct from ${against}`;
  const digits = minorUnit(against);
  const [a, b] = [`round(${ours}, ${digits})`, `round(${theirs}, ${digits})`];
  const within = tolerance(a, b, rule);
  return { equal: `${same} and ${a} = ${b}`, within: within && `${same} and (${within})` };
}

/** Both limits count in: a difference as large as the tolerance is within it. */
function tolerance(ours, theirs, { absTol, relTol }) {
  const limits = [];
  if (Number(absTol ?? 0)) limits.push(`abs(${ours} - ${theirs}) <= ${absTol}`);
  if (Number(relTol ?? 0)) limits.push(`abs(${ours} - ${theirs}) <= ${relTol} * abs(${theirs})`);
  return limits.length ? limits.join(" or ") : undefined;
}

/** The letters of a pair of rows whose values are not all the same. */
function outcomes(columns) {
  return Object.entries(columns).map(([name, rule]) => {
    const { equal, within } = conditions(name, rule, columns);
    return [
      `case when ${name}_ours is null then case when ${name}_theirs is null then 'b' else 'o' end`,
      `when ${name}_theirs is null then 't'`,
      `when ${equal} then 'e'`,
      ...(within ? [`when ${within} then 'w'`] : []),
      "else 'd' end",
    ].join(" ");
  });
}

/** The letters of a pair of rows whose values are the same; NULL where all have one. */
function outcomesOfEqual(columns) {
  const names = Object.keys(columns).map((name) => `${name}_ours`);
  const letters = names.map((name) => `case when ${name} is null then 'b' else 'e' end`);
  return `case when num_nulls(${names.join(", ")}) = 0 then null else ${letters.join(" || ")} end`;
}

function literal(text) {
  return `'${String(text).replaceAll("'", "''")}'`;
}

module.exports = { OUTCOMES, KINDS, NORMALIZERS, normalized, typeOf, outcomes, outcomesOfEqual, literal };
