// Sums over a store of readings (changes.js says what that is), which follow the readings that changed.

const { among, changedSince, lastRun, scope } = require("./changes");

const PERIODS = {
  day: { of: "day", days: "select _day from touched" },
  month: {
    of: "date_trunc('month', day::timestamp)::date",
    days: "select generate_series(month, month + interval '1 month' - interval '1 day', interval '1 day')::date from (select distinct month from touched) as months",
  },
  measured_at: { of: "measured_at", days: "select _day from touched" },
};

function check({ store, by, period, measures, within, self, ...rest }) {
  const fail = (message) => {
    throw new Error(`rollups.of: ${message}`);
  };
  const [unknown] = Object.keys(rest);
  if (unknown) fail(`unknown option "${unknown}", known: store, self, by, period, within, measures`);
  if (!store) fail("needs store");
  if (!PERIODS[period]) fail(`period is one of ${Object.keys(PERIODS).join(", ")}, found ${JSON.stringify(period)}`);
  if (!Array.isArray(by)) fail("needs by, the columns of a group besides its period, or []");
  const stray = within?.find((column) => !by.includes(column));
  if (stray) fail(`within has "${stray}", which is none of by (${by.join(", ")})`);
  if (!Object.keys(measures ?? {}).length) fail("needs measures: { column: aggregate }");
}

/**
 * The select of an incremental model with one row per group: `by`, the period, `readings` (how many are in it), the measures
 * and `computed_from`. A group whose readings are gone stays with 0 readings and no measures.
 *
 * - `store`: the readings; `self`: `self()` in an incremental run, else undefined.
 * - `by`: columns that name a group, together with `period`: `day`, `month` or `measured_at`.
 * - `within`: those of `by` that a reading never changes. All groups of a period with the same of these are computed again
 *   when one of their readings has changed, and so also the one that it has left.
 * - `measures`: `{ column: aggregate over readings }`.
 */
function of(options) {
  check(options);
  const { store, self, by, period, within = [], measures } = options;
  const key = [...by, period];
  const columns = ["readings", ...Object.keys(measures)];
  const summed = [
    ...key,
    "count(*) as readings",
    ...Object.entries(measures).map(([name, sum]) => `${sum} as ${name}`),
  ];
  const stamp = `${lastRun(store)} as computed_from`;
  const readings = `select *${period === "month" ? `, ${PERIODS.month.of} as month` : ""} from ${store} as store where row_kind = 'reading'`;
  if (!self) return `select ${summed.join(", ")}, ${stamp} from (${readings}) as readings group by ${key.join(", ")}`;
  const place = [...within, period];
  const touched = (where) =>
    `select distinct ${[...within, `${PERIODS[period].of} as ${period}`, "day as _day"].join(", ")} from ${store} as store where ${where}`;
  const all = "(select is_all from scope)";
  const conditions = [`(${place.join(", ")}) in (select ${place.join(", ")} from touched)`];
  return `
    with

    scope as materialized (
${scope({ store, self })}
    ),

    touched as materialized (
      ${touched(changedSince("(select computed_from from scope)"))}
    ),

    groups as (
      select ${summed.join(", ")}
      from (${among({ relation: `(${readings})`, column: "day", values: PERIODS[period].days, conditions, all })}) as readings
      group by ${key.join(", ")}
    ),

    held as (
      select ${[...key, ...columns].join(", ")}
      from (${among({ relation: self, column: period, values: `select ${period} from touched`, conditions, all })}) as held
    )

    select
      ${key.join(", ")},
      coalesce(groups.readings, 0) as readings,
      ${Object.keys(measures)
        .map((column) => `groups.${column}`)
        .join(", ")},
      ${stamp}
    from groups
    full join held using (${key.join(", ")})
    where (coalesce(groups.readings, 0), ${Object.keys(measures)
      .map((column) => `groups.${column}`)
      .join(", ")}) is distinct from (${columns.map((column) => `held.${column}`).join(", ")})`;
}

module.exports = { of };
