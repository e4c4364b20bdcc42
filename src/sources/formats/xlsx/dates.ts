/** What a number format shows of a number: nothing but a number, or parts of a moment. */
export type NumberKind = "number" | "date" | "moment" | "time" | "duration";

const DAY = 86_400_000;
/** 9999-12-31. */
const LAST_SERIAL = 2_958_465;

/** Formats that every workbook has without saying them; 27 to 36 and 50 to 58 are East Asian dates. */
export function builtinKind(id: number): NumberKind {
  if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id === 36 || (id >= 50 && id <= 58)) return "date";
  if (id === 22) return "moment";
  if ((id >= 18 && id <= 21) || (id >= 32 && id <= 35) || id === 45 || id === 47) return "time";
  return id === 46 ? "duration" : "number";
}

/** What a format such as `[$-407]dd/mm/yyyy hh:mm;@` shows. */
export function formatKind(code: string): NumberKind {
  if (/^general$/i.test(code.trim())) return "number";
  const [first = ""] = code
    .replace(/"[^"]*"|\\.|_.|\*./g, "")
    .replace(/\[(?!(?:h+|m+|s+)\])[^\]]*\]/gi, "")
    .split(";");
  if (/\[(?:h+|m+|s+)\]/i.test(first)) return "duration";
  const letters = first
    .toLowerCase()
    .replace(/am\/pm|a\/p/g, "h")
    .replace(/general|e[+-]/g, "");
  const hasTime = /[hs]/.test(letters);
  const hasDate = /[ydge]/.test(letters) || (/m/.test(letters) && !hasTime);
  if (hasDate) return hasTime ? "moment" : "date";
  return hasTime ? "time" : "number";
}

/**
 * A day's number as PostgreSQL reads dates and times; undefined for what no date is, which then is a number. A day with a time
 * that its format hides is written with the time. Times are to the millisecond, as Excel has them.
 * @param from1904 whether day 0 is 1904-01-01, as in workbooks of old Macs
 */
export function serialText(serial: number, kind: Exclude<NumberKind, "number">, from1904: boolean): string | undefined {
  const millis = Math.round(serial * DAY);
  if (!(Math.abs(millis) < (LAST_SERIAL + 1) * DAY)) return undefined;
  if (kind === "duration") return durationText(millis);
  const day = Math.floor(millis / DAY);
  if (millis < 0) return undefined;
  const time = timeText(millis - day * DAY);
  if (kind === "time" && day === 0) return time;
  const date = dayText(day, from1904);
  return kind === "date" && time === "00:00:00" ? date : `${date} ${time}`;
}

function dayText(day: number, from1904: boolean): string {
  if (from1904) return iso(Date.UTC(1904, 0, 1) + day * DAY);
  // Excel has a day that never was, and one before the first; PostgreSQL refuses both.
  if (day === 60) return "1900-02-29";
  if (day === 0) return "1900-01-00";
  return iso(Date.UTC(1899, 11, day < 60 ? 31 : 30) + day * DAY);
}

function iso(millis: number): string {
  return new Date(millis).toISOString().slice(0, 10);
}

function timeText(millis: number): string {
  return new Date(millis)
    .toISOString()
    .slice(11, 23)
    .replace(/\.000$/, "");
}

/** Hours may be more than 24. */
function durationText(millis: number): string {
  const whole = Math.abs(millis);
  const hours = String(Math.floor(whole / 3_600_000)).padStart(2, "0");
  return `${millis < 0 ? "-" : ""}${hours}${timeText(whole % 3_600_000).slice(2)}`;
}
