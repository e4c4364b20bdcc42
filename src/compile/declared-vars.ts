import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MISSING_VARIABLE } from "../config/declare.ts";
import type { Environment } from "../config/environment.ts";
import { isCalledSecret, READ_BY_ALL } from "../config/secret-names.ts";
import { UserError, UserErrors } from "../model/errors.ts";
import { ownValue } from "../model/own-value.ts";
import type { ProjectFiles } from "./project.ts";

type Vars = Readonly<Record<string, string>>;

interface FromEnvironment {
  readonly env: string;
  readonly default?: string;
}

/**
 * The variables of the project that the environment has, where the project file declares them: `vars: { x: { env: X } }`.
 * @param given what a run says itself; such a variable need not be set
 * @throws UserErrors with the line of each that is not set, and of each that is called as a secret is
 */
export async function declaredVars(project: ProjectFiles, env: () => Environment, given: Vars = {}): Promise<Vars> {
  const { projectDir, settingsFile } = project;
  const text = readFileSync(join(projectDir, settingsFile), "utf8");
  // Most projects have none, and to read YAML takes as long as all else here.
  if (!text.includes("env")) return {};
  const { parseYaml } = await import("../config/yaml.ts");
  const yaml = parseYaml(text, settingsFile);
  const declared = declarationsIn(yaml.value);
  if (!declared.length) return {};
  const surroundings = env();
  const errors: UserError[] = [];
  const vars = declared.map(([name, { env: variable, default: otherwise }]) => {
    const place = yaml.locate(["vars", name, "env"]);
    if (isCalledSecret(variable)) errors.push(secret(name, variable, place));
    const value = ownValue(given, name) ?? (ownValue(surroundings, variable) || otherwise);
    if (value === undefined) errors.push(notSet(name, variable, place));
    return [name, value ?? ""] as const;
  });
  if (errors.length) throw new UserErrors(errors);
  return Object.fromEntries(vars);
}

/** What is of another shape is told where the project file is checked. */
function declarationsIn(settings: unknown): readonly (readonly [string, FromEnvironment])[] {
  const { vars } = Object(settings) as { vars?: unknown };
  return Object.entries(Object(vars) as Readonly<Record<string, unknown>>).flatMap(([name, said]) =>
    isDeclaration(said) ? [[name, said] as const] : [],
  );
}

function isDeclaration(said: unknown): said is FromEnvironment {
  const { env, default: otherwise, ...unknown } = Object(said) as { env?: unknown; default?: unknown };
  const isText = typeof env === "string" && env !== "" && (otherwise === undefined || typeof otherwise === "string");
  return isText && !Object.keys(unknown).length;
}

type Place = Pick<UserError, "location" | "snippet">;

function notSet(name: string, variable: string, place: Place): UserError {
  return new UserError({
    message: `the environment variable ${variable} is not set`,
    ...place,
    expected: `a value for vars.${name}`,
    hint: `set ${variable} in the environment or in .env, give vars.${name} a default, or say --vars ${name}=value`,
    code: MISSING_VARIABLE,
  });
}

function secret(name: string, variable: string, place: Place): UserError {
  return new UserError({
    message: `vars.${name}: ${variable} is called as a secret is`,
    ...place,
    expected: READ_BY_ALL,
    hint: `what a database or a source asks for stands where it connects (docs/cli.md); call ${variable} otherwise if it is none`,
  });
}
