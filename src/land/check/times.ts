const DAYS = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** More characters than a time has. */
const LONGEST = 64;
const scratch = new Uint8Array(LONGEST);

const isDigit = (code: number) => code >= 48 && code <= 57;

/** The number of so many digits; NaN where one is none. */
function digits(bytes: Uint8Array, at: number, count: number): number {
  let number = 0;
  for (let n = at; n < at + count; n++) {
    const one = bytes[n]!;
    if (!isDigit(one)) return Number.NaN;
    number = number * 10 + one - 48;
  }
  return number;
}

/** Whether a day that exists stands there: "2026-01-31". */
export function isDateAt(bytes: Uint8Array, at: number): boolean {
  const year = digits(bytes, at, 4);
  const month = digits(bytes, at + 5, 2);
  const day = digits(bytes, at + 8, 2);
  if (bytes[at + 4] !== 45 || bytes[at + 7] !== 45 || !(year > 0) || !(month >= 1 && month <= 12) || !(day >= 1))
    return false;
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 1 : 0;
  return day <= DAYS[month]! + leap;
}

/**
 * Whether a time stands there: "2026-01-31T23:59:59.999Z", "2026-01-31 23:59:59+01:00".
 * @param farthest hours that a zone may be off; PostgreSQL knows none beyond 15
 */
export function isTimeAt(bytes: Uint8Array, start: number, end: number, zoned: boolean, farthest = 14): boolean {
  if (end - start < 19 || !isDateAt(bytes, start)) return false;
  const separator = bytes[start + 10]! | 32;
  if (separator !== 116 && separator !== 32) return false;
  if (bytes[start + 13] !== 58 || bytes[start + 16] !== 58) return false;
  const hour = digits(bytes, start + 11, 2);
  const minute = digits(bytes, start + 14, 2);
  const second = digits(bytes, start + 17, 2);
  if (!(hour <= 23) || !(minute <= 59) || !(second <= 59)) return false;
  let at = start + 19;
  if (at < end && bytes[at] === 46) {
    const fraction = ++at;
    while (at < end && isDigit(bytes[at]!)) at++;
    if (at === fraction || at - fraction > 9) return false;
  }
  if (at === end) return !zoned;
  return zoned && isZoneAt(bytes, at, end, farthest);
}

function isZoneAt(bytes: Uint8Array, at: number, end: number, farthest: number): boolean {
  if ((bytes[at]! | 32) === 122) return at + 1 === end;
  if (bytes[at] !== 43 && bytes[at] !== 45) return false;
  if (!(digits(bytes, at + 1, 2) <= farthest)) return false;
  if (end - at === 3) return true;
  const minutes = end - at === 6 && bytes[at + 3] === 58 ? at + 4 : end - at === 5 ? at + 3 : undefined;
  return minutes !== undefined && digits(bytes, minutes, 2) <= 59;
}

/** JSON Schema's format "date". */
export function isDateText(text: string): boolean {
  return text.length === 10 && isDateAt(codes(text), 0);
}

/** JSON Schema's format "date-time": with a zone, which also ISO 8601 calls for. A leap second is one, too. */
export function isDateTimeText(text: string): boolean {
  const plain = text.slice(17, 19) === "60" ? `${text.slice(0, 17)}59${text.slice(19)}` : text;
  return plain.length <= LONGEST && isTimeAt(codes(plain), 0, plain.length, true, 23);
}

/**
 * A day as people put it into the name of a file, and perhaps a time of day: 2026-01-31, 20260131, 20260131T235959,
 * 2026-01-31 23:59:59+01:00. PostgreSQL reads all of them, whatever its DateStyle.
 */
export function isMoment(text: string): boolean {
  const found =
    /^(\d{4})(-?)(\d\d)\2(\d\d)(?:[T ](\d\d)(:?)(\d\d)(?:\6(\d\d(?:\.\d{1,6})?))?(Z|[+-]\d\d(?::?\d\d)?)?)?$/.exec(
      text,
    );
  if (!found) return false;
  const [, year, , month, day, hour = "00", , minute = "00", second = "00", zone = "Z"] = found;
  const zoned = zone.length === 3 ? `${zone}:00` : zone;
  return isDateTimeText(`${year}-${month}-${day}T${hour}:${minute}:${second}${zoned}`);
}

/** Text of up to that many characters as bytes, 0 for what is not ASCII. Used again by the next call. */
function codes(text: string): Uint8Array {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    scratch[at] = code < 128 ? code : 0;
  }
  return scratch;
}
