import { Cron } from "croner";

/**
 * How a line goes through a change of the clocks. `interval`: by real time, since its minute or hour begins with `*`. `fixed`:
 * once for each local time; one that does not exist that day is at the first instant after the gap, of one that exists twice it
 * is the first.
 */
type LineKind = "interval" | "fixed";

/** A cron line in its zone. */
export interface CronLine {
  /** As a person wrote it. */
  readonly text: string;
  readonly zone: string;
  readonly kind: LineKind;
  /** Of 6 fields, each as numbers: lines that are due at the same times have the same. */
  readonly pattern: string;
  /** Whether a day must be one of both fields, of month and of week. */
  readonly isOfBoth: boolean;
}

/** The first due after a moment; undefined where there is none. */
export function nextDue(line: CronLine, after: Date): Date | undefined {
  return computing(line).nextRun(after) ?? undefined;
}

/**
 * What computed last. One has 80 KB, of which the most is a place for each of 10,000 years: a thousand lines that kept theirs would
 * have 80 MB. Dues of a line are asked for one after the other; to make another takes 60 µs.
 */
let last: { readonly line: CronLine; readonly cron: Cron } | undefined;

function computing(line: CronLine): Cron {
  if (last?.line === line) return last.cron;
  const { zone, kind, pattern, isOfBoth } = line;
  const cron = new Cron(pattern, {
    timezone: zone,
    mode: "6-part",
    fixedTimeRule: kind === "fixed" ? "no-wildcard" : "single-value",
    domAndDow: isOfBoth,
  });
  last = { line, cron };
  return cron;
}

/** Those after a moment and not after another one, in their order: at most so many of them. */
export function duesBetween(line: CronLine, after: Date, until: Date, most: number): Date[] {
  const dues: Date[] = [];
  for (let due = nextDue(line, after); due && due <= until && dues.length < most; due = nextDue(line, due))
    dues.push(due);
  return dues;
}

const HOUR = 3_600_000;
/** The longest that a line is looked back for: 29 February comes once in eight years at the rarest. */
const LONGEST = 9 * 366 * 24 * HOUR;

/** The last of those dues, however many there are. */
export function lastDue(line: CronLine, after: Date, until: Date): Date | undefined {
  for (let back = HOUR; ; back *= 8) {
    const from = new Date(Math.max(after.getTime(), until.getTime() - back));
    const found = duesBetween(line, from, until, Number.POSITIVE_INFINITY).at(-1);
    if (found || from <= after || back > LONGEST) return found;
  }
}

/** The shortest time between two of the next dues, in milliseconds. */
export function shortestGap(line: CronLine, after: Date): number {
  const dues: Date[] = [];
  for (let due = nextDue(line, after); due && dues.length < 50; due = nextDue(line, due)) dues.push(due);
  return Math.min(...dues.slice(1).map((due, index) => due.getTime() - dues[index]!.getTime()));
}
