import type { CsvOptions, RawColumn } from "../../../model/declarations.ts";
import { escapePattern } from "../../../model/escape-pattern.ts";

/** How a file writes the values of one column. */
export interface Spelling {
  /** For a reason: "a number with a decimal comma". */
  readonly words: string;
  /** In PostgreSQL's spelling; undefined for what is not written so. */
  read(cell: string): string | undefined;
}

const NUMBERS = /^(?:bigint|integer|smallint|numeric|decimal|int\d?|real|double precision|float\d?)\b(?!.*\[)/;
const DATES = /^(?:date|timestamp(?:tz)?)\b(?!.*\[)/;

/** The spelling of a column's cells; undefined where it is PostgreSQL's. */
export function spellingOf(
  options: Pick<CsvOptions, "decimal" | "thousands" | "dates">,
  column: RawColumn | undefined,
): Spelling | undefined {
  if (!column) return undefined;
  const { decimal, thousands, dates } = options;
  const type = column.base ?? column.type;
  if (NUMBERS.test(type) && (decimal !== undefined || thousands !== undefined))
    return numberSpelling(decimal ?? ".", thousands);
  const format = typeof dates === "string" ? dates : dates?.[column.name];
  return format !== undefined && DATES.test(type) ? dateSpelling(format) : undefined;
}

/** Blanks that stand between thousands, in French and in a browser's tables. */
const BLANKS = "[ \u00a0\u2009\u202f]";
const APOSTROPHES = "['’]";

/** Numbers with this decimal mark, and, where one is given, this mark between thousands, all of it or none. */
export function numberSpelling(decimal: string, thousands?: string): Spelling {
  const between = thousands === undefined ? undefined : thousandsPattern(thousands);
  const whole = between === undefined ? "\\d+" : `\\d+|\\d{1,3}(?:${between}\\d{3})+`;
  const pattern = new RegExp(`^([+-]?)(${whole})(?:${escapePattern(decimal)}(\\d+))?$`);
  const marks = between === undefined ? undefined : new RegExp(between, "g");
  const mark = decimal === "," ? "a decimal comma" : `the decimal mark ${decimal}`;
  return {
    words: `a number with ${mark}${thousands === undefined ? "" : ` and ${JSON.stringify(thousands)} between thousands`}`,
    read(cell) {
      const found = pattern.exec(cell.trim());
      if (!found) return undefined;
      const [, sign, digits, fraction] = found;
      const plain = marks ? digits!.replace(marks, "") : digits!;
      return `${sign === "-" ? "-" : ""}${plain}${fraction === undefined ? "" : `.${fraction}`}`;
    },
  };
}

function thousandsPattern(mark: string): string {
  if (new RegExp(`^${BLANKS}$`).test(mark)) return BLANKS;
  return new RegExp(`^${APOSTROPHES}$`).test(mark) ? APOSTROPHES : escapePattern(mark);
}

const MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");

/** What stands for a part of a date, in the words of PostgreSQL's to_date, and how it is read. */
const PARTS: Readonly<Record<string, string>> = {
  YYYY: "(?<year>\\d{4})",
  MM: "(?<month>\\d{1,2})",
  MON: `(?<name>${MONTHS.join("|")})`,
  DD: "(?<day>\\d{1,2})",
  HH24: "(?<hour>\\d{1,2})",
  HH12: "(?<half>\\d{1,2})",
  MI: "(?<minute>\\d{2})",
  SS: "(?<second>\\d{2}(?:\\.\\d{1,6})?)",
  AM: "(?<noon>am|pm)",
};
/** Dates, perhaps with a time of day, in one format: DD.MM.YYYY HH24:MI:SS. */
export function dateSpelling(format: string): Spelling {
  const parts = format.split(/(YYYY|MM|MON|DD|HH24|HH12|MI|SS|AM)/);
  const pattern = parts
    .map((part, at) => patternOf(part, parts.slice(0, at).join(""), parts.slice(at + 1).join("")))
    .join("");
  const whole = new RegExp(`^${pattern}$`, "i");
  return {
    words: `written as ${format}`,
    read(cell) {
      const found = whole.exec(cell.trim())?.groups;
      return found && isoOf(found);
    },
  };
}

/** Beside digits only digits of a fixed number can be told apart: 1112024 is no DDMMYYYY. */
function patternOf(part: string, before: string, after: string): string {
  const pattern = PARTS[part] ?? escapePattern(part);
  const isBeside = /(?:YYYY|MM|DD|MI|SS|\d)$/.test(before) || /^(?:YYYY|MM|DD|HH|MI|SS|\d)/.test(after);
  return isBeside ? pattern.replace("{1,2}", "{2}") : pattern;
}

function isoOf(found: Readonly<Record<string, string | undefined>>): string | undefined {
  const two = (text: string | number) => String(text).padStart(2, "0");
  const month = found.month ?? MONTHS.indexOf(found.name!.toLowerCase()) + 1;
  const day = `${found.year}-${two(month)}-${two(found.day!)}`;
  if (found.minute === undefined) return day;
  const hour = hourOf(found);
  return hour === undefined ? undefined : `${day} ${two(hour)}:${found.minute}:${found.second ?? "00"}`;
}

function hourOf({ hour, half, noon }: Readonly<Record<string, string | undefined>>): number | undefined {
  if (half === undefined) return Number(hour);
  const number = Number(half);
  if (number < 1 || number > 12) return undefined;
  return (number % 12) + (noon!.toLowerCase() === "pm" ? 12 : 0);
}
