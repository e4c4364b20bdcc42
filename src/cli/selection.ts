import { type Command, Option } from "commander";
import { collectNames, type ProjectFlags } from "./options.ts";

export interface RunFlags extends ProjectFlags {
  readonly url?: string;
  readonly actions?: readonly string[];
  readonly tags?: readonly string[];
  readonly includeDeps?: boolean;
  readonly includeDependents?: boolean;
  readonly fullRefresh?: boolean;
  readonly dryRun?: boolean;
  readonly runTests?: boolean;
  readonly environment?: string;
  readonly concurrency?: string;
  readonly wait?: boolean;
  readonly publishDeadline?: number;
  readonly json?: boolean;
}

export function addSelectionOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--actions <names>", "only these: names, schema.name or patterns with *").argParser(collectNames),
    )
    .addOption(new Option("--tags <tags>", "only actions with one of these tags").argParser(collectNames))
    .option("--include-deps", "and what the selected actions depend on")
    .option("--include-dependents", "and what depends on the selected actions")
    .option("--full-refresh", "rebuild incremental models from scratch, except protected ones")
    .option("--environment <name>", "whose releases these are (default: main, or the schema suffix)");
}

export function selection(flags: RunFlags) {
  return {
    ...(flags.actions ? { actions: flags.actions } : {}),
    ...(flags.tags ? { tags: flags.tags } : {}),
    includeDependencies: flags.includeDeps ?? false,
    includeDependents: flags.includeDependents ?? false,
    fullRefresh: flags.fullRefresh ?? false,
  };
}
