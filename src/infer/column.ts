import { dateSpelling, numberSpelling, type Spelling } from "../sources/formats/csv/spellings.ts";

/** A way to write numbers, as csv.decimal and csv.thousands say it. */
export interface NumberStyle {
  readonly decimal: string;
  readonly thousands?: string;
}

/** Texts that stand for NULL where the others of the column are of another type. */
const MARKERS = new Set(
  "NULL null Null \\N NA N/A n/a #N/A #NULL! NaN nan None none nil - -- ? . (null) <null> 0000-00-00".split(" "),
);

export const PLAIN: NumberStyle = { decimal: "." };

interface Style extends NumberStyle {
  readonly spelling: Spelling;
}

/** Likelier ones first. */
const STYLES: readonly Style[] = [
  PLAIN,
  { decimal: "," },
  { decimal: ",", thousands: "." },
  { decimal: ".", thousands: "," },
  { decimal: ",", thousands: " " },
  { decimal: ".", thousands: " " },
  { decimal: ".", thousands: "'" },
  { decimal: ",", thousands: "'" },
].map((style) => ({ ...style, spelling: numberSpelling(style.decimal, style.thousands) }));

const DAYS =
  "YYYY-MM-DD DD.MM.YYYY DD/MM/YYYY MM/DD/YYYY DD-MM-YYYY MM-DD-YYYY YYYY/MM/DD YYYY.MM.DD DD-MON-YYYY".split(" ");
const TIMES = ["", " HH24:MI", " HH24:MI:SS", " HH12:MI AM", " HH12:MI:SS AM"];
interface DateFormat {
  readonly format: string;
  readonly spelling: Spelling;
}

function dateFormat(format: string): DateFormat {
  return { format, spelling: dateSpelling(format) };
}

const FORMATS: readonly DateFormat[] = [...DAYS, "DD MON YYYY", "MON DD, YYYY"].flatMap((day) =>
  TIMES.map((time) => dateFormat(day + time)),
);

export const ISO_DAY = "YYYY-MM-DD";
/** White space around a text that is none to PostgreSQL, such as the NBSP of a web page. */
const FOREIGN_BLANK = /^\s*[^\S \t\n\v\f\r]|[^\S \t\n\v\f\r]\s*$/;
const WHOLE = /^\s*-?(?:0|[1-9]\d*)\s*$/;
const EXPONENT = /^-?\d+(?:\.\d+)?[eE][+-]?\d+$/;
const LEADING_ZERO = /^\s*[+-]?0\d/;
const INSTANT = /^(\d{4}-\d\d-\d\d)[T ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(Z|[+-]\d\d(?::?\d\d)?)?$/i;
const SHORT_YEAR = /^\d{1,2}[./-]\d{1,2}[./-]\d{2}$/;

const MAX_BIGINT = 9223372036854775807n;
/** Values of a column that are compared with each other. */
const MAX_KNOWN = 500_000;

/** What all the texts of one column have in common; empty ones aside. */
export class ColumnFacts {
  /** Texts that are none of MARKERS. */
  texts = 0;
  nulls = 0;
  /** Cells that are empty in quotes. */
  quotedEmpty = 0;
  readonly markers = new Map<string, number>();
  readonly examples: string[] = [];
  leadingZeros: string | undefined;
  plusSigns: string | undefined;
  shortYears: string | undefined;
  foreignBlanks: string | undefined;
  isWhole = true;
  isBoolean = true;
  fitsBigint = true;
  hasExponent = false;
  /** The first text that is no whole number in plain digits. */
  marked: string | undefined;
  styles: readonly Style[] = STYLES;
  formats: readonly DateFormat[];
  /** Whether every text is an ISO date with a time of day; and whether with a zone, without, or now so, now so. */
  isTime = true;
  zones: "all" | "none" | "some" | undefined;
  longest = 0;
  #known: Set<string> | undefined = new Set();
  #compared = 0;
  readonly #said: ReadonlySet<string>;

  /** @param said texts that are NULL, and formats of dates, by what a person said */
  constructor({
    nulls = [],
    dates = [],
  }: { readonly nulls?: readonly string[]; readonly dates?: readonly string[] } = {}) {
    this.#said = new Set(nulls);
    const others = dates.filter((format) => FORMATS.every((known) => known.format !== format));
    this.formats = others.length ? [...FORMATS, ...others.map(dateFormat)] : FORMATS;
  }

  /** Whether every row has a value and no two have the same. False where there are too many to know. */
  get isUnique(): boolean {
    const rows = this.texts + this.quotedEmpty + [...this.markers.values()].reduce((sum, count) => sum + count, 0);
    return this.#known !== undefined && this.nulls === 0 && rows > 1 && this.#compared === rows;
  }

  /** @param text null for a cell that is empty without quotes */
  add(text: string | null, inQuotes = false): void {
    if (text === null) {
      this.nulls++;
      return;
    }
    if (this.#known && this.#known.size < MAX_KNOWN) {
      this.#compared++;
      if (this.#known.has(text)) this.#known = undefined;
      else this.#known.add(text);
    }
    if (text === "") this.quotedEmpty++;
    else if (!inQuotes && (MARKERS.has(text) || this.#said.has(text)))
      this.markers.set(text, (this.markers.get(text) ?? 0) + 1);
    else this.#addText(text);
  }

  #addText(text: string): void {
    this.texts++;
    if (this.examples.length < 3 && !this.examples.includes(text)) this.examples.push(text);
    this.longest = Math.max(this.longest, text.length);
    if (FOREIGN_BLANK.test(text)) {
      this.foreignBlanks ??= text;
      this.styles = [];
      this.formats = [];
    }
    this.#addNumber(text);
    if (this.isBoolean) this.isBoolean = /^(?:true|false)$/i.test(text);
    if (this.formats.length) this.formats = this.formats.filter(({ spelling }) => isRealDate(spelling.read(text)));
    if (SHORT_YEAR.test(text)) this.shortYears ??= text;
    if (!this.isTime) return;
    const found = INSTANT.exec(text);
    this.isTime = found !== null && isRealDate(found[1]);
    const zone = found?.[2] === undefined ? "none" : "all";
    this.zones = this.zones === undefined || this.zones === zone ? zone : "some";
  }

  #addNumber(text: string): void {
    if (LEADING_ZERO.test(text)) this.leadingZeros ??= text;
    if (text.trimStart().startsWith("+")) this.plusSigns ??= text;
    if (WHOLE.test(text) && !FOREIGN_BLANK.test(text)) {
      const digits = text.trim();
      if (digits.length >= 19) this.fitsBigint &&= BigInt(digits) <= MAX_BIGINT && BigInt(digits) >= -MAX_BIGINT - 1n;
      return;
    }
    this.isWhole = false;
    this.marked ??= text;
    if (!this.styles.length) return;
    const isExponent = EXPONENT.test(text);
    this.hasExponent ||= isExponent;
    this.styles = this.styles.filter(
      (style) => (isExponent && style.decimal === "." && !style.thousands) || style.spelling.read(text) !== undefined,
    );
  }
}

function isRealDate(text: string | undefined): boolean {
  if (text === undefined) return false;
  const [year, month, day] = text.slice(0, 10).split("-").map(Number);
  const date = new Date(Date.UTC(year!, month! - 1, day));
  return (
    year! > 0 &&
    date.getUTCMonth() === month! - 1 &&
    date.getUTCDate() === day &&
    !/ (?:2[4-9]|[3-9]\d):|:[6-9]\d/.test(text)
  );
}
