import { LINES_WORD, STEP_WORD } from "../model/schedule.ts";
import { cli, endWith } from "./program.ts";
import { INTERRUPTED, terminal } from "./terminal.ts";

// A reader that closes the pipe early (`dataform run 2>&1 | head`) must not stop what goes on in the database.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}
const argv = process.argv.slice(2);
process.exitCode = await worked();
// The server has nothing left to do. Whatever else was waited for (an answer of a source, the time to ask again) is not.
if (process.exitCode === INTERRUPTED) process.stdout.write("", () => process.exit());

async function worked(): Promise<number> {
  const shell = terminal();
  if (argv[0] === STEP_WORD) {
    const { scheduledStep } = await import("./schedule/scheduled-step.ts");
    return scheduledStep(argv.slice(1), shell, cli).catch((error) => endWith(error, shell));
  }
  if (argv[0] === LINES_WORD) return (await import("./schedule/read-apart.ts")).answerLines(shell);
  return cli(argv, shell);
}
