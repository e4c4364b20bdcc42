import { type Command, Option } from "commander";
import { collectNames, type ProjectFlags } from "./options.ts";
import type { ReleaseFlags } from "./releasing.ts";

export interface RunFlags extends ProjectFlags, ReleaseFlags {
  readonly actions?: readonly string[];
  readonly tags?: readonly string[];
  readonly includeDeps?: boolean;
  readonly includeDependents?: boolean;
  readonly fullRefresh?: boolean;
  readonly adopt?: boolean;
  readonly allowLoss?: readonly string[];
  readonly dryRun?: boolean;
  readonly sql?: boolean;
  readonly all?: boolean;
  readonly exitCode?: boolean;
  readonly runTests?: boolean;
  readonly concurrency?: number;
  readonly assertions?: "block" | "report";
  readonly allOrNothing?: boolean;
  readonly actionRetryLimit?: number;
  /** Milliseconds. */
  readonly executionTimeout?: number;
  readonly keepReleases?: number;
  readonly keepFor?: number;
}

export function addSelectionOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--actions <names...>", "only these: names, schema.name or patterns with *").argParser(collectNames),
    )
    .addOption(new Option("--tags <tags...>", "only actions with one of these tags").argParser(collectNames))
    .option("--include-deps", "and what the selected actions depend on")
    .option("--include-dependents", "and what depends on the selected actions")
    .option("--full-refresh", "rebuild incremental models from scratch, except protected ones")
    .option("--adopt", "take over relations of the models' names that others made, with what is built on them")
    .addOption(
      new Option(
        "--allow-loss <names...>",
        "models that may lose more rows than their guards allow, this time",
      ).argParser(collectNames),
    );
}

export function selection(flags: RunFlags) {
  return {
    ...(flags.actions ? { actions: flags.actions } : {}),
    ...(flags.tags ? { tags: flags.tags } : {}),
    includeDependencies: flags.includeDeps ?? false,
    includeDependents: flags.includeDependents ?? false,
    fullRefresh: flags.fullRefresh ?? false,
    allOrNothing: flags.allOrNothing ?? false,
    ...(flags.adopt ? { adopt: true } : {}),
    ...(flags.allowLoss ? { allowLoss: flags.allowLoss } : {}),
  };
}
