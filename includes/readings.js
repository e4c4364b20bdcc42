// An incremental store of readings of running totals, and of what each adds to the one before. deltas.js has the arithmetic,
// changes.js tells other models what a run changed.

const deltas = require("./deltas");

/*
 * The model's key is the columns of `series`, `takenAt` and `load_no`: new rows replace the ones of the same key, nothing
 * else is ever removed. row_kind is
 * - reading: a reading that counts; `load_no` is 0;
 * - load: a load that has been worked in; it has no series and no `takenAt`, `load_no` is its number;
 * - void: in place of a reading or load that is no more;
 * - run: one row, about the last run that changed something.
 *
 * The steps of such a model, as CTEs. Those in capitals are its own: they say which readings there are.
 *
 *   store.news(…)      loads, worked_in, new_loads, gone_loads: what there is, and what of it the store knows
 *   NEW_READINGS       the readings of new loads, one row each
 *   TOUCHED            the series that have to be computed again, each with `from_at`, its first reading to compute
 *   store.before()     states: the last reading of these before; outdated: their readings from there on
 *   READINGS           new ones, and those of `outdated` that still count
 *   store.written(…)   written: the rows that the store has to get
 */

const OPTIONS = ["self", "series", "takenAt", "day", "previous", "columns", "counters", "leading", "loads"];

function check(options) {
  const fail = (message) => {
    throw new Error(`readings.store: ${message}`);
  };
  const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name));
  if (unknown) fail(`unknown option "${unknown}", known: ${OPTIONS.join(", ")}`);
  for (const name of ["takenAt", "day", "previous", "columns"]) if (!options[name]) fail(`needs ${name}`);
  if (!options.series?.length) fail("needs series, the columns that name one counter");
  const { series, takenAt, day, counters, columns } = options;
  const names = Object.keys(counters ?? {});
  if (!names.length) fail("needs counters: { column: type }");
  if (options.leading && !names.includes(options.leading)) fail(`leading "${options.leading}" is none of the counters`);
  const stray = [...series, takenAt, day, ...names].find((column) => !(column in columns));
  if (stray) fail(`columns lacks the type of "${stray}"`);
}

/**
 * The parts of a store's query.
 *
 * - `self`: `when(incremental(), self())`; without it everything is computed.
 * - `series`, `takenAt`, `day`, `counters`, `leading`: as in deltas.js.
 * - `columns`: all columns of a reading as it came, `{ column: type }`.
 * - `previous`: the column for the `takenAt` of the reading before.
 * - `loads`: columns that a load has besides `load_id`, `{ column: type }`.
 */
function store(options) {
  check(options);
  const shape = { ...options, loads: { load_id: "bigint", ...options.loads } };
  shape.types = types(shape);
  return {
    news: (loads) => news(shape, loads),
    before: () => before(shape),
    written: (own) => written(shape, own),
  };
}

/**
 * Descriptions for the model's `columns`: of what every store has, of the counters, and `own`.
 *
 * - `counters`: what each counts, `{ column: "Clicks" }`; `till`: the column that says till when.
 */
function describe({ counters, till, own = {} }) {
  const each = (name, says) =>
    Object.fromEntries(Object.keys(counters).map((counter) => [name(counter), says(counter)]));
  return {
    row_kind: "reading, load (one that was worked in), run (the last one), or void: a reading or load that is no more.",
    load_no: "Of a load: its number; 0 in all other rows.",
    run_at: "The run that wrote the row; NULL where it computed everything.",
    built_at: "Of the run: when everything was computed.",
    ...each(
      (counter) => counter,
      (counter) => `${counters[counter]} till ${till}, as reported.`,
    ),
    ...each(deltaOf, (counter) => `${counters[counter]} since the reading before; NULL on a baseline.`),
    ...each(toDateOf, (counter) => `${counters[counter]} till ${till}: baseline plus deltas.`),
    days_covered: "Days the delta covers; NULL on a baseline.",
    is_baseline: "True for the first reading of what is older than the feed, or may be.",
    is_reset: "True where a counter is lower than before.",
    ...own,
  };
}

const list = (columns) => columns.join(", ");
const dotted = (relation, columns) => list(columns.map((column) => `${relation}.${column}`));
const deltaOf = (counter) => `${counter}_delta`;
const toDateOf = (counter) => `${counter}_to_date`;

/** What a reading has besides the columns it came with. */
function computed({ counters, previous, columns, takenAt }) {
  const types = Object.entries(counters);
  return {
    [previous]: columns[takenAt],
    ...Object.fromEntries(types.map(([counter, type]) => [deltaOf(counter), type])),
    ...Object.fromEntries(types.map(([counter, type]) => [toDateOf(counter), type])),
    days_covered: "integer",
    is_baseline: "boolean",
    is_reset: "boolean",
  };
}

/** All columns of the store. */
function types(shape) {
  return {
    row_kind: "text",
    load_no: "bigint",
    run_at: "timestamptz",
    built_at: "timestamptz",
    ...shape.columns,
    ...computed(shape),
    ...shape.loads,
  };
}

/** A row of the store: these values, and NULL in all other columns. */
function row({ types }, values) {
  const all = { load_no: "0", ...values };
  return list(Object.entries(types).map(([column, type]) => `${all[column] ?? `null::${type}`} as ${column}`));
}

const sameAs = (columns, relation) => Object.fromEntries(columns.map((column) => [column, `${relation}.${column}`]));

/**
 * CTEs: `store`, `loads`, `worked_in` (loads as the store knows them), `new_loads` and `gone_loads`. `select` gives the loads
 * that count, by `load_id`.
 */
function news(shape, select) {
  return `store as not materialized (
      ${shape.self ? `select * from ${shape.self} as store` : `select ${row(shape, {})} where false`}
    ),

    loads as materialized (
      ${select}
    ),

    worked_in as materialized (
      select ${list(Object.keys(shape.loads))} from store where row_kind = 'load'
    ),

    new_loads as materialized (
      select * from loads where load_id not in (select load_id from worked_in)
    ),

    gone_loads as materialized (
      select * from worked_in where load_id not in (select load_id from loads)
    )`;
}

/** CTEs: `states`, the last reading of each series in `touched` before its `from_at`; `outdated`, the readings from there on. */
function before({ self, series, takenAt, day, counters }) {
  if (!self) return "outdated as (select * from store)";
  const names = Object.keys(counters);
  const columns = new Set([...series, takenAt, day, ...names, ...names.map(toDateOf)]);
  const ofSeries = `row_kind = 'reading' and (${dotted("store", series)}) = (${dotted("touched", series)})`;
  return `states as materialized (
      select last.*
      from touched
      cross join lateral (
        select ${list([...columns])}
        from store
        where ${ofSeries} and store.${takenAt} < touched.from_at
        order by store.${takenAt} desc
        limit 1
      ) as last
    ),

    -- offset 0: series by series, by the index
    outdated as materialized (
      select later.*
      from touched
      cross join lateral (
        select *
        from store
        where ${ofSeries} and store.${takenAt} >= touched.from_at
        offset 0
      ) as later
    )`;
}

/**
 * CTE: `written`, the rows that the store gets. `isBorn` and `bornDay` are as in deltas.js, over `readings`; `newLoads` is a
 * relation of the new loads with their columns.
 */
function written(shape, { isBorn, bornDay, newLoads = "new_loads" }) {
  const { self, series, takenAt, day, previous, counters, leading, columns } = shape;
  const recomputed = deltas.fromTotals({
    readings: "readings",
    before: self && "states",
    series,
    takenAt,
    day,
    previous,
    keep: Object.keys(columns),
    counters,
    leading,
    isBorn,
    bornDay,
  });
  return `recomputed as (${recomputed}
    ),
    ${self ? changes(shape, newLoads) : everything(shape, newLoads)}`;
}

function everything(shape, newLoads) {
  const own = [...Object.keys(shape.columns), ...Object.keys(computed(shape))];
  return `
    written as (
      select ${row(shape, { ...sameAs(own, "recomputed"), row_kind: "'reading'" })}
      from recomputed
      union all
      select ${row(shape, loadValues(shape, "load", newLoads))} from ${newLoads}
      union all
      select ${row(shape, { row_kind: "'run'", run_at: "now()", built_at: "now()" })}
    )`;
}

/** What differs from what the store has. */
function changes(shape, newLoads) {
  const { series, takenAt, day, previous } = shape;
  const key = [...new Set([...series, takenAt, day])];
  const own = [...Object.keys(shape.columns), ...Object.keys(computed(shape))].filter(
    (column) => !key.includes(column),
  );
  const run = { run_at: "this_run.run_at" };
  const isGone = "recomputed.is_baseline is null";
  const values = {
    ...sameAs(own, "recomputed"),
    ...Object.fromEntries(key.map((column) => [column, column])),
    ...run,
    row_kind: `case when ${isGone} then 'void' else 'reading' end`,
    // a void still says after which reading something changed
    [previous]: `case when ${isGone} then outdated.${previous} else recomputed.${previous} end`,
  };
  return `
    this_run as materialized (
      select
        -- clocks may go back; runs follow one another
        greatest(now(), (select run_at + interval '1 microsecond' from store where row_kind = 'run')) as run_at,
        (select built_at from store where row_kind = 'run') as built_at
    ),

    changes as materialized (
      select ${row(shape, values)}
      from recomputed
      full join outdated using (${list(key)})
      cross join this_run
      where (${dotted("recomputed", own)}) is distinct from (${dotted("outdated", own)})
      union all
      select ${row(shape, { ...loadValues(shape, "load", newLoads), ...run })} from ${newLoads} cross join this_run
      union all
      select ${row(shape, { ...loadValues(shape, "void", "gone_loads"), ...run })} from gone_loads cross join this_run
    ),

    written as (
      select * from changes
      union all
      select ${row(shape, { ...run, row_kind: "'run'", built_at: "this_run.built_at" })}
      from this_run
      where exists (select from changes)
    )`;
}

function loadValues({ loads }, kind, relation) {
  const columns = Object.keys(loads).map((column) => [column, `${relation}.${column}`]);
  return { ...Object.fromEntries(columns), load_no: `${relation}.load_id`, row_kind: `'${kind}'` };
}

module.exports = { describe, store };
