import { Cron } from "croner";
import { spansFrom } from "./clocks.ts";

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
  const due = line.kind === "fixed" ? nextFixed(line, after.getTime()) : nextByRealTime(line, after.getTime());
  return due === undefined ? undefined : new Date(due);
}

/** The moment at which clocks show the next time of the line first; the first after a gap that has it. */
function nextFixed(line: CronLine, after: number): number | undefined {
  let time: number | undefined;
  for (const { from, until, ahead, before } of spansFrom(line.zone, after)) {
    // What clocks that were put back show again is done.
    time ??= nextTime(line, Math.max(after + ahead, from + before - 1));
    if (time === undefined) return undefined;
    if (time < until + ahead) return Math.max(from, time - ahead);
  }
  return undefined;
}

/** The next moment at which clocks show a time of the line. */
function nextByRealTime(line: CronLine, after: number): number | undefined {
  for (const { from, until, ahead } of spansFrom(line.zone, after)) {
    const time = nextTime(line, Math.max(after, from - 1) + ahead);
    if (time === undefined) return undefined;
    if (time < until + ahead) return time - ahead;
  }
  return undefined;
}

/**
 * What computed last. One has 80 KB, of which the most is a place for each of 10,000 years: a thousand lines that kept theirs would
 * have 80 MB. Dues of a line are asked for one after the other; to make another takes 60 µs.
 */
let last: { readonly line: CronLine; readonly cron: Cron } | undefined;

/** The next time of the line that clocks show after one: the calendar alone, without a zone. */
function nextTime(line: CronLine, after: number): number | undefined {
  if (last?.line !== line)
    last = { line, cron: new Cron(line.pattern, { utcOffset: 0, mode: "6-part", domAndDow: line.isOfBoth }) };
  return last.cron.nextRun(new Date(after))?.getTime();
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

/** Before every moment that a line is asked about: what is told of it does not hang on today. */
export const BEGINNING = new Date("2000-01-01T00:00:00Z");

/** The shortest time between two dues, in milliseconds, where no clocks are put forward or back. */
export function shortestGap(line: CronLine): number {
  const dues = duesBetween({ ...line, zone: "UTC" }, BEGINNING, new Date(8e15), 50);
  return Math.min(...dues.slice(1).map((due, index) => due.getTime() - dues[index]!.getTime()));
}
