import { type Command, Option } from "commander";
import { counted } from "../model/counted.ts";
import type { ReleaseReport } from "../model/release.ts";
import type { HorizonPolicy } from "../release/horizon.ts";
import { type ConnectionFlags, parseCount, parseDuration } from "./options.ts";
import { paint } from "./paint.ts";
import type { Shell } from "./shell.ts";
import { warn } from "./warnings.ts";

/** Flags of every command that publishes. */
export interface ReleaseFlags extends ConnectionFlags {
  readonly environment?: string;
  readonly wait?: boolean;
  readonly waitTimeout?: number;
  readonly publishDeadline?: number;
  readonly horizon?: HorizonPolicy;
  readonly horizonTimeout?: number;
  readonly json?: boolean;
}

export function addEnvironmentOption(command: Command): Command {
  return command.option(
    "--environment <name>",
    "whose releases these are (main, or the schema suffix; DATAFORM_ENVIRONMENT)",
  );
}

/** For commands that do not compile the project: the suffix and prefix only say which environment is meant. */
export function addEnvironmentOptions(command: Command): Command {
  return addSuffixOptions(addEnvironmentOption(command));
}

export function addSuffixOptions(command: Command): Command {
  return command
    .option("--schema-suffix <text>", "the environment that a run with this suffix made")
    .option("--table-prefix <text>", "the environment that a run with this prefix made");
}

/** What to do when another run holds the environment. */
export function addWaitOptions(command: Command): Command {
  return command
    .option("--wait", "wait when another run is going on, instead of ending with exit code 75")
    .addOption(
      new Option("--wait-timeout <duration>", "wait for another run for so long at most (1h with --wait)").argParser(
        parseDuration,
      ),
    );
}

/** Of what waits for its turn, and then for readers. */
export function addPublishingOptions(command: Command): Command {
  return addWaitOptions(command).addOption(
    new Option("--publish-deadline <duration>", "how long to try while readers hold the views (60s)").argParser(
      parseDuration,
    ),
  );
}

export function addReleaseOptions(command: Command): Command {
  return addPublishingOptions(addEnvironmentOption(command))
    .addOption(
      new Option(
        "--horizon <policy>",
        "about transactions older than the builds, which would read new tables as empty",
      ).choices(["wait", "publish", "fail"]),
    )
    .addOption(new Option("--horizon-timeout <duration>", "how long to wait for them (30s)").argParser(parseDuration))
    .option("--json", "the report as one JSON document on stdout");
}

/** They win over the project file's `retention`. */
export function addRetentionOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--keep-releases <n>", "releases kept to go back to, the current one included (2)").argParser(
        parseCount,
      ),
    )
    .addOption(new Option("--keep-for <duration>", "how long each is kept at least (1h)").argParser(parseDuration));
}

export function releaseOptions(flags: ReleaseFlags) {
  const { environment, wait, waitTimeout, publishDeadline, horizon, horizonTimeout } = flags;
  const given = { environment, wait, waitTimeout, publishDeadline, horizon, horizonTimeout };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Omit<
    ReleaseFlags,
    "url" | "json"
  >;
}

export function printRelease(report: ReleaseReport, flags: ReleaseFlags, shell: Shell): void {
  if (flags.json) shell.print(JSON.stringify(report, null, 2));
  warn(shell, report.warnings);
  const content = report.contentOf === undefined ? "" : `, with the content of release ${report.contentOf}`;
  shell.say(
    `${paint(shell, "green", "Done")}: release ${report.release} is published${content} (${counted(report.models.length, "model")} changed)`,
  );
}
