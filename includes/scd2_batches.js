// Which loads of a feed count, and what each says about the records it does not hold.

const { utc } = require("./scd2_timeline");

/**
 * The loads of a table, from the ledger: load_id, kind, as_of, loaded_at, rows, accepted, note.
 * Only an accepted load counts, and only one that is surely whole says what is gone: with rejected records, or as a
 * slice by unknown fields, it counts as partial. Whether a load has shrunk too much is judged as of its arrival,
 * against the accepted one before it, so that later loads never change the verdict.
 */
function batches({ ledger, table, kind, maxShrink, maxRejected = 0, by = [], feed, loadId }) {
  const declared = kind ? `'${kind}'` : "batch";
  return `
    with recursive

    loads as (
      select
        load_id,
        ${declared} as kind,
        coalesce(${utc("as_of")}, finished_at) as as_of,
        finished_at as loaded_at,
        rows,
        coalesce((to_jsonb(ledger) ->> 'rejected')::bigint, 0) as rejected,
        coalesce(to_jsonb(ledger) -> 'details' ->> 'forced', 'false') = 'true' as forced,
        row_number() over (order by finished_at, load_id) as place
      from ${ledger} as ledger
      where table_name = '${table}' and status = 'loaded'
    ),

    -- a feed that was built before the load landed has none of its rows, and must not look like an empty load
    arrived as (
      select load_id from loads where exists (select from ${feed} as feed where feed.${loadId} = loads.load_id)
    ),

    fulls as (
      select load_id, rows, forced, row_number() over (order by place) as place
      from loads
      where kind = 'full'
    ),

    ${guarded(maxShrink).trim()},

    judged as (
      select
        loads.*,
        coalesce(guarded.accepted, true) as is_large_enough,
        guarded.before,
        rows = 0 or arrived.load_id is not null as has_arrived,
        rejected > ${Number(maxRejected)} as has_rejects
      from loads
      left join guarded on guarded.load_id = loads.load_id
      left join arrived on arrived.load_id = loads.load_id
    )

    select
      load_id,
      case when kind = 'slice' and ${!by.length} or kind in ('full', 'slice') and has_rejects then 'partial' else kind end as kind,
      as_of,
      loaded_at,
      rows,
      is_large_enough and has_arrived and kind in ('full', 'slice', 'partial', 'log') as accepted,
      case
        when kind not in ('full', 'slice', 'partial', 'log') then 'refused: no such kind of batch'
        when not is_large_enough then 'refused: ' || rows || ' rows, the full batch before had ' || before
        when not has_arrived then 'waits: none of its rows are in the feed yet'
        when kind in ('full', 'slice') and has_rejects then 'deletes nothing: ' || rejected || ' records were rejected'
        when kind = 'slice' and ${!by.length} then 'deletes nothing: the fields of its slices are not known (by)'
      end as note
    from judged`;
}

/** Walks through the full loads as they came, each against the last one that was accepted. */
function guarded(maxShrink) {
  if (maxShrink === undefined) {
    return "guarded as (select load_id, true as accepted, null::bigint as before from fulls)";
  }
  return `
    guarded as (
      select 0::bigint as place, null::bigint as load_id, true as accepted, 0::bigint as before, 0::bigint as standard
      union all
      select
        fulls.place,
        fulls.load_id,
        verdict.accepted,
        guarded.standard,
        case when verdict.accepted then fulls.rows else guarded.standard end
      from guarded
      inner join fulls on fulls.place = guarded.place + 1
      cross join lateral (
        select fulls.forced or (fulls.rows > 0 and fulls.rows >= guarded.standard * (1 - ${Number(maxShrink)})) as accepted
      ) as verdict
    )`;
}

module.exports = { batches };
