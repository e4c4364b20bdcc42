import { STEP_WORD } from "../model/schedule.ts";
import { cli } from "./program.ts";
import { INTERRUPTED, terminal } from "./terminal.ts";

// A reader that closes the pipe early (`dataform run 2>&1 | head`) must not stop what goes on in the database.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}
const argv = process.argv.slice(2);
process.exitCode =
  argv[0] === STEP_WORD
    ? await (await import("./schedule/scheduled-step.ts")).scheduledStep(argv.slice(1), terminal(), cli)
    : await cli(argv, terminal());
// The server has nothing left to do. Whatever else was waited for (an answer of a source, the time to ask again) is not.
if (process.exitCode === INTERRUPTED) process.stdout.write("", () => process.exit());
