import { schedule } from "node-cron";

/** Calls it once a second. What is due is decided by the record and the database's clock; this only says when to look. */
export function eachSecond(tick: () => void): () => void {
  const task = schedule("* * * * * *", tick, { timezone: "UTC", name: "dataform-schedule" });
  return () => void task.destroy();
}
