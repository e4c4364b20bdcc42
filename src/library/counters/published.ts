import { createHash } from "node:crypto";
import { relation } from "../../sql/authored.ts";
import { id } from "../../sql/identifiers.ts";
import type { Sql } from "../../sql/sql.ts";
import { fail } from "../shared/check-options.ts";
import { type Context, inputTo, type Name, nameIn, referTo, targetOf } from "../shared/dataform.ts";
import type { Descriptions } from "./descriptions.ts";
import { loadsOfLedger, snapshotsOfLedger, undoneOfLedger } from "./full.ts";
import type { Checked, CounterOptions } from "./options.ts";

/** Everything around some counters, by what it is called. */
export interface Published {
  readonly name: string;
  readonly caller: string;
  readonly options: CounterOptions;
  readonly checked: Checked;
}

export const told = (columns: Descriptions | undefined) => new Map(Object.entries(columns ?? {}));
export const storeName = ({ name, options }: Published) => nameIn(options, `${name}_store`);
export const fullName = ({ options: { schema } }: Published, name: string) => `${schema ? `${schema}.` : ""}${name}`;
// An index takes an expression in parentheses as it is.
export const indexed = (name: string) => `(${id(name)})`;

export function refer({ caller }: Published, context: Context, name: Name): Sql {
  return referTo(context, name, caller);
}

/** A relation that an option names, which none of the call's own models may be. */
export function inputOf(
  { caller, name, options, checked }: Published,
  context: Context,
  option: string,
  given: Name,
): Sql {
  const own = ["store", "snapshots", "deltas", ...(checked.totals ? ["totals"] : [])].map((part) => `${name}_${part}`);
  const made = [...own, ...Object.keys(options.rollups ?? {})];
  return inputTo(context, given, `${caller}: ${option}`, { schema: options.schema, made });
}

export function selfOf({ caller }: Published, context: Context): Sql | undefined {
  return context.incremental() ? relation(context.self(), caller) : undefined;
}

/** Counts what a change of the package makes of the same options, where rows of before do not do for it. */
const FORMAT = 1;

/** The `postgres: { version }` of a model that reads its own rows: other options, or another package, may mean other rows. */
export function versionOf({ options }: Published, more: object = {}): string {
  const {
    schema: _,
    tags: __,
    columns: ___,
    rollups: ____,
    totals: _____,
    rowConditions: ______,
    ...meaning
  } = options;
  const text = JSON.stringify([FORMAT, meaning, more]);
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** Loads that a person undid, where the ledger is landing's: another one's loads are undone where it does not have them. */
export function undoneOf({ options }: Published): Sql | undefined {
  return options.loads ? undefined : undoneOfLedger(id("raw", "_load"), targetOf(options.from)!.name);
}

export function loadsOf(published: Published, context: Context): Sql {
  const { caller, options, checked } = published;
  if (options.loads) return inputOf(published, context, "loads", options.loads);
  const { shape, timeZone } = checked;
  const ledger = id("raw", "_load");
  const table = targetOf(options.from)!.name;
  if (shape.kind === "log") return loadsOfLedger(ledger, table);
  if (shape.takenAt.kind !== "date")
    fail(caller, `needs loads: the ledger tells the days of snapshots, and ${shape.takenAt.name} is no date`);
  return snapshotsOfLedger(ledger, table, shape.takenAt, timeZone);
}
