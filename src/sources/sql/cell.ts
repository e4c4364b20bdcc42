import { measureDepth } from "../json/depth.ts";
import { MAX_DEPTH } from "../source.ts";

/** What a column holds, whatever the database calls its type. */
export type CellKind =
  | "integer"
  | "decimal"
  | "float"
  | "boolean"
  | "text"
  | "json"
  | "date"
  /** A date and a time of day; with a zone where the text has one. */
  | "timestamp"
  | "binary";

/** A value for the schema to judge, and as JSON with every digit. */
export interface Cell {
  readonly value: unknown;
  readonly json: string;
}

/** Why a value cannot be landed. Without the value, so that reasons can be counted. */
export interface Refusal {
  readonly refused: string;
}

/** Types the schema allows for a field; none where it does not know the field. */
export type Wanted = ReadonlySet<string>;

export function wantedOf(property: unknown): Wanted {
  return new Set([(property as { type?: unknown } | undefined)?.type ?? []].flat().map(String));
}

/** A value from its text, as the schema wants it: a number, a string or, from 0 and 1, a boolean. */
export function readCell(kind: CellKind, text: string, wanted: Wanted): Cell | Refusal {
  switch (kind) {
    case "integer":
    case "decimal":
    case "float":
      return numberCell(kind, text, wanted);
    case "boolean":
      return wanted.has("boolean") || !(wanted.has("integer") || wanted.has("number"))
        ? { value: text === "1", json: text === "1" ? "true" : "false" }
        : { value: Number(text), json: text };
    case "json":
      return jsonCell(text, wanted);
    case "date":
    case "timestamp": {
      const refused = calendarProblem(text);
      return refused === undefined ? stringCell(text) : { refused };
    }
    default:
      return stringCell(text);
  }
}

function stringCell(text: string): Cell {
  return { value: text, json: JSON.stringify(text) };
}

/** Decimals are strings unless a number is wanted; their digits are all there either way. */
function numberCell(kind: "integer" | "decimal" | "float", text: string, wanted: Wanted): Cell {
  if (wanted.has("boolean") && wanted.size - Number(wanted.has("null")) === 1 && (text === "0" || text === "1"))
    return { value: text === "1", json: text === "1" ? "true" : "false" };
  const number = wanted.has("number") || wanted.has("integer");
  if (!number && (wanted.has("string") || kind === "decimal")) return stringCell(text);
  // A zero-filled column has zeros in front, which JSON has not.
  return { value: Number(text), json: text.replace(/^(-?)0+(?=\d)/, "$1") };
}

/** The text stays as it is, digits and spaces. */
function jsonCell(text: string, wanted: Wanted): Cell | Refusal {
  if (wanted.has("string") && wanted.size - Number(wanted.has("null")) === 1) return stringCell(text);
  if (measureDepth(text).deepest > MAX_DEPTH) return { refused: `is nested deeper than ${MAX_DEPTH}` };
  try {
    return { value: JSON.parse(text), json: text };
  } catch {
    return { refused: "is not JSON" };
  }
}

const CALENDAR = /^(\d{4})-(\d\d)-(\d\d)(?:$|T)/;

/** MySQL keeps dates that are none: 0000-00-00, 2026-02-00 and, where it was allowed, 2026-02-31. */
function calendarProblem(text: string): string | undefined {
  const match = CALENDAR.exec(text);
  const [year, month, day] = (match ?? []).slice(1).map(Number) as [number, number, number];
  if (!match || month > 12) return "is not a date";
  if (year === 0 || month === 0 || day === 0) return "is a zero date, which PostgreSQL does not have";
  return day > daysOf(year, month) ? "is a day that its month does not have" : undefined;
}

function daysOf(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}
