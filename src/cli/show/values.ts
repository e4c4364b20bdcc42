/** Rows as the server sends them: texts, with the types of their columns. */
export interface Values {
  readonly columns: readonly string[];
  readonly types: readonly { readonly oid: number }[];
  readonly rows: readonly (readonly (string | null)[])[];
}

/** `numeric`, `real`, `double precision`. */
const FRACTIONS = new Set([1700, 700, 701]);
/** Digits after the point that are shown as they are: those of money and rates, not those of a division. */
const MOST_DIGITS = 10;
const ROUNDED_TO = 6;

/**
 * Values as a person reads them: NULL is told from the text NULL and from an empty one, and columns of long fractions are
 * rounded, with `≈` behind their name.
 */
export function readable({ columns, types, rows }: Values): {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
} {
  const digits = columns.map((_, index) =>
    FRACTIONS.has(types[index]!.oid) ? digitsOf(rows.map((row) => row[index]!)) : undefined,
  );
  const text = (value: string | null, index: number) => {
    if (value === null) return "NULL";
    return digits[index] === undefined ? shown(value) : rounded(value, digits[index]!);
  };
  const isRounded = (index: number) =>
    digits[index] !== undefined && rows.some((row) => loses(row[index]!, digits[index]!));
  return {
    columns: columns.map((name, index) => (isRounded(index) ? `${name} ≈` : name)),
    rows: rows.map((row) => row.map(text)),
  };
}

/** A text that would be taken for something else stands as SQL writes it. */
function shown(text: string): string {
  return /^(?:|NULL|'.*'|\s.*|.*\s)$/s.test(text) ? `'${text.replaceAll("'", "''")}'` : text;
}

/** How many digits after the point a column of long fractions keeps: small ones have some that are not 0. */
function digitsOf(values: readonly (string | null)[]): number | undefined {
  const long = values.some((value) => fractionOf(value).length > MOST_DIGITS);
  if (!long) return undefined;
  const zeros = values.map((value) => (/^-?0\.(0*)[1-9]/.exec(value ?? "")?.[1] ?? "").length);
  return Math.max(ROUNDED_TO, ...zeros.map((count) => count + 4));
}

function fractionOf(value: string | null): string {
  return /^-?\d+\.(\d+)$/.exec(value ?? "")?.[1] ?? "";
}

function loses(value: string | null, digits: number): boolean {
  return /[1-9]/.test(fractionOf(value).slice(digits));
}

/** Rounded as numeric is, half away from zero; never by way of a floating-point number. */
function rounded(value: string, digits: number): string {
  const [, sign = "", whole = "", fraction = ""] = /^(-?)(\d+)\.(\d+)$/.exec(value) ?? [];
  if (fraction.length <= digits) return value;
  const up = fraction[digits]! >= "5" ? 1n : 0n;
  const all = String(BigInt(whole + fraction.slice(0, digits)) + up).padStart(digits + 1, "0");
  return `${sign}${all.slice(0, -digits)}.${all.slice(-digits)}`;
}
