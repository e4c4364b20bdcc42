// The incremental table under a report's versions: the versions, and which loads they were computed from, in one table, so
// that both are published, held back and rolled back together.

const { list, small } = require("./scd2_timeline");

/*
 * row_kind is
 * - version: a row of the report in one version;
 * - load: a load that has been worked in; `load_id` is its number, `row_hash` what it meant then;
 * - void: what is no more, because a load that counted does not count now.
 */

/**
 * The select of the rows that new loads add or change; of all rows where `self` is not given. New loads are compared with
 * what the store holds open for their days, so the work grows with them and not with the history. A load that is gone,
 * means something else, or comes before one of its feed that was worked in, makes everything be computed anew.
 */
function rows({ key, day, values, loadOrder, definition, feed, loads, self }) {
  const columns = Object.keys(values);
  const named = ["feed", ...key];
  const typed = Object.entries(values).map(([column, type]) => `${column}::${type} as ${column}`);
  const hash = `md5(jsonb_build_array(${columns.map((column) => `${column}::${values[column]}`).join(", ")})::text)`;
  const timeline = `window timeline as (partition by ${list(named)} order by _place)`;
  const loadRow = (from, kind) =>
    `select ${[...key, ...columns].map((column) => `null as ${column}`).join(", ")}, ${from}.feed, ${from}.load_id,
      null::timestamptz as known_from, null::timestamptz as known_to, null as ended_by, ${from}.meaning as row_hash,
      '${kind}' as row_kind, md5('load ' || ${from}.load_id)::uuid as row_id
    from ${from}`;
  return `
    with

    loads as materialized (
      ${small(
        `select
          load_id, feed, loaded_at, first_day, last_day, is_whole,
          row_number() over (partition by feed order by loaded_at, load_id) as place,
          md5(jsonb_build_array(feed, loaded_at at time zone 'UTC', first_day, last_day, is_whole, ${literal(definition)})::text) as meaning
        from ${loads} as loads`,
        "load_id bigint, feed text, loaded_at timestamptz, first_day date, last_day date, is_whole boolean, place bigint, meaning text",
      )}
    ),

    worked_in as materialized (
      ${self ? `select feed, load_id, row_hash as meaning from ${self} as store where row_kind = 'load'` : "select null as feed, null::bigint as load_id, null as meaning where false"}
    ),

    scope as materialized (
      select
        exists (select from worked_in left join loads using (load_id, meaning) where loads.load_id is null)
        or exists (
          select
          from loads
          left join worked_in using (load_id, meaning)
          where worked_in.load_id is null
            and place < (
              select max(known.place)
              from loads as known
              inner join worked_in using (load_id, meaning)
              where known.feed = loads.feed
            )
        ) as is_everything
    ),

    new_loads as materialized (
      select loads.*
      from loads
      left join worked_in using (load_id, meaning)
      where worked_in.load_id is null or (select is_everything from scope)
    ),

    -- the number of the first new load lets the raw tables be entered by their indexes
    records as materialized (
      select distinct on (new_loads.load_id, ${list(key)})
        new_loads.feed,
        ${[...key, ...typed].join(",\n        ")},
        new_loads.load_id,
        new_loads.place as _place,
        new_loads.loaded_at as known_from
      from ${feed} as report
      inner join new_loads on new_loads.load_id = report.${loadOrder[0]}
      where report.${loadOrder[0]} >= (select min(load_id) from new_loads)
        -- what was not asked for is not known to be all of its day
        and (new_loads.first_day is null or ${day} between new_loads.first_day and new_loads.last_day)
      order by new_loads.load_id, ${list(key)}, ${loadOrder[1]} desc
    ),

    covered as materialized (
      select feed, days.day::date as _day, place as _place, is_whole
      from new_loads
      cross join generate_series(first_day, last_day, interval '1 day') as days (day)
      union
      select feed, ${day}, place, is_whole
      from new_loads
      inner join records using (feed, load_id)
      where first_day is null
    ),

    -- the first later load that says all there is of the day
    slices as materialized (
      select
        *,
        min(case when is_whole then _place end) over (
          partition by feed, _day order by _place rows between 1 following and unbounded following
        ) as _next_place
      from (
        select * from covered
        union all
        select distinct feed, _day, 0::bigint, false from covered
      ) as places
    ),

    ${before({ self, key, day, columns }).trim()},

    observed as (
      select records.*, ${hash} as row_hash from records
      union all
      select feed, ${[...key, ...columns].join(", ")}, load_id, 0::bigint as _place, known_from, row_hash
      from open_versions
    ),

    placed as (
      select
        observed.*,
        case when slices._next_place < coalesce(lead(observed._place) over timeline, 9223372036854775807) then slices._next_place end as _gone_place
      from observed
      inner join slices on slices.feed = observed.feed and slices._day = observed.${day} and slices._place = observed._place
      window timeline as (partition by ${named.map((column) => `observed.${column}`).join(", ")} order by observed._place)
    ),

    compared as (
      select
        *,
        lag(row_hash) over timeline is distinct from row_hash or lag(_gone_place) over timeline is not null as _is_new
      from placed
      ${timeline}
    ),

    numbered as (
      select *, count(*) filter (where _is_new) over timeline as _step
      from compared
      ${timeline}
    ),

    ended as (
      select *, max(_gone_place) over (partition by ${list(named)}, _step) as _ends_at
      from numbered
    ),

    versions as (
      select
        ended.*,
        coalesce(ends.loaded_at, lead(ended.known_from) over (partition by ${named.map((column) => `ended.${column}`).join(", ")} order by ended._place)) as known_to,
        case
          when ends.loaded_at is not null then 'vanished'
          when lead(ended._place) over (partition by ${named.map((column) => `ended.${column}`).join(", ")} order by ended._place) is not null then 'restated'
        end as ended_by
      from ended
      left join loads as ends on ends.feed = ended.feed and ends.place = ended._ends_at
      where ended._is_new
    ),

    recomputed as (
      select
        ${[...key, ...columns].join(", ")}, feed, load_id, known_from, known_to, ended_by, row_hash,
        'version' as row_kind,
        md5(jsonb_build_array(${list(named)}, load_id)::text)::uuid as row_id
      from versions
    )

    ${self ? changed({ key, columns }) : "select * from recomputed"}
    union all
    ${loadRow("new_loads", "load")}
    ${self ? `union all ${loadRow("worked_in", "void")} where load_id not in (select load_id from loads)` : ""}`;
}

/** The versions that new loads may end, or, where everything is computed anew, those that may be no more. */
function before({ self, key, day, columns }) {
  const shape = ["feed", ...key, ...columns, "load_id", "known_from", "known_to", "ended_by", "row_hash"];
  if (!self) return "open_versions as (select *, null::text as row_hash from records where false)";
  return `
    touched_rows as materialized (
      select ${shape.map((column) => `store.${column}`).join(", ")}, row_id
      from ${self} as store
      inner join (select distinct feed, _day from covered) as days on days.feed = store.feed and days._day = store.${day}
      where row_kind = 'version' and known_to is null and not (select is_everything from scope)
        and store.${day} >= (select min(_day) from covered)
      union all
      select ${shape.map((column) => `store.${column}`).join(", ")}, row_id
      from ${self} as store
      where row_kind = 'version' and (select is_everything from scope)
    ),

    open_versions as (
      select * from touched_rows where not (select is_everything from scope)
    )`;
}

function changed({ key, columns }) {
  const own = ["feed", "load_id", "known_from", "known_to", "ended_by", "row_hash"];
  const value = (column) => `recomputed.${column}`;
  return `select
      ${key.map((column) => `coalesce(recomputed.${column}, touched_rows.${column}) as ${column}`).join(", ")},
      ${[...columns, ...own].map(value).join(", ")},
      coalesce(recomputed.row_kind, 'void') as row_kind,
      row_id
    from recomputed
    full join touched_rows using (row_id)
    where (${["row_hash", "known_from", "known_to", "ended_by"].map(value).join(", ")})
      is distinct from (touched_rows.row_hash, touched_rows.known_from, touched_rows.known_to, touched_rows.ended_by)`;
}

function literal(text) {
  return `'${text.replaceAll("'", "''")}'`;
}

module.exports = { rows };
