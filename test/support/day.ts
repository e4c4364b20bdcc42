import { setTimeout as pause } from "node:timers/promises";

const DAY = 86_400_000;

/** For tests whose data ends today: where the day (UTC) has less than this left, they begin tomorrow. Seconds. */
export async function dayWithRoom(seconds: number): Promise<void> {
  const left = DAY - (Date.now() % DAY);
  if (left < seconds * 1000) await pause(left);
}
