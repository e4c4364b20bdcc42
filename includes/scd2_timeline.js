// From records to versions: the SQL under scd2.js. Columns that begin with _ are its own.

const list = (names) => [].concat(names).join(", ");

/** A timestamp in UTC where it names no zone, whatever the session's zone is. */
function utc(text) {
  return `(case when ${text} ~* ':[0-9]{2}.*(z|[+-][0-9]{2}(:?[0-9]{2})?)$' then (${text})::timestamptz else (${text})::timestamp at time zone 'UTC' end)`;
}

/** Casts that make equal values hash equally: 1.0 and 1.00, and a timestamp read in any session time zone. */
function normalised(column, type) {
  return type === "timestamptz" ? `(${column}::timestamptz at time zone 'UTC')` : `${column}::${type}`;
}

/** One hash over all attributes. A JSON array keeps null apart from '' and needs no separator. */
function changeHash(attributes) {
  const values = Object.entries(attributes).map(([column, type]) => normalised(column, type));
  return `md5(jsonb_build_array(${values.join(", ")})::text)`;
}

function typed(attributes) {
  return Object.entries(attributes).map(([column, type]) => `${column}::${type} as ${column}`);
}

/** The slice that a record belongs to; one for all where a load is never a slice. */
function slice({ by = [], attributes, relation }) {
  if (!by.length) return "'all'";
  const named = (column) => (relation ? `${relation}.${column}` : column);
  const values = by.map((column) =>
    attributes[column] ? normalised(named(column), attributes[column]) : named(column),
  );
  return `jsonb_build_array(${values.join(", ")})::text`;
}

/**
 * A few rows by way of JSON, of which the planner always expects 100. Of a young ledger without statistics it would
 * expect one, and go through the feed for each load anew.
 */
function small(select, columns) {
  return `select small.*
      from jsonb_to_recordset((select jsonb_agg(to_jsonb(rows)) from (${select}) as rows)) as small (${columns})`;
}

/**
 * One record per key and moment, of a feed whose records each say when they hold from (a change feed).
 * Last loaded wins.
 */
function fromLog({ feed, key, attributes, effectiveAt, deleted = "false", loadOrder }) {
  return `
    records as (
      select
        ${[...[].concat(key), ...typed(attributes), ...loadOrder].join(",\n        ")},
        ${effectiveAt} as _moment,
        null::timestamptz as _source_time,
        coalesce(${deleted}, false) as _is_deletion
      from ${feed} as feed
    ),

    winners as (
      select distinct on (${list(key)}, _moment) *, null::timestamptz as _next_listing
      from records
      where (${list(key)}) is not null and _moment is not null
      order by ${list(key)}, _moment, ${loadOrder.map((column) => `${column} desc`).join(", ")}
    )`;
}

/**
 * One record per key and moment, of a feed in loads, with `_next_listing`: the first later moment at which a full batch,
 * or a batch of its slice, listed all there is. `batches` is a relation as made in scd2_batches.js. `keysOf`
 * is a relation with the only keys that are wanted.
 */
function fromBatches({
  feed,
  key,
  attributes,
  effectiveAt,
  deleted = "false",
  loadOrder,
  by = [],
  since = {},
  batches,
  knownAt,
  keysOf,
}) {
  const [loadId, rowNo] = loadOrder;
  const keys = [].concat(key);
  const sourceTime = effectiveAt ?? "null::timestamptz";
  const listings = by.length
    ? `
      select _slice, _as_of as _moment, _load_order from sliced
      union all
      select slices._slice, _as_of, _load_order
      from loads cross join (select distinct _slice from records) as slices
      where _kind = 'full'`
    : "select 'all' as _slice, _as_of as _moment, _load_order from loads where _kind = 'full'";
  return `
    loads as materialized (
      ${small(
        `select load_id as _batch, kind as _kind, as_of as _as_of, row_number() over (order by loaded_at, load_id) as _load_order
        from ${batches} as batches
        where accepted${knownAt ? ` and loaded_at <= ${knownAt}` : ""}`,
        "_batch bigint, _kind text, _as_of timestamptz, _load_order bigint",
      )}
    ),

    records as (
      select
        ${[...keys, ...typed(attributes), ...loadOrder].join(",\n        ")},
        case when _kind = 'log' then coalesce(${sourceTime}, _as_of) else _as_of end as _moment,
        ${sourceTime} as _source_time,
        coalesce(${deleted}, false) as _is_deletion,
        ${slice({ by, attributes })} as _slice,
        _kind,
        _load_order
      from ${feed} as feed
      inner join loads on loads._batch = feed.${loadId}
      where ${keys.map((column) => `${column} is not null`).join(" and ")}${keysOf ? ` and (${list(keys)}) in (select ${list(keys)} from ${keysOf})` : ""}
    ),
${
  by.length
    ? `
    -- of all keys: a slice says that the others in it are gone
    sliced as (
      select distinct ${slice({ by, attributes })} as _slice, _as_of, _load_order
      from ${feed} as feed
      inner join loads on loads._batch = feed.${loadId}
      where _kind = 'slice'
    ),
`
    : ""
}
    listings as (
      select _slice, _moment, max(_load_order) as _load_order
      from (${listings}) as listings
      group by _slice, _moment
    ),

    -- a listing that is loaded again for the same moment replaces the one before as a whole
    standing as (
      select records.*
      from records
      left join listings using (_slice, _moment)
      where records._kind in ('log', 'partial') or records._load_order >= listings._load_order
    ),

    latest as (
      select distinct on (${list(keys)}, _moment) *
      from standing
      order by ${list(keys)}, _moment, _load_order desc, ${rowNo} desc
    ),

    known as (${Object.keys(since).length ? backfilled(keys, attributes, since, loadOrder) : "select * from latest"}),

    next_listings as (
      select
        _slice,
        _moment,
        min(max(_listed_at)) over (
          partition by _slice order by _moment desc rows between unbounded preceding and 1 preceding
        ) as _next_listing
      from (
        select _slice, _moment, null::timestamptz as _listed_at from known
        union all
        select _slice, _moment, _moment from listings
      ) as moments
      group by _slice, _moment
    ),

    winners as (
      select known.*, _next_listing
      from known
      inner join next_listings using (_slice, _moment)
    )`;
}

/** Records from before a column came into being take its first known value: that it became known is no change. */
function backfilled(keys, attributes, since, loadOrder) {
  const columns = Object.keys(attributes).map((column) => {
    if (!since[column]) return column;
    const begin = utc(`'${since[column]}'`);
    const isSince = `_moment >= ${begin}`;
    const first = `first_value(case when ${isSince} then ${column} end) over (partition by ${list(keys)} order by not ${isSince}, _moment)`;
    return `case when ${isSince} or ${column} is not null or _is_deletion then ${column} else ${first} end as ${column}`;
  });
  const own = ["_moment", "_source_time", "_is_deletion", "_slice"];
  return `select ${[...keys, ...columns, ...loadOrder, ...own].join(", ")} from latest`;
}

/**
 * The versions: key, attributes, version_no, change_hash, [valid_from, valid_to), is_current, ended_by and the record
 * each came from. `observed` is the text of CTEs that end in `winners`.
 */
function versions({ key, attributes, loadOrder, effectiveAt }, observed, hasBatches) {
  const keys = list(key);
  const timeline = (order) => `window timeline as (partition by ${keys} order by ${order})`;
  const dated = hasBatches && effectiveAt !== undefined;
  return `
    with

    ${observed.trim()},

    -- a deletion has no hash, so it differs from every version and equals another deletion
    hashed as (
      select *, case when not _is_deletion then ${changeHash(attributes)} end as change_hash
      from winners
    ),

    -- what a listing does not have, between two records of a key or after the last, is gone
    observed as (
      select
        *,
        row_number() over timeline = 1 as _is_first,
        lag(change_hash) over timeline as _hash_before,
        max(_source_time) over timeline as _latest_source_time,
        case
          when not _is_deletion and _next_listing < coalesce(lead(_moment) over timeline, 'infinity') then _next_listing
        end as _gone_at
      from hashed
      ${timeline("_moment")}
    ),

    returned as (
      select
        *,
        lag(_gone_at) over timeline is not null as _is_back,
        lag(_latest_source_time) over timeline as _source_time_before
      from observed
      ${timeline("_moment")}
    ),

    -- equal neighbours collapse; A, B, A keeps three versions. A source time is believed while it moves forward.
    compared as (
      select
        *,
        _is_first or _is_back or change_hash is distinct from _hash_before as _is_change,
        case
          when _is_back or _source_time <= _source_time_before then _moment
          else least(_source_time, _moment)
        end as _effective_at
      from returned
    ),

    numbered as (
      select *, count(*) filter (where _is_change) over timeline as _step
      from compared
      where _is_change or _gone_at is not null
      ${timeline("_moment")}
    ),

    changes as (
      select *${dated ? `, lag(_effective_at) over (partition by ${keys} order by _step) as _effective_before` : ""}
      from (
        select *, max(_gone_at) over (partition by ${keys}, _step) as _ends_at
        from numbered
      ) as steps
      where _is_change
    ),
${dated ? clocks(keys) : ""}
    dated as (
      select changes.*, ${dated ? "coalesce(clocks._starts_at, _effective_at)" : "_effective_at"} as valid_from
      from changes${dated ? `\n      full join clocks using (${keys}, _step)` : ""}
    ),

    bounded as (
      select
        *,
        coalesce(_ends_at, lead(valid_from) over timeline) as valid_to,
        _ends_at is not null or lead(_is_deletion) over timeline as _ends_by_deletion
      from dated
      ${timeline("valid_from")}
    )

    select
      ${[...[].concat(key), ...Object.keys(attributes)].join(",\n      ")},
      row_number() over timeline as version_no,
      change_hash,
      valid_from,
      valid_to,
      valid_to is null as is_current,
      case when _ends_by_deletion then 'delete' when valid_to is not null then 'change' end as ended_by,
      ${loadOrder.join(",\n      ")}
    from bounded
    where not _is_deletion
    ${timeline("valid_from")}`;
}

/**
 * A change takes effect when the source says, if that is after the change before it; else when it was seen. Each step
 * depends on the one before, so keys where this ever happens are walked through, the others are right already.
 * Each of these rows is of a change; they are joined by a full join only because that is never done row by row.
 */
function clocks(keys) {
  return `
    clocks as (
      select ${keys}, steps._step, steps._starts_at
      from (
        select
          ${keys},
          array_agg(_effective_at order by _step) as _effective,
          array_agg(_moment order by _step) as _moments
        from changes
        where (${keys}) in (select ${keys} from changes where _effective_at <= _effective_before)
        group by ${keys}
      ) as stalled
      cross join lateral (
        with recursive steps as (
          select 1::bigint as _step, _effective[1] as _starts_at
          union all
          select
            _step + 1,
            case when _effective[_step + 1] > _starts_at then _effective[_step + 1] else _moments[_step + 1] end
          from steps
          where _step < cardinality(_effective)
        )

        select * from steps
      ) as steps
    ),
`;
}

module.exports = { list, small, utc, changeHash, slice, fromLog, fromBatches, versions };
