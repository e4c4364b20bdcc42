// The days of the blog's snapshots.

/**
 * One row per day: the load that counts, the one loaded last, and the last day before with a whole snapshot. What that
 * snapshot lacks began after it. `loads` is a select of load_id, day, loaded_at and is_whole.
 */
function of(loads) {
  return `
  select
    day,
    load_id,
    max(day) filter (where is_whole) over (order by day rows between unbounded preceding and 1 preceding) as whole_day_before
  from (
    select distinct on (day) *
    from (${loads.trim()}) as loads
    order by day, loaded_at desc, load_id desc
  ) as snapshots`;
}

module.exports = { of };
