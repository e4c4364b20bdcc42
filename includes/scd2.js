// History tables (slowly changing dimensions, type 2) as a pure function of the records received:
// the same records give the same rows, in whatever order they were loaded.

/** Casts that make equal values hash equally: 1.0 and 1.00, and a timestamp read in any session time zone. */
function normalised(column, type) {
  return type === "timestamptz" ? `(${column} at time zone 'UTC')` : `${column}::${type}`;
}

/** One hash over all attributes. A JSON array keeps null apart from '' and needs no separator. */
function changeHash(attributes) {
  const values = Object.entries(attributes).map(([column, type]) => normalised(column, type));
  return `md5(jsonb_build_array(${values.join(", ")})::text)`;
}

/**
 * A change feed: each record says what an entity looks like from `effectiveAt` on, or that it was deleted then.
 * Records may arrive in any order and more than once; per key and moment the one loaded last wins.
 */
function fromLog({ feed, key, attributes, effectiveAt, deleted, loadOrder }) {
  const columns = Object.keys(attributes);
  const typed = Object.entries(attributes).map(([column, type]) => `${column}::${type} as ${column}`);
  const newest = loadOrder.map((column) => `${column} desc`).join(", ");
  const timeline = `window timeline as (partition by ${key} order by valid_from)`;
  return `
    with

    records as (
      select
        ${[key, ...typed, ...loadOrder].join(",\n        ")},
        ${effectiveAt} as valid_from,
        ${deleted} as is_deletion
      from ${feed} as feed
    ),

    winners as (
      select distinct on (${key}, valid_from) *
      from records
      where ${key} is not null and valid_from is not null
      order by ${key}, valid_from, ${newest}
    ),

    -- a deletion has no hash, so it differs from every version and equals another deletion
    hashed as (
      select *, case when not is_deletion then ${changeHash(attributes)} end as change_hash
      from winners
    ),

    compared as (
      select *, lag(change_hash) over timeline as previous_hash, row_number() over timeline as position
      from hashed
      ${timeline}
    ),

    -- equal neighbours collapse; A, B, A keeps three versions
    bounded as (
      select *, lead(valid_from) over timeline as valid_to, lead(is_deletion) over timeline as ends_by_deletion
      from compared
      where position = 1 or change_hash is distinct from previous_hash
      ${timeline}
    )

    select
      ${[key, ...columns].join(",\n      ")},
      row_number() over timeline as version_no,
      change_hash,
      valid_from,
      valid_to,
      valid_to is null as is_current,
      case when ends_by_deletion then 'delete' when valid_to is not null then 'change' end as ended_by,
      ${loadOrder.join(",\n      ")}
    from bounded
    where not is_deletion
    ${timeline}`;
}

const kinds = { log: fromLog };

/**
 * The select of a history table: key, attributes, version_no, change_hash, [valid_from, valid_to), is_current,
 * ended_by and the record it came from. `kind` says what a batch of the feed means; so far only "log".
 */
function history({ kind, ...options }) {
  const build = kinds[kind];
  if (!build) throw new Error(`scd2.history: unknown kind "${kind}", known: ${Object.keys(kinds).join(", ")}`);
  return build(options);
}

/**
 * What a history table promises, as constraints. An EXCLUDE on key and range would need the extension btree_gist,
 * which not every server has: the assertion built by `overlaps` looks for the same fault.
 */
function constraints(table, key) {
  return `
    alter table ${table}
      add primary key (${key}, valid_from),
      add check (valid_from < valid_to),
      add check (is_current = (valid_to is null)),
      add check (is_current = (ended_by is null)),
      add check (ended_by in ('change', 'delete'))`;
}

function oneCurrent(table, key) {
  return `create unique index on ${table} (${key}) where is_current`;
}

/** Versions of one key that hold at the same moment. */
function overlaps(table, key) {
  return `
    select ${key} as id, valid_from, valid_to, next_valid_from
    from (
      select *, lead(valid_from) over (partition by ${key} order by valid_from) as next_valid_from
      from ${table} as versions
    ) as timeline
    where coalesce(valid_to, 'infinity') > next_valid_from`;
}

/** Versions ended by a change that are not followed, at once, by a different version. */
function brokenChains(table, key) {
  return `
    select ${key} as id, valid_from, valid_to, next_valid_from
    from (
      select *, lead(valid_from) over timeline as next_valid_from, lead(change_hash) over timeline as next_hash
      from ${table} as versions
      window timeline as (partition by ${key} order by valid_from)
    ) as timeline
    where ended_by = 'change'
      and (next_valid_from is distinct from valid_to or next_hash = change_hash)`;
}

module.exports = { history, constraints, oneCurrent, overlaps, brokenChains };
