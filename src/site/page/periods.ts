import { daysLater, monthsLater } from "../../charts/days.ts";
import type { DatesChoice, DatesFilter } from "../../model/dashboard.ts";

/** Days that people ask for by name. */
export interface Period {
  readonly name: string;
  readonly chosen: DatesChoice;
}

/** Counted back from the last day of the data, not from the reader's today: data that end in March have a last week, too. */
export function periodsOf({ first, last, from, to }: DatesFilter): readonly Period[] {
  if (last === null) return [];
  const month = `${last.slice(0, 7)}-01`;
  const before = monthsLater(month, -1);
  const periods: readonly Period[] = [
    { name: "last 7 days", chosen: { from: daysLater(last, -6), to: last } },
    { name: "last 28 days", chosen: { from: daysLater(last, -27), to: last } },
    { name: `this month (${month.slice(0, 7)})`, chosen: { from: month, to: daysLater(monthsLater(month, 1), -1) } },
    { name: `month before (${before.slice(0, 7)})`, chosen: { from: before, to: daysLater(month, -1) } },
    { name: "all days", chosen: { from: null, to: null } },
  ];
  const reaches = ({ chosen }: Period) => first === null || chosen.to === null || chosen.to >= first;
  const offered = periods.filter(reaches);
  const isOffered = offered.some(({ chosen }) => isSame(chosen, { from, to }));
  return isOffered ? offered : [{ name: "as at first", chosen: { from, to } }, ...offered];
}

export const isSame = (one: DatesChoice, other: DatesChoice): boolean => one.from === other.from && one.to === other.to;
