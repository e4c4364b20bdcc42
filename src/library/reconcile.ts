import { relation } from "../sql/authored.ts";
import type { Sql } from "../sql/sql.ts";
import { columnStatistics } from "./reconcile/columns.ts";
import { correctedOf } from "./reconcile/corrected.ts";
import { correctionsOf } from "./reconcile/corrections.ts";
import { type DialectName, dialectOf, tableOf } from "./reconcile/dialects.ts";
import { duplicatesOf } from "./reconcile/duplicates.ts";
import { groupsOf } from "./reconcile/groups.ts";
import { matchesOf } from "./reconcile/matches.ts";
import { isChanging } from "./reconcile/normalize.ts";
import { type Comparison, type ComparisonOptions, checkOptions, type Side } from "./reconcile/options.ts";
import { passRows } from "./reconcile/pass-rows.ts";
import { proposalsOf } from "./reconcile/proposals.ts";
import { hasKeyPass, type ModelOptions, publishAll } from "./reconcile/publish.ts";
import { checkResults } from "./reconcile/results.ts";
import { rowResults } from "./reconcile/rows.ts";
import { ruleRows } from "./reconcile/rule-rows.ts";
import { measureOf } from "./reconcile/sides.ts";
import { type Relations, storeOf } from "./reconcile/store.ts";
import { summaryOf } from "./reconcile/summary.ts";
import { callerOf, checkKnown, checkModel, columnNames, entriesOf, fail, optionsOf } from "./shared/check-options.ts";
import { type Name, namedTarget } from "./shared/dataform.ts";

// Two sets of rows compared by key: a result for each row, figures for each column, a summary that adds up, and what could
// be corrected. docs/products/reconciliation.md has the rules.

export type { ComparisonOptions, KeyOption, Side } from "./reconcile/options.ts";
export type { PassOption } from "./reconcile/passes.ts";
export type { Rule } from "./reconcile/rules.ts";

export interface PublishOptions extends ComparisonOptions, ModelOptions {
  /** The two models or sources, as in `ref()`. They name the compared columns alike. */
  readonly ours: Name;
  readonly theirs: Name;
}

export interface BetweenOptions extends ComparisonOptions {
  /** The two relations: `ref()`, `schema.name`, or a select in parentheses. */
  readonly ours: string;
  readonly theirs: string;
}

export interface CorrectionsOptions {
  readonly proposals: string;
  /** Proposals with `decision`, `decided_by`, `decided_on`, `comment`, `load_id` and `row_no`. */
  readonly decisions: string;
  /** The table that `apply_statement` corrects: as its system writes it, or as in `ref()`. */
  readonly target: Name;
  /**
   * Of the system that has it.
   * @default PostgreSQL's
   */
  readonly dialect?: DialectName;
  /** Our rows, as in `ours` of the reconciliation: they say how our system stores a key that steps change. */
  readonly ours?: string;
  /** Columns of theirs that have a part of the key as our system stores it, where that is not the column itself. */
  readonly stored?: Readonly<Record<string, string>>;
}

/** Selects over the models of a reconciliation; arguments are relations. */
export interface Reconciliation {
  /** @param matches where there are passes: what `matches` made */
  rows(stored: string, matches?: string): string;
  /** @param duplicates where a pass is by key */
  matches(stored: string, duplicates?: string): string;
  /** @param duplicates where a pass is by key */
  groups(rows: string, duplicates?: string): string;
  passes(): string;
  duplicates(stored: string): string;
  columnStats(rows: string): string;
  summary(rows: string, duplicates?: string): string;
  proposals(rows: string): string;
  rules(): string;
  corrections(options: CorrectionsOptions): string;
  corrected(options: { readonly ours: string; readonly corrections: string }): string;
}

/**
 * One call for a reconciliation, from a file in definitions/:
 *
 * - `<name>_rows`: the result of each key; `<name>_duplicates`: the rows of keys that are there more than once;
 * - `<name>_columns`: figures by column; `<name>_summary`: by status and currency; `<name>_rules`: what was compared how;
 * - `<name>_proposals`: what could be corrected;
 * - where there are `passes`: `<name>_groups`, what they put together, `<name>_matches` and `<name>_passes`, and the assertion
 *   `<name>_groups_add_up`;
 * - the assertions `<name>_counts_every_row_once`, `<name>_columns_add_up` and `<name>_sums_are_explained`.
 *
 * Where a side that is said to be `unique` is not, the run fails, with the key, and publishes nothing.
 * @throws Error for options that mean nothing, and for a column that has the name of a column of the results
 */
export function publish(name: string, given: PublishOptions): Reconciliation {
  const caller = callerOf("reconcile.publish", name);
  const { schema, description, tags, ...options } = optionsOf(caller, given);
  checkModel(caller, { schema, description, tags });
  const comparison = checkedOptions(caller, options);
  const [ours, theirs] = [namedTarget(caller, given.ours, "ours"), namedTarget(caller, given.theirs, "theirs")];
  const sides = { ours, theirs };
  publishAll({ name, comparison, sides, schema, description, tags });
  return selectsOf(comparison, sides);
}

/**
 * The same without models: functions that return selects. A table of `store()` needs a unique index of the key `where
 * has_key`: it is what holds `unique`.
 * @throws Error as `publish`
 */
export function between(given: BetweenOptions): Reconciliation & { store(): string } {
  const comparison = checkedOptions("reconcile.between", given);
  const relations = relationsOf(comparison, given);
  return {
    ...selectsOf(comparison, given),
    store: () => storeOf(comparison, relations).toString(),
  };
}

/** What says how our system stores keys: statements name rows by them. */
function storedKeys(
  { caller, key }: Comparison,
  { ours, stored }: CorrectionsOptions,
  of: (given: string, what: string) => Sql,
): { readonly ours?: Sql; readonly stored: ReadonlyMap<string, string> } {
  const changed = key.find(({ steps }) => isChanging(steps));
  if (ours === undefined && changed)
    fail(
      caller,
      `corrections: needs ours, our rows: ${changed.name} is matched after ${changed.steps.join(", ")}, and statements name rows by the key as it is stored`,
    );
  const entries = stored === undefined ? [] : (entriesOf(caller, stored, "corrections: stored") as [string, unknown][]);
  if (entries.length && ours === undefined)
    fail(caller, "corrections: stored names columns of ours, which is not given");
  if (entries.length)
    columnNames(
      caller,
      entries.map(([, column]) => column),
      "corrections: stored",
    );
  const known = key.map(({ name }) => name);
  const other = entries.find(([name]) => !known.includes(name));
  if (other) fail(caller, `corrections: stored: ${other[0]} is no column of the key, which is ${known.join(", ")}`);
  return {
    ...(ours === undefined ? {} : { ours: of(ours, "corrections: ours") }),
    stored: new Map(entries as [string, string][]),
  };
}

function checkedOptions(caller: string, given: ComparisonOptions): Comparison {
  const comparison = checkOptions(caller, given);
  checkResults(comparison);
  return comparison;
}

type Sides = Readonly<Record<Side, Name>>;

function relationsOf({ caller }: Comparison, { ours, theirs }: Sides): Relations {
  const of = (given: Name, side: Side) => relation(given as string, `${caller}: ${side}`);
  return { ours: of(ours, "ours"), theirs: of(theirs, "theirs") };
}

function selectsOf(comparison: Comparison, sides: Sides): Reconciliation {
  const { caller } = comparison;
  const of = (given: string, what: string) => relation(given, `${caller}: ${what}`);
  const checkPassed = (what: string, given: unknown) => {
    if (given !== undefined && !comparison.passes.length) fail(caller, `${what}: there are no passes. Give it passes`);
  };
  const repeated = (what: string, duplicates: string | undefined) => {
    if (!hasKeyPass(comparison)) return undefined;
    if (duplicates === undefined)
      return fail(caller, `${what}: needs the relation of duplicates, too, for the pass by key`);
    return of(duplicates, `${what}: duplicates`);
  };
  return {
    rows: (stored, matches) => {
      if (matches === undefined && comparison.passes.length)
        fail(caller, "rows: needs the relation of matches, too, as there are passes");
      checkPassed("rows: matches", matches);
      return rowResults(
        comparison,
        of(stored, "rows"),
        matches === undefined ? undefined : of(matches, "rows"),
      ).toString();
    },
    matches: (stored, duplicates) => {
      checkPassed("matches", stored);
      return matchesOf(comparison, of(stored, "matches"), repeated("matches", duplicates)).toString();
    },
    groups: (rows, duplicates) => {
      checkPassed("groups", rows);
      return groupsOf(comparison, of(rows, "groups"), repeated("groups", duplicates)).toString();
    },
    passes: () => {
      checkPassed("passes", "passes");
      return passRows(comparison).toString();
    },
    duplicates: (stored) =>
      duplicatesOf(comparison, relationsOf(comparison, sides), of(stored, "duplicates")).toString(),
    columnStats: (rows) => columnStatistics(comparison, of(rows, "columnStats")).toString(),
    summary: (rows, duplicates) => {
      if (duplicates !== undefined)
        return summaryOf(comparison, of(rows, "summary: rows"), of(duplicates, "summary: duplicates")).toString();
      if (measureOf(comparison)) fail(caller, "summary: needs the relation of duplicates, too, which have money");
      return summaryOf(comparison, of(rows, "summary: rows"), undefined).toString();
    },
    proposals: (rows) => proposalsOf(comparison, of(rows, "proposals")).toString(),
    rules: () => ruleRows(comparison).toString(),
    corrections: (options) => {
      checkKnown(`${caller}: corrections`, options, ["proposals", "decisions", "target", "dialect", "ours", "stored"]);
      const { proposals, decisions, target, dialect: name } = options;
      const dialect = dialectOf(`${caller}: corrections`, name);
      return correctionsOf(comparison, {
        proposals: of(proposals, "corrections: proposals"),
        decisions: of(decisions, "corrections: decisions"),
        ...storedKeys(comparison, options, of),
        dialect,
        table: tableOf(`${caller}: corrections`, dialect, target),
      }).toString();
    },
    corrected: (options) => {
      checkKnown(`${caller}: corrected`, options, ["ours", "corrections"]);
      const { ours, corrections } = options;
      return correctedOf(comparison, of(ours, "corrected: ours"), of(corrections, "corrected: corrections")).toString();
    },
  };
}
