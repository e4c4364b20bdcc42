import { type ColumnFacts, ISO_DAY, type NumberStyle, PLAIN } from "./column.ts";

/** What a person said of a file, where its texts leave it open. */
export interface Hints {
  /** Texts that are NULL wherever they stand. */
  readonly nulls?: readonly string[];
  readonly decimal?: string;
  readonly thousands?: string;
  /** Formats of dates, such as DD/MM/YYYY. */
  readonly dates?: readonly string[];
  /** Of a workbook: a name, or a number from 1. */
  readonly sheet?: string | number;
}

export interface Verdict {
  /** The property of the JSON Schema. */
  readonly property: Readonly<Record<string, unknown>>;
  /** For csv.dates, where it is not ISO. */
  readonly dates?: string;
  readonly kind: "text" | "number" | "other";
  /** What a person should look at. */
  readonly unsure?: string;
}

const TEXT = { type: "string" } as const;

/** What a column is. `style` is how the file writes numbers. */
export function verdictOf(facts: ColumnFacts, style: NumberStyle, hints: Hints): Verdict {
  if (!facts.texts) return { property: TEXT, kind: "text", unsure: "always empty: a text, until it is known better" };
  if (facts.isBoolean) return { property: { type: "boolean" }, kind: "other" };
  return (
    saidDate(facts, hints) ??
    numberVerdict(facts, style) ??
    timeVerdict(facts, hints) ?? { property: TEXT, kind: "text", ...textDoubts(facts) }
  );
}

/** Undefined where the texts are no numbers. */
function numberVerdict(facts: ColumnFacts, style: NumberStyle): Verdict | undefined {
  const { styles, leadingZeros, plusSigns } = facts;
  if (!styles.length) return undefined;
  const asText = (unsure: string): Verdict => ({ property: TEXT, kind: "text", unsure });
  if (leadingZeros !== undefined)
    return asText(`a text, for digits begin with 0 (${leadingZeros}), which a number would lose`);
  if (plusSigns !== undefined) return asText(`a text, for digits begin with + (${plusSigns}), as telephone numbers do`);
  if (facts.isWhole)
    return facts.fitsBigint
      ? { property: { type: "integer" }, kind: "number" }
      : { property: { type: "number" }, kind: "number", unsure: "numeric, for some are longer than a bigint" };
  const property = { type: "number" };
  if (!styles.some((one) => isStyle(one, style))) {
    const other = styles[0]!;
    return asText(`a text: ${facts.marked} looks like a number ${styleWords(other)}, unlike the rest of the file`);
  }
  const doubts = facts.hasExponent
    ? `numeric, though some are written as ${facts.marked}: a spreadsheet cuts long numbers so`
    : ambiguousStyle(facts, style);
  return { property, kind: "number", ...(doubts ? { unsure: doubts } : {}) };
}

function isStyle(one: NumberStyle, other: NumberStyle): boolean {
  return one.decimal === other.decimal && one.thousands === other.thousands;
}

/** A number that means another one in another country. */
function ambiguousStyle({ styles, marked }: ColumnFacts, style: NumberStyle): string | undefined {
  const other = styles.find(
    (one) => !isStyle(one, style) && one.spelling.read(marked!) !== readIn(styles, style, marked!),
  );
  return (
    other &&
    `${marked} is read as ${readIn(styles, style, marked!)}; ${styleWords(other)} it would be ${other.spelling.read(marked!)}`
  );
}

function readIn(styles: ColumnFacts["styles"], style: NumberStyle, text: string): string | undefined {
  return styles.find((one) => isStyle(one, style))?.spelling.read(text);
}

function styleWords({ decimal, thousands }: NumberStyle): string {
  const mark = decimal === "," ? "with a decimal comma" : "with a decimal point";
  return thousands === undefined ? mark : `${mark} and ${JSON.stringify(thousands)} between thousands`;
}

/** Undefined where the texts are no dates and no times. */
function timeVerdict(facts: ColumnFacts, hints: Hints): Verdict | undefined {
  if (facts.isTime) return instantVerdict(facts);
  const said = facts.formats.filter(({ format }) => hints.dates?.includes(format));
  const open = said.length ? said : facts.formats;
  const [first] = open;
  if (!first) return undefined;
  if (open.length > 1)
    return {
      property: TEXT,
      kind: "text",
      unsure: `a text: ${facts.examples[0]} is a date as ${open.map((one) => one.format).join(" and as ")}; --dates says which`,
    };
  return dateVerdict(first.format);
}

/** Digits are a date where a person said so: 20241231 as YYYYMMDD. */
function saidDate({ styles, texts, formats }: ColumnFacts, { dates = [] }: Hints): Verdict | undefined {
  const said = styles.length && texts ? formats.filter(({ format }) => dates.includes(format)) : [];
  return said.length === 1 ? dateVerdict(said[0]!.format) : undefined;
}

function dateVerdict(format: string): Verdict {
  const isDay = !format.includes("MI");
  const property = isDay ? { type: "string", format: "date" } : { type: "string", postgresType: "timestamp" };
  return {
    property,
    kind: "other",
    ...(format === ISO_DAY ? {} : { dates: format }),
    ...(isDay ? {} : { unsure: WITHOUT_ZONE }),
  };
}

const WITHOUT_ZONE = "a timestamp without time zone, for the file names none: which one it is, only its maker knows";

function instantVerdict({ zones, examples }: ColumnFacts): Verdict {
  if (zones === "all") return { property: { type: "string", format: "date-time" }, kind: "other" };
  if (zones === "none")
    return { property: { type: "string", postgresType: "timestamp" }, kind: "other", unsure: WITHOUT_ZONE };
  return {
    property: TEXT,
    kind: "text",
    unsure: `a text, for some times have a zone and some do not (${examples[0]})`,
  };
}

function textDoubts({ shortYears, foreignBlanks, examples }: ColumnFacts): { readonly unsure?: string } {
  if (foreignBlanks !== undefined && /^\s*[+-]?\d/.test(foreignBlanks))
    return { unsure: `a text, for the blank around ${JSON.stringify(foreignBlanks.trim())} is none to PostgreSQL` };
  if (shortYears !== undefined)
    return { unsure: `a text, for years of two digits (${shortYears}) do not say their century` };
  const money = examples.find((one) =>
    /^\s*(?:[$€£¥]|[A-Z]{3})\s?-?[\d.,]*\d\s*$|^\s*-?[\d.,]*\d\s?(?:[$€£¥%]|[A-Z]{3})\s*$/.test(one),
  );
  return money === undefined ? {} : { unsure: `a text, for numbers stand beside their unit (${money})` };
}

/**
 * How a file writes its numbers, by all columns that are numbers.
 * @returns `open`: why it cannot be told, then `style` is the plain one
 */
export function styleOf(
  columns: readonly ColumnFacts[],
  hints: Hints,
): { readonly style: NumberStyle; readonly open?: string } {
  if (hints.decimal !== undefined || hints.thousands !== undefined)
    return { style: { decimal: hints.decimal ?? ".", ...(hints.thousands ? { thousands: hints.thousands } : {}) } };
  const numbers = columns.filter(
    ({ texts, isWhole, styles, leadingZeros }) => texts && !isWhole && styles.length && leadingZeros === undefined,
  );
  if (!numbers.length || numbers.every(({ styles }) => styles.some((one) => isStyle(one, PLAIN))))
    return { style: PLAIN };
  const shared = numbers.reduce<readonly NumberStyle[]>(
    (left, { styles }) => left.filter((one) => styles.some((other) => isStyle(one, other))),
    numbers[0]!.styles,
  );
  // What separates thousands in one column may be the decimal mark in another.
  const [first] = shared;
  if (!first) return { style: PLAIN };
  const rival = shared.find((one) => one.decimal !== first.decimal);
  if (rival)
    return {
      style: PLAIN,
      open: `${numbers[0]!.marked} is a number ${styleWords(first)} and one ${styleWords(rival)}: --decimal or --thousands says which`,
    };
  return { style: first };
}
