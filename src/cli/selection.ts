import { type Command, Option } from "commander";
import { readSelectors } from "../config/load-selectors.ts";
import type { CompiledGraph } from "../model/graph.ts";
import { asksPast, isWhole, selectActions } from "../plan/select.ts";
import { readState } from "./artifacts/state.ts";
import type { ShapeFlags } from "./dataform/shape.ts";
import { collectNames, type ProjectFlags } from "./options.ts";
import type { OutcomeFlags } from "./outcome.ts";
import { paint } from "./paint.ts";
import type { ReleaseFlags } from "./releasing.ts";
import type { Shell } from "./shell.ts";

export interface RunFlags extends ProjectFlags, ReleaseFlags, ShapeFlags, OutcomeFlags {
  readonly select?: readonly string[];
  readonly exclude?: readonly string[];
  readonly state?: string;
  readonly actions?: readonly string[];
  readonly tags?: readonly string[];
  readonly includeDeps?: boolean;
  readonly includeDependents?: boolean;
  readonly fullRefresh?: boolean;
  readonly changed?: boolean;
  readonly defer?: string;
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

/** The ways to say which actions are meant: Dataform's own, and dbt's. */
export function addChoosingOptions(command: Command): Command {
  return command
    .option(
      "-s, --select <words...>",
      "only these: name, +name, name+, @name, tag:x, path:x, type:x, with commas: both",
    )
    .option("--exclude <words...>", "not these, in the same words")
    .option("--state <folder>", "ask state: and result: of the files that --artifacts wrote there")
    .addOption(
      new Option("--actions <names...>", "only these: names, schema.name or patterns with *").argParser(collectNames),
    )
    .addOption(new Option("--tags <tags...>", "only actions with one of these tags").argParser(collectNames))
    .option("--include-deps", "and what the selected actions depend on")
    .option("--include-dependents", "and what depends on the selected actions");
}

export function addSelectionOptions(command: Command): Command {
  return addBuildingOptions(addChoosingOptions(command));
}

/** How what is chosen is built. */
export function addBuildingOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--changed",
        "of these, only what is not as it was built last: its code, or what it reads; nothing to do publishes nothing",
      ).conflicts("fullRefresh"),
    )
    .option("--defer <environment>", "read of that one what is not built, and not published here")
    .option("--full-refresh", "rebuild incremental models from scratch, except protected ones")
    .option("--adopt", "take over relations of the models' names that others made, with what is built on them")
    .addOption(
      new Option(
        "--allow-loss <names...>",
        "models that may lose more rows than their guards allow, this time",
      ).argParser(collectNames),
    );
}

/** Which actions are meant. */
export function choosing(flags: RunFlags, shell: Shell) {
  const named = flags.select || flags.exclude ? readSelectors(shell.projectDir) : undefined;
  return {
    ...(named ? { named } : {}),
    ...(flags.select ? { select: flags.select } : {}),
    ...(flags.exclude ? { exclude: flags.exclude } : {}),
    ...(flags.state === undefined ? {} : { kept: readState(flags.state, { ...flags, named }, shell) }),
    ...(flags.actions ? { actions: flags.actions } : {}),
    ...(flags.tags ? { tags: flags.tags } : {}),
    includeDependencies: flags.includeDeps ?? false,
    includeDependents: flags.includeDependents ?? false,
  };
}

/** Says so where a selection means nothing, which is no mistake: two conditions may have nothing in common. */
export function warnEmpty(chosen: ReadonlySet<string>, shell: Shell): void {
  if (chosen.size) return;
  shell.say(`${paint(shell, "yellow", "warning")} the selection is empty: no action is chosen`);
}

/** The same of a run that is told which actions are meant. */
export function warnOfNothing(graph: CompiledGraph, flags: RunFlags, shell: Shell): void {
  const chosen = choosing(flags, shell);
  if (asksPast(chosen)) return;
  if (chosen.exclude || !isWhole(chosen)) warnEmpty(selectActions(graph, chosen), shell);
}

/** The same for a run. */
export function selection(flags: RunFlags, shell: Shell) {
  return {
    ...choosing(flags, shell),
    fullRefresh: flags.fullRefresh ?? false,
    allOrNothing: flags.allOrNothing ?? false,
    ...(flags.changed ? { changed: true } : {}),
    ...(flags.adopt ? { adopt: true } : {}),
    ...(flags.allowLoss ? { allowLoss: flags.allowLoss } : {}),
  };
}
