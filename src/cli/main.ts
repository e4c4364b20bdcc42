import { cli } from "./program.ts";
import { terminal } from "./terminal.ts";

// A reader that closes the pipe early (`dataform run 2>&1 | head`) must not stop what goes on in the database.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}
process.exitCode = await cli(process.argv.slice(2), terminal());
