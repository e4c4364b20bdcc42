import { expression } from "../sql/authored.ts";
import { withCtes } from "../sql/ctes.ts";
import { sql } from "../sql/sql.ts";
import { batchesQuery, ledgerOf } from "./scd2/batches.ts";
import {
  asOfQuery,
  atCondition,
  brokenChainsQuery,
  constraintsStatement,
  fanOutQuery,
  given,
  momentOf,
  namesQuery,
  oneCurrentStatement,
  overlapsQuery,
} from "./scd2/checks.ts";
import { checked, type TimelineOptions } from "./scd2/options.ts";
import { publishAll, versionsOfLoads } from "./scd2/publish.ts";
import { feedCte, winnersOfLog } from "./scd2/records.ts";
import { shownVersions, versionsCtes } from "./scd2/versions.ts";
import { callerOf, checkKnown, checkModel, columnNames, fail, optionsOf } from "./shared/check-options.ts";
import { type Context, type Name, namedTarget } from "./shared/dataform.ts";

// History tables (slowly changing dimensions, type 2) as a pure function of the records received: the same records give
// the same rows, in whatever order they were loaded. docs/history.md has the rules.

export type { BatchKind, BatchOptions, TimelineOptions } from "./scd2/options.ts";

export interface HistoryOptions extends TimelineOptions {
  /** The records: `ref()`'s text, or a select in parentheses. */
  readonly feed: string;
  /** The feed is a change feed, and `effectiveAt` counts. Otherwise `batches` says where the loads are told. */
  readonly kind?: "log";
  /** SQL: a moment; what was loaded later is not regarded. Only with `batches`. */
  readonly knownAt?: string;
}

export interface PublishOptions extends TimelineOptions {
  /** The feed, as in `ref()`. */
  readonly from: Name;
  readonly schema?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
}

export interface FanOutOptions {
  /** Relations: `ref()`'s text, or a select in parentheses. */
  readonly facts: string;
  readonly history: string;
  readonly key: string | readonly string[];
  /** SQL: the moment of a fact. */
  readonly moment: string;
}

export interface NamesOptions {
  readonly key: string | readonly string[];
  /** The columns that serve as names. */
  readonly columns: string | readonly string[];
}

type Key = string | readonly string[];

/**
 * What decides the rows of a history, counted up when it changes: stores compute themselves anew then.
 * 2: attributes are compared by the equality of their types, and what does not fit its type is refused.
 * 3: a first value after `since` reaches versions that stay as they are; floating point numbers are compared to the last digit.
 */
const RULES = 3;

/**
 * The select of a history table: key, attributes, version_no, change_hash, [valid_from, valid_to), is_current, ended_by and
 * the record each version came from.
 * @throws Error that names the option, what was expected and what was found
 */
export function history(options: HistoryOptions): string {
  const caller = "scd2.history";
  const { feed, kind, knownAt, ...rest } = optionsOf(caller, options);
  if (!(kind === "log" && !rest.batches) && !(kind === undefined && rest.batches))
    fail(caller, `expected kind: "log", or batches: { ledger, table }; found kind: ${JSON.stringify(kind)}`);
  const timeline = checked(caller, rest, ["feed", "kind", "knownAt"]);
  const records = given(caller, "feed", feed);
  const known = knownAt === undefined ? undefined : expression(knownAt, `${caller}: knownAt`);
  if (timeline.batches) {
    if (!timeline.batches.ledger || !timeline.batches.table) fail(caller, "batches: needs ledger and table");
    const batches = sql`
      (
        ${batchesQuery(timeline, records, ledgerOf(timeline))}
      )`;
    return versionsOfLoads(timeline, records, batches, { known }).toString();
  }
  if (!timeline.effectiveAt) fail(caller, 'kind: "log" needs effectiveAt, when a record says that it holds from');
  if (known) fail(caller, "knownAt needs batches: a log alone does not say when its records were loaded");
  if (timeline.by.length || timeline.since.size)
    fail(caller, `${timeline.by.length ? "by" : "since"} needs batches: a log lists nothing`);
  const ctes = [feedCte(timeline, records), ...winnersOfLog(timeline), ...versionsCtes(timeline, false)];
  return withCtes(ctes, shownVersions(timeline)).toString();
}

/**
 * One call for a history that is computed incrementally, with everything around it, from a file in definitions/:
 *
 * - `<name>`: the history, a view with `valid_from_for_join` besides;
 * - `<name>_store`: the incremental table under it, with its constraints; `<name>_batches`: which loads count, and as what;
 * - the assertions `<name>_is_sound`, which holds a wrong history back, and `<name>_source`, which only warns.
 *
 * The ledger is `raw._load` and its table the feed's name, unless `batches` says otherwise.
 *
 * @returns `asKnownAt(ctx, moment)`: the select of the history as it was known then
 * @throws Error that names the option, what was expected and what was found
 */
export function publish(
  name: string,
  options: PublishOptions,
): { asKnownAt(context: Context, moment: string): string } {
  const caller = callerOf("scd2.publish", name);
  const { from, schema, description, tags = [], ...rest } = optionsOf(caller, options);
  const feed = namedTarget(caller, from, "from, the name of the feed");
  checkModel(caller, { schema, description, tags });
  const told = rest.batches === undefined ? {} : optionsOf(caller, rest.batches, "options of batches");
  const batches = { ledger: "raw._load", table: feed.name, ...told };
  const timeline = checked(
    caller,
    { ...rest, batches },
    ["from", "schema", "description", "tags"],
    ["valid_from_for_join"],
  );
  const definition = JSON.stringify({ rules: RULES, ...rest, batches });
  return publishAll({ name, schema, description, tags, feed, timeline, definition });
}

/**
 * What a history table promises, as constraints. An EXCLUDE on key and range would need the extension btree_gist,
 * which not every server has: the assertion built by `overlaps` looks for the same fault.
 */
export function constraints(table: string, key: Key): string {
  const caller = "scd2.constraints";
  return constraintsStatement(given(caller, "table", table), keyed(caller, key)).toString();
}

/** A unique index over the current versions. */
export function oneCurrent(table: string, key: Key): string {
  const caller = "scd2.oneCurrent";
  return oneCurrentStatement(given(caller, "table", table), keyed(caller, key)).toString();
}

/** Versions of one key that hold at the same moment: id, valid_from, valid_to, next_valid_from. */
export function overlaps(table: string, key: Key): string {
  const caller = "scd2.overlaps";
  return overlapsQuery(given(caller, "table", table), keyed(caller, key)).toString();
}

/** Versions ended by a change that are not followed, at once, by a different version. */
export function brokenChains(table: string, key: Key): string {
  const caller = "scd2.brokenChains";
  return brokenChainsQuery(given(caller, "table", table), keyed(caller, key)).toString();
}

/** The versions that hold at a moment, which is SQL. */
export function asOf(table: string, moment: string): string {
  return asOfQuery(given("scd2.asOf", "table", table), momentOf("scd2.asOf", moment)).toString();
}

/**
 * The condition of a join of facts to the version at their moment; at most one meets it. Facts from before the first
 * version meet that one: what is older than the first record is taken to have been like it.
 */
export function at(versions: string, moment: string): string {
  return atCondition(expression(versions, "scd2.at: versions"), momentOf("scd2.at", moment)).toString();
}

/** Facts that meet more than one version: `facts` with the columns of the key and `moment`. */
export function fanOut(options: FanOutOptions): string {
  const caller = "scd2.fanOut";
  checkKnown(caller, options, ["facts", "history", "key", "moment"]);
  const { facts, history: versions, key, moment } = options;
  return fanOutQuery(
    given(caller, "facts", facts),
    given(caller, "history", versions),
    keyed(caller, key),
    momentOf(caller, moment),
    atCondition,
  ).toString();
}

/**
 * What each key was called, and when: key, columns, named_from, named_until. A name serves from its version on, the first
 * also before, the last also after a deletion: whatever is asked for a moment, one row answers.
 */
export function names(versions: string, options: NamesOptions): string {
  const caller = "scd2.names";
  checkKnown(caller, options, ["key", "columns"]);
  const columns = columnNames(caller, options.columns, "columns");
  return namesQuery(given(caller, "versions", versions), keyed(caller, options.key), columns).toString();
}

function keyed(caller: string, key: Key): { readonly key: readonly string[] } {
  return { key: columnNames(caller, key, "key") };
}
