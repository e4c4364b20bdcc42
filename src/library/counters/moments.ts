import { id } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import { meaningful } from "../../sql/tokens.ts";
import { fail, type TypedColumns, typedColumns } from "../shared/check-options.ts";

/** A column that says when something was. */
export interface Moment {
  readonly name: string;
  readonly type: Sql;
  readonly kind: "date" | "timestamp" | "timestamptz";
}

/** The time zone whose days are counted: one for all readings, or what a column of each says. */
export type Zone = { readonly name: string } | { readonly column: string };

const KINDS: readonly (readonly [RegExp, Moment["kind"]])[] = [
  [/^date$/i, "date"],
  [/^(timestamptz|timestamp) ?(\( \d+ \))?( with time zone)$|^timestamptz ?(\( \d+ \))?$/i, "timestamptz"],
  [/^timestamp ?(\( \d+ \))?( without time zone)?$/i, "timestamp"],
];

/** `{ column: type }` of one column that says when.
 * @throws Error for anything else than one column of a date or a timestamp
 */
export function momentOf(caller: string, given: unknown, where: string): Moment {
  const columns = [...typedColumns(caller, given as TypedColumns, where)];
  if (columns.length > 1)
    fail(caller, `${where}: expected one column, found ${columns.map(([name]) => name).join(", ")}`);
  const [name, type] = columns[0]!;
  const spelled = meaningful(type.toString())
    .map(({ text }) => text)
    .join(" ");
  const kind = KINDS.find(([pattern]) => pattern.test(spelled))?.[1];
  if (!kind) fail(caller, `${where}: ${name} is a date, timestamp or timestamptz, found ${type}`);
  return { name, type, kind };
}

/** The time zone; `reading` is the relation that has its column. */
export function zoneIn(zone: Zone, reading: string): Sql {
  return "name" in zone ? literal(zone.name) : id(reading, zone.column);
}

/** The day that begins before a moment and ends at it or later: a reading at midnight closes the day before. */
export function dayClosedBy({ name, kind }: Moment, zone: Zone, relation: string, reading = relation): Sql {
  const moment = id(relation, name);
  if (kind === "date") return moment;
  if (kind === "timestamp") return sql`(${moment} - interval '1 microsecond')::date`;
  return sql`((${moment} - interval '1 microsecond') at time zone ${zoneIn(zone, reading)})::date`;
}

/** The day of a reading's zone that a moment lies in. */
export function dayOf(moment: Sql, { kind }: Moment, zone: Zone, reading: string): Sql {
  if (kind === "date") return moment;
  if (kind === "timestamp") return sql`${moment}::date`;
  return sql`(${moment} at time zone ${zoneIn(zone, reading)})::date`;
}
