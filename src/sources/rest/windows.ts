import type { RestStream } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";

type Window = NonNullable<RestStream["window"]>;

/** Days in UTC, as ISO dates, both of them included. */
export interface DateRange {
  readonly start: string;
  readonly end: string;
}

const DAY_MS = 86_400_000;

/**
 * The ranges from the declared start, or from some days before the cursor, to today, one after the other.
 * @param now milliseconds since 1970
 */
export function windowsOf(window: Window, since: string | null, now: number): readonly DateRange[] {
  const today = Math.floor(now / DAY_MS);
  const first = dayOf(Date.parse(`${window.start}T00:00:00Z`), window.start);
  const again = since === null ? first : cursorDay(since) - window.lookbackDays;
  const ranges: DateRange[] = [];
  // A cursor from the future must not end the reading for good.
  for (let day = Math.max(first, Math.min(again, today)); day <= today; day += window.days) {
    ranges.push({ start: isoDay(day), end: isoDay(Math.min(day + window.days - 1, today)) });
  }
  return ranges;
}

/** The window of somebody who says where to begin, which may be before the declared start. */
export function windowFrom(window: Window, since: string): Window {
  const day = isoDay(cursorDay(since));
  return day < window.start ? { ...window, start: day } : window;
}

/**
 * From which value of the cursor on records are asked for once more, where the last load ended at `since`: its own without days
 * to look back to, and none that `windowsOf` does not ask for. In the same words: of seconds since 1970 it is seconds.
 */
export function askedFrom({ lookbackDays }: Window, since: string, now: number): string {
  const [day, today] = [cursorDay(since), Math.floor(now / DAY_MS)];
  if (lookbackDays === 0 && day <= today) return since;
  const first = Math.min(day - lookbackDays, today);
  return EPOCH.test(since) ? String((first * DAY_MS) / unitOf(since)) : isoDay(first);
}

/** Whether a value is of a day that has not come anywhere. What is no date is of none. */
export function isAhead(value: string, now: number): boolean {
  return Math.floor(momentOf(value) / DAY_MS) > Math.floor(now / DAY_MS) + 1;
}

const EPOCH = /^\d{9,14}$/;
/** Milliseconds of one since 1970: seconds until the year 5138. */
const unitOf = (since: string) => (since.length > 11 ? 1 : 1000);

function cursorDay(since: string): number {
  return dayOf(momentOf(since), since);
}

/** Milliseconds since 1970 of a date, a time (UTC unless it says otherwise), or seconds or milliseconds since then; else NaN. */
function momentOf(value: string): number {
  if (EPOCH.test(value)) return Number(value) * unitOf(value);
  const [, date, time, zone] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d(?::?\d\d)?)?)?$/i.exec(value.trim()) ?? [];
  if (date === undefined) return Number.NaN;
  return Date.parse(time === undefined ? `${date}T00:00:00Z` : `${date}T${time}${fullZone(zone ?? "Z")}`);
}

/** "+02" and "+0200" as "+02:00". */
function fullZone(zone: string): string {
  return /^[+-]/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(3).replace(":", "") || "00"}` : "Z";
}

function dayOf(ms: number, text: string): number {
  if (!Number.isNaN(ms)) return Math.floor(ms / DAY_MS);
  throw new UserError({
    message: `"${text.slice(0, 40)}" is no date to begin a window at`,
    expected: "such as 2026-01-31 or 2026-01-31T10:00:00Z",
    hint: "a stream with a window has a cursor field of dates or times, and window.start is a day that exists",
    exitCode: 1,
  });
}

function isoDay(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}
