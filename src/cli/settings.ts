import { type Command, InvalidArgumentError, type Option } from "commander";
import { type Environment, placesOf, readDotEnv } from "../config/environment.ts";
import { checkVariables, DATABASE, settingOf } from "../config/settings.ts";
import { UserError } from "../model/errors.ts";
import { paint } from "./paint.ts";
import type { Shell } from "./shell.ts";

/** Takes in what `.env` says, and gives the command, and those that it is part of, what the variables say. */
export function readSettings(acting: Command, shell: Shell): void {
  const dotEnv = readDotEnv(shell.projectDir);
  shell.env = { ...dotEnv, ...shell.env };
  for (const line of checkVariables(shell.env, placesOf(shell.env, dotEnv)))
    shell.say(`${paint(shell, "yellow", "warning")} ${line}`);
  for (let one: Command | null = acting; one; one = one.parent) applySettings(one, shell.env, dotEnv);
}

/**
 * Gives the options of a command what the environment or `.env` says, and what holds without a word. What the command line
 * says stays; what the project file says comes in where it is read, for nothing is set here then.
 */
export function applySettings(command: Command, env: Environment, dotEnv: Environment): void {
  const place = placesOf(env, dotEnv);
  for (const option of command.options) {
    const setting = settingOf(option.name());
    // Which database has more places: resolveConnection looks at them.
    if (!setting || setting === DATABASE) continue;
    const name = option.attributeName();
    if (command.getOptionValueSource(name) === "cli") continue;
    const text = env[setting.variable] ?? setting.default;
    if (text === undefined) continue;
    const isSaid = env[setting.variable] !== undefined;
    const value = parsed(option, text, isSaid ? place(setting.variable) : `--${setting.flag}`);
    command.setOptionValueWithSource(name, value, isSaid ? "env" : "default");
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
