// What happened between two readings of a counter that only reports its running total.

/** True where a reading is lower than the one before: the counter started again from zero. */
function fell(counter) {
  return `${counter} < previous_${counter}`;
}

/**
 * Turns running totals into deltas, one row per reading.
 *
 * - `series`: the columns that name one counter; `takenAt`: when it was read; `day`: the day the reading closes.
 * - `counters`: the running totals, `{ column: type }`. When `leading` falls, all of them have restarted, even one
 *   that is already higher than before; any other that falls has restarted alone.
 * - `isBorn`: true where the entity began inside the feed, so its first reading counts from zero. Otherwise the
 *   first reading is a baseline: a total of unknown age, with no delta.
 * - `bornDay`: the day it began, for `days_covered` of its first reading.
 * - `keep`: other columns to pass on.
 */
function fromTotals({ readings, series, takenAt, day, counters, leading, isBorn, bornDay, keep = [] }) {
  const inOrder = `window in_order as (partition by ${series.join(", ")} order by ${takenAt})`;
  const names = Object.keys(counters);
  const previous = names.map((counter) => `lag(${counter}) over in_order as previous_${counter}`);
  const delta = (counter) => {
    const restarted = [...new Set([leading ?? counter, counter])].map(fell).join(" or ");
    return `
        case
          when is_baseline then null
          when is_first or ${restarted} then ${counter}
          else ${counter} - previous_${counter}
        end as ${counter}_delta`;
  };
  // a baseline counts in the total to date, though it is no delta
  const toDate = ([counter, type]) =>
    `(sum(coalesce(${counter}_delta, ${counter})) over in_order)::${type} as ${counter}_to_date`;
  return `
    with

    paired as (
      select
        *,
        lag(${takenAt}) over in_order is null as is_first,
        lag(${day}) over in_order as previous_day,
        ${previous.join(",\n        ")}
      from ${readings} as readings
      ${inOrder}
    ),

    judged as (
      select
        *,
        is_first and not coalesce(${isBorn}, false) as is_baseline,
        not is_first and (${names.map(fell).join(" or ")}) as is_reset
      from paired
    ),

    measured as (
      select
        *,
        -- a missing day is never filled in: the next delta says how many days it covers
        case
          when is_baseline then null
          when is_first then greatest(${day} - ${bornDay} + 1, 1)
          else ${day} - previous_day
        end as days_covered,${names.map(delta).join(",")}
      from judged
    )

    select
      ${[...series, ...keep, day, takenAt].join(",\n      ")},
      ${names.map((counter) => `${counter}_delta`).join(",\n      ")},
      ${Object.entries(counters).map(toDate).join(",\n      ")},
      days_covered,
      is_baseline,
      is_reset
    from measured
    ${inOrder}`;
}

module.exports = { fromTotals };
