// Readings of running totals and what each adds to the one before: docs/products/marketing.md, from running totals to days.

import { type Step, type Totals, walk } from "./counters.ts";
import { dayClosedBy, dayNumber, type Moment, moment, number } from "./exact.ts";
import { type Entities, type Entity, place } from "./marketing-entities.ts";
import type { RawRow } from "./relation.ts";

export const COUNTERS = ["spend", "impressions", "clicks", "conversions", "conversion_value"] as const;
export type Counter = (typeof COUNTERS)[number];

export interface Reading extends Step {
  readonly creative: string;
  readonly campaign: string;
  readonly device: string;
  readonly currency: string;
  readonly at: Moment;
  readonly measuredAt: string;
  readonly reportedAt: string | null;
  readonly isRestated: boolean;
  readonly day: string;
  readonly zone: string;
  readonly totals: Totals;
  readonly load: string;
  readonly row: string;
  readonly isFirst: boolean;
  /** NULL for a baseline. */
  readonly daysCovered: number | null;
}

type Snapshot = Omit<Reading, keyof Step | "isFirst" | "daysCovered">;

export function deltasOf({ creatives, stats, zoneOf }: Entities): Reading[] {
  const snapshots = stats.map((row) => snapshotOf(row, zoneOf));
  const series = new Map<string, Snapshot[]>();
  for (const one of snapshots) {
    const key = JSON.stringify([one.creative, one.device]);
    series.set(key, [...(series.get(key) ?? []), one]);
  }
  const opening = [...series.values()].map(([first]) => ({
    day: first!.day,
    born: bornDay(creatives.get(first!.creative), first!.zone),
  }));
  const begun = opening.filter(({ day, born }) => born !== null && born <= day);
  const [firstDay] = (begun.length ? begun : opening).map(({ day }) => day).sort();
  return [...series.values()].flatMap((own) => {
    const first = own[0]!;
    const without = snapshots.findLast(({ creative, at }) => creative === first.creative && at < first.at);
    const born = bornDay(creatives.get(first.creative), first.zone);
    const isNew = without !== undefined || (born !== null && born >= firstDay!);
    const steps = walk(
      own.map(({ totals }) => totals),
      "impressions",
      isNew,
      {
        optional: ["conversion_value"],
        money: ["spend", "conversion_value"],
        units: own.map(({ currency }) => currency),
      },
    );
    return own.map((one, index): Reading => {
      const last = own[index - 1];
      const before = without && dayClosedBy(without.at, one.zone);
      const days = last ? Math.max(daysBetween(last.day, one.day), 0) : firstDays(one.day, before, born);
      return { ...one, ...steps[index]!, isFirst: index === 0, daysCovered: steps[index]!.delta && days };
    });
  });
}

/** Days that a first reading covers: from the last reading without it, else from its birth, and one at least. */
function firstDays(day: string, without: string | undefined, born: string | null): number {
  if (without !== undefined) return Math.max(daysBetween(without, day), 1);
  return born === null ? 0 : Math.max(daysBetween(born, day) + 1, 1);
}

const daysBetween = (from: string, till: string) => dayNumber(till) - dayNumber(from);

/** The day a creative was created on: that moment is in it, it closes none. */
function bornDay(creative: Entity | undefined, zone: string): string | null {
  return creative?.born == null ? null : dayClosedBy(creative.born + 1n, zone);
}

function snapshotOf(row: RawRow, zoneOf: (campaign: string) => string): Snapshot {
  const at = moment(row.measured_at!);
  const campaign = row.campaign_id ?? "(unknown)";
  const zone = zoneOf(campaign);
  return {
    creative: row.creative_id!,
    campaign,
    device: row.device!,
    currency: row.currency!,
    at,
    measuredAt: row.measured_at!,
    reportedAt: row.reported_at!,
    isRestated: row.first_reported_at !== row.reported_at && row.first_reported_at !== null,
    day: dayClosedBy(at, zone),
    zone,
    totals: Object.fromEntries(
      COUNTERS.map((counter) => [counter, row[counter] == null ? null : number(row[counter])]),
    ),
    ...place(row),
  };
}
