import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Static } from "typebox";
import { UserError, UserErrors } from "../model/errors.ts";
import { nearest } from "../model/nearest.ts";
import { Secret } from "../model/secret.ts";
import type { TargetSettings } from "../model/target-settings.ts";
import { checkYaml } from "./check.ts";
import { readUrl } from "./connection-url.ts";
import { declare, variablesIn } from "./declare.ts";
import type { Environment } from "./environment.ts";
import { publishedSchema } from "./published.ts";
import { isCalledSecret, READ_BY_ALL } from "./secret-names.ts";
import { DATABASE, NO_TARGET, SETTINGS, TARGET, TARGETS_FILE } from "./settings.ts";
import { readYaml, type YamlFile } from "./yaml.ts";

type Values = Readonly<Record<string, unknown>>;

/**
 * What the target says that DATAFORM_TARGET names, or `default` of targets.yaml; undefined where there is none.
 * @param env also where `${NAME}` of that target looks
 * @throws UserErrors with what is wrong in targets.yaml, each with its line, and for a target that is not there
 */
export function readTarget(env: Environment, projectDir: string): TargetSettings | undefined {
  const named = env[TARGET.variable];
  if (named === NO_TARGET) return undefined;
  const path = join(projectDir, TARGETS_FILE);
  if (!existsSync(path)) return named === undefined ? undefined : noFile(named);
  const yaml = readYaml(path, TARGETS_FILE);
  const written = checkYaml(yaml, publishedSchema("targets"));
  const errors = Object.entries(written.targets).flatMap(([name, target]) => mistakesOf(name, target, yaml));
  if (errors.length) throw new UserErrors(errors);
  const name = named ?? written.default;
  if (name === undefined) return undefined;
  if (!Object.hasOwn(written.targets, name)) throw noTarget(name, written, named === undefined ? yaml : undefined);
  return settingsOf(name, written.targets[name]!, yaml, env);
}

type Written = Static<ReturnType<typeof publishedSchema<"targets">>>;
type Target = Written["targets"][string];

const URLS = ["url", "publisherUrl", "readerUrl"] as const;

function mistakesOf(name: string, target: Target, yaml: YamlFile): readonly UserError[] {
  const at = ["targets", name];
  if (name === NO_TARGET)
    return [new UserError({ message: `no target is called ${name}: it stands for none`, ...yaml.locate(at, "key") })];
  const both = target.url !== undefined && target.service !== undefined;
  const secrets = Object.entries(target.vars ?? {}).flatMap(([key, value]) =>
    variablesIn(value)
      .filter(isCalledSecret)
      .map((variable) => ({ key, variable })),
  );
  return [
    ...(both ? [namedTwice(name, yaml.locate([...at, "service"], "key"))] : []),
    ...URLS.filter((key) => hasPassword(target[key])).map((key) => password(name, key, yaml.locate([...at, key]))),
    ...secrets.map(
      ({ key, variable }) =>
        new UserError({
          message: `target ${name}: ${variable} is called as a secret is`,
          ...yaml.locate([...at, "vars", key]),
          expected: READ_BY_ALL,
          hint: `call ${variable} otherwise if it is none`,
        }),
    ),
  ];
}

function namedTwice(name: string, place: ReturnType<YamlFile["locate"]>): UserError {
  return new UserError({
    message: `target ${name} names its database twice`,
    ...place,
    expected: "url or service",
    found: "both",
    hint: "leave one of them out",
  });
}

function password(name: string, key: string, { location }: ReturnType<YamlFile["locate"]>): UserError {
  return new UserError({
    message: `target ${name} has a password written down`,
    location,
    expected: `${key} without one, or with a variable: postgresql://user:\${NAME}@host`,
    found: "(not shown)",
    hint: "take it out of the file and of its history; ~/.pgpass may have it",
  });
}

/** Whether it does without variables. What is no URL is told where it is used. */
function hasPassword(url: string | undefined): boolean {
  try {
    const parameters = readUrl((url ?? "").replace(/\$\{\w+\}/g, ""), TARGETS_FILE);
    return ["password", "sslpassword"].some((name) => parameters.get(name)?.value);
  } catch {
    return false;
  }
}

function noTarget(name: string, { targets }: Written, said: YamlFile | undefined): UserError {
  const known = Object.keys(targets);
  const meant = nearest(name, known);
  return new UserError({
    message: said ? `default: there is no target ${name}` : `there is no target ${name} in ${TARGETS_FILE}`,
    ...(said ? said.locate(["default"]) : { location: { file: TARGETS_FILE } }),
    expected: known.join(", ") || "a target in the file",
    found: name,
    ...(meant === undefined ? {} : { hint: `did you mean ${meant}?` }),
  });
}

function noFile(named: string): never {
  throw new UserError({
    message: `there is no ${TARGETS_FILE} that says what target ${named} is`,
    expected: `${TARGETS_FILE} beside the project file`,
    hint: "docs/cli/targets.md has one",
  });
}

/** What a target says, by the variables that would say the same. */
function settingsOf(name: string, target: Target, yaml: YamlFile, env: Environment): TargetSettings {
  // Of other targets no variable need be set.
  const filled = (some: object): Values => {
    const only = { ...yaml, value: { targets: { [name]: some } } };
    return declare(only, publishedSchema("targets"), env).targets[name]!;
  };
  const { url, publisherUrl, readerUrl, ...settings } = target;
  const said = Object.entries(filled(settings));
  const unsaid: [string, Error][] = [];
  for (const [key, value] of Object.entries({ url, publisherUrl, readerUrl })) {
    if (value === undefined) continue;
    try {
      said.push([key, filled({ [key]: value })[key]]);
    } catch (error) {
      // A command that asks no database needs none of them.
      unsaid.push([variableOf(key)!, error as Error]);
    }
  }
  const known = said.flatMap(([key, value]): readonly (readonly [string, string])[] => {
    if (key === "service") return [[DATABASE.variable, `postgresql://?service=${encodeURIComponent(String(value))}`]];
    const variable = variableOf(key);
    return variable === undefined ? [] : [[variable, textOf(value)]];
  });
  return { name, said: Object.fromEntries(known), unsaid: Object.fromEntries(unsaid) };
}

/** Keys are written as those of the project file: schema-suffix → schemaSuffix. */
function variableOf(key: string): string | undefined {
  const flag = key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return SETTINGS.find((one) => one.flag === flag)?.variable;
}

function textOf(value: unknown): string {
  if (value instanceof Secret) return value.reveal();
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
