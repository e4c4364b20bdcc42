// The models and assertions of one reconciliation.

const { OUTCOMES } = require("./reconcile_compare");
const reports = require("./reconcile_reports");
const { duplicates, results } = require("./reconcile_rows");
const { kept, measure } = require("./reconcile_sides");
const { store } = require("./reconcile_store");

/** See `publish` in reconcile.js. `given` are the options as checked; `sides` name the two relations as in ref(). */
function publishAll(name, { schema, description, tags = [] }, sides, given) {
  const model = { ...(schema ? { schema } : {}), tags };
  const own = (suffix) => ({ ...(schema ? { schema } : {}), name: `${name}${suffix}` });
  const bound = (ctx) => ({ ...given, ours: ctx.ref(sides.ours), theirs: ctx.ref(sides.theirs) });
  const keys = Object.keys(given.key);
  const ofKey = Object.fromEntries(keys.map((column) => [column, "The key, in the form it is matched by."]));
  const amount = measure(given);

  publish(`${name}_store`, {
    ...model,
    type: "table",
    description: `What ${name}_rows is kept in; read that one.`,
    postgres: { indexes: [{ columns: keys, unique: true, where: "has_key" }] },
  })
    .query((ctx) => store(bound(ctx)))
    // a query of this many steps takes the JIT longer to compile than it saves
    .preOps("set local jit = off");

  publish(`${name}_rows`, {
    ...model,
    type: "view",
    description: description ?? "The result of each key, and of each row without one.",
    columns: { ...ofKey, ...rowColumns(given) },
  }).query((ctx) => results(given, ctx.ref(own("_store"))));

  publish(`${name}_duplicates`, {
    ...model,
    type: "table",
    description: `The rows of keys that are there more than once: one row per key and different content.`,
    columns: {
      ...ofKey,
      ...DUPLICATES,
      ...(amount
        ? { [amount]: "Of each of these rows.", [given.columns[amount].currency]: "Of each of these rows." }
        : {}),
    },
  }).query((ctx) => duplicates(bound(ctx), ctx.ref(own("_store"))));

  publish(`${name}_columns`, {
    ...model,
    type: "table",
    description: "How each column compares, over the keys that both sides have once.",
    columns: STATS,
    assertions: { uniqueKey: ["column_name"], nonNull: ["column_name", "compared", ...Object.values(OUTCOMES)] },
  }).query((ctx) => reports.columnStats(given, ctx.ref(own("_rows"))));

  publish(`${name}_summary`, {
    ...model,
    type: "table",
    description: `Keys, rows${amount ? " and money" : ""} of each status${amount ? " and currency" : ""}.`,
    columns: amount ? { ...COUNTS, ...AMOUNTS } : COUNTS,
    assertions: {
      uniqueKey: amount ? ["status", "currency"] : ["status"],
      nonNull: ["status", "keys", "rows_ours", "rows_theirs"],
    },
  }).query((ctx) => reports.summary(given, ctx.ref(own("_rows")), amount && ctx.ref(own("_duplicates"))));

  publish(`${name}_proposals`, {
    ...model,
    type: "view",
    description: "What could be corrected, one row per differing column or missing row.",
    columns: { ...ofKey, ...PROPOSALS },
    assertions: { uniqueKey: ["proposal_id"] },
  }).query((ctx) => reports.proposals(given, ctx.ref(own("_rows"))));

  publish(`${name}_rules`, {
    ...model,
    type: "view",
    description: "The rules the columns are compared by.",
    columns: RULES,
  }).query(() => reports.rules(given));

  assert(`${name}_counts_every_row_once`, {
    tags,
    description: `Every row of both sides is in ${name}_rows exactly once.`,
  }).query((ctx) => reports.rowsLost(bound(ctx), ctx.ref(own("_rows"))));

  assert(`${name}_columns_add_up`, {
    tags,
    description: `The outcomes of each column add up to the pairs compared.`,
  }).query((ctx) => reports.columnsWrong(ctx.ref(own("_rows")), ctx.ref(own("_columns"))));

  if (amount)
    assert(`${name}_sums_are_explained`, {
      tags,
      description: `The statuses add up to the money of both sides, in each currency.`,
    }).query((ctx) => reports.sumsWrong(bound(ctx), ctx.ref(own("_summary"))));
}

function rowColumns(options) {
  const amount = measure(options);
  const sides = kept(options).flatMap((name) => [
    [`${name}_ours`, `${name} of our row; NULL where there are several.`],
    [`${name}_theirs`, `${name} of their row; NULL where there are several.`],
  ]);
  return {
    status:
      "no_key, duplicate, missing_in_ours, missing_in_theirs, mismatched, matched_within_tolerance or matched: the first that holds.",
    n_ours: "Our rows with this key.",
    n_theirs: "Their rows with this key.",
    ...Object.fromEntries(sides),
    ...(amount ? { [`${amount}_diff`]: "Theirs less ours, where there is one row each, of one currency." } : {}),
    diff_columns: "The columns that make the row mismatched.",
    within_tolerance_columns: "The columns that differ by no more than they may.",
    outcomes: `A letter per compared column: ${Object.entries(OUTCOMES)
      .map(([letter, label]) => `${letter} ${label}`)
      .join(", ")}.`,
    our_row_hash: "Checksum of our row's compared columns.",
    their_row_hash: "Checksum of their row's compared columns.",
    ours: "Our row, where it is not the same as theirs.",
    theirs: "Their row, where it is not the same as ours.",
  };
}

const DUPLICATES = {
  row_hash: "Checksum of the compared columns.",
  n_ours: "Our rows of this content.",
  n_theirs: "Their rows of this content.",
  n_equal: "How many of them have an equal one on the other side. What is left of n_ours and n_theirs is surplus.",
  ours: "Our rows.",
  theirs: "Their rows.",
};

const STATS = {
  position: "Place of its letter in outcomes.",
  column_name: "The column.",
  kind: "money, number, date, timestamp, text or exact.",
  compared: "Keys that both sides have once.",
  equal: "Pairs with equal values, by the column's rule.",
  both_null: "Pairs without a value on either side.",
  null_in_ours: "Pairs where only they have a value.",
  null_in_theirs: "Pairs where only we have a value.",
  within_tolerance: "Pairs that differ by no more than they may.",
  different: "Pairs that differ by more.",
  match_pct: "Percentage of pairs that are equal, both NULL or within tolerance. NULL where nothing was compared.",
  currency: "Money: the currency of all pairs, where there is only one.",
  sum_ours: "Sum of our values; of money in one currency only, see the summary for several.",
  sum_theirs: "Sum of their values.",
  sum_diff: "Theirs less ours.",
  max_abs_diff: "The largest difference of a pair.",
};

const COUNTS = {
  status: "Status of the row results.",
  keys: "Row results: keys, and rows without one.",
  rows_ours: "Our rows.",
  rows_theirs: "Their rows.",
};

const AMOUNTS = {
  currency: "Currency. What the other side has in another currency is in that currency's row.",
  amount_ours: "Sum of our amounts.",
  amount_theirs: "Sum of their amounts.",
  amount_diff: "Theirs less ours. Over all statuses it is the whole difference.",
};

const PROPOSALS = {
  proposal_id: "Made of what the proposal says: with other values it is another proposal.",
  status: "Status of the row result.",
  column_name: "The column that differs; NULL where the whole row is missing.",
  our_value: "What we have; the whole row as JSON where they have none.",
  their_value: "What they have; the whole row as JSON where we have none.",
  proposed_action:
    "update: take their value. insert: add their row to ours. investigate: they do not have our row, ask them.",
};

const RULES = {
  position: "Place of its letter in outcomes.",
  column_name: "The column.",
  kind: "How it is compared.",
  currency_column: "Money: the column of its currency.",
  abs_tol: "Largest difference that is within tolerance.",
  rel_tol: "The same, as a share of their value.",
  time_tol: "Largest difference of dates and times.",
  normalize: "What is done to both texts before they are compared.",
  is_blocking: "Whether a difference makes the row mismatched.",
};

module.exports = { publishAll };
