import { schedule } from "node-cron";
import { repeatedly } from "../wait/timers.ts";

/** Milliseconds after which a tick that did not come is made up for. */
const OVERDUE = 2_000;

/**
 * Calls it about once a second. What is due is decided by the record and the database's clock; this only says when to look.
 *
 * node-cron finds each slot that a late timer missed, one after the other, and waits for the clock where that is put back: each of its
 * tasks is for one second of one day here, so that there is nothing to make up for, and a timer that no clock moves sees that one fires.
 */
export function eachSecond(tick: () => void): () => void {
  let stopTask = () => {};
  let last = 0;
  const next = () => {
    stopTask();
    last = performance.now();
    stopTask = once(new Date(Date.now() + 1_000), () => {
      next();
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

/** Calls it at that second, or as soon as it is seen that it is over. */
function once(at: Date, call: () => void): () => void {
  const day = `${at.getUTCDate()} ${at.getUTCMonth() + 1}`;
  const pattern = `${at.getUTCSeconds()} ${at.getUTCMinutes()} ${at.getUTCHours()} ${day} *`;
  // A timer that is late by more than its tolerance says so by a line of its own, and by this event.
  const task = schedule(pattern, call, { timezone: "UTC", name: "dataform-schedule", suppressMissedWarning: true });
  task.on("execution:missed", call);
  return () => void task.destroy();
}
