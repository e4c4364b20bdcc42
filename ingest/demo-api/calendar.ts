/** Day 0 of the demonstration. */
const FIRST_DAY = "2026-01-01";
export const DAYS = 90;

const DAY_MS = 86_400_000;
const start = Date.parse(`${FIRST_DAY}T00:00:00Z`);

/** The time of day on day `day` (0 is the first; negative days lie before), as ISO text in UTC. */
export function at(day: number, time = "00:00:00"): string {
  return `${date(day)}T${time}Z`;
}

const dates = new Map<number, string>();

/** The date of day `day`. */
export function date(day: number): string {
  let text = dates.get(day);
  if (text === undefined) {
    text = new Date(start + day * DAY_MS).toISOString().slice(0, 10);
    dates.set(day, text);
  }
  return text;
}

/** The day an ISO timestamp falls on. */
export function dayOf(timestamp: string): number {
  return Math.floor((Date.parse(timestamp) - start) / DAY_MS);
}
