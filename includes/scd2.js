// History tables (slowly changing dimensions, type 2) as a pure function of the records received: the same records give
// the same rows, in whatever order they were loaded. docs/history.md has the rules.

const { batches: batchesSelect } = require("./scd2_batches");
const checks = require("./scd2_checks");
const { publishAll } = require("./scd2_publish");
const timeline = require("./scd2_timeline");
const { list } = timeline;

const OWN_COLUMNS = ["version_no", "change_hash", "valid_from", "valid_to", "is_current", "ended_by"];
const RAW_ORDER = ["_load_id", "_row_no"];

const OPTIONS = [
  "feed",
  "key",
  "attributes",
  "effectiveAt",
  "deleted",
  "loadOrder",
  "by",
  "since",
  "batches",
  "knownAt",
];
const BATCH_OPTIONS = ["ledger", "table", "kind", "maxShrink", "maxRejected"];

/**
 * The select of a history table: key, attributes, version_no, change_hash, [valid_from, valid_to), is_current,
 * ended_by and the record each version came from.
 *
 * - `feed`: the records; `key`: column, or columns; `attributes`: the tracked columns, `{ column: type }`.
 * - `effectiveAt`: when a record says that it holds from (timestamptz); `deleted`: true where it says that it is gone.
 * - `loadOrder`: load and row of a record; the one loaded last wins. `_load_id` and `_row_no` unless stated.
 * - `kind: "log"`: the feed is a change feed, and `effectiveAt` counts. Or `batches: { ledger, table }`: the ledger says of
 *   each load what it means; see docs/history.md. Then also:
 *   `by`: fields that name a slice; `since: { column: moment }`: when a column came into being; `knownAt`: a moment, what
 *   was loaded later is not regarded.
 */
function history({ kind, ...given }) {
  if (kind === "log" && !given.batches) return versionsOf("scd2.history", { loadOrder: RAW_ORDER, ...given });
  if (kind === undefined && given.batches) return versionsOf("scd2.history", { loadOrder: RAW_ORDER, ...given });
  throw new Error(
    `scd2.history: expected kind: "log", or batches: { ledger, table }; found kind: ${JSON.stringify(kind)}`,
  );
}

function versionsOf(caller, options) {
  check(caller, options);
  if (!options.batches) return timeline.versions(options, timeline.fromLog(options), false);
  const batches = `(${batchesOf(options)})`;
  return timeline.versions(options, timeline.fromBatches({ ...options, batches }), true);
}

function batchesOf({ batches, feed, by, loadOrder }) {
  return batchesSelect({ ...batches, by, feed, loadId: loadOrder[0] });
}

/**
 * One call for a history that is computed incrementally, with everything around it, from a file in definitions/:
 *
 * - `<name>`: the history, a view with `valid_from_for_join` besides;
 * - `<name>_store`: the incremental table under it, with its constraints; `<name>_batches`: which loads count, and as what;
 * - the assertions `<name>_is_sound`, which holds a wrong history back, and `<name>_source`, which only warns.
 *
 * `from` names the feed, as in ref(); `schema`, `description` and `tags` are those of the models; the rest is told at
 * `history`. The ledger is `raw._load` and its table the feed's name, unless `batches` says otherwise.
 *
 * Gives `{ asKnownAt(ctx, moment) }`: the select of the history as it was known then.
 */
function publish(name, { from, schema, description, tags, ...given }) {
  const feed = Array.isArray(from)
    ? { schema: from[0], name: from[1] }
    : typeof from === "string"
      ? { name: from }
      : from;
  const batches = { ledger: "raw._load", table: feed?.name, ...given.batches };
  const options = { loadOrder: RAW_ORDER, by: [], ...given, batches };
  check(`scd2.publish: ${name}`, options);
  if (!feed?.name) throw new Error(`scd2.publish: ${name}: needs from, the name of the feed`);
  return publishAll(name, { schema, description, tags }, feed, options);
}

function check(caller, { key, attributes, by = [], since = {}, batches, ...rest }) {
  const fail = (message) => {
    throw new Error(`${caller}: ${message}`);
  };
  const known = (names, all, where) => {
    const unknown = names.find((name) => !all.includes(name));
    if (unknown) fail(`unknown ${where} "${unknown}", known: ${all.join(", ")}`);
  };
  known(Object.keys(rest), OPTIONS, "option");
  if (batches) known(Object.keys(batches), BATCH_OPTIONS, "option of batches");
  if (!list(key ?? [])) fail("needs a key");
  if (!attributes || !Object.keys(attributes).length) fail("needs attributes: { column: type }");
  const columns = [...[].concat(key), ...Object.keys(attributes)];
  const taken = columns.find((column) => OWN_COLUMNS.includes(column));
  if (taken) fail(`the column name ${taken} is taken by the history's own, rename it in the feed`);
  known(by, columns, "column in by");
  known(Object.keys(since), Object.keys(attributes), "column in since");
}

/**
 * What a history table promises, as constraints. An EXCLUDE on key and range would need the extension btree_gist,
 * which not every server has: the assertion built by `overlaps` looks for the same fault.
 */
function constraints(table, key) {
  return `
    alter table ${table}
      add primary key (${list(key)}, valid_from),
      add check (valid_from < valid_to),
      add check (is_current = (valid_to is null)),
      add check (is_current = (ended_by is null)),
      add check (ended_by in ('change', 'delete'))`;
}

function oneCurrent(table, key) {
  return `create unique index on ${table} (${list(key)}) where is_current`;
}

/** The versions that hold at a moment. */
function asOf(table, moment) {
  return `select * from ${table} as versions where valid_from <= ${moment} and (valid_to is null or ${moment} < valid_to)`;
}

/**
 * The condition of a join of facts to the version at their moment; at most one meets it. Facts from before the first
 * version meet that one: what is older than the first record is taken to have been like it.
 */
function at(versions, moment) {
  return `(${versions}.version_no = 1 or ${versions}.valid_from <= ${moment}) and (${versions}.valid_to is null or ${moment} < ${versions}.valid_to)`;
}

/** Facts that meet more than one version: `facts` with the columns of the key and `moment`. */
function fanOut(options) {
  return checks.fanOut(options, at);
}

module.exports = {
  history,
  publish,
  constraints,
  oneCurrent,
  overlaps: checks.overlaps,
  brokenChains: checks.brokenChains,
  asOf,
  at,
  fanOut,
};
