// The rules of docs/history.md for a log: changes, each with its own time.

import type { Moment } from "./exact.ts";

export interface Change {
  readonly at: Moment;
  readonly isDeleted: boolean;
  /** The tracked columns, as text: equal texts are equal values. */
  readonly says: Readonly<Record<string, string | null>>;
  readonly load: string;
  readonly row: string;
}

export interface Version {
  readonly from: Moment;
  readonly till: Moment | null;
  readonly endedBy: "change" | "delete" | null;
  readonly change: Change;
}

/** Later load, in a load later row. */
export function byLoad(a: { load: string; row: string }, b: { load: string; row: string }): number {
  return Number(BigInt(a.load) - BigInt(b.load)) || Number(BigInt(a.row) - BigInt(b.row));
}

/** The versions of one key: of the changes of one moment the last loaded counts. */
export function versionsOf(changes: readonly Change[]): Version[] {
  const versions: Version[] = [];
  for (const change of lastOfEachMoment(changes)) {
    const open = versions.at(-1)?.till === null ? versions.at(-1)! : undefined;
    if (change.isDeleted ? !open : open && isEqual(open.change, change)) continue;
    if (open) versions.push({ ...versions.pop()!, till: change.at, endedBy: change.isDeleted ? "delete" : "change" });
    if (!change.isDeleted) versions.push({ from: change.at, till: null, endedBy: null, change });
  }
  return versions;
}

export function lastOfEachMoment(changes: readonly Change[]): Change[] {
  const sorted = [...changes].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : byLoad(a, b)));
  return sorted.filter(({ at }, index) => sorted[index + 1]?.at !== at);
}

export function differing(one: Change, other: Change): string[] {
  return Object.keys(one.says).filter((column) => one.says[column] !== other.says[column]);
}

const isEqual = (one: Change, other: Change) => differing(one, other).length === 0;
