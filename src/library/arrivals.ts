import { expression, relation } from "../sql/authored.ts";
import { id } from "../sql/identifiers.ts";
import { literal } from "../sql/literals.ts";
import { empty, or, type Sql, sql } from "../sql/sql.ts";
import { checkKnown, columnName, fail, foundOf, own } from "./shared/check-options.ts";
import { projectVar } from "./shared/dataform.ts";

// Which rows an incremental model has to work in: those that arrived since it was last computed, and those of days that are
// to be computed once more, by `--vars reprocess_from=2026-01-01,reprocess_to=2026-01-03`, both included.

export interface ToWorkInOptions {
  /** `incremental()`: the first build takes all rows. */
  readonly incremental: boolean;
  /** `self()`. */
  readonly self: string;
  /**
   * When a row arrived, an expression over the rows: by `now()` of the run that brought it, which grows from run to run, while
   * numbers of loads may arrive out of order.
   */
  readonly arrivedAt: string;
  /** The column of `self` that holds the largest `arrivedAt` a row was computed from. */
  readonly workedIn: string;
  /** The day that `reprocess_from` and `reprocess_to` are about, an expression over the rows. */
  readonly loadDate?: string;
}

/**
 * The condition of the rows to work in, for the `where` of an incremental model.
 * @throws Error that names a wrong option or variable
 */
export function toWorkIn(options: ToWorkInOptions): string {
  const caller = "arrivals.toWorkIn";
  checkKnown(caller, options, ["incremental", "self", "arrivedAt", "workedIn", "loadDate"]);
  for (const name of ["self", "arrivedAt", "workedIn"] as const) if (!options[name]) fail(caller, `needs ${name}`);
  if (typeof options.incremental !== "boolean")
    fail(caller, `needs incremental: true or false, as incremental() gives it, found ${foundOf(options.incremental)}`);
  const workedIn = columnName(caller, options.workedIn, "workedIn");
  const arrivedAt = expression(options.arrivedAt, `${caller}: arrivedAt`);
  const again =
    options.loadDate !== undefined ? [reprocessed(expression(options.loadDate, `${caller}: loadDate`))] : [];
  if (!options.incremental) return "true";
  const self = own("self");
  const newest = sql`select max(${self}.${id(workedIn)}) from ${relation(options.self, `${caller}: self`)} as ${self}`;
  const arrived = sql`${arrivedAt} > coalesce((${newest}), '-infinity')`;
  const conditions = [arrived, ...again.filter((condition) => !condition.isEmpty)];
  return conditions.length < 2 ? arrived.toString() : sql`(${or(conditions)})`.toString();
}

/**
 * The condition of the rows that the project variables ask for once more; false where they are not set.
 * @param loadDate the day that they are about, an expression over the rows
 * @throws Error that names a wrong variable
 */
export function toReprocess(loadDate: string): string {
  const condition = reprocessed(expression(loadDate, "arrivals.toReprocess: loadDate"));
  return condition.isEmpty ? "false" : condition.toString();
}

function reprocessed(loadDate: Sql): Sql {
  const [from, to] = [projectVar("reprocess_from"), projectVar("reprocess_to")];
  if (!from && !to) return empty;
  for (const [name, value] of [
    ["reprocess_from", from],
    ["reprocess_to", to],
  ] as const) {
    if (!value) throw new Error(`vars.${name} is missing: reprocessing needs reprocess_from and reprocess_to`);
    if (!isDay(value)) throw new Error(`vars.${name} must be a date such as 2026-01-31, got "${value}"`);
  }
  if (from! > to!) throw new Error(`vars.reprocess_from (${from}) is after vars.reprocess_to (${to})`);
  return sql`${loadDate} between date ${literal(from!)} and date ${literal(to!)}`;
}

function isDay(text: string): boolean {
  if (!/^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/.test(text)) return false;
  return new Date(`${text}T00:00:00Z`).toISOString().startsWith(text);
}
