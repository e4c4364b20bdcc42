// Weeks, months and the last complete days, intervals and ranks: what marketing and ads say alike of their periods.

import { count, dayNamed, dayNumber, type Exact, order } from "./exact.ts";
import type { Cell, Near, Row } from "./relation.ts";

export interface Period {
  readonly name: string;
  readonly start: string;
  readonly end: string;
  readonly isComplete: boolean;
  /** What is shown only beside the period after it. */
  readonly isBefore: boolean;
}

/** The periods that a day is in. Without complete days there are weeks and months. */
export function spansOf(day: string, first: string | null, last: string | null): Period[] {
  const at = dayNumber(day);
  const monday = at - ((at + 3) % 7);
  const [year, month] = day.split("-").map(Number) as [number, number];
  const begin = (months: number) => Date.UTC(year, month - 1 + months, 1) / 86_400_000;
  const calendar = [
    { name: "week", from: monday, till: monday + 6, isBefore: false },
    { name: "month", from: begin(0), till: begin(1) - 1, isBefore: false },
  ];
  const rolling = [7, 28].flatMap((days) => {
    const back = last === null ? -1 : dayNumber(last) - at;
    const times = Math.floor(back / days);
    if (back < 0 || times > 1) return [];
    const till = dayNumber(last!) - days * times;
    return [{ name: `last_${days}_days`, from: till - days + 1, till, isBefore: times > 0 }];
  });
  return [...calendar, ...rolling].map(({ name, from, till, isBefore }) => ({
    ...{ name, start: dayNamed(from), end: dayNamed(till) },
    isComplete: first !== null && last !== null && first <= dayNamed(from) && dayNamed(till) <= last,
    isBefore,
  }));
}

/** Between which days a period of a figure may be complete. */
export interface Placed {
  readonly period: Period;
  readonly first: string | null;
  readonly last: string | null;
}

/** Periods without a figure after one with some, as far as they have begun by complete days. */
export function stoppedAfter(placed: readonly Placed[]): Period[] {
  const keyOf = ({ name, start }: Pick<Period, "name" | "start">) => `${name} ${start}`;
  const there = new Set(placed.map(({ period }) => keyOf(period)));
  const found = new Map<string, Period>();
  for (const { period } of placed) {
    const start = dayNamed(dayNumber(period.end) + 1);
    const bounds = placed.filter((other) => keyOf(other.period) === keyOf(period));
    const firsts = bounds.map(({ first }) => first).sort();
    const lasts = bounds.map(({ last }) => last).sort();
    const [first, last] = [firsts.at(-1) ?? null, lasts[0] ?? null];
    if (there.has(keyOf({ name: period.name, start })) || last === null || start > last) continue;
    const [like] = spansOf(start, first, last).filter(({ name }) => name === period.name);
    const days = dayNumber(period.end) - dayNumber(period.start);
    const end = period.name === "month" ? like!.end : dayNamed(dayNumber(start) + days);
    const isComplete = first !== null && first <= start && end <= last;
    found.set(keyOf({ name: period.name, start }), { name: period.name, start, end, isComplete, isBefore: false });
  }
  return [...found.values()];
}

const asNumber = ({ over, under }: Exact) => Number(over) / Number(under);

/** The 95 % interval of a share by Wilson's score. */
export function wilson(
  hits: Exact | null,
  of: Exact | null,
): Record<"conversion_rate_low" | "conversion_rate_high", Near | null> {
  const zero = count(0);
  const none = { conversion_rate_low: null, conversion_rate_high: null };
  if (!hits || !of || order(of, zero) <= 0 || order(hits, zero) < 0 || order(hits, of) > 0) return none;
  const [k, n] = [asNumber(hits), asNumber(of)];
  const spread = 1.96 * Math.sqrt((k * (n - k)) / n + 0.9604);
  return {
    conversion_rate_low: { near: (k + 1.9208 - spread) / (n + 3.8416) },
    conversion_rate_high: { near: (k + 1.9208 + spread) / (n + 3.8416) },
  };
}

/** The same rows with their ranks, among those with so many conversions. */
export function ranks(rows: readonly Row[], least: number, perUnit = "conversions_per_currency_unit"): Row[] {
  const enough = rows.filter(({ conversions }) => conversions && order(conversions as Exact, count(least)) >= 0);
  const isOf = (row: Row, columns: readonly string[]) => (other: Row) =>
    columns.every((one) => other[one] === row[one]);
  const placeOf = (row: Row, value: (row: Row) => number | null, columns: readonly string[]): Cell => {
    const own = value(row);
    if (!enough.includes(row) || own === null) return null;
    const better = enough
      .filter(isOf(row, columns))
      .filter((other) => (value(other) ?? Number.NEGATIVE_INFINITY) > own);
    return count(1 + better.length);
  };
  const low = (row: Row) => (row.conversion_rate_low as Near | null)?.near ?? null;
  // The last days are one period, whatever day they end on.
  const within = ({ period }: Row) =>
    period === "week" || period === "month" ? ["period", "period_start"] : ["period"];
  return rows.map((row) => {
    const mine = row[perUnit] as Exact | null;
    const same = enough.filter(isOf(row, [...within(row), "currency"]));
    const better = same.filter((other) => mine && other[perUnit] && order(other[perUnit] as Exact, mine) > 0);
    return {
      ...row,
      rank_by_conversion_rate_low: placeOf(row, low, within(row)),
      [`rank_by_${perUnit}`]: mine && enough.includes(row) ? count(1 + better.length) : null,
    };
  });
}
