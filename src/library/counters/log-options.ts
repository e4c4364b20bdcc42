import type { Sql } from "../../sql/sql.ts";
import {
  checkKnown,
  columnName,
  columnNames,
  fail,
  foundOf,
  isText,
  type TypedColumns,
} from "../shared/check-options.ts";
import { type Name, namedTarget } from "../shared/dataform.ts";
import { momentOf, type Zone } from "./moments.ts";
import type { Shape } from "./shape.ts";

// Options that mean something of kind `log` only.

export interface BirthOptions {
  /** The columns of `series` that name it. Where it was read before without one of its series, that one began since. */
  readonly key: string | readonly string[];
  /** A relation with these columns that says when each began. */
  readonly from?: Name;
  /** The column that says it; of several rows the earliest counts. */
  readonly at?: TypedColumns;
}

/** The name of a time zone, or the column that says it. */
export type TimeZoneOption = string | { readonly column: string };

/** Whose days are counted. */
export function zoneOf(caller: string, { kind, keep, nonNull }: Shape, given: TimeZoneOption): Zone {
  if (isText(given)) return { name: given };
  if (typeof given !== "object" || given === null)
    return fail(
      caller,
      `timeZone: expected the name of a time zone, such as Europe/Berlin, or { column }, found ${foundOf(given)}`,
    );
  checkKnown(caller, given, ["column"], "option of timeZone");
  const column = columnName(caller, given.column, "timeZone: column");
  if (kind === "full") fail(caller, "timeZone: a column is for kind log: a snapshot has one moment");
  if (!keep.has(column)) fail(caller, `timeZone: column "${column}" is none of keep (${[...keep.keys()].join(", ")})`);
  if (!nonNull.includes(column)) fail(caller, `timeZone: column "${column}" may be NULL: name it in nonNull`);
  return { column };
}

/** What several series belong to: nothing where its key names one series only. */
export function entityOf(caller: string, series: ReadonlyMap<string, Sql>, given: BirthOptions): readonly string[] {
  checkKnown(caller, given, ["from", "key", "at"], "option of births");
  const key = columnNames(caller, given.key, "births: key");
  const stray = key.find((name) => !series.has(name));
  if (stray !== undefined)
    fail(caller, `births: key has "${stray}", which is none of series (${[...series.keys()].join(", ")})`);
  return key.length < series.size ? key : [];
}

/** When what the series belong to began; undefined where nobody says so. */
export function birthsOf(caller: string, { entity }: Shape, given: BirthOptions | undefined) {
  if (given === undefined) return undefined;
  if (given.from === undefined && given.at === undefined) {
    if (entity.length) return undefined;
    return fail(caller, "births: key names every series alone: needs from and at, which say when each began");
  }
  namedTarget(caller, given.from, "births: from, the relation that says when each began");
  const key = columnNames(caller, given.key, "births: key");
  return { from: given.from!, key, at: momentOf(caller, given.at, "births: at") };
}
