// Exact arithmetic on numbers as the server writes them: digits are as many as they are, and what comes out is what PostgreSQL's
// numeric says. No JavaScript number is made of a value.

type Special = "NaN" | "Infinity" | "-Infinity";

/** `digits` / 10 ** `scale`. */
interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,5}))?$/;

/** The sum of the cells that are not NULL; null where none is left, or one is no number. */
export function sumOf(cells: readonly (string | null)[]): string | null {
  let sum: Decimal | undefined;
  const specials = new Set<Special>();
  for (const cell of cells) {
    if (cell === null) continue;
    const value = readDecimal(cell);
    if (value === undefined) return null;
    if (typeof value === "string") specials.add(value);
    else sum = sum ? added(sum, value) : value;
  }
  if (specials.size) return specials.size > 1 ? "NaN" : [...specials][0]!;
  return sum ? written(sum) : null;
}

/** The least, or the greatest, of the cells that are not NULL, as it is written there. NaN is above every number. */
export function extremeOf(cells: readonly (string | null)[], which: "min" | "max"): string | null {
  const sign = which === "min" ? 1 : -1;
  return cells.reduce(
    (best, cell) => (cell !== null && (best === null || compareNumbers(cell, best) * sign < 0) ? cell : best),
    null,
  );
}

/** Less than 0 where the first is less. As the server sorts: NaN is above every number; what is no number, above that. */
export function compareNumbers(a: string, b: string): number {
  const [one, other] = [readDecimal(a), readDecimal(b)];
  const ranks = rankOf(one) - rankOf(other);
  if (ranks !== 0 || typeof one !== "object" || typeof other !== "object") return ranks;
  const [left, right] = alike(one, other);
  return left < right ? -1 : left > right ? 1 : 0;
}

function rankOf(value: Decimal | Special | undefined): number {
  if (value === undefined) return 3;
  return typeof value === "object" ? 0 : { "-Infinity": -1, Infinity: 1, NaN: 2 }[value];
}

/**
 * The quotient with as many digits as PostgreSQL's numeric gives it; null where there is none: one is NULL, no finite number, or the
 * second is 0.
 */
export function quotientOf(of: string | null, over: string | null): string | null {
  const [a, b] = [of, over].map((text) => (text === null ? undefined : readDecimal(text)));
  if (typeof a !== "object" || typeof b !== "object" || b.digits === 0n) return null;
  const scale = scaleOfQuotient(a, b);
  const shift = BigInt(scale + b.scale - a.scale);
  const [top, bottom] = shift < 0n ? [a.digits, b.digits * 10n ** -shift] : [a.digits * 10n ** shift, b.digits];
  return written({ digits: dividedRounded(top, bottom), scale });
}

/** PostgreSQL's rule (`select_div_scale`): 16 significant digits, counted in its digits of base 10,000, or more. */
function scaleOfQuotient(a: Decimal, b: Decimal): number {
  const [one, other] = [leadingOf(a), leadingOf(b)];
  const weight = one.weight - other.weight - (one.first <= other.first ? 1 : 0);
  return Math.min(Math.max(16 - weight * 4, a.scale, b.scale, 0), 1000);
}

/** The first digit of base 10,000 that is not 0, and the power of 10,000 it stands for. */
function leadingOf({ digits, scale }: Decimal): { readonly weight: number; readonly first: number } {
  if (digits === 0n) return { weight: 0, first: 0 };
  const padded = digits.toString().replace("-", "") + "0".repeat((4 - (scale % 4)) % 4);
  const length = padded.length - Math.ceil(scale / 4) * 4;
  const weight = Math.ceil(length / 4) - 1;
  return { weight, first: Number(padded.slice(0, length - weight * 4)) };
}

/** Rounded half away from zero, as the server's `round` does it. What is no finite number stays as it is. */
export function rounded(text: string, decimals: number): string {
  const value = readDecimal(text);
  if (typeof value !== "object") return text;
  const { digits, scale } = value;
  if (scale <= decimals) return written({ digits: digits * 10n ** BigInt(decimals - scale), scale: decimals });
  return written({ digits: dividedRounded(digits, 10n ** BigInt(scale - decimals)), scale: decimals });
}

/** Times 10 ** `places`, for what is shown in hundredths. */
export function shifted(text: string, places: number): string {
  const value = readDecimal(text);
  if (typeof value !== "object") return text;
  const scale = value.scale - places;
  return written(scale < 0 ? { digits: value.digits * 10n ** BigInt(-scale), scale: 0 } : { ...value, scale });
}

/** Without exponent: 1e-7 is 0.0000001. */
export function plain(text: string): string {
  const value = readDecimal(text);
  return typeof value === "object" ? written(value) : text;
}

/** The first less the second; null where one is none. */
export function difference(a: string | null, b: string | null): string | null {
  const [one, other] = [a, b].map((text) => (text === null ? undefined : readDecimal(text)));
  if (typeof one !== "object" || typeof other !== "object") return null;
  return written(added(one, { ...other, digits: -other.digits }));
}

function dividedRounded(top: bigint, bottom: bigint): bigint {
  const isNegative = top < 0n !== bottom < 0n;
  const [one, other] = [top < 0n ? -top : top, bottom < 0n ? -bottom : bottom];
  const quotient = (one * 2n + other) / (other * 2n);
  return isNegative ? -quotient : quotient;
}

function added(one: Decimal, other: Decimal): Decimal {
  const [a, b] = alike(one, other);
  return { digits: a + b, scale: Math.max(one.scale, other.scale) };
}

function alike(one: Decimal, other: Decimal): [bigint, bigint] {
  const scale = Math.max(one.scale, other.scale);
  const at = (value: Decimal) => value.digits * 10n ** BigInt(scale - value.scale);
  return [at(one), at(other)];
}

function readDecimal(text: string): Decimal | Special | undefined {
  if (text === "NaN" || text === "Infinity" || text === "-Infinity") return text;
  const [, sign, whole = "", fraction = "", exponent = "0"] = NUMBER.exec(text) ?? [];
  if (whole === "" && fraction === "") return undefined;
  const scale = fraction.length - Number(exponent);
  const digits = BigInt(`${whole}${fraction}`) * (scale < 0 ? 10n ** BigInt(-scale) : 1n);
  return { digits: sign === "-" ? -digits : digits, scale: Math.max(scale, 0) };
}

function written({ digits, scale }: Decimal): string {
  if (scale === 0) return digits.toString();
  const text = (digits < 0n ? -digits : digits).toString().padStart(scale + 1, "0");
  return `${digits < 0n ? "-" : ""}${text.slice(0, -scale)}.${text.slice(-scale)}`;
}
