import { type Command, InvalidArgumentError, Option } from "commander";
import { openDatabase, whereLine } from "../database.ts";
import { untilInterrupted } from "../interrupt.ts";
import { addConnectionOption, addProjectOptions, parseCount, parseDuration } from "../options.ts";
import { addEnvironmentOption } from "../releasing.ts";
import { type StartFlags, startScheduler, startSchedulerThatTells } from "../schedule/start.ts";
import type { AddCommand, Shell } from "../shell.ts";

// What compiles the project is loaded by what needs it: a scheduler goes on for weeks, and has no use for it.
const looks = () => import("../schedule/show.ts");
const acts = () => import("../schedule/by-hand.ts");

/** `dataform schedule`: what is due when, and what came of it. */
export const addScheduleCommand: AddCommand = (schedule, shell) => {
  addWorkOptions(schedule).option("--notify", "tell what is wrong as notifications.yaml says, as long as it runs");
  withFlags(schedule).action(async (flags: StartFlags & { readonly notify?: boolean }) => {
    const settings = await openDatabase(shell, flags);
    shell.say(whereLine(settings, flags, shell));
    const begin = flags.notify ? startSchedulerThatTells : startScheduler;
    await untilInterrupted(shell, (signal) => begin(shell, flags, { settings, signal }), DRAINING);
  });
  addLooks(schedule, shell);
  addActs(schedule, shell);
};

const DRAINING = "no step is begun any more; those that go on are waited for";

/** Of what runs steps. @param when they do */
export function addWorkOptions(command: Command, when = ""): Command {
  return command
    .addOption(new Option("--jobs <n>", `${when}steps that go on at once`).argParser(parseCount).default(4))
    .addOption(
      new Option(
        "--lost-after <duration>",
        `${when}how long a step may be out of sight, which is lost then (30s); the same for all schedulers of a database`,
      ).argParser(parseLease),
    );
}

function parseLease(text: string): number {
  const lease = parseDuration(text);
  if (lease >= 1_000 && lease <= 3_600_000) return Math.round(lease);
  throw new InvalidArgumentError("Expected a duration from 1s to 1h.");
}

function addLooks(schedule: Command, shell: Shell): void {
  schedule
    .command("ls")
    .description("list the lines: when each is due next, and what came of its last due")
    .option("--json", "the list as JSON")
    .action(async (_: unknown, command: Command) => (await looks()).showLines(shell, command.optsWithGlobals()));
  schedule
    .command("next")
    .description("when lines are due, as schedules.yaml says it; asks no database")
    .argument("[name]", "a line (default: all of them)")
    .addOption(new Option("--count <n>", "dues of each line").argParser(parseCountOfDues).default(5))
    .option("--json", "the dues as JSON")
    .action(async (name: string | undefined, _: unknown, command: Command) =>
      (await looks()).showNext(shell, name, command.optsWithGlobals()),
    );
  schedule
    .command("history")
    .description("what came of the dues: the newest first, with the steps of each")
    .argument("[name]", "a line (default: all of them)")
    .addOption(new Option("--count <n>", "dues").argParser(parseCountOfDues).default(20))
    .option("--json", "the dues as JSON")
    .action(async (name: string | undefined, _: unknown, command: Command) =>
      (await looks()).showHistory(shell, name, command.optsWithGlobals()),
    );
}

function addActs(schedule: Command, shell: Shell): void {
  schedule
    .command("run")
    .description("run a line now, step by step, whatever its time; exit code 75 where it goes on already")
    .argument("<name>", "the line")
    .option("--json", "what came of it as JSON")
    .action(async (name: string, _: unknown, command: Command) =>
      (await acts()).runByHand(shell, name, command.optsWithGlobals()),
    );
  for (const [verb, description] of [
    ["pause", "let a line rest: its dues are recorded as skipped until it is resumed"],
    ["resume", "let a line go on with its next due; those in between are not made up for"],
  ] as const)
    schedule
      .command(verb)
      .description(description)
      .argument("<name>", "the line")
      .option("--json", "whether it is at rest, as JSON")
      .action(async (name: string, _: unknown, command: Command) =>
        (await acts()).pauseOrResume(shell, name, verb, command.optsWithGlobals()),
      );
}

function withFlags(command: Command): Command {
  return addConnectionOption(addEnvironmentOption(addProjectOptions(command)));
}

function parseCountOfDues(text: string): number {
  const count = parseCount(text);
  if (count <= 1000) return count;
  throw new InvalidArgumentError("Expected a whole number from 1 to 1000.");
}
