import type { Place, Standing } from "../../config/place.ts";
import { milliseconds } from "../../model/duration.ts";
import { UserError } from "../../model/errors.ts";
import { nearest } from "../../model/nearest.ts";
import type { WrittenLine } from "../../schemas/schedules.ts";
import { type CronLine, shortestGap } from "../cron/dues.ts";
import { isZone, readCron } from "../cron/line.ts";

interface Zone {
  readonly name: string;
  /** Where it is said. */
  readonly at: Standing;
}

/** What is wrong with when a line is due, that its schema does not say. */
export function mistakesInTimes(name: string, line: WrittenLine, zone: Zone, at: Place): UserError[] {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/.test(name)) return [noName(name, at)];
  const known = isZone(zone.name);
  return [
    ...(known ? [] : [noZone(zone)]),
    ...mistakesInCron(line, known ? zone.name : "UTC", at),
    ...mistakesInDurations(line, at),
    ...(line.blackout ?? []).flatMap(({ from, until }, index) =>
      mistakesInBlackout(from, until, at.in("blackout", index)),
    ),
  ];
}

/** They say what becomes of moments, which only a cron has. */
const OF_CRON = ["catchUp", "catchUpWithin", "jitter"] as const;

function mistakesInCron({ cron, on, ...line }: WrittenLine, zone: string, at: Place): UserError[] {
  if ((cron === undefined) === (on === undefined))
    return [
      new UserError({
        message: cron === undefined ? "nothing says when this line is due" : "two things say when this line is due",
        ...at.value(),
        expected: "cron, or on",
        found: cron === undefined ? "neither" : "both",
      }),
    ];
  if (cron === undefined) return OF_CRON.filter((key) => line[key] !== undefined).map((key) => ofCron(key, at));
  const read = readCron(cron, zone);
  if (!("pattern" in read)) return [new UserError({ ...read, ...at.value("cron") })];
  return mistakesInJitter(line, read, at);
}

function ofCron(key: (typeof OF_CRON)[number], at: Place): UserError {
  return new UserError({ message: `${key} is of lines with a cron`, ...at.key(key), hint: "leave it out" });
}

function mistakesInJitter({ jitter }: Pick<WrittenLine, "jitter">, line: CronLine, at: Place): UserError[] {
  const most = jitter === undefined ? undefined : milliseconds(jitter);
  if (most === undefined || most < shortestGap(line)) return [];
  return [
    new UserError({
      message: "the jitter is longer than the time between two dues",
      ...at.value("jitter"),
      expected: `less than ${shortestGap(line) / 1000}s`,
      found: jitter!,
    }),
  ];
}

/** Milliseconds that a key may hold. */
const BOUNDS: readonly (readonly [
  key: keyof WrittenLine & ("timeout" | "retryDelay" | "catchUpWithin" | "jitter"),
  least: string,
  most: string,
])[] = [
  ["timeout", "1s", "7d"],
  ["retryDelay", "0s", "1h"],
  ["catchUpWithin", "1s", "366d"],
  ["jitter", "1s", "1d"],
];

function mistakesInDurations(line: WrittenLine, at: Place): UserError[] {
  const errors = BOUNDS.flatMap(([key, least, most]) => {
    const found = line[key];
    const time = found === undefined ? undefined : milliseconds(found);
    if (time === undefined || (time >= milliseconds(least)! && time <= milliseconds(most)!)) return [];
    return [
      new UserError({
        message: `${key} is out of bounds`,
        ...at.value(key),
        expected: `from ${least} to ${most}`,
        found: found!,
      }),
    ];
  });
  const every = line.on?.every;
  if (every !== undefined && line.on?.file === undefined)
    errors.push(
      new UserError({
        message: "every is of a file that is looked for",
        ...at.key("on", "every"),
        hint: "leave it out",
      }),
    );
  else if (every !== undefined && !(milliseconds(every)! >= 1_000))
    errors.push(
      new UserError({
        message: "files are not looked for so often",
        ...at.value("on", "every"),
        expected: "1s or more",
        found: every,
      }),
    );
  return errors;
}

function mistakesInBlackout(from: string, until: string, at: Place): UserError[] {
  const wrong = [["from", from] as const, ["until", until] as const].flatMap(([key, text]) => {
    const day = new Date(`${text.slice(0, 10)}T00:00:00Z`);
    const [hour = 0, minute = 0] = text.slice(11).split(":").map(Number);
    if (!Number.isNaN(day.getTime()) && day.toISOString().startsWith(text.slice(0, 10)) && hour < 24 && minute < 60)
      return [];
    return [
      new UserError({
        message: "there is no such moment",
        ...at.value(key),
        expected: "2026-12-24, or 2026-12-24 18:00",
        found: text,
      }),
    ];
  });
  if (wrong.length || from.replace("T", " ").padEnd(16, " 00:00") < until.replace("T", " ").padEnd(16, " 00:00"))
    return wrong;
  return [
    new UserError({
      message: "this time ends before it begins",
      ...at.value("until"),
      expected: `later than ${from}`,
      found: until,
    }),
  ];
}

function noZone({ name, at }: Zone): UserError {
  const close = nearest(name, Intl.supportedValuesOf("timeZone"));
  return new UserError({
    message: `there is no time zone ${name}`,
    ...at,
    expected: "a name of the tz database: Europe/Berlin, America/New_York; or UTC",
    found: name,
    ...(close === undefined ? {} : { hint: `did you mean ${close}?` }),
  });
}

function noName(name: string, at: Place): UserError {
  return new UserError({
    message: "this is no name of a line",
    ...at.key(),
    expected: "up to 63 letters, digits, _ and -",
    found: name,
  });
}
