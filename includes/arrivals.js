// Which rows an incremental model has to work in: those that arrived since it was last computed, and those of load dates
// that are to be computed once more.

const DATE = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;

/**
 * The load dates that the project variables `reprocess_from` and `reprocess_to` ask for, as `{ from, to }`, both included;
 * undefined where neither is given. `npx dataform run --vars reprocess_from=2026-01-01,reprocess_to=2026-01-03` gives them.
 */
function reprocessed(vars) {
  const [from, to] = [vars?.reprocess_from, vars?.reprocess_to];
  if (!from && !to) return undefined;
  for (const [name, value] of Object.entries({ reprocess_from: from, reprocess_to: to })) {
    if (!value) throw new Error(`vars.${name} is missing: reprocessing needs reprocess_from and reprocess_to`);
    const isDay = DATE.test(value) && new Date(`${value}T00:00:00Z`).toISOString().startsWith(value);
    if (!isDay) throw new Error(`vars.${name} must be a date such as 2026-01-31, got "${value}"`);
  }
  if (from > to) throw new Error(`vars.reprocess_from (${from}) is after vars.reprocess_to (${to})`);
  return { from, to };
}

/**
 * The condition of the rows to work in, for the `where` of an incremental model.
 *
 * - `incremental`: `incremental()`; the first build takes all rows. `self`: `self()`.
 * - `arrivedAt`: the column that says when a row arrived, by `now()` of the run that brought it: runs follow one another, so
 *   it grows, while numbers of loads may arrive out of order.
 * - `workedIn`: the column of `self` that holds the largest `arrivedAt` a row was computed from.
 * - `loadDate`: the column that `reprocess_from` and `reprocess_to` are about; `vars`: `dataform.projectConfig.vars`.
 */
function toWorkIn({ incremental, self, arrivedAt, workedIn, loadDate, vars }) {
  for (const [name, value] of Object.entries({ self, arrivedAt, workedIn })) {
    if (!value) throw new Error(`arrivals.toWorkIn: needs ${name}`);
  }
  const range = loadDate && reprocessed(vars);
  if (!incremental) return "true";
  const arrived = `${arrivedAt} > coalesce((select max(${workedIn}) from ${self} as worked_in), '-infinity')`;
  return range ? `(${arrived} or ${loadDate} between date '${range.from}' and date '${range.to}')` : arrived;
}

module.exports = { reprocessed, toWorkIn };
