import { UserError } from "../../model/errors.ts";
import { type Sql, sql } from "../../sql/sql.ts";
import type { ExportColumn } from "../source.ts";

/** Characters of a cell, as UTF-16 counts them. */
const MAX_TEXT = 32_767;
/** Digits that Excel keeps of a number. */
const MAX_DIGITS = 15;
const DAY_MICROS = 86_400_000_000;
/** Days from 1899-12-30, where Excel's count begins since March 1900, to 1970-01-01; and to 9999-12-31. */
const EPOCH = 25_569;
const LAST_DAY = 2_958_465;

/** How a column is written: what its values are as text, the cell of such a text, and the format that shows it. */
export interface SheetColumn {
  readonly name: string;
  readonly sql: Sql;
  /** A format of Excel. */
  readonly shown: string;
  /** The cell without its style, `<v>1</v>`, and what kind it is; undefined where the text is to be a text. */
  readonly value: (text: string) => CellValue | undefined;
}

interface CellValue {
  /** The attribute t. */
  readonly type?: "b";
  readonly value: string;
}

const GENERAL = "General";

export function sheetColumn({ name, sql: column, type }: ExportColumn): SheetColumn {
  const asText = sql`${column}::text`;
  const plain = (shown: string, value: SheetColumn["value"]): SheetColumn => ({ name, sql: asText, shown, value });
  const scale = /^numeric\(\d+,(\d+)\)$/.exec(type)?.[1];
  if (scale !== undefined && Number(scale) > 0 && Number(scale) <= 30)
    return plain(`0.${"0".repeat(Number(scale))}`, exactNumber);
  if (/^numeric/.test(type)) return plain(scale === "0" ? "0" : GENERAL, exactNumber);
  switch (type) {
    case "smallint":
    case "integer":
    case "bigint":
      return plain("0", exactNumber);
    case "real":
    case "double precision":
      return plain(GENERAL, (text) => (/^-?\d/.test(text) ? { value: text } : undefined));
    case "boolean":
      return plain(GENERAL, (text) => ({ type: "b", value: text === "true" ? "1" : "0" }));
    case "date":
      return plain("yyyy-mm-dd", moment);
    case "timestamp without time zone":
    case "timestamp with time zone":
      return plain("yyyy-mm-dd hh:mm:ss", moment);
    case "time without time zone":
      return plain("hh:mm:ss", timeOfDay);
    default:
      return plain("@", () => undefined);
  }
}

/** A number that Excel keeps whole. Others are texts: it would show other digits. */
function exactNumber(text: string): CellValue | undefined {
  const digits = text.replace(/[-.]/g, "").replace(/^0+/, "").replace(/0+$/, "");
  return /^-?\d+(?:\.\d+)?$/.test(text) && digits.length <= MAX_DIGITS ? { value: text } : undefined;
}

/** A date or a time in UTC, as the server writes it; a text before 1900 and where days cannot hold its microseconds. */
function moment(text: string): CellValue | undefined {
  const found = /^(\d{4})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(?:\.(\d+))?)?(?:\+00)?$/.exec(text);
  if (!found) return undefined;
  const [, year, month, date, hour = "0", minute = "0", second = "0", fraction = ""] = found;
  const days = Date.UTC(Number(year), Number(month) - 1, Number(date)) / 86_400_000 + EPOCH;
  // Excel has a 29 February 1900, so that days before it count one less.
  const day = days > 60 ? days : days - 1;
  if (day < 1 || day > LAST_DAY) return undefined;
  return serial(day, microsOf(hour, minute, second, fraction));
}

function timeOfDay(text: string): CellValue | undefined {
  const [, hour, minute, second, fraction = ""] = /^(\d\d):(\d\d):(\d\d)(?:\.(\d+))?$/.exec(text) ?? [];
  return hour === undefined ? undefined : serial(0, microsOf(hour, minute!, second!, fraction));
}

function microsOf(hour: string, minute: string, second: string, fraction: string): number {
  return (Number(hour) * 3600 + Number(minute) * 60 + Number(second)) * 1_000_000 + Number(fraction.padEnd(6, "0"));
}

function serial(day: number, micros: number): CellValue | undefined {
  const number = day + micros / DAY_MICROS;
  const isExact = Math.round((number - day) * DAY_MICROS) === micros;
  return isExact ? { value: String(number) } : undefined;
}

/** @throws UserError for a text that is longer than a cell */
export function cellXml(text: string, { name, value }: SheetColumn, style: number): string {
  const known = value(text);
  if (known) return `<c s="${style}"${known.type ? ` t="${known.type}"` : ""}><v>${known.value}</v></c>`;
  if (text.length > MAX_TEXT)
    throw new UserError({
      message: `column ${name} has a text that is longer than a cell of Excel`,
      expected: `at most ${MAX_TEXT} characters`,
      found: `${text.length}, beginning with ${JSON.stringify(text.slice(0, 40))}`,
      hint: `leave it out, cut it (left(${name}, ${MAX_TEXT})), or --to csv`,
      exitCode: 1,
    });
  return textCell(text, style);
}

export function textCell(text: string, style: number): string {
  return `<c s="${style}" t="inlineStr"><is><t xml:space="preserve">${xmlText(text)}</t></is></c>`;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** What XML cannot hold is written as Excel writes it: _x000D_. */
export function xmlText(text: string): string {
  return text
    .replace(/_(?=x[0-9A-Fa-f]{4}_)/g, "_x005F_")
    .replace(
      /[\0-\x08\x0b-\x1f\ufffe\uffff]/g,
      (one) => `_x${one.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}_`,
    )
    .replace(/[&<>"]/g, (one) => ENTITIES[one]!);
}
