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
 */
function soundness({ key, attributes, history, ...batches }) {
  const none = "null::timestamptz";
  return `
    with

    versions as (
      select * from ${history} as history
    ),
${latestFull({ key, attributes, ...batches })}
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
function latestFull({ key, attributes, deleted = "false", since = {}, feed, batches, workedIn, loadOrder }) {
  const [loadId, rowNo] = loadOrder;
  const keys = list(key);
  // before a column came into being the history has its first value, the batch has none
  const isAfterAll = Object.values(since).map((moment) => ` and as_of >= ${utc(`'${moment}'`)}`);
  return `
    loads as (
      select load_id, kind, as_of, loaded_at
      from ${batches} as batches
      where accepted and load_id in (${workedIn})
    ),

    latest as (
      select load_id, as_of
      from loads
      where kind = 'full'${isAfterAll.join("")}
      order by as_of desc, loaded_at desc, load_id desc
      limit 1
    ),

    told_elsewhere as (
      select distinct ${idOf(key)} as id
      from ${feed} as feed
      inner join loads on loads.load_id = feed.${loadId}
      cross join latest
      where loads.load_id <> latest.load_id and (loads.kind = 'log' or loads.as_of >= latest.as_of)
    ),

    batch_rows as (
      select distinct on (${keys}) ${idOf(key)} as id, ${changeHash(attributes)} as change_hash, coalesce(${deleted}, false) as is_deletion
      from ${feed} as feed
      where ${loadId} = (select load_id from latest) and (${keys}) is not null
      order by ${keys}, ${rowNo} desc
    ),

    batch_versions as (
      select id, change_hash
      from batch_rows
      where not is_deletion and id not in (select id from told_elsewhere)
    ),

    held as (
      select ${idOf(key)} as id, change_hash, valid_from, valid_to
      from versions
      cross join latest
      where valid_from <= latest.as_of and (valid_to is null or latest.as_of < valid_to)
        and ${idOf(key)} not in (select id from told_elsewhere)
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
      where loads.accepted
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
