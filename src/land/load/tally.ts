import { counted } from "../../model/counted.ts";
import type { DriftEntry } from "../ledger/drift.ts";
import type { Rejection } from "../write/row-batch.ts";
import { Findings, mostFrequent } from "./findings.ts";

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
  readonly seen = new Findings();
  readonly warnings: string[] = [];

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
    this.seen.reasons.add(reason);
  }

  addDays({ start, end }: { readonly start: string; readonly end: string }): void {
    this.days = { start: this.days?.start ?? start, end };
  }

  get allWarnings(): readonly string[] {
    if (!this.duplicateKeys) return this.warnings;
    return [
      ...this.warnings,
      `${counted(this.duplicateKeys, "record is", "records are")} of JSON that gives a key twice: the last value counts`,
    ];
  }

  get drift(): readonly DriftEntry[] {
    const { unknown, missing } = this.seen;
    return [
      ...mostFrequent(unknown).map(([field, records]) => ({ kind: "unknown" as const, field, records })),
      ...[...missing.keys()].map((field) => ({ kind: "missing" as const, field, records: null })),
    ];
  }
}
