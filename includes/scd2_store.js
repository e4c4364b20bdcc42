// The incremental table under a history: the versions, and which loads they were computed from, in one table, so that
// both are published, held back and rolled back together.

const timeline = require("./scd2_timeline");
const { list } = timeline;

/*
 * New rows replace rows of the same key and version_no, nothing else is ever removed. Columns of the store besides those of
 * the history are row_kind:
 * - version: a row of the history.
 * - void: a version that is no more, such as when a correction made two neighbours equal.
 * - load: a load that has been worked in; it has no key, `version_no` is its number, `change_hash` what it meant then.
 * and run_no, the run that wrote the row, counted from the last computation of all: NULL for what that wrote.
 */

/** The select of the whole store. */
function whole({ versions, batches, ...options }) {
  return `
    with

    versions as (${versions()})

    select ${versionRow(options, "versions")}, null::bigint as run_no
    from versions
    union all
    select ${loadRow(options, "loads")}, null
    from (${loads(options, batches)}) as loads`;
}

/**
 * The select of the keys that new loads can have changed in the store `self`. A listing that is late or means something
 * else than before, a load that is gone and other options can change any key: then it is all of them.
 */
function touched({ batches, self, ...options }) {
  const { key, attributes, by, feed, loadOrder, deleted = "false" } = options;
  const keys = [].concat(key);
  const same = (a, b) => keys.map((column) => `${a}.${column} = ${b}.${column}`).join(" and ");
  return `
    with
${news({ ...options, batches, self })}
    scope as materialized (
      select
        exists (select from worked_in left join loads using (load_id, meaning) where loads.load_id is null)
        or exists (
          select from new_loads
          where kind in ('full', 'slice') and as_of <= (select max(as_of) from loads inner join worked_in using (load_id, meaning) where kind <> 'log')
        ) as is_everything,
        (select max(as_of) from loads inner join worked_in using (load_id, meaning) where kind <> 'log') as latest
    ),

    current_versions as not materialized (
      select * from ${self} as store where row_kind = 'version'
    ),

    new_records as materialized (
      select
        ${keys.join(", ")},
        ${timeline.changeHash(attributes)} as new_hash,
        coalesce(${deleted}, false) as is_deletion,
        new_loads.load_id,
        new_loads.kind,
        new_loads.as_of
      from ${feed} as feed
      inner join new_loads on new_loads.load_id = feed.${loadOrder[0]}
      -- new loads are at the end, where an index on their numbers finds them
      where feed.${loadOrder[0]} >= (select min(load_id) from new_loads)
        and ${keys.map((column) => `${column} is not null`).join(" and ")}
        and not (select is_everything from scope)
    )

    -- a state that goes on as it was changes nothing
    select ${keys.map((column) => `new_records.${column}`).join(", ")}
    from new_records
    -- offset 0: key by key, by the index
    left join lateral (
      select version_no, change_hash, valid_from
      from current_versions
      where ${same("current_versions", "new_records")} and is_current
      offset 0
    ) as held on held.change_hash = new_records.new_hash and held.valid_from < new_records.as_of
    where held.version_no is null
      or new_records.kind = 'log'
      or new_records.is_deletion
      or new_records.as_of <= (select latest from scope)
    union
    -- not in a listing of all there is
    select ${keys.map((column) => `current_versions.${column}`).join(", ")}
    from current_versions
    inner join (${newListings(options)}) as listings
      on current_versions.valid_from <= listings.as_of
      and (current_versions.valid_to is null or current_versions.valid_to > listings.as_of)
      ${by.length ? `and (listings._slice is null or listings._slice = ${timeline.slice({ by, attributes, relation: "current_versions" })})` : ""}
    left join new_records on ${same("new_records", "current_versions")} and new_records.load_id = listings.load_id
    where (select count(*) > 0 from new_loads where kind in ('full', 'slice')) and new_records.load_id is null
    union
    select ${list(keys)} from ${feed} as feed where (select is_everything from scope) and (${list(keys)}) is not null
    union
    select ${list(keys)} from current_versions where (select is_everything from scope)`;
}

/**
 * The select of the rows that new loads add or change in the store `self`, for the keys in `keysOf`, a relation: each is
 * computed from all its records.
 */
function changes({ versions, batches, self, keysOf, ...options }) {
  const { key, loadOrder } = options;
  const keys = [].concat(key);
  const compared = ["change_hash", "valid_from", "valid_to", "ended_by", ...loadOrder];
  return `
    with
${news({ ...options, batches, self })}
    this_run as materialized (
      select coalesce(max(run_no), 0) + 1 as run_no from ${self} as store where row_kind <> 'version'
    ),

    recomputed as (
      select ${versionRow(options, "versions")}
      from (${versions(keysOf)}) as versions
    ),

    touched_rows as (
      select held.*
      from ${keysOf} as touched
      -- offset 0: key by key, by the index
      cross join lateral (
        select *
        from ${self} as store
        where ${keys.map((column) => `store.${column} = touched.${column}`).join(" and ")} and row_kind = 'version'
        offset 0
      ) as held
    )

    select ${changedRow(options)}, this_run.run_no
    from recomputed
    full join touched_rows using (${list(keys)}, version_no)
    cross join this_run
    where (${compared.map((column) => `recomputed.${column}`).join(", ")})
      is distinct from (${compared.map((column) => `touched_rows.${column}`).join(", ")})
    union all
    select ${loadRow(options, "new_loads")}, this_run.run_no
    from new_loads
    cross join this_run
    union all
    select ${voidLoadRow(options, "worked_in")}, this_run.run_no
    from worked_in
    cross join this_run
    left join loads using (load_id)
    where loads.load_id is null`;
}

/** CTEs: the loads that count, those that the store has worked in, and those that it has not. */
function news({ batches, self, ...options }) {
  return `
    loads as materialized (${loads(options, batches)}),

    worked_in as materialized (
      select version_no as load_id, change_hash as meaning from ${self} as store where row_kind = 'load'
    ),

    new_loads as materialized (
      ${timeline.small(
        "select loads.* from loads left join worked_in using (load_id, meaning) where worked_in.load_id is null",
        "load_id bigint, kind text, as_of timestamptz, meaning text",
      )}
    ),
`;
}

/** Loads that count, each with a fingerprint of all that decides what it means. */
function loads({ definition }, batches) {
  return `
    select
      load_id,
      kind,
      as_of,
      md5(jsonb_build_array(kind, as_of at time zone 'UTC', loaded_at at time zone 'UTC', ${literal(definition)})::text) as meaning
    from ${batches} as batches
    where accepted`;
}

function newListings({ by, feed, attributes, loadOrder }) {
  const fulls = (more) => `select load_id, as_of${more} from new_loads where kind = 'full'`;
  if (!by.length) return fulls("");
  return `
        ${fulls(", null::text as _slice")}
        union all
        select distinct new_loads.load_id, as_of, ${timeline.slice({ by, attributes })}
        from ${feed} as feed
        inner join new_loads on new_loads.load_id = feed.${loadOrder[0]}
        where kind = 'slice'
      `;
}

const FIXED = ["valid_from", "valid_to", "is_current", "ended_by"];

function versionRow({ key, attributes, loadOrder }, from) {
  const keys = [].concat(key);
  const columns = [...keys, ...Object.keys(attributes), "version_no", "change_hash", ...FIXED, ...loadOrder];
  return [...columns.map((column) => `${from}.${column}`), "'version' as row_kind"].join(", ");
}

function emptyRow({ key, attributes, loadOrder }, values) {
  const columns = [...[].concat(key), ...Object.keys(attributes), "version_no", "change_hash", ...FIXED, ...loadOrder];
  return [...columns, "row_kind"].map((column) => `${values[column] ?? "null"} as ${column}`).join(", ");
}

function loadRow(options, from) {
  return emptyRow(options, {
    version_no: `${from}.load_id`,
    change_hash: `${from}.meaning`,
    row_kind: "'load'",
  });
}

function voidLoadRow(options, from) {
  return emptyRow(options, {
    version_no: `${from}.load_id`,
    row_kind: "'void'",
  });
}

/** What was computed; or, where the store has a version that is no more, a void row in its place. */
function changedRow({ key, attributes, loadOrder }) {
  const columns = [...Object.keys(attributes), "version_no", "change_hash", ...FIXED, ...loadOrder];
  return [
    ...[].concat(key),
    ...columns.map((column) => (column === "version_no" ? column : `recomputed.${column}`)),
    "coalesce(recomputed.row_kind, 'void') as row_kind",
  ].join(", ");
}

function literal(text) {
  return `'${text.replaceAll("'", "''")}'`;
}

module.exports = { FIXED, whole, touched, changes };
