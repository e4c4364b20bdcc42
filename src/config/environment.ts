import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { UserError } from "../model/errors.ts";
import { ownValue } from "../model/own-value.ts";
import type { TargetSettings } from "../model/target-settings.ts";
import { isVariableOfOurs } from "./settings.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The project's `.env`, or nothing. What the process environment has set wins over it.
 * @throws UserError where there is one that cannot be read, or a line names a variable of ours without setting it
 */
export function readDotEnv(projectDir: string): Environment {
  const text = textOf(join(projectDir, ".env"));
  const variables = parseEnv(text) as Environment;
  for (const [index, line] of text.split("\n").entries()) {
    const name = /^\s*(?:export\s+)?(\w+)/.exec(line)?.[1];
    if (name === undefined || name in variables || !isVariableOfOurs(name)) continue;
    throw new UserError({
      message: `.env names ${name} and does not set it`,
      location: { file: ".env", line: index + 1 },
      expected: `${name}=value`,
      hint: "correct the line and the one before, or make it a comment with #",
    });
  }
  return variables;
}

function textOf(path: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    // A folder of this name is a virtual environment of Python.
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") return "";
    throw new UserError({
      message: "cannot read .env, which may say which database to use",
      found: message,
      hint: "check its permissions, or move it away",
      cause,
    });
  }
  const text = new TextDecoder().decode(bytes);
  if (!text.includes("\0")) return text;
  throw new UserError({
    message: ".env is not UTF-8",
    location: { file: ".env" },
    found: "UTF-16, as some editors and shells of Windows write it",
    hint: "save it as UTF-8",
  });
}

/** The process environment. */
export const processEnvironment: Environment = process.env;

/** What a program of the project sees: the process environment, completed from the project's `.env`. */
export function readEnvironment(projectDir: string): Environment {
  return { ...readDotEnv(projectDir), ...processEnvironment };
}

/** Where a variable was set, for messages: "DATABASE_URL", "DATABASE_URL in .env", or "target prod". */
export function placesOf(env: Environment, dotEnv: Environment, target?: TargetSettings): (name: string) => string {
  return (name) => {
    if (target && ownValue(target.said, name) !== undefined) return `target ${target.name}`;
    return dotEnv[name] !== undefined && dotEnv[name] === env[name] ? `${name} in .env` : name;
  };
}
