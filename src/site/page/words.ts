import { separated } from "../../charts/shown.ts";
import type { SiteKind, SiteState } from "../../model/site.ts";

export const KINDS: Readonly<Record<SiteKind, { readonly one: string; readonly what: string }>> = {
  source: { one: "source", what: "Filled by a load, or by somebody else" },
  view: { one: "view", what: "Computed when it is read" },
  table: { one: "table", what: "Rebuilt by each run that changes it" },
  incremental: { one: "incremental", what: "Each run adds what is new" },
  operations: { one: "operations", what: "Statements that a run executes in their place" },
  dashboard: { one: "dashboard", what: "Answers that people look at" },
  api: { one: "API", what: "Addresses that programs ask" },
  foreign: { one: "others’ view", what: "Not of this project: it reads what the project publishes" },
};

export const STATES: Readonly<
  Record<SiteState, { readonly word: string; readonly tone: Tone; readonly what: string }>
> = {
  published: { word: "published", tone: "good", what: "Readers have what the code says" },
  changed: { word: "code changed", tone: "notice", what: "The next run builds it anew; readers have the earlier one" },
  unpublished: { word: "not published", tone: "notice", what: "No run has published it yet" },
  removed: { word: "removed", tone: "notice", what: "Published, and no longer in the project" },
  held: { word: "held", tone: "bad", what: "An assertion failed: readers keep what was there before" },
  failed: { word: "failed", tone: "bad", what: "The last run could not build it: readers keep what was there before" },
  skipped: { word: "skipped", tone: "notice", what: "The last run passed it over: something it needs was not there" },
  none: { word: "", tone: "plain", what: "" },
};

export type Tone = "good" | "notice" | "bad" | "plain";

/** "1 table", "12 tables". */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${separated(String(count))} ${count === 1 ? one : many}`;
}

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** "1.4 MB"; units of 1,000. */
export function bytes(size: number): string {
  const power = size < 1000 ? 0 : Math.min(Math.floor(Math.log10(size) / 3), UNITS.length - 1);
  const value = size / 1000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)}\u202f${UNITS[power]}`;
}

/** "0.4 s", "12 s", "3 min 20 s", "2 h 5 min", from seconds. */
export function seconds(value: number): string {
  if (value < 0.0995) return `${Math.round(value * 1000)}\u202fms`;
  if (value < 9.95) return `${value.toFixed(1)}\u202fs`;
  const whole = Math.round(value);
  if (whole < 60) return `${whole}\u202fs`;
  if (whole < 3600) return `${Math.floor(whole / 60)}\u202fmin ${whole % 60}\u202fs`;
  const hours = Math.floor(whole / 3600);
  if (hours >= 240) return `${Math.floor(hours / 24)}\u202fd${hours % 24 ? ` ${hours % 24}\u202fh` : ""}`;
  const minutes = Math.floor((whole % 3600) / 60);
  return `${hours}\u202fh${minutes ? ` ${minutes}\u202fmin` : ""}`;
}

/** "2026-11-29 09:20 UTC", of what PostgreSQL or JavaScript wrote; what is no time stays as it is. */
export function minute(text: string): string {
  const at = new Date(text.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00"));
  return Number.isNaN(at.getTime()) ? text : `${at.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

const clocks = new Map<string, Intl.DateTimeFormat>();

/** The zone of whoever reads, as "Europe/Berlin". */
export const ownZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** "2026-11-29 10:20", as clocks of a zone show a moment, of whoever reads it where none is named. A zone that this browser does not know: in UTC. */
export function clockOf(text: string, zone = ownZone()): string {
  try {
    const known = clocks.get(zone) ?? clockOfZone(zone);
    clocks.set(zone, known);
    return known.format(new Date(text)).replace(",", "");
  } catch {
    return minute(text);
  }
}

function clockOfZone(timeZone: string): Intl.DateTimeFormat {
  const digits = "2-digit" as const;
  return new Intl.DateTimeFormat("en-CA", {
    ...{ timeZone, hourCycle: "h23", year: "numeric" },
    ...{ month: digits, day: digits, hour: digits, minute: digits },
  });
}

/** "10:20:07", as the clock of whoever reads shows a moment. */
export function secondOf(text: string): string {
  return new Date(text).toLocaleTimeString("en-GB");
}

/** Whether a line that should have begun so many seconds ago has nobody who begins it; alerts of `dataform bi prometheus` begin there, too. */
export const isLate = (lag: number): boolean => lag > 300;
