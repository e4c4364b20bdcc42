import type { Shell } from "./shell.ts";

/** Says what is waited for. */
export function telling(shell: Shell): { tell(what: string): void } {
  return { tell: (what) => shell.say(`waiting: ${what}`) };
}
