import { type Command, InvalidArgumentError, type Option } from "commander";
import { type Environment, placesOf, readDotEnv } from "../config/environment.ts";
import { findTarget } from "../config/find-target.ts";
import { checkVariables, DATABASE, settingOf, TARGET, VARS } from "../config/settings.ts";
import { UserError } from "../model/errors.ts";
import type { TargetSettings } from "../model/target-settings.ts";
import { paint } from "./paint.ts";
import type { Shell } from "./shell.ts";

/** Takes in what `.env` and the target say, and gives the command, and those that it is part of, what the variables say. */
export async function readSettings(acting: Command, shell: Shell): Promise<void> {
  const dotEnv = readDotEnv(shell.projectDir);
  shell.env = { ...dotEnv, ...shell.env };
  const place = placesOf(shell.env, dotEnv);
  for (const line of checkVariables(shell.env, place)) shell.say(`${paint(shell, "yellow", "warning")} ${line}`);
  const commands = lineage(acting);
  const target = takesTarget(acting) ? await targetOf(commands, shell) : undefined;
  if (target) {
    const passed = Object.keys(target.said).filter((name) => ![undefined, target.said[name]].includes(shell.env[name]));
    if (passed.length) shell.say(`target ${target.name} says it, and not ${passed.map(place).join(", ")}`);
    shell.target = target;
    shell.env = { ...shell.env, ...target.said };
  }
  for (const one of commands) applySettings(one, shell.env, dotEnv, target);
}

/** A command, and those that it is part of. */
function lineage(command: Command | null): readonly Command[] {
  return command ? [command, ...lineage(command.parent)] : [];
}

/** The target that the command line names, the environment, or targets.yaml itself. */
async function targetOf(commands: readonly Command[], shell: Shell): Promise<TargetSettings | undefined> {
  const named = commands.find((one) => one.getOptionValueSource(TARGET.flag) === "cli")?.getOptionValue(TARGET.flag);
  if (named !== undefined) shell.env = { ...shell.env, [TARGET.variable]: named as string };
  return findTarget(shell.env, shell.projectDir);
}

function takesTarget(command: Command): boolean {
  return command.options.some((option) => option.name() === TARGET.flag);
}

/** Gives each command that takes a setting a flag for all that a target says. */
export function addTargetOption(command: Command): void {
  for (const one of command.commands) addTargetOption(one);
  if (!command.options.some((option) => settingOf(option.name()))) return;
  command.option(`-t, --${TARGET.flag} <name>`, "where it works, as targets.yaml says; none: as without that file");
}

/**
 * Gives the options of a command what the environment or `.env` says, and what holds without a word. What the command line
 * says stays; what the project file says comes in where it is read, for nothing is set here then.
 */
export function applySettings(command: Command, env: Environment, dotEnv: Environment, target?: TargetSettings): void {
  const place = placesOf(env, dotEnv, target);
  for (const option of command.options) {
    const setting = settingOf(option.name());
    // Which database has more places: resolveConnection looks at them.
    if (!setting || setting === DATABASE) continue;
    const name = option.attributeName();
    const typed = command.getOptionValueSource(name) === "cli";
    if (typed && setting !== VARS) continue;
    const text = env[setting.variable] ?? setting.default;
    if (text === undefined) continue;
    const isSaid = env[setting.variable] !== undefined;
    const value = parsed(option, text, isSaid ? place(setting.variable) : `--${setting.flag}`);
    if (typed) command.setOptionValueWithSource(name, { ...Object(value), ...command.getOptionValue(name) }, "cli");
    else command.setOptionValueWithSource(name, value, isSaid ? "env" : "default");
  }
}

const YES = new Set(["true", "1", "yes", "on"]);
const NO = new Set(["false", "0", "no", "off"]);

function parsed(option: Option, text: string, from: string): unknown {
  if (option.isBoolean()) return truth(text, from);
  if (!option.parseArg) return text;
  try {
    return option.parseArg(text, undefined as never);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    // As commander shows it, it is a sentence.
    const expected = error.message.replace(/^Expected /, "").replace(/\.$/, "");
    throw new UserError({ message: `${from} is wrong`, expected, found: text, cause: error });
  }
}

function truth(text: string, from: string): true | undefined {
  const word = text.toLowerCase();
  if (YES.has(word)) return true;
  if (NO.has(word)) return undefined;
  throw new UserError({ message: `${from} is wrong`, expected: "true or false", found: text });
}
