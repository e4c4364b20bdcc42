// What a history promises, as queries for the rows that break it.

const { changeHash, list, utc } = require("./scd2_timeline");

/** One text that names a row by its key. */
function idOf(key, relation) {
  const columns = [].concat(key).map((column) => (relation ? `${relation}.${column}` : column));
  return columns.length === 1 ? `${columns[0]}::text` : `jsonb_build_array(${columns.join(", ")})::text`;
}

/** Versions of one key that hold at the same moment. */
function overlaps(table, key) {
  return `
    select ${idOf(key)} as id, valid_from, valid_to, next_valid_from
    from (
      select *, lead(valid_from) over (partition by ${list(key)} order by valid_from) as next_valid_from
      from ${table} as versions
    ) as timeline
    where coalesce(valid_to, 'infinity') > next_valid_from`;
}

/** Versions ended by a change that are not followed, at once, by a different version. */
function brokenChains(table, key) {
  return `
    select ${idOf(key)} as id, valid_from, valid_to, next_valid_from
    from (
      select *, lead(valid_from) over timeline as next_valid_from, lead(change_hash) over timeline as next_hash
      from ${table} as versions
      window timeline as (partition by ${list(key)} order by valid_from)
    ) as timeline
    where ended_by = 'change'
      and (next_valid_from is distinct from valid_to or next_hash = change_hash)`;
}

/** Facts that meet more than one version; `met` is the condition of the join. */
function fanOut({ facts, history, key, moment }, met) {
  const keys = [].concat(key).map((column) => `facts.${column}`);
  const same = [].concat(key).map((column) => `facts.${column} = versions.${column}`);
  return `
    select ${keys.join(", ")}, facts._at, count(*) as versions
    from (select distinct ${list(key)}, ${moment} as _at from ${facts} as facts) as facts
    inner join ${history} as versions on ${same.join(" and ")} and ${met("versions", "facts._at")}
    group by ${keys.join(", ")}, facts._at
    having count(*) > 1`;
}

/**
 * Every fault of a published history, one row each: it overlaps, has a gap or two equal neighbours, more than one current
 * version, a hash that is not that of its columns, or differs from the latest full batch at that batch's moment.
 *
 * Looked at are the keys that the last run wrote rows of, or all after a computation of all: the others were looked at when
 * they were written. The full batch is one of the last run, too.
 */
function soundness({ key, attributes, history, store, ...batches }) {
  const none = "null::timestamptz";
  return `
    with

    last_run as materialized (
      select max(run_no) as run_no from ${store} as store where row_kind <> 'version'
    ),

    touched as materialized (
      select distinct ${list(key)}
      from ${store} as store
      where run_no = (select run_no from last_run) and (${list(key)}) is not null
    ),

    versions as (
      select * from ${history} as history where (select run_no is null from last_run)
      union all
      -- offset 0: key by key, by the index
      select held.*
      from touched
      cross join lateral (
        select * from ${history} as history where ${[]
          .concat(key)
          .map((column) => `history.${column} = touched.${column}`)
          .join(" and ")} offset 0
      ) as held
    ),
${latestFull({ key, attributes, history, store, ...batches })}
    select 'overlap' as fault, id, valid_from, valid_to from (${overlaps("versions", key)}) as faults
    union all
    select 'gap, or equal neighbours', id, valid_from, valid_to from (${brokenChains("versions", key)}) as faults
    union all
    select 'empty or backward', ${idOf(key)}, valid_from, valid_to from versions where valid_to <= valid_from
    union all
    select 'several current', ${idOf(key)}, ${none}, ${none} from versions where is_current group by ${list(key)} having count(*) > 1
    union all
    select 'hash', ${idOf(key)}, valid_from, valid_to from versions where change_hash is distinct from ${changeHash(attributes)}
    union all
    select 'not as in the latest full batch', coalesce(batch_versions.id, held.id), held.valid_from, held.valid_to
    from batch_versions
    full join held on held.id = batch_versions.id
    where held.change_hash is distinct from batch_versions.change_hash`;
}

/** The latest full batch, and what the history holds at its moment. Keys that other loads tell more of are left out. */
function latestFull({ key, attributes, history, store, deleted = "false", since = {}, feed, batches, loadOrder }) {
  const [loadId, rowNo] = loadOrder;
  const keys = list(key);
  // before a column came into being the history has its first value, the batch has none
  const isAfterAll = Object.values(since).map((moment) => ` and as_of >= ${utc(`'${moment}'`)}`);
  return `
    loads as (
      select load_id, kind, as_of, loaded_at
      from ${batches} as batches
      where accepted and load_id in (select version_no from ${store} as store where row_kind = 'load')
    ),

    latest as materialized (
      select load_id, as_of
      from (
        select load_id, as_of
        from loads
        where kind = 'full'${isAfterAll.join("")}
        order by as_of desc, loaded_at desc, load_id desc
        limit 1
      ) as newest
      where load_id in (
          select version_no
          from ${store} as store
          where row_kind = 'load' and run_no is not distinct from (select run_no from last_run)
        )
        -- a slice of that moment or later says of keys it lacks that they are gone
        and not exists (select from loads as slices where slices.kind = 'slice' and slices.as_of >= newest.as_of)
    ),

    told_elsewhere as (
      select distinct ${idOf(key)} as id
      from ${feed} as feed
      inner join loads on loads.load_id = feed.${loadId}
      cross join latest
      where (select count(*) > 0 from latest)
        and loads.load_id <> latest.load_id
        and (loads.kind = 'log' or loads.as_of >= latest.as_of)
    ),

    batch_rows as (
      select distinct on (${keys}) ${idOf(key)} as id, ${changeHash(attributes)} as change_hash, coalesce(${deleted}, false) as is_deletion
      from ${feed} as feed
      where (select count(*) > 0 from latest) and ${loadId} = (select load_id from latest) and (${keys}) is not null
      order by ${keys}, ${rowNo} desc
    ),

    batch_versions as (
      select id, change_hash
      from batch_rows
      where not is_deletion and not exists (select from told_elsewhere where told_elsewhere.id = batch_rows.id)
    ),

    held as (
      select *
      from (
        select ${idOf(key)} as id, change_hash, valid_from, valid_to
        from ${history} as history
        cross join latest
        where (select count(*) > 0 from latest)
          and valid_from <= latest.as_of
          and (valid_to is null or latest.as_of < valid_to)
      ) as at_that_moment
      where not exists (select from told_elsewhere where told_elsewhere.id = at_that_moment.id)
    )
`;
}

/** What is odd about the loads of the last day of the feed: the source should be asked. */
function sourceFaults({ key, attributes, effectiveAt, deleted = "false", feed, batches, loadOrder }) {
  const [loadId, rowNo] = loadOrder;
  const isBlank = [].concat(key).map((column) => `coalesce(${column}::text, '') ~ '^\\s*$'`);
  const moment = `case when loads.kind = 'log' then ${effectiveAt ?? "null::timestamptz"} end`;
  return `
    with

    loads as (
      select *
      from ${batches} as batches
      where loaded_at > (select max(loaded_at) from ${batches} as batches) - interval '1 day'
    ),

    records as (
      select
        loads.load_id,
        ${rowNo} as row_no,
        ${idOf(key)} as id,
        ${isBlank.join(" or ")} as is_blank,
        ${moment} as moment,
        ${effectiveAt ?? "null::timestamptz"} > loads.loaded_at as is_ahead,
        md5(jsonb_build_array(${changeHash(attributes)}, ${deleted})::text) as content
      from ${feed} as feed
      inner join loads on loads.load_id = feed.${loadId}
      -- they are at the end, where an index on their numbers finds them
      where loads.accepted and feed.${loadId} >= (select min(load_id) from loads)
    )

    select load_id, null::bigint as row_no, null::text as id, note as fault from loads where note is not null
    union all
    select load_id, row_no, id, 'no key, or a blank one' from records where is_blank
    union all
    select load_id, row_no, id, 'holds from a moment after it was loaded' from records where is_ahead
    union all
    select load_id, max(row_no), id, 'told in ' || count(distinct content) || ' ways by one load'
    from records
    where not is_blank
    group by load_id, id, moment
    having count(distinct content) > 1`;
}

module.exports = { overlaps, brokenChains, fanOut, soundness, sourceFaults };
