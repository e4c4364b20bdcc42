import { OUTCOMES } from "./compare.ts";
import { type Comparison, ofSide } from "./options.ts";
import { differenceName } from "./rows.ts";
import { keptColumns, measureOf } from "./sides.ts";

// What the catalogue says of the columns of each model, in their order.

export type Descriptions = readonly (readonly [column: string, description: string])[];

function keyDescriptions({ key }: Comparison): Descriptions {
  return key.map(({ name }) => [name, "The key, in the form it is matched by."]);
}

const PASSED: Descriptions = [
  ["match_pass", "key where the key matched it, or the pass that did; of an open row the pass that match_note is of."],
  [
    "confidence",
    "certain where the key matched it, or high, medium or low, as the pass declares. NULL where nothing did.",
  ],
  [
    "match_note",
    "Why a pass did not match it: ambiguous (it could belong to several), sum_differs (what is grouped with it adds up to something else), too_many (more could belong to it than are tried).",
  ],
  ["match_group", "The group that a pass put it in: rows of a group have it in common."],
];

export const GROUPS: Descriptions = [
  ["match_group", "The group."],
  ["match_pass", "The pass that made it."],
  ["outcome", "matched, or sum_differs."],
  ["confidence", "high, medium or low, as the pass declares; NULL where it is not matched."],
  ["n_ours", "Our rows in it."],
  ["n_theirs", "Their rows in it."],
  ["currency", "Currency of its sums; NULL where they are no money."],
  ["sum_ours", "Sum of our rows."],
  ["sum_theirs", "Sum of their rows."],
  ["sum_diff", "Theirs less ours."],
  ["ours", "Our rows."],
  ["theirs", "Their rows."],
];

export const MATCHES: Descriptions = [
  ["match_pass", "The pass."],
  ["confidence", "high, medium or low; NULL unless it is matched."],
  ["outcome", "matched, ambiguous, sum_differs or too_many: of several passes the first that holds."],
  ["match_group", "The group; NULL where it is in none."],
];

export const PASSES: Descriptions = [
  ["position", "When it is tried."],
  ["match_pass", "Its name."],
  ["by_what", "key, group, amount or sum."],
  ["confidence", "How sure its matches are."],
  ["amount_column", "What has to be equal, or to add up."],
  ["same_columns", "What rows have to have in common."],
  ["group_columns", "What makes a group."],
  ["date_column", "Whose days may be apart."],
  ["days", "By how many, at most."],
  ["most_rows", "Rows of a sum, at most."],
  ["most_candidates", "Rows of which sums are tried, at most."],
  ["most_sums", "Sums that are tried for one row, at most."],
];

export function rowDescriptions(comparison: Comparison): Descriptions {
  const measure = measureOf(comparison);
  const kept = keptColumns(comparison).flatMap(
    (name): Descriptions => [
      [ofSide(name, "ours"), `${name} of our row; NULL where a side has the key more than once.`],
      [ofSide(name, "theirs"), `${name} of their row; NULL where a side has the key more than once.`],
    ],
  );
  const difference: Descriptions = measure
    ? [[differenceName(measure.amount), "Theirs less ours, where there is one row each, of one currency."]]
    : [];
  const letters = [...OUTCOMES].map(([letter, label]) => `${letter} ${label}`).join(", ");
  return [
    ...keyDescriptions(comparison),
    [
      "status",
      `${comparison.passes.length ? "matched_by_pass, " : ""}no_key, duplicate, ${Object.keys(comparison.notDue).length ? "not_due, " : ""}missing_in_ours, missing_in_theirs, mismatched, matched_within_tolerance or matched: the first that holds.`,
    ],
    ["n_ours", "Our rows with this key."],
    ["n_theirs", "Their rows with this key."],
    ...(comparison.passes.length ? PASSED : []),
    ...kept,
    ...difference,
    ["diff_columns", "The columns that make the row mismatched."],
    ["within_tolerance_columns", "The columns that differ by no more than they may."],
    ["outcomes", `A letter per compared column: ${letters}.`],
    ["our_row_hash", "Checksum of our row's compared columns."],
    ["their_row_hash", "Checksum of their row's compared columns."],
    ["ours", "Our row, where it is not the same as theirs."],
    ["theirs", "Their row, where it is not the same as ours."],
  ];
}

export function duplicateDescriptions(comparison: Comparison): Descriptions {
  const measure = measureOf(comparison);
  const money = measure ? [measure.amount, measure.currency] : [];
  return [
    ...keyDescriptions(comparison),
    ["row_hash", "Checksum of the compared columns, as they came."],
    ["n_ours", "Our rows of this content."],
    ["n_theirs", "Their rows of this content."],
    [
      "n_equal",
      "How many of them have an equal one on the other side. What is left of n_ours and n_theirs is surplus.",
    ],
    ...money.map((name) => [name, "Of each of these rows."] as const),
    ["ours", "Our rows."],
    ["theirs", "Their rows."],
  ];
}

export const STATISTICS: Descriptions = [
  ["position", "Place of its letter in outcomes."],
  ["column_name", "The column."],
  ["kind", "money, number, date, timestamp, text or exact."],
  ["compared", "Keys that both sides have once."],
  ["equal", "Pairs with equal values, by the column's rule."],
  ["both_null", "Pairs without a value on either side."],
  ["null_in_ours", "Pairs where only they have a value."],
  ["null_in_theirs", "Pairs where only we have a value."],
  ["within_tolerance", "Pairs that differ by no more than they may."],
  ["different", "Pairs that differ by more."],
  [
    "match_pct",
    "Percentage of pairs that are equal, both NULL or within tolerance, rounded down: 100 is all of them. NULL where nothing was compared.",
  ],
  ["currency", "Money: the currency of all pairs, where there is only one."],
  ["sum_ours", "Sum of our values; of money in one currency only, see the summary for several."],
  ["sum_theirs", "Sum of their values."],
  ["sum_diff", "Theirs less ours."],
  ["max_abs_diff", "The largest difference of a pair."],
];

const COUNTS: Descriptions = [
  ["status", "Status of the row results."],
  ["keys", "Row results: keys, and rows without one."],
  ["rows_ours", "Our rows."],
  ["rows_theirs", "Their rows."],
];

const AMOUNTS: Descriptions = [
  [
    "currency",
    "Currency. What the other side has in another currency is in that currency's row; keys count in theirs, or ours where they have no row, and where a side has several in the first by its code.",
  ],
  ["amount_ours", "Sum of our amounts."],
  ["amount_theirs", "Sum of their amounts."],
  ["amount_diff", "Theirs less ours. Over all statuses it is the whole difference."],
];

export function summaryDescriptions(comparison: Comparison): Descriptions {
  return measureOf(comparison) ? [...COUNTS, ...AMOUNTS] : COUNTS;
}

export function proposalDescriptions(comparison: Comparison): Descriptions {
  return [
    ["proposal_id", "Made of what the proposal says: with other values it is another proposal."],
    ...keyDescriptions(comparison),
    ["status", "Status of the row result."],
    [
      "column_name",
      "The column that differs, and a figure only where it is another; NULL where the whole row is missing.",
    ],
    ["our_value", "What we have; the whole row as JSON where they have none."],
    ["their_value", "What they have; the whole row as JSON where we have none."],
    [
      "proposed_action",
      "update: take their value. insert: add their row to ours. investigate: they do not have our row, ask them.",
    ],
  ];
}

export const RULES: Descriptions = [
  ["position", "Place of its letter in outcomes."],
  ["column_name", "The column."],
  ["kind", "How it is compared."],
  ["currency_column", "Money: the column of its currency."],
  ["abs_tol", "Largest difference that is within tolerance."],
  ["rel_tol", "The same, as a share of their value."],
  ["time_tol", "Largest difference of dates and times."],
  ["normalize", "What is done to both texts before they are compared."],
  ["is_blocking", "Whether a difference makes the row mismatched."],
];
