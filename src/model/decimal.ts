// Numbers as they are written: whatever digits they have, none is lost.

const NUMBER = /^\s*([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,5}))?\s*$/;
/** A double tells numbers of so many digits apart. */
const SURE_CHARACTERS = 15;

/** Less than 0 where the first is less, 0 where they are equal; NaN where one of them is no number. */
export function compareDecimals(a: string, b: string): number {
  const [left, right] = [read(a), read(b)];
  if (!left || !right) return Number.NaN;
  if (a.length <= SURE_CHARACTERS && b.length <= SURE_CHARACTERS && !left[4] && !right[4]) return Number(a) - Number(b);
  const [one, two] = onOneScale(left, right);
  return one < two ? -1 : one > two ? 1 : 0;
}

/** Whether a number is a whole number of times another one; undefined where one of them is no number, or the other is 0. */
export function isMultipleOf(a: string, b: string): boolean | undefined {
  const [left, right] = [read(a), read(b)];
  if (!left || !right) return undefined;
  const [one, two] = onOneScale(left, right);
  return two === 0n ? undefined : one % two === 0n;
}

/** Whether a number of JavaScript is the one that is written. */
export function isExact(text: string, value: number): boolean {
  const difference = compareDecimals(text, String(value));
  return difference === 0 || (Number.isNaN(difference) && Number.isSafeInteger(value));
}

/** One spelling for numbers that are equal: 1.50e1 and 15. Undefined for what is no number. */
export function plainDecimal(text: string): string | undefined {
  const parts = read(text);
  if (!parts) return undefined;
  const { digits, exponent } = scaled(parts);
  const [, significant = "", zeros = ""] = /^(-?\d*?)(0*)$/.exec(String(digits))!;
  return significant === "" ? "0" : `${significant}e${exponent + zeros.length}`;
}

function read(text: string): RegExpExecArray | null {
  return /\d/.test(text) ? NUMBER.exec(text) : null;
}

function onOneScale(...numbers: readonly [RegExpExecArray, RegExpExecArray]): [bigint, bigint] {
  const [one, two] = [scaled(numbers[0]), scaled(numbers[1])];
  const exponent = Math.min(one.exponent, two.exponent);
  const value = ({ digits, exponent: own }: Scaled) => digits * 10n ** BigInt(own - exponent);
  return [value(one), value(two)];
}

interface Scaled {
  readonly digits: bigint;
  readonly exponent: number;
}

function scaled([, sign, whole = "", fraction = "", exponent = "0"]: RegExpExecArray): Scaled {
  const digits = BigInt(`${whole}${fraction}`);
  return { digits: sign === "-" ? -digits : digits, exponent: Number(exponent) - fraction.length };
}
