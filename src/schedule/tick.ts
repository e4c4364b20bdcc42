import { schedule } from "node-cron";
import { repeatedly } from "../wait/timers.ts";

/** Milliseconds after which a tick that did not come is made up for. */
const OVERDUE = 2_000;

/**
 * Calls it about once a second. What is due is decided by the record and the database's clock; this only says when to look.
 *
 * node-cron finds each slot that a late timer missed, one after the other, and waits for the clock where that is put back: each of its
 * tasks is for what is left of one minute of one day here, so that there is little to make up for, and a timer that no clock moves sees
 * that one fires.
 */
export function eachSecond(tick: () => void): () => void {
  let stopTask = () => {};
  let last = 0;
  const next = () => {
    stopTask();
    last = performance.now();
    stopTask = restOfMinute((isLast) => {
      last = performance.now();
      if (isLast) next();
      tick();
    });
  };
  next();
  const stopWatch = repeatedly(OVERDUE / 2, () => {
    if (performance.now() - last < OVERDUE) return;
    next();
    tick();
  });
  return () => {
    stopWatch();
    stopTask();
  };
}

/** Calls it at each second that a minute has left, the next one first; once for all that are missed, as the last. */
function restOfMinute(call: (isLast: boolean) => void): () => void {
  const first = new Date(Date.now() + 1_000);
  const end = new Date(first).setUTCSeconds(59, 0);
  const seconds = Array.from({ length: 60 - first.getUTCSeconds() }, (_, n) => first.getUTCSeconds() + n);
  const day = `${first.getUTCDate()} ${first.getUTCMonth() + 1}`;
  const pattern = `${seconds.join(",")} ${first.getUTCMinutes()} ${first.getUTCHours()} ${day} *`;
  const task = schedule(pattern, () => call(Date.now() >= end), {
    ...{ timezone: "UTC", name: "dataform-schedule", suppressMissedWarning: true },
  });
  task.once("execution:missed", () => call(true));
  return () => void task.destroy();
}
