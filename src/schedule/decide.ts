import { createHash } from "node:crypto";
import type { ScheduleLine, SkipReason } from "../model/schedule.ts";
import { type CronLine, nextDue } from "./cron/dues.ts";
import { readCron } from "./cron/line.ts";
import { localTime } from "./cron/local-time.ts";

/** A line, and what is recorded of it. */
export interface LineState {
  readonly line: ScheduleLine;
  readonly nextDue: Date | null;
  /** Nothing due until then is decided again. */
  readonly decidedUntil: Date;
  readonly isPaused: boolean;
  /** Dues that go on, or wait to. */
  readonly open: { readonly running: number; readonly queued: number; readonly catchingUp: number };
}

interface Claim {
  readonly due: Date;
  readonly cause: "clock" | "catch-up";
}

/** Dues that do not run, one after the other and for one reason. */
interface Skip {
  readonly due: Date;
  readonly lastDue: Date;
  readonly dues: number;
  readonly reason: SkipReason;
}

/** What is to be recorded, in one transaction. */
export interface Decision extends Upcoming {
  readonly claims: readonly Claim[];
  readonly skips: readonly Skip[];
}

/** When a line is due next, and until when it is decided. */
export interface Upcoming {
  readonly nextDue: Date | null;
  /** That, and its jitter. */
  readonly startAt: Date | null;
  readonly decidedUntil: Date;
}

/** A due that is looked at so late, in milliseconds, is one that nobody was there for. */
const LATE = 60_000;
/** Dues that are decided at once; those behind them are by the next decision. */
const MOST = 1_000;

/**
 * What becomes of the dues of a line until now: each is claimed or skipped, in their order, and none twice. Pure.
 * @param now of the database's clock
 */
export function decide({ line, nextDue: first, decidedUntil, isPaused, open }: LineState, now: Date): Decision {
  const cron = line.enabled ? cronOf(line) : undefined;
  const dues: Date[] = [];
  let next: Date | null = first && first > decidedUntil ? first : ((cron && nextDue(cron, decidedUntil)) ?? null);
  while (cron && next && startOf(line, next) <= now && dues.length < MOST) {
    dues.push(next);
    next = nextDue(cron, next) ?? null;
  }
  const isAll = !next || startOf(line, next) > now;
  const claims: Claim[] = [];
  const skips: Skip[] = [];
  for (const due of dues) {
    const isLast = isAll && due === dues.at(-1);
    const verdict = isPaused ? "paused" : verdictOf({ line, due, isLast, now, open, claims });
    if (typeof verdict === "object") claims.push(verdict);
    else addSkip(skips, due, verdict, claims.at(-1)?.due);
  }
  return { claims, skips, ...upcoming(line, next, dues.at(-1) ?? decidedUntil) };
}

interface Question extends Pick<LineState, "line" | "open"> {
  readonly due: Date;
  /** Whether no later one is due by now. */
  readonly isLast: boolean;
  readonly now: Date;
  /** Of those before it. */
  readonly claims: readonly Claim[];
}

function verdictOf({ line, due, isLast, now, open, claims }: Question): Claim | SkipReason {
  const isOnTime = isLast && now.getTime() - startOf(line, due).getTime() <= LATE;
  if (isInBlackout(line, due)) return "blackout";
  if (isOnTime && line.catchUp === "all" && open.catchingUp + claims.length > 0) return { due, cause: "catch-up" };
  if (!isOnTime) {
    if (line.catchUp === "skip" || (line.catchUp === "once" && !isLast)) return "missed";
    if (now.getTime() - due.getTime() > line.catchUpWithin) return "too old";
    if (line.catchUp === "all") return { due, cause: "catch-up" };
  }
  if (overlaps(line, open)) return "overlap";
  return { due, cause: isOnTime ? "clock" : "catch-up" };
}

/** Whether one more has no place beside those that go on. */
export function overlaps({ overlap }: ScheduleLine, { running, queued }: LineState["open"]): boolean {
  return overlap === "skip" ? running + queued > 0 : queued > 0;
}

/** Those that follow each other are one; what runs between two of them parts them. */
function addSkip(skips: Skip[], due: Date, reason: SkipReason, lastClaim: Date | undefined): void {
  const last = skips.at(-1);
  const goesOn = last && last.reason === reason && !(lastClaim && lastClaim > last.due);
  if (goesOn) skips[skips.length - 1] = { ...last, lastDue: due, dues: last.dues + 1 };
  else skips.push({ due, lastDue: due, dues: 1, reason });
}

function upcoming(line: ScheduleLine, next: Date | null, decidedUntil: Date): Upcoming {
  return { nextDue: next, startAt: next && startOf(line, next), decidedUntil };
}

/**
 * When a line is due first after it was declared, or declared otherwise: never before now, and never before what is decided.
 * @param before what is recorded of it; undefined for a new one
 * @param foreseen what is known already
 */
export function firstDue(
  line: ScheduleLine,
  before: { readonly decidedUntil: Date } | undefined,
  now: Date,
  foreseen?: Foreseen,
): Upcoming {
  const from = before && before.decidedUntil > now ? before.decidedUntil : now;
  const isForeseen = foreseen && foreseen.after <= from && from < foreseen.due;
  return upcoming(line, isForeseen ? foreseen.due : nextOf(line, from), from);
}

/** That a line is due at `due`, and at no moment before it that is later than `after`. */
export interface Foreseen {
  readonly after: Date;
  readonly due: Date;
}

/** When each line is due first after a moment, by name; without those that are not due. */
export function foresee(lines: readonly ScheduleLine[], after: Date): ReadonlyMap<string, Foreseen> {
  return new Map(
    lines.flatMap((line) => {
      const due = nextOf(line, after);
      return due ? [[line.name, { after, due }] as const] : [];
    }),
  );
}

function nextOf(line: ScheduleLine, after: Date): Date | null {
  const cron = line.enabled ? cronOf(line) : undefined;
  return (cron && nextDue(cron, after)) ?? null;
}

/** When a due begins: later by a part of the jitter that hangs on line and due, and on no chance. */
export function startOf({ name, jitter }: Pick<ScheduleLine, "name" | "jitter">, due: Date): Date {
  if (jitter === 0) return due;
  const hash = createHash("sha256").update(`${name} ${due.toISOString()}`).digest();
  return new Date(due.getTime() + (hash.readUInt32BE(0) % jitter));
}

export function isInBlackout({ blackout, zone }: ScheduleLine, due: Date): boolean {
  if (!blackout.length) return false;
  const local = localTime(due, zone);
  return blackout.some(({ from, until }) => from <= local && local < until);
}

const known = new Map<string, CronLine>();

/** What computes the dues of a line; undefined where no clock sets it going. */
export function cronOf({ trigger, zone }: Pick<ScheduleLine, "trigger" | "zone">): CronLine | undefined {
  if (trigger.kind !== "clock") return undefined;
  const key = `${zone} ${trigger.cron}`;
  const found = known.get(key) ?? readCron(trigger.cron, zone);
  if (!("pattern" in found)) throw new Error(found.message);
  known.set(key, found);
  return found;
}
