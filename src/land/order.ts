/** Compares two values of a cursor field: below 0 when `a` is earlier. NaN when one of them cannot be placed. */
export type Order = (a: string, b: string) => number;

/** The order of a cursor field, by the type of its column. */
export function orderOf(type: string): Order {
  if (type.startsWith("timestamp") || type === "date") return byTime;
  if (/^(bigint|integer|smallint|numeric)/.test(type)) return byNumber;
  return byText;
}

const TIMESTAMP = /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-]\d\d:?\d\d))?)?$/;

/** Whatever the offset and however many digits: a source may write both "…00Z" and "…00.500Z". */
function byTime(a: string, b: string): number {
  const [left, right] = [instant(a), instant(b)];
  if (!left || !right) return Number.NaN;
  return left.seconds - right.seconds || byText(left.fraction, right.fraction);
}

function instant(text: string): { seconds: number; fraction: string } | undefined {
  const match = TIMESTAMP.exec(text);
  if (!match) return undefined;
  const [, date, minute = "00:00", second = "00", fraction = "", offset = "Z"] = match;
  // Added apart, since Date knows no second 60.
  const start = Date.parse(`${date}T${minute}:00${offset.replace(/^([+-]\d\d)(\d\d)$/, "$1:$2")}`);
  return Number.isNaN(start)
    ? undefined
    : { seconds: start / 1000 + Number(second), fraction: fraction.replace(/0+$/, "") };
}

/** Exact for whole numbers of any length; others as doubles. */
function byNumber(a: string, b: string): number {
  const whole = /^-?\d+$/;
  if (!whole.test(a) || !whole.test(b)) return a.trim() === "" || b.trim() === "" ? Number.NaN : Number(a) - Number(b);
  const difference = BigInt(a) - BigInt(b);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** By code unit. Not by locale: the server's order would have to be the same. */
function byText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
