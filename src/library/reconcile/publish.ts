import { sql } from "../../sql/sql.ts";
import {
  assertModel,
  type Context,
  inputTo,
  modelOf,
  type Name,
  nameIn,
  publishModel,
  referTo,
} from "../shared/dataform.ts";
import { columnsWrong, groupsWrong, rowsLost, sumsWrong } from "./checks.ts";
import { columnStatistics } from "./columns.ts";
import { OUTCOMES } from "./compare.ts";
import {
  type Descriptions,
  duplicateDescriptions,
  GROUPS,
  MATCHES,
  PASSES,
  proposalDescriptions,
  RULES,
  rowDescriptions,
  STATISTICS,
  summaryDescriptions,
} from "./descriptions.ts";
import { duplicatesOf } from "./duplicates.ts";
import { groupsOf } from "./groups.ts";
import { matchesOf } from "./matches.ts";
import type { Comparison, Side } from "./options.ts";
import { passRows } from "./pass-rows.ts";
import { rowNo } from "./passing.ts";
import { proposalsOf } from "./proposals.ts";
import { rowResults } from "./rows.ts";
import { ruleRows } from "./rule-rows.ts";
import { keyList, measureOf } from "./sides.ts";
import { type Relations, storeOf } from "./store.ts";
import { summaryOf } from "./summary.ts";

/** What the models are called, where they are, and what is said of them. */
export interface ModelOptions {
  readonly schema?: string | undefined;
  readonly description?: string | undefined;
  readonly tags?: readonly string[] | undefined;
}

interface Publishing extends ModelOptions {
  readonly name: string;
  readonly comparison: Comparison;
  readonly sides: Readonly<Record<Side, Name>>;
}

/** The models and assertions of one reconciliation: see `publish` in reconcile.ts. */
export function publishAll(given: Publishing): void {
  publishRows(given);
  if (given.comparison.passes.length) publishPasses(given);
  publishReports(given);
  publishProposals(given);
  assertAll(given);
}

/** A floating point number is what its text says: to its last digit, whatever the database writes otherwise. */
const DIGITS = "set local extra_float_digits = 1";

const SUFFIXES = [
  "matches",
  "groups",
  "passes",
  "store",
  "rows",
  "duplicates",
  "columns",
  "summary",
  "proposals",
  "rules",
] as const;
/** So many of them, the first, are made for passes only. */
const OF_PASSES = 3;
type Suffix = (typeof SUFFIXES)[number];

function partsOf(given: Publishing) {
  const nameOf = (suffix: Suffix) => `${given.name}_${suffix}`;
  return {
    nameOf,
    config: modelOf(given),
    ref: (context: Context, suffix: Suffix) =>
      referTo(context, nameIn(given, nameOf(suffix)), `reconcile.publish: ${given.name}`),
  };
}

function relationsOf(context: Context, { name, sides, schema, comparison }: Publishing): Relations {
  const parts = comparison.passes.length ? SUFFIXES : SUFFIXES.slice(OF_PASSES);
  const made = parts.map((suffix) => `${name}_${suffix}`);
  const of = (side: Side) => inputTo(context, sides[side], `reconcile.publish: ${name}: ${side}`, { schema, made });
  return { ours: of("ours"), theirs: of("theirs") };
}

function described(descriptions: Descriptions): Record<string, string> {
  return Object.fromEntries(descriptions);
}

function publishRows(given: Publishing): void {
  const { comparison } = given;
  const { nameOf, config, ref } = partsOf(given);
  // In parentheses they are SQL, whatever characters a name has.
  const keys = keyList(comparison).map((key) => sql`(${key})`.toString());
  publishModel(
    nameOf("store"),
    {
      ...config,
      type: "table",
      description: `What ${nameOf("rows")} is kept in; read that one.`,
      // What it asks of the catalog is the types of what it reads.
      postgres: { volatile: false, indexes: [{ columns: keys, unique: true, where: "has_key" }] },
    },
    (context) => storeOf(comparison, relationsOf(context, given)),
  ).preOps(DIGITS);
  publishModel(
    nameOf("rows"),
    {
      ...config,
      type: "view",
      description: given.description ?? "The result of each key, and of each row without one.",
      columns: described(rowDescriptions(comparison)),
    },
    (context) =>
      rowResults(comparison, ref(context, "store"), comparison.passes.length ? ref(context, "matches") : undefined),
  );
  publishModel(
    nameOf("duplicates"),
    {
      ...config,
      type: "table",
      description: "The rows of keys that are there more than once: one row per key and different content.",
      columns: described(duplicateDescriptions(comparison)),
    },
    (context) => duplicatesOf(comparison, relationsOf(context, given), ref(context, "store")),
  ).preOps(DIGITS);
}

/** What passes by key read, besides the store. */
export function hasKeyPass({ passes }: Comparison): boolean {
  return passes.some(({ by }) => by === "key");
}

function publishPasses(given: Publishing): void {
  const { name, comparison, tags = [] } = given;
  const { nameOf, config, ref } = partsOf(given);
  const repeated = (context: Context) => (hasKeyPass(comparison) ? ref(context, "duplicates") : undefined);
  publishModel(
    nameOf("matches"),
    {
      ...config,
      type: "table",
      description: `What passes say of open rows; read ${nameOf("rows")}, which has it, too.`,
      columns: described([["_dataform_row_no", `Number of the row in ${nameOf("store")}.`], ...MATCHES]),
      postgres: { indexes: [{ columns: [sql`(${rowNo})`.toString()], unique: true }] },
    },
    (context) => matchesOf(comparison, ref(context, "store"), repeated(context)),
    // how many rows are open is known when they are: what joins them row by row takes squares of them
  ).preOps("set local enable_nestloop = off");
  publishModel(
    nameOf("groups"),
    {
      ...config,
      type: "view",
      description: "Rows that a pass put together, and their sums: one row per group.",
      columns: described(GROUPS),
      assertions: {
        uniqueKey: ["match_group"],
        nonNull: ["match_group", "match_pass", "outcome", "n_ours", "n_theirs"],
      },
    },
    (context) => groupsOf(comparison, ref(context, "rows"), repeated(context)),
  );
  publishModel(
    nameOf("passes"),
    {
      ...config,
      type: "view",
      description: "The passes, in their order.",
      columns: described(PASSES),
      assertions: { uniqueKey: ["match_pass"], nonNull: ["match_pass", "position", "by_what", "confidence"] },
    },
    () => passRows(comparison),
  );
  assertModel(
    `${name}_groups_add_up`,
    { tags, description: "Groups that are matched have rows of both sides, which add up to the same." },
    (context) => groupsWrong(ref(context, "groups")),
  );
}

function publishReports(given: Publishing): void {
  const { comparison } = given;
  const { nameOf, config, ref } = partsOf(given);
  const measure = measureOf(comparison);
  publishModel(
    nameOf("columns"),
    {
      ...config,
      type: "table",
      description: "How each column compares, over the keys that both sides have once.",
      columns: described(STATISTICS),
      assertions: { uniqueKey: ["column_name"], nonNull: ["column_name", "compared", ...OUTCOMES.values()] },
    },
    (context) => columnStatistics(comparison, ref(context, "rows")),
  );
  publishModel(
    nameOf("summary"),
    {
      ...config,
      type: "table",
      description: `Keys, rows${measure ? " and money" : ""} of each status${measure ? " and currency" : ""}.`,
      columns: described(summaryDescriptions(comparison)),
      assertions: {
        uniqueKey: measure ? ["status", "currency"] : ["status"],
        nonNull: ["status", "keys", "rows_ours", "rows_theirs"],
      },
    },
    (context) => summaryOf(comparison, ref(context, "rows"), measure && ref(context, "duplicates")),
  );
  publishModel(
    nameOf("rules"),
    {
      ...config,
      type: "view",
      description: "The rules the columns are compared by.",
      columns: described(RULES),
    },
    () => ruleRows(comparison),
  );
}

function publishProposals(given: Publishing): void {
  const { comparison } = given;
  const { nameOf, config, ref } = partsOf(given);
  publishModel(
    nameOf("proposals"),
    {
      ...config,
      type: "view",
      description: "What could be corrected, one row per differing column or missing row.",
      columns: described(proposalDescriptions(comparison)),
      assertions: { uniqueKey: ["proposal_id"] },
    },
    (context) => proposalsOf(comparison, ref(context, "rows")),
  );
}

function assertAll(given: Publishing): void {
  const { name, comparison, tags = [] } = given;
  const { ref } = partsOf(given);
  assertModel(
    `${name}_counts_every_row_once`,
    { tags, description: `Every row of both sides is in ${name}_rows exactly once.` },
    (context) => rowsLost(relationsOf(context, given), ref(context, "rows")),
  );
  assertModel(
    `${name}_columns_add_up`,
    { tags, description: "The outcomes of each column add up to the pairs compared." },
    (context) => columnsWrong(ref(context, "rows"), ref(context, "columns")),
  );
  if (measureOf(comparison))
    assertModel(
      `${name}_sums_are_explained`,
      { tags, description: "The statuses add up to the money of both sides, in each currency." },
      (context) => sumsWrong(comparison, relationsOf(context, given), ref(context, "summary")),
    );
}
