// Reports that are read again: a later load replaces the days it was asked for as a whole, so that a row that is no longer
// sent is gone. Keeps every version of every row, with the time at which it was known.

const { list } = require("./scd2_timeline");
const store = require("./slices_store");

const OPTIONS = ["key", "day", "values", "loadOrder"];
const OWN = ["feed", "known_from", "known_to", "is_current", "ended_by", "row_hash", "row_id", "row_kind", "load_id"];

/**
 * The loads of some raw tables that count: load_id, feed, loaded_at, first_day, last_day, is_whole.
 *
 * - `ledger`: `raw._load`, or a relation with its columns; `tables`: the names of the raw tables.
 *
 * A feed is one stream of one source. A load says all there is of the days it was asked for (`details.days`, which landing
 * notes for streams with a window); without them, of the days that it has rows of. One with rejected records is not whole:
 * what it lacks may be among its rejects, so it ends nothing.
 */
function loads({ ledger = "raw._load", tables }) {
  if (!tables?.length) throw new Error("slices.loads: needs tables: [name, …]");
  const names = tables.map((table) => `'${table.replaceAll("'", "''")}'`);
  return `
    select
      load_id,
      source || '.' || stream as feed,
      finished_at as loaded_at,
      (details -> 'days' ->> 'start')::date as first_day,
      (details -> 'days' ->> 'end')::date as last_day,
      rejected = 0 as is_whole
    from ${ledger} as ledger
    where status = 'loaded' and batch = 'slice' and table_name in (${names.join(", ")})`;
}

/**
 * One call for the versions of a report, computed incrementally, from a file in definitions/:
 *
 * - `<name>`: the versions: key, values, feed, load_id, [known_from, known_to), is_current, ended_by (`restated` or
 *   `vanished`). What the report says now is `where is_current`;
 * - `<name>_loads`: which loads count; `<name>_store`: the incremental table;
 * - the assertion `<name>_is_sound`.
 *
 * `from` names the rows of all loads, as in ref(); `key`: the columns that name a row, none of them NULL; `day`: the one of
 * them that holds the day; `values`: `{ column: type }`; `loadOrder`: the columns that name load and row, `["_load_id",
 * "_row_no"]` unless stated. Of rows with one key in one load the last counts. `loads` are the options of `loads` above;
 * `schema`, `tags`, `description`, `columns` are those of the models.
 */
function publishVersions(name, { from, loads: source, schema, tags = [], description, columns, ...given }) {
  const options = { loadOrder: ["_load_id", "_row_no"], ...given };
  check(name, from, options);
  const model = { ...(schema ? { schema } : {}), tags };
  const own = (suffix) => ({ ...(schema ? { schema } : {}), name: `${name}${suffix}` });
  const definition = JSON.stringify(options);
  const rows = Array.isArray(from) ? { schema: from[0], name: from[1] } : from;

  publish(`${name}_loads`, { ...model, type: "view", description: `The loads that ${name} is made of.` }).query((ctx) =>
    loads({ ...source, ledger: typeof source.ledger === "object" ? ctx.ref(source.ledger) : source.ledger }),
  );

  publish(`${name}_store`, {
    ...model,
    type: "incremental",
    uniqueKey: ["row_id"],
    onSchemaChange: "SYNCHRONIZE",
    description: `What ${name} is kept in; read that one.`,
    postgres: {
      indexes: [
        { columns: [options.day], where: "row_kind = 'version' and known_to is null" },
        { columns: ["feed", ...options.key], unique: true, where: "row_kind = 'version' and known_to is null" },
      ],
    },
  })
    .query((ctx) =>
      store.rows({
        ...options,
        definition,
        feed: ctx.ref(rows),
        loads: ctx.ref(own("_loads")),
        self: ctx.incremental() ? ctx.self() : undefined,
      }),
    )
    .preOps("set local jit = off");

  publish(name, {
    ...model,
    type: "view",
    description: description ?? "Every version of every row of a report, and when it was known.",
    columns: { ...columns, ...COLUMNS },
  }).query((ctx) => versionsOf(ctx.ref(own("_store")), options));

  assert(`${name}_is_sound`, { tags, description: `${name} keeps its promises.` }).query((ctx) =>
    faults(ctx.ref(own("")), options),
  );
}

const COLUMNS = {
  feed: "The source and stream that it was read from.",
  load_id: "The load that said this first.",
  known_from: "When that was loaded.",
  known_to: "When a later load said otherwise; NULL while it holds.",
  is_current: "True for what the report says now.",
  ended_by: "restated or vanished; NULL while it holds.",
};

function check(name, from, { key, day, values, loadOrder, ...rest }) {
  const fail = (message) => {
    throw new Error(`slices.publish: ${name}: ${message}`);
  };
  const unknown = Object.keys(rest).find((option) => !OPTIONS.includes(option));
  if (unknown) fail(`unknown option "${unknown}", known: ${OPTIONS.join(", ")}`);
  if (!from) fail("needs from, the name of the rows");
  if (!Array.isArray(key) || !key.length) fail("needs key: [column, …]");
  if (!key.includes(day)) fail(`day is one of the key's columns (${key.join(", ")}), found ${JSON.stringify(day)}`);
  if (!values || !Object.keys(values).length) fail("needs values: { column: type }");
  if (loadOrder.length !== 2) fail("loadOrder has two columns, the load and the row");
  const taken = [...key, ...Object.keys(values)].find((column) => OWN.includes(column));
  if (taken) fail(`the column name ${taken} is taken, rename it in the feed`);
}

function versionsOf(table, { key, values }) {
  return `
    select
      ${[...key, ...Object.keys(values), "feed", "load_id", "known_from", "known_to"].join(",\n      ")},
      known_to is null as is_current,
      ended_by
    from ${table} as store
    where row_kind = 'version'`;
}

/** Versions of one key that are known at the same moment, and what cannot be. */
function faults(table, { key }) {
  return `
    select 'overlap' as fault, ${list(key)}, feed, known_from, known_to
    from (
      select *, lead(known_from) over (partition by feed, ${list(key)} order by known_from) as next_known_from
      from ${table} as versions
    ) as timeline
    where coalesce(known_to, 'infinity') > next_known_from
    union all
    select 'backwards', ${list(key)}, feed, known_from, known_to
    from ${table} as versions
    where known_from > known_to or (known_to is null) <> (ended_by is null)
    union all
    -- one row of the report, told by two feeds: its figures would count twice
    select 'two feeds', ${list(key)}, min(feed), min(known_from), null
    from ${table} as versions
    where is_current
    group by ${list(key)}
    having count(*) > 1`;
}

/** What was known at a moment: the rows as the report said then. */
function asKnownAt(versions, moment) {
  return `select * from ${versions} as versions where known_from <= ${moment} and (known_to is null or ${moment} < known_to)`;
}

module.exports = { loads, publish: publishVersions, asKnownAt };
