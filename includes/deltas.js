// What happened between two readings of a counter that only reports its running total.

/** True where a reading is lower than the one before: the counter started again from zero. */
function fell(counter) {
  return `${counter} < previous_${counter}`;
}

const OPTIONS = [
  "readings",
  "series",
  "takenAt",
  "day",
  "counters",
  "leading",
  "isBorn",
  "bornDay",
  "keep",
  "previous",
  "before",
];

function check(options) {
  const fail = (message) => {
    throw new Error(`deltas.fromTotals: ${message}`);
  };
  const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name));
  if (unknown) fail(`unknown option "${unknown}", known: ${OPTIONS.join(", ")}`);
  for (const name of ["readings", "takenAt", "day", "isBorn", "bornDay"]) if (!options[name]) fail(`needs ${name}`);
  if (!options.series?.length) fail("needs series, the columns that name one counter");
  const counters = Object.keys(options.counters ?? {});
  if (!counters.length) fail("needs counters: { column: type }");
  if (options.leading && !counters.includes(options.leading))
    fail(`leading "${options.leading}" is none of the counters`);
}

/**
 * Turns running totals into deltas, one row per reading.
 *
 * - `series`: the columns that name one counter; `takenAt`: when it was read; `day`: the day the reading closes. They may
 *   be the same column.
 * - `counters`: the running totals, `{ column: type }`. When `leading` falls, all of them have restarted, even one
 *   that is already higher than before; any other that falls has restarted alone.
 * - `isBorn`: true where the entity began inside the feed, so its first reading counts from zero. Otherwise the
 *   first reading is a baseline: a total of unknown age, with no delta.
 * - `bornDay`: the day it began, for `days_covered` of its first reading.
 * - `keep`: other columns to pass on.
 * - `previous`: a name for the `takenAt` of the reading before, to have it as a column; NULL for the first.
 * - `before`: for an incremental model, a relation with the last state of each series before its first of `readings`: the
 *   columns of `series`, `takenAt`, `day` and the counters, and `<counter>_to_date`. It gives no rows of its own.
 */
function fromTotals(options) {
  check(options);
  const { readings, series, takenAt, day, counters, leading, isBorn, bornDay, keep = [], previous, before } = options;
  const inOrder = `window in_order as (partition by ${series.join(", ")} order by ${takenAt})`;
  const names = Object.keys(counters);
  const earlier = names.map((counter) => `lag(${counter}) over in_order as previous_${counter}`);
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
  const added = (counter) => {
    const own = `coalesce(${counter}_delta, ${counter})`;
    return before ? `case when _is_before then _${counter}_before else ${own} end` : own;
  };
  const toDate = ([counter, type]) => `(sum(${added(counter)}) over in_order)::${type} as ${counter}_to_date`;
  const columns = [...new Set([...series, ...keep, day, takenAt])];
  const own = [
    ...(previous ? [previous] : []),
    ...names.map((counter) => `${counter}_delta`),
    ...names.map((counter) => `${counter}_to_date`),
  ];
  const totals = `
    select
      ${columns.join(",\n      ")},${previous ? `\n      _previous_at as ${previous},` : ""}
      ${names.map((counter) => `${counter}_delta`).join(",\n      ")},
      ${Object.entries(counters).map(toDate).join(",\n      ")},
      days_covered,
      is_baseline,
      is_reset${before ? ",\n      _is_before" : ""}
    from measured
    ${inOrder}`;
  return `
    with
${before ? continued({ readings, before, series, takenAt, day, counters, keep, isBorn, bornDay }) : ""}
    paired as (
      select
        *,
        lag(${takenAt}) over in_order as _previous_at,
        lag(${day}) over in_order as _previous_day,
        ${earlier.join(",\n        ")}
      from ${before ? "continued" : readings} as readings
      ${inOrder}
    ),

    judged as (
      select
        *,
        _previous_at is null as is_first,
        _previous_at is null and not coalesce(${before ? "_is_born" : isBorn}, false) as is_baseline,
        _previous_at is not null and (${names.map(fell).join(" or ")}) as is_reset
      from paired
    ),

    measured as (
      select
        *,
        -- a missing day is never filled in: the next delta says how many days it covers
        case
          when is_baseline then null
          when is_first then greatest(${day} - ${before ? "_born_day" : `(${bornDay})`} + 1, 1)
          else ${day} - _previous_day
        end as days_covered,${names.map(delta).join(",")}
      from judged
    )
${before ? `\n    select ${[...columns, ...own, "days_covered", "is_baseline", "is_reset"].join(", ")}\n    from (${totals}) as totals\n    where not _is_before` : totals}`;
}

/** The readings behind the state that each series was in before. */
function continued({ readings, before, series, takenAt, day, counters, keep, isBorn, bornDay }) {
  const names = Object.keys(counters);
  const columns = [...new Set([...series, day, takenAt, ...names])];
  const passed = keep.filter((column) => !columns.includes(column));
  return `
    continued as (
      select
        ${[...columns, ...passed].join(", ")},
        (${isBorn}) as _is_born,
        ${bornDay} as _born_day,
        ${Object.entries(counters)
          .map(([counter, type]) => `null::${type} as _${counter}_before`)
          .join(", ")},
        false as _is_before
      from ${readings} as readings
      union all
      select
        ${[...columns, ...passed.map(() => "null")].join(", ")},
        null,
        null,
        ${names.map((counter) => `${counter}_to_date`).join(", ")},
        true
      from ${before} as states
    ),
`;
}

module.exports = { fromTotals };
