// What several readings add up to: docs/products/marketing.md, metrics.

import { count, type Exact, known as knownOf, sum, ZERO } from "./exact.ts";
import type { Counter, Reading } from "./marketing-readings.ts";
import type { Row } from "./relation.ts";

/** Figures of one group of readings. */
export type Group = readonly Reading[];

export function groups(readings: Group, by: readonly (keyof Reading)[]): Reading[][] {
  const found = new Map<string, Reading[]>();
  for (const reading of readings) {
    const key = JSON.stringify(by.map((column) => reading[column]));
    found.set(key, [...(found.get(key) ?? []), reading]);
  }
  return [...found.values()];
}

/** Those of the four that every reading has; of spend, what is known. */
export const delta = (group: Group, counter: Counter): Exact => sum(group.map((one) => one.delta?.[counter] ?? ZERO));
/** NULL where nothing of it is known. */
export const knownDelta = (group: Group, counter: Counter): Exact | null =>
  knownOf(group.map((one) => one.delta?.[counter] ?? null));
/** What conversions are worth, and the spend of the readings that say so. */
export function worth(group: Group): Row & Record<"conversion_value" | "spend_with_value", Exact | null> {
  const valued = group.filter((one) => one.delta?.conversion_value);
  return {
    conversion_value: knownDelta(group, "conversion_value"),
    spend_with_value: knownDelta(valued, "spend"),
  };
}

export const flags = (group: Group): Row => ({
  has_reset: group.some(({ isReset }) => isReset),
  has_correction: group.some(({ isCorrection }) => isCorrection),
});

export const latest = (days: readonly string[]): string | null =>
  days.reduce<string | null>((a, b) => (a && a > b ? a : b), null);
export const earliest = (days: readonly string[]): string | null =>
  days.reduce<string | null>((a, b) => (a && a < b ? a : b), null);
export const daysCovered = (group: Group): Exact => count(Math.max(...group.map((one) => one.daysCovered!)));

export type Figures = Record<"impressions" | "clicks" | "conversions", Exact> & Record<"spend", Exact | null>;

export const measures = (group: Group): Figures => ({
  spend: knownDelta(group, "spend"),
  impressions: delta(group, "impressions"),
  clicks: delta(group, "clicks"),
  conversions: delta(group, "conversions"),
});
