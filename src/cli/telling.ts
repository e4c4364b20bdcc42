import type { Shell } from "./shell.ts";

/** Says what is waited for. */
export function telling(shell: Shell): { tell(what: string): void } {
  return { tell: (what) => shell.say(`waiting: ${what}`) };
}

/** Says that the database is away, and that it is there again. */
export function tellingOfDatabase(shell: Shell) {
  return {
    onLost: ({ message }: Error) => shell.say(`the database is not there, and is asked again: ${message}`),
    onFound: () => shell.say("the database is there again"),
  };
}
