import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";

export type Environment = Readonly<Record<string, string | undefined>>;

/** The project's `.env`, or nothing. What the process environment has set wins over it. */
export function readDotEnv(projectDir: string): Environment {
  try {
    return parseEnv(readFileSync(join(projectDir, ".env"), "utf8")) as Environment;
  } catch {
    return {};
  }
}

/** The process environment. */
export const processEnvironment: Environment = process.env;

/** What a program of the project sees: the process environment, completed from the project's `.env`. */
export function readEnvironment(projectDir: string): Environment {
  return { ...readDotEnv(projectDir), ...processEnvironment };
}
