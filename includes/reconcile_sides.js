// The two sides of a reconciliation as SQL: keys, compared columns, checksums, and rows as JSON.

const compare = require("./reconcile_compare");

/** The columns whose values the row results keep of both sides, for sums. */
function figures({ columns }) {
  return Object.keys(columns).filter((name) => ["money", "number"].includes(columns[name].kind));
}

/** The first money column, whose sums the summary explains. */
function measure({ columns }) {
  return Object.keys(columns).find((name) => columns[name].kind === "money");
}

/** Columns kept of both sides: figures, and the currency of each money column. */
function kept({ columns }) {
  const currencies = Object.values(columns).flatMap(({ currency }) => (currency ? [currency] : []));
  return [...new Set([...figures({ columns }), ...currencies])];
}

/**
 * One side: its key in the form it is matched by, its columns in the types they are compared in, and checksums of both. Of a
 * select that reads no checksum none is made.
 */
function sideOf({ key, columns, also, ...options }, side) {
  const keys = Object.entries(key).map(([name, steps]) => [
    name,
    steps.length ? compare.normalized(`${name}::text`, steps) : name,
  ]);
  const values = Object.entries(columns).map(([name, rule]) => {
    const type = compare.typeOf(rule);
    return [name, type ? `${name}::${type}` : name];
  });
  const isText = Object.values(key).every((steps) => steps.length);
  const keyValues = keys.map(([, value]) => value);
  const hasKey = isKey(keyValues);
  const named = ([name, value]) => (name === value ? name : `${value} as ${name}`);
  return `select
    ${[...keys, ...values].map(named).join(",\n    ")},
    ${also[side].map((name) => `${name}::text as also_${name},\n    `).join("")}${hasKey} as has_key,
    case when ${hasKey} then ${isText ? textHash(keyValues) : rowHash(keyValues)} end as key_hash,
    ${rowHash(values.map(([, value]) => value))} as row_hash
  from ${options[side]} as ${side}`;
}

/** Whether a key is one: no part is NULL or empty. */
function isKey(values) {
  return values.map((value) => `nullif(${value}::text, '') is not null`).join(" and ");
}

/** Checksum of a row: equal values have equal ones, however their numbers are written. */
function rowHash(values) {
  return `hash_record_extended(row(${values.join(", ")}), 0)`;
}

/** Of texts, a third quicker than the hash of a row. */
function textHash(values) {
  return values.reduce((seed, value) => `hashtextextended(${value}, ${seed})`, "0");
}

/** Key, columns and what else is wanted of a row, as JSON. Numbers are written in one way, whatever digits they came with. */
function asJson({ key, columns, also }, side, valueIn) {
  const own = [...Object.keys(key), ...Object.keys(columns)].map((name) => {
    const value = valueIn(name);
    return [name, ["money", "number"].includes(columns[name]?.kind) ? `trim_scale(${value})` : value];
  });
  const pairs = [...own, ...also[side].map((name) => [name, valueIn(`also_${name}`)])];
  return `jsonb_build_object(${pairs.map(([label, value]) => `'${label}', ${value}`).join(", ")})`;
}

module.exports = { figures, measure, kept, sideOf, isKey, rowHash, asJson };
