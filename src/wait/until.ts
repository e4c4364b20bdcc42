import { pause } from "./pause.ts";

/** Milliseconds until a wait is told of, and from one time to the next at most. */
export const TOLD_AFTER = 3_000;
const TOLD_AGAIN = 60_000;

/** One wait for something outside of this process. Times are in milliseconds. */
export interface Wait<T> {
  /** Looks once, the signal come or not. Undefined: not yet. */
  readonly look: () => Promise<T | undefined>;
  /** Between two looks. */
  readonly every: number | (() => number);
  /** In all; what is there at the first look is taken whatever it is. */
  readonly deadline: number;
  /** Ends the wait at once, with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** What is waited for, who holds it and what a person can do. Asked when it is told. */
  readonly describe: () => string | Promise<string>;
  readonly tell?: ((what: string) => void) | undefined;
  /** @default 3_000 */
  readonly toldAfter?: number;
}

/** Waits. Returns what was found, or undefined when the time is up. */
export async function until<T>(wait: Wait<T>): Promise<T | undefined> {
  const { look, every, deadline, signal, describe, tell, toldAfter = TOLD_AFTER } = wait;
  const started = performance.now();
  let next = toldAfter;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    signal?.throwIfAborted();
    const waited = performance.now() - started;
    if (waited >= deadline) return undefined;
    if (tell && waited >= next) {
      tell(await describe());
      next = waited + TOLD_AGAIN;
    }
    await pause(Math.min(typeof every === "number" ? every : every(), Math.max(0, deadline - waited)), signal);
  }
}
