import type { RawColumn, RecordSchema } from "../../model/declarations.ts";
import { coerce, schemaTypesOf } from "../../sources/formats/csv/coerce.ts";
import { compileProperty } from "./checker.ts";
import { baseOf } from "./field-types.ts";
import { isDateAt, isTimeAt } from "./times.ts";

/** Whether bytes are surely a value of a type. False is no verdict: then the server decides. */
type Certain = (bytes: Uint8Array, start: number, end: number) => boolean;

/** What is known about the cells of one column of a CSV file. */
export interface CellRule {
  readonly column: RawColumn;
  /** Any text will do. */
  readonly free: boolean;
  readonly required: boolean;
  readonly certain: Certain;
  /** Why the schema refuses a cell; undefined where it says no more than the type does. */
  readonly refuses: ((text: string) => readonly string[]) | undefined;
  /** The same for a cell that is not certain: what no server need be asked about. */
  readonly mistyped: (text: string) => readonly string[];
}

/** Keywords of a whole record that its cells, one by one, can be judged by. */
const RECORD_KEYWORDS = new Set(
  "$schema $id $comment title description type properties required additionalProperties".split(" "),
);
/** Keywords of a property that say no more than the column's type. */
const PLAIN_KEYWORDS = new Set("$comment title description type default examples postgresType".split(" "));

const INSTANT = /^timestamp(?:\(\d\))? with time zone$/;
const LOCAL_TIME = /^timestamp(?:\(\d\))? without time zone$/;
/** Formats that the rules of these types already ask for. */
const typedFormats = new Map([
  ["date", /^date$/],
  ["date-time", INSTANT],
]);
/** Types of columns whose rules are as strict as those of a JSON type. */
const strictTypes = new Map([
  ["integer", /^(?:bigint|integer|smallint)$/],
  ["number", /^(?:bigint|integer|smallint|double precision|real|numeric)/],
  ["boolean", /^boolean$/],
]);

type Property = Readonly<Record<string, unknown>>;

/** Whether records can be judged cell by cell, without being put together. */
export function judgedByCells({ schema }: RecordSchema): boolean {
  return Object.keys(schema).every((key) => RECORD_KEYWORDS.has(key)) && schema.additionalProperties !== false;
}

export function cellRules(recordSchema: RecordSchema, names: readonly string[]): readonly CellRule[] {
  const { columns, schema } = recordSchema;
  const properties = (schema.properties ?? {}) as Readonly<Record<string, Property>>;
  const required = new Set((schema.required ?? []) as string[]);
  const byName = new Map(columns.map((column) => [column.name, column]));
  return names.map((name) => {
    const column = byName.get(name)!;
    const property = Object.hasOwn(properties, name) ? properties[name]! : {};
    const refuses = saysMore(property, column) ? judge(recordSchema, column, property) : undefined;
    const anyText = allowsAnyText(schemaTypesOf(property));
    // With a format: the server would take "infinity" for a date, and a time without its zone.
    const unruly = anyText && property.format === undefined;
    return {
      column,
      free: baseOf(column) === "text" && anyText && refuses === undefined,
      required: required.has(name),
      certain: certainty(baseOf(column), schemaTypesOf(property)),
      refuses,
      mistyped: refuses ?? (unruly ? () => [] : judge(recordSchema, column, property)),
    };
  });
}

/** Whether a property's keywords ask more of a value than what `certainty` looks at. */
export function saysMore(property: Property, column: RawColumn): boolean {
  if (schemaTypesOf(property).some((type) => type === "object" || type === "array")) return true;
  return Object.keys(property).some((key) => {
    if (key === "format") return typedFormats.get(String(property.format))?.test(baseOf(column)) !== true;
    return !PLAIN_KEYWORDS.has(key);
  });
}

function judge(recordSchema: RecordSchema, column: RawColumn, property: object): (text: string) => readonly string[] {
  const check = compileProperty(recordSchema, column.name);
  const types = schemaTypesOf(property);
  return (text) => check(coerce(text, types), text);
}

const allowsAnyText = (types: readonly string[]) => types.length === 0 || types.includes("string");

/**
 * Whether bytes surely are what the schema and the column want. What no rule is about is left to the server: it takes all
 * of a COPY or names the line.
 * @param types that the schema allows
 */
export function certainty(type: string, types: readonly string[] = []): Certain {
  const typed = byType(type);
  if (allowsAnyText(types) || types.some((one) => strictTypes.get(one)?.test(type))) return typed;
  const allowed = types.map(byJsonType);
  return (bytes, start, end) => allowed.some((certain) => certain(bytes, start, end)) && typed(bytes, start, end);
}

function byJsonType(type: string): Certain {
  if (type === "integer") return (bytes, start, end) => digits(bytes, sign(bytes, start), end, 300);
  if (type === "number") return (bytes, start, end) => isDecimal(bytes, sign(bytes, start), end, 300);
  if (type === "boolean") return isBoolean;
  return () => true;
}

function byType(type: string): Certain {
  if (type === "bigint") return (bytes, start, end) => digits(bytes, sign(bytes, start), end, 18);
  if (type === "integer") return (bytes, start, end) => digits(bytes, sign(bytes, start), end, 9);
  if (type === "smallint") return (bytes, start, end) => digits(bytes, sign(bytes, start), end, 4);
  if (type === "boolean") return isBoolean;
  if (type === "date") return (bytes, start, end) => end - start === 10 && isDateAt(bytes, start);
  if (INSTANT.test(type)) return (bytes, start, end) => isTimeAt(bytes, start, end, true);
  if (LOCAL_TIME.test(type)) return (bytes, start, end) => isTimeAt(bytes, start, end, false);
  if (type === "uuid") return isUuid;
  if (type === "double precision") return (bytes, start, end) => isDecimal(bytes, sign(bytes, start), end, 300);
  if (type === "real") return (bytes, start, end) => end - start <= 36 && isDecimal(bytes, sign(bytes, start), end, 36);
  // A character is a byte at least.
  const length = /^(?:character varying|character)\((\d+)\)$/.exec(type)?.[1];
  if (length !== undefined) return (_, start, end) => end - start <= Number(length);
  const numeric = /^numeric(?:\((\d+),(\d+)\))?$/.exec(type);
  if (!numeric) return () => true;
  const whole = numeric[1] === undefined ? 1000 : Number(numeric[1]) - Number(numeric[2]);
  return (bytes, start, end) => isDecimal(bytes, sign(bytes, start), end, whole);
}

function sign(bytes: Uint8Array, start: number): number {
  return bytes[start] === 45 ? start + 1 : start;
}

const isDigit = (byte: number | undefined) => byte! >= 48 && byte! <= 57;

function digits(bytes: Uint8Array, start: number, end: number, most: number): boolean {
  if (end <= start || end - start > most) return false;
  for (let at = start; at < end; at++) if (!isDigit(bytes[at])) return false;
  return true;
}

function isDecimal(bytes: Uint8Array, start: number, end: number, whole: number): boolean {
  let point = start;
  while (point < end && isDigit(bytes[point])) point++;
  if (point === start || point - start > whole) return false;
  return point === end || (bytes[point] === 46 && digits(bytes, point + 1, end, 1000));
}

function isBoolean(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start === 4)
    return bytes[start] === 116 && bytes[start + 1] === 114 && bytes[start + 2] === 117 && bytes[start + 3] === 101;
  if (end - start !== 5 || bytes[start] !== 102 || bytes[start + 1] !== 97) return false;
  return bytes[start + 2] === 108 && bytes[start + 3] === 115 && bytes[start + 4] === 101;
}

function isUuid(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== 36) return false;
  for (let at = 0; at < 36; at++) {
    const byte = bytes[start + at]!;
    const dash = at === 8 || at === 13 || at === 18 || at === 23;
    if (dash ? byte !== 45 : !isDigit(byte) && !((byte | 32) >= 97 && (byte | 32) <= 102)) return false;
  }
  return true;
}
