import { addBuildingOptions } from "../selection.ts";
import type { AddCommand } from "../shell.ts";
import { addRunning } from "./run.ts";

/** What of a run did not come to its end, as words of `--select`. */
const LEFT = ["failed", "held", "skipped", "waiting"].map((result) => `result:${result}`);

/** `dataform retry`: `run --select`, of what the last run left. */
export const addRetryCommand: AddCommand = (command, shell) => {
  addRunning(command, shell, (flags) => ({ ...flags, select: LEFT }));
  addBuildingOptions(command);
};
