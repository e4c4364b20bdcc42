import { expect, test } from "vitest";
import type { RecordedStep, ScheduleLine } from "../../src/model/schedule.ts";
import { advance } from "../../src/schedule/advance.ts";
import {
  blackoutAt,
  type Decision,
  decide,
  firstDue,
  foresee,
  type LineState,
  leftBehind,
  startOf,
} from "../../src/schedule/decide.ts";

// What becomes of dues, and of the steps of one: pure, by what is recorded and the moment.

const nightly: ScheduleLine = {
  name: "nightly",
  version: "1",
  trigger: { kind: "clock", cron: "0 0 * * *" },
  zone: "UTC",
  steps: [
    { command: "ingest", arguments: [] },
    { command: "run", arguments: [] },
  ],
  timeout: 60_000,
  retries: 1,
  retryDelay: 30_000,
  overlap: "skip",
  catchUp: "once",
  catchUpWithin: 7 * 86_400_000,
  jitter: 0,
  blackout: [],
  enabled: true,
};

const idle = { running: 0, queued: 0, catchingUp: 0 };
const day = (of: number, time = "00:00") => new Date(`2026-03-${String(of).padStart(2, "0")}T${time}Z`);

/** A line that is due on 2 March next. */
function told(line: Partial<ScheduleLine>, now: Date, more: Partial<LineState> = {}): string {
  return shown(decided(line, now, more));
}

function decided(line: Partial<ScheduleLine>, now: Date, more: Partial<LineState> = {}): Decision {
  return decide(
    { line: { ...nightly, ...line }, nextDue: day(2), decidedUntil: day(1), isPaused: false, open: idle, ...more },
    now,
  );
}

/** All decisions until nothing is left to decide, each after the due before it has ended. */
function inTurn(line: Partial<ScheduleLine>, now: Date): string {
  const all: string[] = [];
  for (let state: Partial<LineState> = {}; ; ) {
    const decision = decided(line, now, state);
    const [next, ...rest] = shown(decision).split(", ").reverse();
    all.push(...rest.reverse());
    if (!decision.claims.length) return [...all, next].join(", ");
    state = { nextDue: decision.nextDue, decidedUntil: decision.decidedUntil };
  }
}

function shown({ claims, skips, nextDue }: Decision): string {
  const at = (moment: Date) => moment.getUTCDate();
  const ran = claims.map(({ due, cause }) => `${cause} ${at(due)}`);
  const left = skips.map(({ due, lastDue, dues, reason }) => `${reason} ${at(due)}-${at(lastDue)} (${dues})`);
  return [...ran, ...left, `next ${nextDue ? at(nextDue) : "never"}`].join(", ");
}

test("a due runs when its moment has come, and not before", () => {
  expect(told({}, day(1, "23:59:59"))).toBe("next 2");
  expect(told({}, day(2))).toBe("clock 2, next 3");
  expect(told({}, day(2, "00:00:59"))).toBe("clock 2, next 3");
});

test("of dues that nobody was there for none, the latest, or all run, in their order", () => {
  const now = day(5, "12:00");
  expect(told({ catchUp: "skip" }, now)).toBe("missed 2-5 (4), next 6");
  expect(told({ catchUp: "once" }, now)).toBe("catch-up 5, missed 2-4 (3), next 6");
  expect(inTurn({ catchUp: "all" }, now)).toBe("catch-up 2, catch-up 3, catch-up 4, catch-up 5, next 6");
  expect(inTurn({ catchUp: "all", catchUpWithin: 2 * 86_400_000 }, now)).toBe(
    "catch-up 4, too old 2-3 (2), catch-up 5, next 6",
  );
  expect(told({ catchUp: "once", catchUpWithin: 3_600_000 }, now)).toBe("missed 2-4 (3), too old 5-5 (1), next 6");
  // The one whose moment it is is on time whatever was missed before it.
  expect(told({ catchUp: "skip" }, day(5))).toBe("clock 5, missed 2-4 (3), next 6");
  expect(inTurn({ catchUp: "all" }, day(4))).toBe("catch-up 2, catch-up 3, clock 4, next 5");
});

test("a due behind one that goes on is skipped, or is the only one that waits", () => {
  const running = { ...idle, running: 1 };
  expect(told({}, day(2), { open: running })).toBe("overlap 2-2 (1), next 3");
  expect(told({ overlap: "queue" }, day(2), { open: running })).toBe("clock 2, next 3");
  expect(told({ overlap: "queue" }, day(2), { open: { ...running, queued: 1 } })).toBe("overlap 2-2 (1), next 3");
  // One that is made up for keeps the order: those after it are decided when it has ended, and looked at before.
  const waiting = { open: { ...running, catchingUp: 1 } };
  expect(told({ catchUp: "all" }, day(2), waiting)).toBe("next 2");
  expect(decided({ catchUp: "all" }, day(2), waiting).startAt).toEqual(day(2, "00:00:05"));
  // How old one may be is asked when it has its turn: runs that take longer than their time between do not pile up.
  expect(told({ catchUp: "all", catchUpWithin: 86_400_000 }, day(9), { open: { ...running, catchingUp: 1 } })).toBe(
    "too old 2-7 (6), next 8",
  );
});

test("nothing that is decided is decided again, whatever the clock says", () => {
  expect(told({}, day(2), { nextDue: day(5), decidedUntil: day(4) })).toBe("next 5");
  expect(told({}, day(1), { nextDue: day(2), decidedUntil: day(4) })).toBe("next 5");
});

const blackout = [{ from: "2026-03-03 00:00", until: "2026-03-05 00:00" }];

test("dues of a line at rest, and in a blackout, are skipped and not made up for", () => {
  expect(told({ catchUp: "all" }, day(4), { isPaused: true })).toBe("paused 2-4 (3), next 5");
  expect(inTurn({ catchUp: "all", blackout }, day(5, "12:00"))).toBe(
    "catch-up 2, blackout 3-4 (2), catch-up 5, next 6",
  );
  // In local time: midnight in Apia is noon of the day before in London.
  expect(
    told({ zone: "Pacific/Apia", blackout }, day(3, "12:00"), {
      nextDue: day(3, "11:00"),
      decidedUntil: day(2, "11:00"),
    }),
  ).toBe("blackout 3-3 (1), next 4");
});

test("the latest that is made up for is the latest outside of blackouts, and none begins inside of one", () => {
  expect(told({ catchUp: "once", blackout }, day(5, "00:00"), { nextDue: day(2) })).toBe(
    "clock 5, missed 2-2 (1), blackout 3-4 (2), next 6",
  );
  const long = [{ from: "2026-03-03 00:00", until: "2026-03-08 12:00" }];
  expect(told({ catchUp: "once", blackout: long }, day(8, "12:00"))).toBe("catch-up 2, blackout 3-8 (6), next 9");
  // However many dues there are in it: they are more than are decided at once.
  const minutes = { trigger: { kind: "clock" as const, cron: "* * * * *" }, blackout: long };
  const first = { nextDue: day(2, "23:58"), decidedUntil: day(2, "23:57") };
  expect(told(minutes, day(8, "12:00"), first)).toBe("missed 2-2 (2), blackout 3-3 (998), next 3");
  expect(told(minutes, day(8, "11:59"), first)).toBe("missed 2-2 (1), next 2");
  // It waits for the end; those in it are told when they come where nothing waits before them.
  const inside = decided({ blackout: long }, day(4, "12:00"));
  expect(shown(inside)).toBe("next 2");
  expect(inside.startAt).toEqual(day(8, "12:00"));
  expect(told({ blackout: long }, day(4, "12:00"), { nextDue: day(3), decidedUntil: day(2) })).toBe(
    "blackout 3-4 (2), next 5",
  );
  expect(told({ blackout: long, catchUp: "skip" }, day(4, "12:00"))).toBe("missed 2-2 (1), blackout 3-4 (2), next 5");
});

test("a blackout is from its first moment to its last where clocks are put back, and whole where they are put forward", () => {
  const line = (from: string, until: string) => ({
    ...{ ...nightly, zone: "Europe/Berlin" },
    blackout: [{ from, until }],
  });
  const at = (moment: string, from: string, until: string) =>
    blackoutAt(line(from, until), new Date(moment)) !== undefined;
  // 02:30 exists twice on 25 October 2026: at 00:30 and 01:30 of UTC.
  for (const inside of ["2026-10-25T00:30Z", "2026-10-25T00:59Z", "2026-10-25T01:29Z"])
    expect(at(inside, "2026-10-25 02:30", "2026-10-25 02:31")).toBe(true);
  for (const outside of ["2026-10-25T00:29Z", "2026-10-25T01:31Z"])
    expect(at(outside, "2026-10-25 02:30", "2026-10-25 02:31")).toBe(false);
  // It does not exist on 29 March 2026: clocks go from 02:00 to 03:00, at 01:00 of UTC.
  expect(at("2026-03-29T00:59Z", "2026-03-29 02:10", "2026-03-29 03:10")).toBe(false);
  expect(at("2026-03-29T01:00Z", "2026-03-29 02:10", "2026-03-29 03:10")).toBe(true);
  expect(at("2026-03-29T01:10Z", "2026-03-29 02:10", "2026-03-29 03:10")).toBe(false);
});

test("what had come of a line that is edited, and was not decided, is told as one row", () => {
  const left = (line: Partial<ScheduleLine>, now: Date) =>
    leftBehind({ line: { ...nightly, ...line }, nextDue: day(2), decidedUntil: day(1) }, now).map(
      ({ due, lastDue, dues, reason }) => `${reason} ${due.getUTCDate()}-${lastDue.getUTCDate()} (${dues})`,
    );
  expect(left({}, day(1, "23:59"))).toEqual([]);
  expect(left({}, day(5))).toEqual(["edited 2-5 (4)"]);
  // It had come, and jitter kept it.
  expect(left({ jitter: 3_600_000 }, day(2))).toEqual(["edited 2-2 (1)"]);
  expect(left({ enabled: false }, day(5))).toEqual([]);
  const minutes = { trigger: { kind: "clock" as const, cron: "* * * * *" } };
  expect(left(minutes, day(4))).toEqual(["edited 2-4 (2881)"]);
});

test("however many there are, they are decided in pieces, and each once", () => {
  const line = { ...nightly, trigger: { kind: "clock" as const, cron: "* * * * *" }, catchUp: "once" as const };
  let state: LineState = { line, nextDue: day(2), decidedUntil: day(1), isPaused: false, open: idle };
  const now = day(4);
  const found: Decision[] = [];
  do {
    const decision = decide(state, now);
    found.push(decision);
    state = { ...state, nextDue: decision.nextDue, decidedUntil: decision.decidedUntil };
  } while (state.nextDue! <= now);
  expect(found.flatMap(({ claims }) => claims)).toEqual([{ due: now, cause: "clock" }]);
  expect(found.flatMap(({ skips }) => skips.map(({ dues }) => dues)).reduce((sum, one) => sum + one)).toBe(2 * 1440);
  expect(found.length).toBe(3);
});

test("a line is due first after it was declared, and after what is decided", () => {
  const first = (before: Date | undefined, now: Date, line = nightly) =>
    firstDue(line, before && { decidedUntil: before }, now).nextDue;
  expect(first(undefined, day(2, "00:00"))).toEqual(day(3));
  expect(first(day(1), day(2, "12:00"))).toEqual(day(3));
  expect(first(day(7), day(2, "12:00"))).toEqual(day(8));
  expect(first(undefined, day(2), { ...nightly, enabled: false })).toBeNull();
});

test("a due that was foreseen is taken where it is the first all the same, and computed where it is not", () => {
  const told = foresee([nightly, { ...nightly, name: "off", enabled: false }], day(3, "12:00"));
  expect([...told.keys()]).toEqual(["nightly"]);
  // One that can be told from what is computed.
  const foreseen = { ...told.get("nightly")!, due: day(4, "00:01") };
  const first = (now: Date, before?: Date) =>
    firstDue(nightly, before && { decidedUntil: before }, now, foreseen).nextDue;
  expect(first(day(3, "12:00"))).toEqual(foreseen.due);
  expect(first(day(3, "23:59"))).toEqual(foreseen.due);
  expect(first(day(3, "11:59"))).toEqual(day(4));
  expect(first(day(4, "00:01"))).toEqual(day(5));
  expect(first(day(3, "12:00"), day(9))).toEqual(day(10));
});

test("jitter is the same on every machine, differs from line to line and due to due, and moves no due", () => {
  const late = (name: string, due: Date) =>
    startOf({ ...nightly, name, jitter: 60_000 }, due).getTime() - due.getTime();
  const all = ["a", "b", "c", "d"].flatMap((name) => [2, 3, 4].map((one) => late(name, day(one))));
  expect(late("a", day(2))).toBe(all[0]);
  expect(all.every((one) => one >= 0 && one < 60_000)).toBe(true);
  expect(new Set(all).size).toBeGreaterThan(6);
  const start = startOf({ ...nightly, jitter: 600_000 }, day(2));
  expect(told({ jitter: 600_000 }, new Date(start.getTime() - 1))).toBe("next 2");
  expect(told({ jitter: 600_000 }, start)).toBe("clock 2, next 3");
  // It is before the next due also where clocks are put forward between the two: 01:30 and 03:00 are half an hour apart.
  const spring = {
    ...nightly,
    zone: "Europe/Berlin",
    jitter: 5_000_000,
    trigger: { kind: "clock" as const, cron: "30 1 * * *" },
  };
  for (const name of ["a", "b", "c", "d", "e", "f"]) {
    const two = { ...spring, name, trigger: { kind: "clock" as const, cron: "0,30 1,3 29 3 *" } };
    expect(startOf(two, new Date("2026-03-29T00:30Z")).getTime()).toBeLessThan(Date.parse("2026-03-29T01:00Z"));
  }
});

function step(number: number, status: RecordedStep["status"], more: Partial<RecordedStep> = {}): RecordedStep {
  return {
    ...{ step: number, attempt: 1, command: "ingest", arguments: [], status, madeAt: day(2).toISOString() },
    ...{ startedAt: null, finishedAt: day(2).toISOString(), exitCode: null, signal: null, runIds: [], loadIds: [] },
    ...{ error: null, output: null },
    ...more,
  };
}

test("a step begins when the one before it is recorded as done, and by no other sign", () => {
  const next = (...steps: RecordedStep[]) => advance(nightly, steps, day(2));
  expect(next()).toEqual({ kind: "begin", step: 1, attempt: 1 });
  expect(next(step(1, "starting"))).toMatchObject({ kind: "watch" });
  expect(next(step(1, "running"))).toMatchObject({ kind: "watch" });
  expect(next(step(1, "success"))).toEqual({ kind: "begin", step: 2, attempt: 1 });
  expect(next(step(1, "success"), step(2, "success"))).toEqual({ kind: "end", status: "success", reason: null });
  expect(next(step(1, "cancelled"))).toMatchObject({ kind: "end", status: "cancelled" });
});

test("what failed, took too long or was lost is tried again after its delay, and then fails the due with its reason", () => {
  for (const status of ["failure", "timeout", "lost"] as const) {
    expect(advance(nightly, [step(1, status)], day(2))).toEqual({ kind: "wait", wait: 30_000 });
    expect(advance(nightly, [step(1, status)], day(2, "00:00:30"))).toEqual({ kind: "begin", step: 1, attempt: 2 });
    // A clock that was put back keeps nobody waiting for longer.
    expect(advance(nightly, [step(1, status)], day(1))).toEqual({ kind: "wait", wait: 30_000 });
  }
  const again = { attempt: 2, exitCode: 2, error: "no such file" };
  expect(advance(nightly, [step(1, "failure"), step(1, "failure", again)], day(2))).toEqual({
    kind: "end",
    status: "failure",
    reason: "step 1, ingest, attempt 2: no such file",
  });
});
