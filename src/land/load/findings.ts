import type { FieldsSeen } from "../../model/load-report.ts";
import type { UnknownFields } from "../check/checker.ts";
import { MOST_FIELDS } from "../ledger/fields.ts";
import { ReasonCounts } from "../ledger/reason-counts.ts";

/** What one load, or several, met that a person should know. */
export class Findings {
  readonly reasons = new ReasonCounts();
  /** Fields that the schema does not know, with how often. */
  readonly unknown: UnknownFields = new Map();
  /** Fields of the schema that did not come, with in how many loads. */
  readonly missing = new Map<string, number>();

  /** @param fields those that the source of one load lacks */
  miss(fields: readonly string[]): void {
    addTo(this.missing, new Map(fields.map((field) => [field, 1])));
  }

  add({ reasons, unknown, missing }: Findings): void {
    this.reasons.addAll(reasons);
    addTo(this.unknown, unknown);
    addTo(this.missing, missing);
  }

  get fields(): FieldsSeen {
    const [unknown, moreUnknown] = told(this.unknown);
    const [missing, moreMissing] = told(this.missing);
    return {
      unknownFields: unknown.map(([field, records]) => ({ field, records })),
      moreUnknownFields: moreUnknown,
      missingFields: missing.map(([field, loads]) => ({ field, loads })),
      moreMissingFields: moreMissing,
    };
  }
}

function addTo(counts: Map<string, number>, more: ReadonlyMap<string, number>): void {
  for (const [name, count] of more) counts.set(name, (counts.get(name) ?? 0) + count);
}

/** The most frequent first. */
export function mostFrequent(counts: ReadonlyMap<string, number>): readonly (readonly [string, number])[] {
  return [...counts].sort((a, b) => b[1] - a[1]);
}

function told(
  counts: ReadonlyMap<string, number>,
): readonly [told: readonly (readonly [string, number])[], more: number] {
  const sorted = mostFrequent(counts);
  return [sorted.slice(0, MOST_FIELDS), Math.max(sorted.length - MOST_FIELDS, 0)];
}
