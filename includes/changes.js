// What changed in an incremental store of readings: for models that follow it, and for audits of what a run did.

/*
 * A store has the columns row_kind, run_at and built_at, and an index on `run_at`. row_kind is
 * - reading: a row of figures, with a `day`;
 * - void: a reading that is no more;
 * - run: one row; `run_at` is when the store was last changed, `built_at` when all of it was computed.
 * Readings and voids have the `run_at` of the run that wrote them, NULL where that computed all: so the few that a later run
 * wrote are found by an index, whatever the planner thinks.
 */

/** The stamp of the run that changed the store last. */
function lastRun(store) {
  return `(select run_at from ${store} as runs where row_kind = 'run')`;
}

/** True after a computation of all, until the next run that changes something. */
function isAll(store) {
  return `(select run_at = built_at from ${store} as runs where row_kind = 'run')`;
}

/**
 * The rows of `relation` with one of the `values` in `column`, and further `conditions`; all rows where `all` is true. An array
 * is looked up in an index, and only one of the halves is read.
 */
function among({ relation, column, values, conditions = [], all }) {
  const looked = [`not ${all}`, `${column} = any (array(select distinct * from (${values}) as looked))`, ...conditions];
  return `
    select * from ${relation} as everything where ${all}
    union all
    select * from ${relation} as changed where ${looked.join(" and ")}`;
}

/**
 * For a model that follows a store: `computed_from`, the run of the store that it has followed so far, and `is_all`, true where
 * that is not enough, because all of the store was computed since.
 */
function scope({ store, self }) {
  if (!self) return "select '-infinity'::timestamptz as computed_from, true as is_all";
  const computedFrom = `coalesce((select max(computed_from) from ${self} as held), '-infinity')`;
  return `
      select
        ${computedFrom} as computed_from,
        (select built_at from ${store} as runs where row_kind = 'run') > ${computedFrom} as is_all`;
}

/** The rows of a store that runs after `moment` wrote. That they have a stamp is said twice: the planner expects few then. */
function changedSince(moment) {
  return `row_kind in ('reading', 'void') and run_at is not null and run_at > ${moment}`;
}

/** For an audit: the readings and voids that the last run wrote; after a computation of all, all readings. */
function written(store) {
  return `
    select * from ${store} as written where row_kind in ('reading', 'void') and run_at = ${lastRun(store)}
    union all
    select * from ${store} as everything where row_kind = 'reading' and ${isAll(store)}`;
}

/**
 * For an audit: the readings of each series from the one before the first that the last run wrote, which is not `is_counted`;
 * after a computation of all, all readings. `previous` holds the `takenAt` of the reading before, also in voids.
 */
function stretch({ store, series, takenAt, previous }) {
  return `
    select *, true as is_counted from ${store} as everything where row_kind = 'reading' and ${isAll(store)}
    union all
    select held.*, held.${takenAt} >= touched.counted_from
    from (
      select ${series.join(", ")}, min(coalesce(${previous}, ${takenAt})) as from_at, min(${takenAt}) as counted_from
      from ${store} as written
      where row_kind in ('reading', 'void') and run_at = ${lastRun(store)}
      group by ${series.join(", ")}
    ) as touched
    cross join lateral (
      select *
      from ${store} as readings
      where row_kind = 'reading' and ${series.map((column) => `readings.${column} = touched.${column}`).join(" and ")}
        and readings.${takenAt} >= touched.from_at
      -- series by series, by the index
      offset 0
    ) as held`;
}

/** For an audit: the rows of `relation` on days with a reading that the last run wrote; after a computation of all, all. */
function changedDays({ store, relation }) {
  const values = `select day from ${store} as written where row_kind in ('reading', 'void') and run_at = ${lastRun(store)}`;
  return among({ relation, column: "day", values, all: isAll(store) });
}

module.exports = { among, changedDays, changedSince, isAll, lastRun, scope, stretch, written };
