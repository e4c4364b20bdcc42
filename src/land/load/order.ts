import { compareDecimals } from "../../model/decimal.ts";
import type { CursorDeclaration, RawColumn, RecordSchema } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import { baseOf } from "../check/field-types.ts";

/** Compares two values of a cursor field: below 0 when `a` is earlier. NaN when one of them cannot be placed. */
export type Order = (a: string, b: string) => number;

const TEXTS = /^(?:text|name|citext|bpchar|character(?: varying)?(?:\(\d+\))?)$/;

/**
 * The order of a cursor field: as the server orders its column.
 * @throws UserError for a column whose order cannot be known here: records would be taken for known ones, and lost
 */
export function cursorOrder({ field, order }: CursorDeclaration, recordSchema: RecordSchema): Order {
  const column = recordSchema.columns.find(({ name }) => name === field)!;
  const found = TEXTS.test(baseOf(column)) ? order === "bytes" && byBytes : order === undefined && orderOf(column);
  if (found) return found;
  throw unordered(column, order, recordSchema);
}

/** Undefined for a type that is not here. */
export function orderOf(column: RawColumn): Order | undefined {
  const type = baseOf(column);
  if (type.endsWith("[]")) return undefined;
  if (/^(?:bigint|integer|smallint|numeric)/.test(type)) return compareDecimals;
  if (type === "double precision") return byFloat(Number);
  if (type === "real") return byFloat((text) => Math.fround(Number(text)));
  if (/^timestamp.* with time zone$/.test(type)) return byTime(true);
  if (/^timestamp/.test(type)) return byTime(false);
  if (type === "date") return placed(/^\s*(\d{4}-\d\d-\d\d)(?!.*\bBC\b)/i, byCharacter);
  if (type === "uuid") return placed(/^\s*\{?([\da-f-]{32,36})\}?\s*$/i, byUuid);
  return undefined;
}

function unordered(column: RawColumn, order: string | undefined, { file }: RecordSchema): UserError {
  const { name, type } = column;
  const isText = TEXTS.test(baseOf(column));
  return new UserError({
    message: `the cursor field ${name} is ${type}, ${isText ? "which every database orders its own way" : "which no cursor can follow"}`,
    location: { file },
    expected:
      "a number, a time or a date, by type, format or postgresType; a uuid, by postgresType; or a text with order: bytes",
    found: order === undefined ? type : `${type} with order: ${order}`,
    hint: isText
      ? "as texts 10.5 is before 9.5: give the field its type, or say cursor: { order: bytes } if its values only grow by their bytes, as ULIDs do"
      : "follow another field",
  });
}

const TIMESTAMP =
  /^\s*(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(?::(\d\d)(?:\.(\d+))?)?(?: ?(?:[Zz]|([+-]\d\d(?::?\d\d)?)))?)?\s*$/;

/** Whatever the number of digits: a source may write both "…00Z" and "…00.500Z". A column without a zone drops it. */
function byTime(zoned: boolean): Order {
  return (a, b) => {
    const [left, right] = [instant(a, zoned), instant(b, zoned)];
    if (!left || !right) return Number.NaN;
    return left.seconds - right.seconds || byCharacter(left.fraction, right.fraction);
  };
}

function instant(text: string, zoned: boolean): { seconds: number; fraction: string } | undefined {
  const match = TIMESTAMP.exec(text);
  if (!match) return undefined;
  const [, date, minute = "00:00", second = "00", fraction = "", offset = "Z"] = match;
  const zone = offset.replace(/^([+-]\d\d)(\d\d)?$/, (_, hours, minutes = "00") => `${hours}:${minutes}`);
  // Added apart, since Date knows no second 60.
  const start = Date.parse(`${date}T${minute}:00${zoned ? zone : "Z"}`);
  return Number.isNaN(start)
    ? undefined
    : { seconds: start / 1000 + Number(second), fraction: fraction.replace(/0+$/, "") };
}

/** What is infinite or no number is no place that later ones come after. */
function byFloat(read: (text: string) => number): Order {
  return (a, b) => {
    const [left, right] = [read(a), read(b)];
    return a.trim() !== "" && b.trim() !== "" && Number.isFinite(left) && Number.isFinite(right)
      ? left - right
      : Number.NaN;
  };
}

/** By the part that the pattern finds in both. */
function placed(pattern: RegExp, order: Order): Order {
  return (a, b) => {
    const [left, right] = [pattern.exec(a)?.[1], pattern.exec(b)?.[1]];
    return left === undefined || right === undefined ? Number.NaN : order(left, right);
  };
}

function byUuid(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.replaceAll("-", "").toLowerCase()) as [string, string];
  return left.length === 32 && right.length === 32 ? byCharacter(left, right) : Number.NaN;
}

function byCharacter(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** As the collation "C" does. */
function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
