/** What is wrong with a line, as an error tells it. */
export interface CronMistake {
  readonly message: string;
  readonly expected: string;
  readonly found: string;
  readonly hint?: string;
}

interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly names?: readonly string[];
  /** What stands for itself: the last day, the nearest working day, the last or nth of a weekday. */
  readonly special?: RegExp;
}

const DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

/** In their order; a line of 5 has no seconds. */
export const FIELDS: readonly Field[] = [
  { name: "second", least: 0, most: 59 },
  { name: "minute", least: 0, most: 59 },
  { name: "hour", least: 0, most: 23 },
  { name: "day of month", least: 1, most: 31, special: /^(?:L|LW|(?:[1-9]|[12]\d|3[01])W)$/ },
  { name: "month", least: 1, most: 12, names: MONTHS },
  { name: "day of week", least: 0, most: 7, names: DAYS, special: /^(?:[0-7]|[A-Z]{3})(?:L|#[1-5])$/ },
];

/**
 * A field as croner takes it: `*` and steps of it stay, for they make an interval line; whatever else is a list of numbers. A range
 * that wraps (22-2, FRI-MON) goes on at the beginning.
 */
export function fieldOf(text: string, index: number): { readonly written: string } | { readonly mistake: CronMistake } {
  const field = FIELDS[index]!;
  const items: string[] = [];
  for (const item of text.toUpperCase().split(",")) {
    const read = itemOf(item, field);
    if (typeof read !== "string") return { mistake: { ...read, message: `${field.name}: ${read.message}` } };
    items.push(read);
  }
  return { written: items.join(",") };
}

function itemOf(item: string, field: Field): string | CronMistake {
  if (item === "*" || (item === "?" && field.special)) return "*";
  if (field.special?.test(item)) return specialOf(item, field);
  const [, from, to, step] = /^(\*|[^-/]+)(?:-([^-/]+))?(?:\/([^/]+))?$/.exec(item) ?? [];
  if (from === undefined) return noItem(item, field);
  const every = step === undefined ? 1 : wholeOf(step);
  if (every === undefined || every < 1 || every > field.most)
    return { message: "a step is a whole number", expected: `from 1 to ${field.most}`, found: item };
  if (from === "*") return to === undefined ? `*/${every}` : noItem(item, field);
  const first = numberOf(from, field);
  const last = to === undefined ? first : numberOf(to, field);
  if (first === undefined || last === undefined) return noItem(item, field);
  if (to === undefined && step !== undefined)
    return {
      message: "a step needs a range",
      expected: `*/${step}, or ${from}-${field.most}/${step}`,
      found: item,
      hint: `write ${from}-${field.most}/${step} for every ${step} from ${from} on`,
    };
  return rangeOf(first, last, every, field).join(",");
}

/** Numbers from one to another, round by the beginning where the other is lower. */
function rangeOf(first: number, last: number, every: number, { least, most, names }: Field): number[] {
  // Sunday is 0 and 7.
  const size = names === DAYS ? 7 : most - least + 1;
  const end = last < first ? last + size : last;
  const numbers: number[] = [];
  for (let one = first; one <= end; one += every) numbers.push(least + ((one - least) % size));
  return [...new Set(numbers)].sort((a, b) => a - b);
}

function specialOf(item: string, field: Field): string | CronMistake {
  const [, day] = /^([A-Z]{3})[L#]/.exec(item) ?? [];
  if (field.names !== DAYS) return item;
  if (day !== undefined && !DAYS.includes(day)) return noItem(item, field);
  const number = day === undefined ? Number(item[0]) % 7 : DAYS.indexOf(day);
  return item.endsWith("L") ? `${number}#L` : `${number}#${item.at(-1)}`;
}

function numberOf(text: string, { least, most, names }: Field): number | undefined {
  const at = names?.indexOf(text) ?? -1;
  if (at >= 0) return at + (names === MONTHS ? 1 : 0);
  const number = wholeOf(text);
  return number !== undefined && number >= least && number <= most ? number : undefined;
}

function wholeOf(text: string): number | undefined {
  return /^\d{1,4}$/.test(text) ? Number(text) : undefined;
}

function noItem(item: string, { name, least, most, names, special }: Field): CronMistake {
  const words = names ? `, or ${names[0]} to ${names.at(-1)}` : "";
  const more = special ? (name === "day of month" ? "; L, LW, 15W" : "; 5L, 5#3") : "";
  return {
    message: `${item === "" ? "an item is empty" : `${item} is none`}`,
    expected: `*, */5, or numbers from ${least} to ${most}${words}, with ranges and lists of them${more}`,
    found: item,
  };
}
