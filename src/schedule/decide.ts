import { createHash } from "node:crypto";
import type { ScheduleLine, SkipReason } from "../model/schedule.ts";
import { momentsOf } from "./cron/clocks.ts";
import { type CronLine, lastDue, nextDue } from "./cron/dues.ts";
import { readCron } from "./cron/line.ts";

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
  /** When it is decided: then, and its jitter; later where it waits for its turn, or for the end of a blackout. */
  readonly startAt: Date | null;
  readonly decidedUntil: Date;
}

/** A due that is looked at so late, in milliseconds, is one that nobody was there for. */
const LATE = 60_000;
/** Dues that are decided at once; those behind them are by the next decision. */
const MOST = 1_000;
/** Between two looks whether one that is made up for has its turn, in milliseconds; the end of the one before it is told as well. */
const TURN = 5_000;

/**
 * What becomes of the dues of a line until now: each is claimed or skipped, in their order, and none twice. Pure.
 * @param now of the database's clock
 */
export function decide(state: LineState, now: Date): Decision {
  const { line, isPaused } = state;
  const { dues, next } = duesUntil(state, now);
  const isAll = !next || startOf(line, next) > now;
  const latest = isPaused ? undefined : latestOf(line, dues, isAll, now);
  const claims: Claim[] = [];
  const skips: Skip[] = [];
  let decidedUntil = state.decidedUntil;
  for (const due of dues) {
    const verdict = isPaused
      ? "paused"
      : verdictOf({ ...state, due, isLatest: latest?.getTime() === due.getTime(), now, claims });
    if (verdict instanceof Date) return { claims, skips, nextDue: due, startAt: verdict, decidedUntil };
    if (typeof verdict === "object") claims.push(verdict);
    else addSkip(skips, due, verdict, claims.at(-1)?.due);
    decidedUntil = due;
  }
  return { claims, skips, ...upcoming(line, next, decidedUntil) };
}

/** Those that are to be decided, and the one behind them. */
function duesUntil({ line, nextDue: first, decidedUntil }: Omit<LineState, "open" | "isPaused">, now: Date) {
  const cron = line.enabled ? cronOf(line) : undefined;
  const dues: Date[] = [];
  let next: Date | null = first && first > decidedUntil ? first : ((cron && nextDue(cron, decidedUntil)) ?? null);
  while (cron && next && startOf(line, next) <= now && dues.length < MOST) {
    dues.push(next);
    next = nextDue(cron, next) ?? null;
  }
  return { dues, next };
}

/** The last of all that have come by now and are in no blackout, these and those behind them. */
function latestOf(line: ScheduleLine, dues: readonly Date[], isAll: boolean, now: Date): Date | undefined {
  if (isAll) return dues.findLast((due) => !blackoutAt(line, due));
  let until = now;
  for (;;) {
    const due = lastDue(cronOf(line)!, new Date(dues[0]!.getTime() - 1), until);
    const blackout = due && blackoutAt(line, due);
    if (due && !blackout && startOf(line, due) <= now) return due;
    if (!due) return undefined;
    until = new Date((blackout?.from ?? due.getTime()) - 1);
  }
}

interface Question extends Pick<LineState, "line" | "open"> {
  readonly due: Date;
  /** Whether no later one can run by now. */
  readonly isLatest: boolean;
  readonly now: Date;
  /** Of those before it. */
  readonly claims: readonly Claim[];
}

/** Claimed, or why not; or until when that is not decided. */
function verdictOf(question: Question): Claim | SkipReason | Date {
  const { line, due, now } = question;
  if (blackoutAt(line, due)) return "blackout";
  const verdict = verdictByNow(question);
  const blackout = typeof verdict === "object" && blackoutAt(line, now);
  // Nothing begins in it: what was due before is decided at its end.
  return blackout ? new Date(blackout.until) : verdict;
}

function verdictByNow({ line, due, isLatest, now, open, claims }: Question): Claim | SkipReason | Date {
  const isOnTime = isLatest && now.getTime() - startOf(line, due).getTime() <= LATE;
  if (!isOnTime) {
    if (line.catchUp === "skip" || (line.catchUp === "once" && !isLatest)) return "missed";
    if (now.getTime() - due.getTime() > line.catchUpWithin) return "too old";
  }
  if (line.catchUp === "all" && (!isOnTime || open.catchingUp + claims.length > 0)) {
    // In their order, one at a time: how old one is counts when it begins.
    if (open.running + open.queued + claims.length > 0) return new Date(now.getTime() + TURN);
    return { due, cause: "catch-up" };
  }
  if (overlaps(line, open)) return "overlap";
  return { due, cause: isOnTime ? "clock" : "catch-up" };
}

/** Whether one more has no place beside those that go on. */
export function overlaps({ overlap }: ScheduleLine, { running, queued }: LineState["open"]): boolean {
  return overlap === "skip" ? running + queued > 0 : queued > 0;
}

/**
 * The dues of a line that was edited, or went, that had come and were not decided: jitter or an outage kept them. They are skipped,
 * for the line that they are of is no more. Pure.
 */
export function leftBehind(state: Omit<LineState, "open" | "isPaused">, now: Date): Skip[] {
  const skips: Skip[] = [];
  let { nextDue: first, decidedUntil } = state;
  for (;;) {
    const { dues, next } = duesUntil({ line: { ...state.line, jitter: 0 }, nextDue: first, decidedUntil }, now);
    for (const due of dues) addSkip(skips, due, "edited", undefined);
    if (!dues.length) return skips;
    [first, decidedUntil] = [next, dues.at(-1)!];
  }
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

/** When a due begins: later by a part of the jitter that hangs on line and due, and on no chance; before the due behind it. */
export function startOf(line: Pick<ScheduleLine, "name" | "jitter" | "trigger" | "zone">, due: Date): Date {
  if (line.jitter === 0) return due;
  const cron = cronOf(line);
  const next = cron && nextDue(cron, due);
  // Less than the line's jitter where clocks are put forward between the two.
  const most = Math.min(line.jitter, next ? next.getTime() - due.getTime() : line.jitter);
  const hash = createHash("sha256").update(`${line.name} ${due.toISOString()}`).digest();
  return new Date(due.getTime() + (hash.readUInt32BE(0) % most));
}

/** The blackout that a moment is in, as moments: milliseconds since 1970. A time that exists twice begins it first, and ends it last. */
export function blackoutAt(
  { blackout, zone }: ScheduleLine,
  moment: Date,
): { from: number; until: number } | undefined {
  return blackout
    .map(({ from, until }) => ({ from: momentsOf(zone, shown(from)).first, until: momentsOf(zone, shown(until)).last }))
    .find(({ from, until }) => from <= moment.getTime() && moment.getTime() < until);
}

const shown = (local: string) => Date.parse(`${local.replace(" ", "T")}Z`);

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
