// Two sets of rows compared by key: a result for each row, figures for each column, a summary that adds up, and what could
// be corrected. docs/products/reconciliation.md has the rules.

const { KINDS, NORMALIZERS, typeOf } = require("./reconcile_compare");
const fromCorrections = require("./reconcile_corrections");
const { publishAll } = require("./reconcile_publish");
const reports = require("./reconcile_reports");
const fromRows = require("./reconcile_rows");
const { store } = require("./reconcile_store");

const SIDES = ["ours", "theirs"];
const OPTIONS = [...SIDES, "key", "columns", "also", "unique"];
const TAKEN = ["status", "n_ours", "n_theirs", "outcomes", "has_key", "key_hash", "row_hash", "is_same", "n", "side"];

/**
 * One call for a reconciliation, from a file in definitions/:
 *
 * - `<name>_rows`: the result of each key; `<name>_duplicates`: the rows of keys that are there more than once;
 * - `<name>_columns`: figures by column; `<name>_summary`: by status and currency; `<name>_rules`: what was compared how;
 * - `<name>_proposals`: what could be corrected;
 * - the assertions `<name>_counts_every_row_once`, `<name>_columns_add_up` and `<name>_sums_are_explained`.
 *
 * `ours`, `theirs`: the two relations, as in ref(); they name the compared columns alike.
 * `key`: a column, several, or `{ column: ["trim", "upper"] }` with steps that bring texts into one form.
 * `columns`: `{ column: { kind, … } }`, see `check`; `schema`, `description` and `tags` are those of the models.
 * `also`: `{ ours: […], theirs: […] }`, further columns to show of rows that differ.
 * `unique`: true, or `["theirs"]`: the sides that have no key twice, which are then not searched for them. Where it is not
 * true the run fails, with the key, and publishes nothing.
 */
function publish(name, { schema, description, tags, ...given }) {
  const caller = `reconcile.publish: ${name}`;
  const options = check(caller, given);
  const nameOf = (side) =>
    Array.isArray(side) ? { schema: side[0], name: side[1] } : typeof side === "string" ? { name: side } : side;
  const sides = { ours: nameOf(given.ours), theirs: nameOf(given.theirs) };
  if (!sides.ours.name || !sides.theirs.name) throw new Error(`${caller}: ours and theirs name models, as in ref()`);
  publishAll(name, { schema, description, tags }, sides, options);
  return bind(options);
}

/**
 * The same without models: functions that return selects. `ours` and `theirs` are relations here, `${ref("records")}`. A table
 * of `store()` needs a unique index of the key `where has_key`: it is what holds `unique`.
 */
function between(given) {
  const options = check("reconcile.between", given);
  return { ...bind(options), store: () => store(options) };
}

/** The selects over the models of a reconciliation; arguments are relations. */
function bind(options) {
  return {
    rows: (stored) => fromRows.results(options, stored),
    duplicates: (stored) => fromRows.duplicates(options, stored),
    columnStats: (rows) => reports.columnStats(options, rows),
    summary: (rows, duplicates) => reports.summary(options, rows, duplicates),
    proposals: (rows) => reports.proposals(options, rows),
    rules: () => reports.rules(options),
    corrections: (given) => fromCorrections.corrections(options, given),
    corrected: (given) => fromCorrections.corrected(options, given),
  };
}

/** The options in one form: `key` as `{ column: steps }`, `also` with both sides. Wrong ones are told. */
function check(caller, { key, columns, also = {}, unique = [], ...rest }) {
  const fail = (message) => {
    throw new Error(`${caller}: ${message}`);
  };
  const unknown = Object.keys(rest).find((name) => !OPTIONS.includes(name));
  if (unknown) fail(`unknown option "${unknown}", known: ${OPTIONS.join(", ")}`);
  for (const side of SIDES) if (!rest[side]) fail(`needs ${side}, the name of that side's rows`);
  const steps =
    key && typeof key === "object" && !Array.isArray(key)
      ? key
      : Object.fromEntries([].concat(key ?? []).map((name) => [name, []]));
  if (!Object.keys(steps).length) fail("needs a key");
  if (!columns || !Object.keys(columns).length) fail('needs columns: { column: { kind: "text" } }');
  for (const [name, list] of Object.entries(steps)) checkSteps(fail, name, list);
  for (const [name, rule] of Object.entries(columns)) checkRule(fail, name, rule, columns);
  const taken = [...Object.keys(steps), ...Object.keys(columns)].find((name) => TAKEN.includes(name));
  if (taken) fail(`the column name ${taken} is taken by the results' own, rename it on both sides`);
  const twice = Object.keys(steps).find((name) => name in columns);
  if (twice) fail(`${twice} is the key: it is equal, or it is another row. Leave it out of columns`);
  const side = Object.keys(also).find((name) => !SIDES.includes(name));
  if (side) fail(`also: unknown side "${side}", known: ours, theirs`);
  const sides = { true: SIDES, false: [] }[unique] ?? unique;
  if (!Array.isArray(sides) || sides.some((name) => !SIDES.includes(name)))
    fail(`unique: true, or a list of ours, theirs, found ${JSON.stringify(unique)}`);
  return { ...rest, key: steps, columns, also: { ours: [], theirs: [], ...also }, unique: sides };
}

function checkSteps(fail, name, list = []) {
  const known = Object.keys(NORMALIZERS);
  if (!Array.isArray(list)) fail(`${name}: normalize is a list of ${known.join(", ")}`);
  const step = list.find((one) => !known.includes(one));
  if (step) fail(`${name}: unknown step "${step}", known: ${known.join(", ")}`);
}

function checkRule(fail, name, rule, columns) {
  const kinds = Object.keys(KINDS);
  if (!kinds.includes(rule?.kind)) fail(`${name}: needs a kind, one of ${kinds.join(", ")}`);
  const known = ["kind", "blocking", ...KINDS[rule.kind]];
  const unknown = Object.keys(rule).find((option) => !known.includes(option));
  if (unknown) fail(`${name}: unknown option "${unknown}" of ${rule.kind}, known: ${known.join(", ")}`);
  checkSteps(fail, name, rule.normalize);
  for (const option of ["absTol", "relTol"])
    if (rule[option] !== undefined && !/^\d+(\.\d+)?$/.test(String(rule[option])))
      fail(`${name}: ${option} is a number that is not negative, found ${JSON.stringify(rule[option])}`);
  if (rule.days !== undefined && !(Number.isInteger(rule.days) && rule.days >= 0))
    fail(`${name}: days is a whole number, found ${JSON.stringify(rule.days)}`);
  if (rule.kind !== "money") return;
  const currency = columns[rule.currency];
  if (!currency || typeOf(currency) !== "text")
    fail(
      `${name}: money needs currency, the name of another of the columns, of kind text; figures without one are numbers`,
    );
}

module.exports = { publish, between };
