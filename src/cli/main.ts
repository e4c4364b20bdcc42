import { cli } from "./program.ts";
import { terminal } from "./terminal.ts";

// A reader that closes the pipe early (`dataform query … | head`) is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});
process.exitCode = await cli(process.argv.slice(2), terminal());
