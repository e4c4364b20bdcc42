import type { DatesChoice, DatesFilter } from "../model/dashboard.ts";
import { daysBetween, daysLater, monthsLater } from "./days.ts";

/** Days, both ends included. */
export interface Days {
  readonly from: string;
  readonly to: string;
}

/** Two periods that are as long as each other, or the same days of months. */
export interface Compared {
  /** The days whose figures are compared: those chosen, as far as there are data. */
  readonly own: Days;
  readonly before: Days;
  /** The day of the period before that a day is compared with; undefined where that has none, as February has no 30th. */
  readonly dayBefore: (day: string) => string | undefined;
}

/**
 * What the chosen days are compared with: of months, whole ones or the last one to date, the same days as many months before; of
 * others as many days, right before them. Days that the data have not reached are no days to compare.
 * @returns undefined where all days are chosen, or none that the data reach; the first day of the data where they begin within the period before
 */
export function periodBefore(
  { first, last }: DatesFilter,
  chosen: DatesChoice,
): Compared | { readonly begin: string } | undefined {
  const [from, until] = [chosen.from ?? first, chosen.to ?? last];
  if (from === null || until === null || (chosen.from === null && chosen.to === null)) return undefined;
  const to = last !== null && until > last ? last : until;
  if (from > to) return undefined;
  const months = isFirst(from) && isFirst(daysLater(until, 1)) ? monthsOf(from, until) : 0;
  const compared = months ? byMonths({ from, to }, months) : byDays({ from, to });
  return first !== null && compared.before.from < first ? { begin: first } : compared;
}

/** "2026-03-01 to 2026-03-15 against 2026-02-01 to 2026-02-15". */
export function comparedTold({ own, before }: Pick<Compared, "own" | "before">): string {
  return `${own.from} to ${own.to} against ${before.from} to ${before.to}`;
}

/** Why nothing is compared. */
export const beginTold = (first: string): string =>
  `The data begin on ${first}, within the period before: nothing is compared with half of one.`;

const isFirst = (day: string): boolean => day.endsWith("-01");

function monthsOf(from: string, until: string): number {
  const month = (day: string) => Number(day.slice(0, 4)) * 12 + Number(day.slice(5, 7));
  return month(until) - month(from) + 1;
}

function byMonths(own: Days, months: number): Compared {
  const isWhole = isFirst(daysLater(own.to, 1));
  return {
    own,
    before: {
      from: monthsLater(own.from, -months),
      to: isWhole ? daysLater(monthsLater(daysLater(own.to, 1), -months), -1) : monthsLater(own.to, -months),
    },
    dayBefore: (day) => {
      const before = monthsLater(day, -months);
      return before.slice(8) === day.slice(8) ? before : undefined;
    },
  };
}

function byDays(own: Days): Compared {
  const later = daysBetween(own.from, own.to) + 1;
  return {
    own,
    before: { from: daysLater(own.from, -later), to: daysLater(own.from, -1) },
    dayBefore: (day) => daysLater(day, -later),
  };
}
