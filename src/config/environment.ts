import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";

export type Environment = Readonly<Record<string, string | undefined>>;

/** The process environment, completed from the project's `.env`; what is already set wins. */
export function readEnvironment(projectDir: string): Environment {
  return { ...readDotEnv(projectDir), ...process.env };
}

/** The project's `.env` alone, to tell a person where a setting came from. */
export function readDotEnv(projectDir: string): Environment {
  try {
    return parseEnv(readFileSync(join(projectDir, ".env"), "utf8")) as Environment;
  } catch {
    return {};
  }
}

/** The process environment alone, for what must be known before the project is. */
export const processEnvironment: Environment = process.env;
