import { BEGINNING, type CronLine, nextDue } from "./dues.ts";
import { type CronMistake, FIELDS, fieldOf } from "./fields.ts";

const MACROS: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

/** Reads a cron line of 5 or 6 fields, or a macro, as it is meant in the time zone. */
export function readCron(text: string, zone: string): CronLine | CronMistake {
  const written = text.trim();
  const fields = (MACROS[written.toLowerCase()] ?? written).split(/\s+/);
  if (written.startsWith("@") && fields.length === 1) return unknownMacro(written);
  if (fields.length !== 5 && fields.length !== 6) return otherCount(written, fields.length);
  const all = fields.length === 5 ? ["0", ...fields] : fields;
  const read: string[] = [];
  for (const [index, field] of all.entries()) {
    const one = fieldOf(field, index);
    if ("mistake" in one) return one.mistake;
    read.push(one.written);
  }
  return lineOf({ text: written, zone, fields: read, written: all });
}

interface Read {
  readonly text: string;
  readonly zone: string;
  readonly fields: readonly string[];
  readonly written: readonly string[];
}

function lineOf({ text, zone, fields, written }: Read): CronLine | CronMistake {
  const kind = [written[1]!, written[2]!].some((field) => field.startsWith("*")) ? "interval" : "fixed";
  // As Debian's cron: a day is one of both where both are restricted, and each of them where one begins with *.
  const isOfBoth = [written[3]!, written[5]!].some((field) => /^[*?]/.test(field));
  const line = { text, zone, kind, pattern: fields.join(" "), isOfBoth } as const;
  return nextDue(line, BEGINNING) ? line : never(text);
}

/** Whether the server of Intl knows it; names as `Europe/Berlin`, and UTC. */
export function isZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function unknownMacro(found: string): CronMistake {
  return { message: `there is no ${found}`, expected: Object.keys(MACROS).join(", "), found };
}

function otherCount(found: string, count: number): CronMistake {
  return {
    message: `a cron line has 5 fields, or 6 with seconds in front; this one has ${count}`,
    expected: FIELDS.slice(1)
      .map(({ name }) => name)
      .join(", "),
    found,
    ...(count === 7 ? { hint: "a year cannot be said: leave the seventh field out" } : {}),
  };
}

function never(found: string): CronMistake {
  return {
    message: "this line is never due",
    expected: "a day that some month has",
    found,
    hint: "30 February and 31 of a month of 30 days do not come; L is the last day of each month",
  };
}
