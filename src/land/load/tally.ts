import { counted } from "../../model/counted.ts";
import type { UnknownFields } from "../check/checker.ts";
import type { DriftEntry } from "../ledger/drift.ts";
import type { Rejection } from "../write/row-batch.ts";

/** Reasons that are told, of all there are. */
const MOST_REASONS = 10;

export interface ReasonCount {
  readonly reason: string;
  readonly count: number;
}

/** What one load has seen so far. */
export class Tally {
  pages = 0;
  /** All that came, what was skipped or rejected included. */
  records = 0;
  /** Records that landed before. */
  skipped = 0;
  /** Rows written. */
  rows = 0;
  rejected = 0;
  /** Records of JSON that gives a key twice. */
  duplicateKeys = 0;
  /** The days the source was asked for, ISO dates, both included. */
  days: { readonly start: string; readonly end: string } | undefined;
  /** The first record that was rejected, and why. */
  firstReject: string | undefined;
  /** Fields that the schema does not know, with how often. */
  readonly unknown: UnknownFields = new Map();
  /** Columns of the schema that the source lacks. */
  readonly missing: string[] = [];
  readonly warnings: string[] = [];
  readonly #reasons = new Map<string, number>();

  /** Records that were new. */
  get admitted(): number {
    return this.records - this.skipped;
  }

  reject({ position, reason }: Pick<Rejection, "position" | "reason">): void {
    this.rejected++;
    this.firstReject ??= `${position}: ${reason}`;
    this.note(reason);
  }

  /** Counts a reason without a reject. */
  note(reason: string): void {
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
  }

  addDays({ start, end }: { readonly start: string; readonly end: string }): void {
    this.days = { start: this.days?.start ?? start, end };
  }

  /** The most frequent reasons. */
  get reasons(): readonly ReasonCount[] {
    return mostFrequent([...this.#reasons].map(([reason, count]) => ({ reason, count })));
  }

  get allWarnings(): readonly string[] {
    if (!this.duplicateKeys) return this.warnings;
    return [
      ...this.warnings,
      `${counted(this.duplicateKeys, "record is", "records are")} of JSON that gives a key twice: the last value counts`,
    ];
  }

  get drift(): readonly DriftEntry[] {
    return [
      ...[...this.unknown].map(([field, records]) => ({ kind: "unknown" as const, field, records })),
      ...this.missing.map((field) => ({ kind: "missing" as const, field, records: null })),
    ];
  }
}

/** The counts of equal reasons added up, the most frequent first. */
export function mostFrequent(counts: readonly ReasonCount[]): readonly ReasonCount[] {
  const sums = new Map<string, number>();
  for (const { reason, count } of counts) sums.set(reason, (sums.get(reason) ?? 0) + count);
  return [...sums]
    .map(([reason, count]) => ({ reason, count }))
    .sort((a, b) => b.count - a.count)
    .slice(0, MOST_REASONS);
}
