// Days as texts, YYYY-MM-DD, which sort as they are.

const DAY = /^\d{4}-\d\d-\d\d(?!.*BC$)/;
const LENGTH = 86_400_000;

/** The day of a date or a moment as the server writes it; undefined for NULL, infinity and what is before the year 1. */
export function dayOf(cell: string | null): string | undefined {
  return cell !== null && DAY.test(cell) ? cell.slice(0, 10) : undefined;
}

/** Whether it is a day of the calendar, written as here. */
export function isDay(text: string): boolean {
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN;
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/** So many days later. */
export function daysLater(day: string, days: number): string {
  return new Date(Date.parse(day) + days * LENGTH).toISOString().slice(0, 10);
}

/** How many days later the second is. */
export function daysBetween(first: string, last: string): number {
  return Math.round((Date.parse(last) - Date.parse(first)) / LENGTH);
}

/** So many months later, on the same day of the month, or on its last one. */
export function monthsLater(day: string, months: number): string {
  const [year, month, date] = day.split("-").map(Number) as [number, number, number];
  const last = new Date(Date.UTC(year, month + months, 0)).getUTCDate();
  return new Date(Date.UTC(year, month - 1 + months, Math.min(date, last))).toISOString().slice(0, 10);
}

/** At most so many places along a chart. */
const MOST = 4000;

/**
 * The days with those between them that are missing, where they are days, weeks or months one after another: a gap is then seen as
 * one. Otherwise as they are.
 */
export function withoutGaps(days: readonly string[]): readonly string[] {
  const sorted = [...new Set(days)].sort();
  if (sorted.length < 3) return sorted;
  const next = nextOf(sorted);
  const all: string[] = [];
  for (let day = sorted[0]!; day <= sorted.at(-1)!; day = next(day)) if (all.push(day) > MOST) return sorted;
  return all;
}

function nextOf(sorted: readonly string[]): (day: string) => string {
  if (sorted.every((day) => day.endsWith("-01"))) return (day) => monthsLater(day, 1);
  const isWeekly = sorted.every((day) => daysBetween(sorted[0]!, day) % 7 === 0);
  return (day) => daysLater(day, isWeekly ? 7 : 1);
}
