import type { ScheduledStep, StepScope } from "../../model/schedule.ts";
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
  const scope = scopeOf(step);
  return { command, arguments: [...flags, ...(words.length ? ["--", ...words] : [])], ...(scope ? { scope } : {}) };
}

function scopeOf({ ingest, freshness, run, export: exported }: WrittenStep): StepScope | undefined {
  const landed = ingest ?? freshness;
  if (landed) return { sources: landed.sources ?? null };
  if (exported) return /\s/.test(exported.source) ? undefined : { actions: { actions: [exported.source] } };
  if (!run) return undefined;
  const { select, exclude, actions, tags, includeDeps, includeDependents } = run;
  const said = { select, exclude, actions, tags, includeDependencies: includeDeps, includeDependents };
  return { actions: Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)) };
}

const WORDS: ReadonlySet<string> = new Set(["select", "exclude"]);

function flagOf(key: string, value: unknown): string[] {
  const flag = `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  if (value === false) return [];
  if (value === true) return [flag];
  // As one word, so that a value that begins with - is its. Commas mean something in words of a selection.
  const between = WORDS.has(key) ? " " : ",";
  return [`${flag}=${Array.isArray(value) ? value.join(between) : String(value)}`];
}
