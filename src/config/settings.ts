import { UserError } from "../model/errors.ts";
import { nearest } from "../model/nearest.ts";
import { LIBPQ } from "./libpq.ts";

/** What stays the same from run to run, with every place that may say it: the first one that does counts. */
export interface Setting {
  /** As on the command line, without the dashes. */
  readonly flag: string;
  readonly variable: string;
  /** In the project file. */
  readonly key?: string;
  /** As it would be written behind the flag. */
  readonly default?: string;
}

const PREFIX = "DATAFORM_";

function wordsOf(flag: string): string {
  return flag.toUpperCase().replaceAll("-", "_");
}

/** Which database: `resolveConnection` looks at more places for it. */
export const DATABASE: Setting = { flag: "url", variable: "DATABASE_URL" };

/** Which target of `targets.yaml`: what it says comes before the other variables. */
export const TARGET = setting("target");
/** In place of its name: none, whatever the file says. */
export const NO_TARGET = "none";
/** Where a project says where it runs. */
export const TARGETS_FILE = "targets.yaml";

/** Variables of the project: each of them is looked for by itself. */
export const VARS = setting("vars", { key: "vars" });

export const SETTINGS: readonly Setting[] = [
  DATABASE,
  TARGET,
  setting("environment"),
  setting("roles"),
  setting("publisher-url"),
  setting("reader-url"),
  VARS,
  setting("default-schema", { key: "defaultSchema" }),
  setting("assertion-schema", { key: "assertionSchema" }),
  setting("schema-suffix", { key: "schemaSuffix" }),
  setting("table-prefix", { key: "tablePrefix" }),
  setting("disable-assertions", { key: "disableAssertions" }),
  setting("timeout", { default: "60s" }),
  setting("concurrency", { key: "concurrentQueryLimit" }),
  setting("wait"),
  // Given, it says that there is waiting at all.
  setting("wait-timeout"),
  setting("assertions", { default: "block" }),
  setting("all-or-nothing"),
  setting("publish-deadline", { default: "60s" }),
  setting("horizon", { default: "wait" }),
  // Its default is another one with every policy.
  setting("horizon-timeout"),
  setting("artifacts"),
  setting("keep-releases", { key: "retention.releases" }),
  setting("keep-for", { key: "retention.releasesFor" }),
];

function setting(flag: string, more: Omit<Setting, "flag" | "variable"> = {}): Setting {
  return { flag, variable: `${PREFIX}${wordsOf(flag)}`, ...more };
}

/** The setting of a flag; `dataform roles` calls its prefix `--prefix`. */
export function settingOf(flag: string): Setting | undefined {
  const name = flag === "prefix" ? "roles" : flag;
  return SETTINGS.find((one) => one.flag === name);
}

/** Whether a variable says something to this program, spelled rightly or not. */
export function isVariableOfOurs(name: string): boolean {
  return name.startsWith(PREFIX) || name === DATABASE.variable || LIBPQ.some(({ variable }) => variable === name);
}

/**
 * Looks at the variables that are ours by their prefix. Returns a line on each that means nothing here.
 * @param place where a variable was set
 * @throws UserError for one that looks like a setting, and for one that is empty
 */
export function checkVariables(
  env: Readonly<Record<string, string | undefined>>,
  place: (name: string) => string,
): readonly string[] {
  const names = Object.keys(env).filter((name) => env[name] !== undefined);
  const bent = names.find((name) => !isOurs(name) && bentSetting(name));
  if (bent !== undefined) throw noSetting(place(bent), bentSetting(bent)!);
  return names.filter(isOurs).flatMap((name) => {
    if (SETTINGS.some(({ variable }) => variable === name)) {
      if (env[name]) return [];
      throw new UserError({
        message: `${place(name)} is empty`,
        hint: "give it a value, or unset it",
      });
    }
    const meant = meantBy(name);
    if (!meant) return [`${place(name)} is no setting of dataform-postgres and is ignored`];
    throw noSetting(place(name), meant);
  });
}

function isOurs(name: string): boolean {
  return name.toUpperCase().startsWith(PREFIX);
}

/** What a name means whose beginning is not quite ours: `DATAFROM_ENVIRONMENT`. */
function bentSetting(name: string): string | undefined {
  const ours = SETTINGS.flatMap((setting) => (setting === DATABASE ? [] : [setting.variable]));
  return /^data/i.test(name) ? nearest(name, ours, 2) : undefined;
}

function noSetting(found: string, meant: string): UserError {
  return new UserError({ message: `${found} is not a setting`, hint: `did you mean ${meant}?` });
}

function meantBy(name: string): string | undefined {
  const words = name.slice(PREFIX.length).toUpperCase();
  const known = new Map(SETTINGS.map(({ flag, variable }) => [wordsOf(flag), variable]));
  known.set(DATABASE.variable, DATABASE.variable);
  const begins = (one: string) => words.length > 2 && (one.startsWith(words) || words.startsWith(`${one}_`));
  const meant = nearest(words, known.keys()) ?? [...known.keys()].find(begins);
  return meant === undefined ? undefined : known.get(meant);
}
