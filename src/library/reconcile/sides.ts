import { type Cte, cte } from "../../sql/ctes.ts";
import { id, ids } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { saysReading } from "../../sql/readings.ts";
import { join, type Sql, sql } from "../../sql/sql.ts";
import { own } from "../shared/check-options.ts";
import { inCalls, MOST_ARGUMENTS } from "../shared/json.ts";
import { refused } from "../shared/values.ts";
import { normalized } from "./normalize.ts";
import { type ComparedColumn, type Comparison, type KeyColumn, SIDES, type Side } from "./options.ts";
import { isFigure } from "./rules.ts";
import { otherSide, source } from "./sources.ts";
import { isNative, writtenForm } from "./types.ts";

// The two sides of a reconciliation as SQL: keys, compared columns, checksums, and rows as JSON.

/** The first money column, whose sums the summary explains, with the column of its currency. */
export function measureOf({ columns }: Comparison): { readonly amount: string; readonly currency: string } | undefined {
  for (const { name, rule } of columns) if (rule.kind === "money") return { amount: name, currency: rule.currency };
  return undefined;
}

/** Columns of which the row results keep the values of both sides: figures, and the currency of each money column. */
export function keptColumns({ columns }: Comparison): string[] {
  const figures = columns.filter(({ rule }) => isFigure(rule)).map(({ name }) => name);
  const currencies = columns.flatMap(({ rule }) => (rule.kind === "money" ? [rule.currency] : []));
  return [...new Set([...figures, ...currencies])];
}

/**
 * Both sides: their keys in the form they are matched by, their columns as they are compared, and checksums of both. Of a
 * select that reads no checksum none is made.
 */
export function sidesOf(comparison: Comparison): Cte[] {
  return SIDES.flatMap((side) => [
    cte(`typed_${side}`, typedSide(comparison, side), { materialized: false }),
    cte(side, keyedSide(comparison, side), { materialized: false }),
  ]);
}

function typedSide({ key, columns, also }: Comparison, side: Side): Sql {
  const values = [
    ...key.map((column) => aliased(keyForm(column, side), column.name)),
    ...columns.map((column) => aliased(comparedForm(column, side), column.name)),
    ...also[side].map((name) => sql`${zoneFreeText(id(name))} as ${id(name)}`),
  ];
  return sql`
    select
      ${values}
    from ${source(side)}`;
}

function keyedSide(comparison: Comparison, side: Side): Sql {
  const keys = keyList(comparison);
  const hash = comparison.key.every(({ steps }) => steps.length) ? textHash(keys) : recordHash(keys);
  return sql`
    select
      *,
      ${isKey(keys)} as ${own("has_key")},
      case when ${isKey(keys)} then ${hash} end as ${own("key_hash")},
      ${rowHash(comparison, (name) => id(name))} as ${own("row_hash")}
    from ${id(`typed_${side}`)}`;
}

function aliased(value: Sql, name: string): Sql {
  const column = id(name);
  return value.toString() === column.toString() ? column : sql`${value} as ${column}`;
}

function keyForm({ name, steps }: KeyColumn, side: Side): Sql {
  return steps.length ? normalized(sql`${id(name)}::text`, steps) : commonForm(name, side);
}

/** A column's value as it is compared: exactly what it is, or the query ends with the column's name. */
export function comparedForm({ name, rule }: ComparedColumn, side: Side): Sql {
  const column = id(name);
  const text = sql`${column}::text`;
  const says = (type: Sql, read: (text: Sql) => Sql) => saysReading(`${side}: column ${name}`, type, text, read);
  switch (rule.kind) {
    case "money":
    case "number":
      // A floating point number is what its text says; on the straight way it is rounded to 15 digits.
      return sql`
        case
          when ${isNative(name, side)} then ${column}::numeric
          when ${says(sql`numeric`, (text) => sql`${text}::numeric`)} then null
          else ${text}::numeric
        end`;
    case "date":
      // What reads dates takes no notice of a time behind them.
      return sql`
        case
          when ${isNative(name, side)} then ${column}::date
          when ${says(sql`date`, (text) => sql`${text}::timestamp, ${text}::date`)} then null
          when ${text}::timestamp <> ${text}::date then ${refused(`${side}: column ${name} is no date: `, text)}::text::date
          else ${text}::date
        end`;
    case "timestamp":
      // Without a time zone no hour may be taken for another because the session's clocks change.
      return sql`
        case
          when ${isNative(name, side)} then ${column}::timestamp at time zone 'UTC'
          when ${says(sql`timestamptz`, (text) => sql`${text}::timestamptz`)} then null
          else ${column}::timestamptz
        end`;
    case "text":
      return text;
    default:
      return commonForm(name, side);
  }
}

/** A value of the type that both sides have in common, as PostgreSQL unites them. The planner sees the column alone. */
function commonForm(name: string, side: Side): Sql {
  const column = id(name);
  return sql`case when true then ${column} else (select ${column} from ${source(otherSide(side))} limit 0) end`;
}

/** Whether a key is one: no part is NULL or empty. */
export function isKey(values: readonly Sql[]): Sql {
  return join(
    values.map((value, index) => sql`${index ? sql`and ` : sql``}nullif(${value}::text, '') is not null`),
    " ",
  );
}

/** Checksum of a row's compared columns: equal values have equal ones, however their numbers are written, and others do not. */
export function rowHash({ columns }: Comparison, valueIn: (name: string) => Sql): Sql {
  return recordHash(columns.flatMap((column) => hashedForm(column, valueIn(column.name))));
}

/** The server's hash of a number has no sign and one value for infinities, that of a moment is of 32 bits: it gets what they say. */
function hashedForm({ name, rule }: ComparedColumn, value: Sql): Sql[] {
  if (isFigure(rule)) return [sql`trim_scale(${value})::text`];
  if (rule.kind === "timestamp") return [sql`timestamptz_send(${value})`];
  // the hash of 0 as a floating point number is that of NULL
  return rule.kind === "exact" ? [value, sql`num_nulls(${value})`, writtenForm(name, value, zoneFreeText)] : [value];
}

/** Equal values have equal ones; so do some others. */
function recordHash(values: readonly Sql[]): Sql {
  return sql`hash_record_extended(row(${join(values, ", ")}), 0)`;
}

/** Of texts, a third quicker than the hash of a row. */
function textHash(values: readonly Sql[]): Sql {
  return values.reduce((seed, value) => sql`hashtextextended(${value}, ${seed})`, sql`0`);
}

/** Key, columns and what else is wanted of a row, as JSON. Numbers are written in one way, whatever digits they came with. */
export function asJson({ key, columns, also }: Comparison, side: Side, valueIn: (name: string) => Sql): Sql {
  const pairs = [
    ...key.map((column) => sql`${literal(column.name)}, ${keyJson(column, valueIn(column.name))}`),
    ...columns.map((column) => sql`${literal(column.name)}, ${jsonForm(column, side, valueIn(column.name))}`),
    ...also[side].map((name) => sql`${literal(name)}, ${valueIn(name)}`),
  ];
  const object = (some: readonly Sql[]) => sql`
    jsonb_build_object(
      ${some}
    )`;
  return inCalls(MOST_ARGUMENTS / 2, pairs, object);
}

function jsonForm({ name, rule }: ComparedColumn, side: Side, value: Sql): Sql {
  if (isFigure(rule)) return sql`trim_scale(${value})`;
  if (rule.kind === "exact") return zoneFreeJson(value);
  if (rule.kind !== "timestamp") return value;
  return sql`
    case
      when ${isNative(name, side)} then to_jsonb(${value} at time zone 'UTC')
      else ${momentJson(value)}
    end`;
}

/** A key as JSON, the same in every session. */
export function keyJson({ steps }: KeyColumn, value: Sql): Sql {
  return steps.length ? value : zoneFreeJson(value);
}

/** A value of any type as JSON: a moment, which `to_jsonb` writes in the session's time zone, in UTC. */
function zoneFreeJson(value: Sql): Sql {
  return sql`
    case
      when ${isMoment(value)} then ${momentJson(momentOf(value))}
      else to_jsonb(${value})
    end`;
}

/** The same as text. */
function zoneFreeText(value: Sql): Sql {
  return sql`
    case
      when ${isMoment(value)} then ${withOffset(sql`(${momentOf(value)} at time zone 'UTC')::text`, "+00")}
      else ${value}::text
    end`;
}

/** Whether a value is one, also of a domain. */
function isMoment(value: Sql): Sql {
  return sql`pg_typeof(coalesce(${value}, null)) = 'timestamptz'::regtype`;
}

/** A value that is one, of a type that is known to the server only: over JSON, where it is written in one way. */
function momentOf(value: Sql): Sql {
  return sql`(to_jsonb(${value}) #>> '{}')::timestamptz`;
}

function momentJson(moment: Sql): Sql {
  return sql`to_jsonb(${withOffset(sql`to_jsonb(${moment} at time zone 'UTC') #>> '{}'`, "+00:00")})`;
}

/** Behind the time, where there is one: infinity has none, and BC stands behind it. */
function withOffset(text: Sql, offset: string): Sql {
  return sql`regexp_replace(${text}, '(:\S+)', ${literal(`\\1${offset}`)})`;
}

/** Key columns as a list. */
export function keyList({ key }: Comparison): Sql[] {
  return ids(key.map(({ name }) => name));
}
