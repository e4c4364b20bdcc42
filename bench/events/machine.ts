import { readdirSync, readFileSync } from "node:fs";

/** Of a process, what Linux says behind its name: its parent is the second, its processor's ticks the twelfth and on. */
function statOf(pid: number): readonly string[] {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

const TICK = 10;
const ticks = (stat: readonly string[], from: number, to: number) =>
  stat.slice(from, to).reduce((sum, one) => sum + Number(one), 0) * TICK;

export function parentOf(pid: number): number {
  return Number(statOf(pid)[1]);
}

/** Milliseconds of the processor that a process took so far. */
export function processorOf(pid: number): number {
  return ticks(statOf(pid), 11, 13);
}

/** The same of a process with its children, also of those that are gone. */
export function processorBelow(parent: number): number {
  const children = readdirSync("/proc").flatMap((name) => {
    try {
      const stat = /^\d+$/.test(name) ? statOf(Number(name)) : [];
      return Number(stat[1]) === parent ? [ticks(stat, 11, 13)] : [];
    } catch {
      // It ended meanwhile.
      return [];
    }
  });
  return children.reduce((sum, one) => sum + one, ticks(statOf(parent), 11, 15));
}

/** Milliseconds that the same work takes now: what others leave of the machine. */
export function spin(): number {
  const begun = performance.now();
  let sum = 0;
  for (let n = 0; n < 100_000_000; n++) sum = (sum + n) | 0;
  return performance.now() - begun + (sum & 0);
}
