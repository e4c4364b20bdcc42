import type { RawColumn, RecordSchema } from "../model/ingest.ts";
import { coerce, schemaTypeOf } from "../sources/formats/csv/coerce.ts";
import { compileProperty } from "./check.ts";
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
const TYPED_FORMATS = new Set(["date", "date-time"]);

/** Whether records can be judged cell by cell, without being put together. */
export function judgedByCells({ schema }: RecordSchema): boolean {
  return Object.keys(schema).every((key) => RECORD_KEYWORDS.has(key)) && schema.additionalProperties !== false;
}

export function cellRules(recordSchema: RecordSchema, names: readonly string[]): readonly CellRule[] {
  const { columns, schema } = recordSchema;
  const properties = (schema.properties ?? {}) as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  const required = new Set((schema.required ?? []) as string[]);
  const byName = new Map(columns.map((column) => [column.name, column]));
  return names.map((name) => {
    const column = byName.get(name)!;
    const property = properties[name] ?? {};
    const certain = certainty(column.type);
    const refuses = saysMore(property, column) ? judge(recordSchema, column, property) : undefined;
    const free = column.type === "text" && refuses === undefined;
    return {
      column,
      free,
      required: required.has(name),
      certain,
      refuses,
      mistyped: refuses ?? mistyping(recordSchema, column, property),
    };
  });
}

/** Whether a property's keywords ask more of a value than the column's type does. */
export function saysMore(property: Readonly<Record<string, unknown>>, column: RawColumn): boolean {
  return Object.keys(property).some((key) => {
    if (key === "format") return !TYPED_FORMATS.has(String(property.format)) || column.type === "text";
    return !PLAIN_KEYWORDS.has(key);
  });
}

function judge(recordSchema: RecordSchema, column: RawColumn, property: object): (text: string) => readonly string[] {
  const check = compileProperty(recordSchema, column.name);
  const type = schemaTypeOf(property);
  return (text) => check(coerce(text, column, type));
}

function mistyping(
  recordSchema: RecordSchema,
  column: RawColumn,
  property: Readonly<Record<string, unknown>>,
): (text: string) => readonly string[] {
  const type = schemaTypeOf(property);
  // The server would take "infinity" for a date, and a time without its zone.
  if (property.format !== undefined) return judge(recordSchema, column, property);
  if (type !== "integer" && type !== "number" && type !== "boolean") return () => [];
  const reason = [`${column.name}: must be ${type}`];
  return (text) => (typeof coerce(text, column, type) === "string" ? reason : []);
}

/** By the type's name; a type that is not here is left to the server. */
export function certainty(type: string): Certain {
  if (type === "text") return () => true;
  if (type === "bigint") return (bytes, start, end) => digits(bytes, sign(bytes, start), end, 18);
  if (type === "integer") return (bytes, start, end) => digits(bytes, sign(bytes, start), end, 9);
  if (type === "smallint") return (bytes, start, end) => digits(bytes, sign(bytes, start), end, 4);
  if (type === "boolean") return isBoolean;
  if (type === "date") return (bytes, start, end) => end - start === 10 && isDateAt(bytes, start);
  if (type === "timestamp with time zone") return (bytes, start, end) => isTimeAt(bytes, start, end, true);
  if (type === "timestamp without time zone") return (bytes, start, end) => isTimeAt(bytes, start, end, false);
  if (type === "uuid") return isUuid;
  const numeric = /^numeric(?:\((\d+),(\d+)\))?$/.exec(type);
  if (!numeric) return () => false;
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
