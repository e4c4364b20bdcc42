import { id } from "../../sql/identifiers.ts";
import { and, join, type Sql, sql } from "../../sql/sql.ts";
import { columnsOf, own } from "../shared/check-options.ts";
import { inCalls, MOST_ARGUMENTS } from "../shared/json.ts";
import { isPlain, isUnequal, spelling, WITHOUT_EQUALITY } from "../shared/values.ts";
import type { Timeline } from "./options.ts";

/** A timestamp in UTC where it names no zone, whatever the session's zone is. */
export function utc(text: Sql): Sql {
  return sql`(case when (${text})::text ~* ':[0-9]{2}.*(z|[+-][0-9]{2}(:?[0-9]{2})?)$' then (${text})::timestamptz else (${text})::timestamp at time zone 'UTC' end)`;
}

export function sameKey({ key }: Pick<Timeline, "key">, a: Sql, b: Sql): Sql {
  return and(key.map((column) => sql`${a}.${id(column)} = ${b}.${id(column)}`));
}

export function hasKey({ key }: Pick<Timeline, "key">, alias: Sql): Sql {
  return and(key.map((column) => sql`${alias}.${id(column)} is not null`));
}

/** One text that names a row by its key. */
export function idOf({ key }: Pick<Timeline, "key">, alias: Sql): Sql {
  const columns = columnsOf(alias, key);
  return columns.length === 1 ? sql`${columns[0]!}::text` : sql`jsonb_build_array(${join(columns, ", ")})::text`;
}

/** One hash over all attributes. A JSON array keeps null apart from '' and needs no separator. */
export function changeHash({ attributes }: Pick<Timeline, "attributes">, alias: Sql): Sql {
  const values = [...attributes].map(([column, type]) => canonical(sql`${alias}.${id(column)}`, spelling(type)));
  return sql`md5(${inCalls(MOST_ARGUMENTS, values, (some) => sql`jsonb_build_array(${join(some, ", ")})`)}::text)`;
}

/** The slice that a record belongs to, as a text; one for all where a load is never a slice. */
export function sliceOf({ by, attributes }: Timeline, alias: Sql): Sql {
  if (!by.length) return sql`'all'`;
  const values = by.map((column) =>
    canonical(sql`${alias}.${id(column)}`, spelling(attributes.get(column) ?? sql`text`)),
  );
  return sql`jsonb_build_array(${join(values, ", ")})::text`;
}

/** Floating point numbers are written with as many digits as the session likes. */
const FLOAT = /^(?:real|float[48]?|double precision)(?: \( \d+ \))?$/;
const FLOATS = /^(?:real|float[48]?|double precision)(?: \( \d+ \))? (?:\[|array)/;

/** A value so that equal ones have one text, in every session: its time zone and its digits do not matter. */
function canonical(value: Sql, type: string): Sql {
  if (/^(?:timestamptz|timestamp (?:\( \d+ \) )?with time zone)(?: \( \d+ \))?$/.test(type))
    return sql`(${value} at time zone 'UTC')`;
  if (/^(?:numeric|decimal|dec)$/.test(type)) return sql`trim_scale(${value})`;
  // 0 is -0, and there are several NaN.
  if (FLOAT.test(type))
    return sql`case when ${value} = 'NaN' then 'NaN' else ${hex(sql`float8send`, sql`${value}::float8 + 0`)} end`;
  if (FLOATS.test(type)) return hex(sql`array_send`, value);
  if (type === "citext") return sql`lower(${value}::text)`;
  if (WITHOUT_EQUALITY.test(type)) return sql`${value}::text`;
  // These are written in the session's zone: what they are sent as is not.
  if (/^(?:timestamptz|timestamp .*with time zone|tstz(?:multi)?range) .*\[/.test(type))
    return hex(sql`array_send`, value);
  if (type === "tstzrange") return hex(sql`range_send`, value);
  if (type === "tstzmultirange") return hex(sql`multirange_send`, value);
  return isPlain(type)
    ? value
    : sql`case when ${isUnequal(value)} then to_jsonb(${value}::text) else to_jsonb(${value}) end`;
}

function hex(send: Sql, value: Sql): Sql {
  return sql`encode(${send}(${value}), 'hex')`;
}

export const isDeletion = own("is_deletion");
export const moment = own("moment");
export const sourceTime = own("source_time");

// Of a store: when the load of a record was loaded, and since when a version that is only known from the store holds.
export const toldAt = own("told_at");
export const heldFrom = own("held_from");
