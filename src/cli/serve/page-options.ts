import type { Command } from "commander";
import { parseQueryRows, parseQueryTime } from "../options.ts";

/** What of the pages is said wherever they are served. */
export function addPageOptions(command: Command): Command {
  return command
    .option("--no-samples", "pages without ten rows of each relation, and without rows that fail a test")
    .option("--no-explore", "without the page on which a reader asks questions of their own")
    .option(
      "--reader-url <url>",
      "the login that answers such questions: what it may not read is not told (DATAFORM_READER_URL)",
    )
    .option("--explore-all", "answer questions with a key also where that login reads more than readers are meant to")
    .option("--query-rows <n>", "rows that one such answer has at most", parseQueryRows, 5_000)
    .option("--query-timeout <duration>", "how long one such question may take", parseQueryTime, 10_000)
    .option("--public", "whoever reaches the address sees the pages, and asks the endpoints without a key");
}
