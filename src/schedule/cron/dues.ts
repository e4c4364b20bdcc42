import type { CronLine } from "./line.ts";

/** The first due after a moment; undefined where there is none. */
export function nextDue({ cron }: CronLine, after: Date): Date | undefined {
  return cron.nextRun(after) ?? undefined;
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
