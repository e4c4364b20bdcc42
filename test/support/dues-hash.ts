import { createHash } from "node:crypto";
import { type CronLine, duesBetween } from "../../src/schedule/cron/dues.ts";
import { readCron } from "../../src/schedule/cron/line.ts";

/** A line, in its zone, and between which moments its dues are asked for: seconds since 1970. */
export interface AskedDues {
  readonly text: string;
  readonly zone: string;
  readonly windows: readonly (readonly [from: number, until: number])[];
}

/** How many there are, and a hash of all of them. */
export type DuesHash = readonly [count: number, hash: string];

export function lineOf(text: string, zone = "UTC"): CronLine {
  const read = readCron(text, zone);
  if (!("pattern" in read)) throw new Error(`${text}: ${read.message}`);
  return read;
}

export function hashOfDues({ text, zone, windows }: AskedDues): DuesHash {
  const hash = createHash("sha256");
  const line = lineOf(text, zone);
  let count = 0;
  for (const [from, until] of windows)
    for (const due of duesBetween(line, new Date(from * 1000), new Date(until * 1000), 1_000_000)) {
      count++;
      hash.update(`${due.getTime() / 1000}\n`);
    }
  return [count, hash.digest("hex").slice(0, 12)];
}
