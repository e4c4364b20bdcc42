import type { ScheduledStep } from "../../model/schedule.ts";
import type { WrittenStep } from "../../schemas/schedules.ts";

/** Keys that stand on the command line without a flag, in their order. */
const WITHOUT_FLAG: Readonly<Record<string, readonly string[]>> = {
  ingest: ["sources"],
  freshness: ["sources"],
  run: [],
  export: ["source", "path"],
  notify: [],
};

/** A step as a command line: what stands under its name are flags, but for what a command takes without one. */
export function stepOf(step: WrittenStep): ScheduledStep {
  const [command, given] = Object.entries(step)[0]!;
  const plain = WITHOUT_FLAG[command]!;
  const values = new Map(Object.entries(given));
  const flags = [...values].flatMap(([key, value]) => (plain.includes(key) ? [] : flagOf(key, value)));
  const words = plain.flatMap((key) => values.get(key) ?? []).map(String);
  // What begins with - is no flag behind it.
  return { command, arguments: [...flags, ...(words.length ? ["--", ...words] : [])] };
}

function flagOf(key: string, value: unknown): string[] {
  const flag = `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  if (value === false) return [];
  if (value === true) return [flag];
  // As one word, so that a value that begins with - is its.
  return [`${flag}=${Array.isArray(value) ? value.join(",") : String(value)}`];
}
