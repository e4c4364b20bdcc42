const DAYS = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Reads bytes or text alike: the code at a place. */
type CodeAt = (at: number) => number;

const isDigit = (code: number) => code >= 48 && code <= 57;

/** The number of so many digits; NaN where one is none. */
function digits(code: CodeAt, at: number, count: number): number {
  let number = 0;
  for (let n = at; n < at + count; n++) {
    const one = code(n);
    if (!isDigit(one)) return Number.NaN;
    number = number * 10 + one - 48;
  }
  return number;
}

/** Whether a day that exists stands there: "2026-01-31". */
export function isDateAt(code: CodeAt, at: number): boolean {
  const year = digits(code, at, 4);
  const month = digits(code, at + 5, 2);
  const day = digits(code, at + 8, 2);
  if (code(at + 4) !== 45 || code(at + 7) !== 45 || !(year > 0) || !(month >= 1 && month <= 12) || !(day >= 1))
    return false;
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 1 : 0;
  return day <= DAYS[month]! + leap;
}

/**
 * Whether a time stands there: "2026-01-31T23:59:59.999Z", "2026-01-31 23:59:59+01:00".
 * @param farthest hours that a zone may be off; PostgreSQL knows none beyond 15
 */
export function isTimeAt(code: CodeAt, start: number, end: number, zoned: boolean, farthest = 14): boolean {
  if (end - start < 19 || !isDateAt(code, start)) return false;
  const separator = code(start + 10) | 32;
  if (separator !== 116 && separator !== 32) return false;
  if (code(start + 13) !== 58 || code(start + 16) !== 58) return false;
  const [hour, minute, second] = [
    digits(code, start + 11, 2),
    digits(code, start + 14, 2),
    digits(code, start + 17, 2),
  ];
  if (!(hour <= 23) || !(minute <= 59) || !(second <= 59)) return false;
  let at = start + 19;
  if (at < end && code(at) === 46) {
    const fraction = ++at;
    while (at < end && isDigit(code(at))) at++;
    if (at === fraction || at - fraction > 9) return false;
  }
  if (at === end) return !zoned;
  return zoned && isZoneAt(code, at, end, farthest);
}

function isZoneAt(code: CodeAt, at: number, end: number, farthest: number): boolean {
  if ((code(at) | 32) === 122) return at + 1 === end;
  if (code(at) !== 43 && code(at) !== 45) return false;
  if (!(digits(code, at + 1, 2) <= farthest)) return false;
  if (end - at === 3) return true;
  const minutes = end - at === 6 && code(at + 3) === 58 ? at + 4 : end - at === 5 ? at + 3 : undefined;
  return minutes !== undefined && digits(code, minutes, 2) <= 59;
}

/** JSON Schema's format "date". */
export function isDateText(text: string): boolean {
  return text.length === 10 && isDateAt((at) => text.charCodeAt(at), 0);
}

/** JSON Schema's format "date-time": with a zone, which also ISO 8601 calls for. A leap second is one, too. */
export function isDateTimeText(text: string): boolean {
  const plain = text.slice(17, 19) === "60" ? `${text.slice(0, 17)}59${text.slice(19)}` : text;
  return isTimeAt((at) => plain.charCodeAt(at), 0, plain.length, true, 23);
}
