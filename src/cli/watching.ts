import { formatUserError, userErrorsOf } from "../model/errors.ts";
import { pause } from "../wait/pause.ts";
import { untilInterrupted } from "./interrupt.ts";
import { paint } from "./paint.ts";
import { filesState, isOvertaken, withBesides } from "./read-files.ts";
import type { Shell } from "./shell.ts";

/** How often the files are looked at, in milliseconds; and once they are others, how soon again: two looks in a row that find the same say that they are written. */
const LOOKS_EVERY = 100;
const SETTLED_AFTER = 40;

/** Does the work now, and again whenever files of the project are others, until Ctrl-C. A mistake is told, and ends nothing. */
export async function watching(shell: Shell, work: () => Promise<void>): Promise<void> {
  await untilInterrupted(
    shell,
    async (signal) => {
      let isAgain = false;
      for (let done: string | undefined; !signal.aborted; ) {
        const state = await settled(shell.projectDir, done, signal);
        if (state === undefined) return;
        // What is interrupted has said so itself.
        await work().catch((error) => signal.aborted || tell(error, shell));
        done = withBesides(shell.projectDir, state.split("\n")[0]!);
        if (signal.aborted) return;
        // Once: code that writes what it reads would never come to an end.
        isAgain = !isAgain && isOvertaken(shell.projectDir);
        if (isAgain) done = "";
        else shell.say("watching for changes, until Ctrl-C");
      }
    },
    "no longer watching",
  );
  shell.exitCode = 0;
}

/** How the files stand once they are others than `done`, and stay so for a moment; undefined where the signal comes before. */
async function settled(folder: string, done: string | undefined, signal: AbortSignal): Promise<string | undefined> {
  for (let seen = done; ; ) {
    const state = await filesState(folder);
    if (state !== done && (state === seen || done === undefined)) return state;
    seen = state;
    await pause(state === done ? LOOKS_EVERY : SETTLED_AFTER, signal).catch(() => {});
    if (signal.aborted) return undefined;
  }
}

/** @throws what is a defect of ours, and that the work was interrupted */
function tell(error: unknown, shell: Shell): void {
  const mistakes = userErrorsOf(error);
  if (!mistakes) throw error;
  for (const one of mistakes) shell.say(`${paint(shell, "red", "error")} ${formatUserError(one)}`);
}
