import { createRequire } from "node:module";
import type { Ajv, ErrorObject } from "ajv";
import type { Static, TSchema } from "typebox";
import { UserError, UserErrors } from "../model/errors.ts";
import { nearest } from "../model/nearest.ts";
import { ownValue } from "../model/own-value.ts";
import type { Standing } from "./place.ts";
import { isPlainly } from "./plainly.ts";
import type { YamlFile, YamlPath } from "./yaml.ts";

/** Finds where a value, or its key, stands. */
export type Locate = (path: YamlPath, what: "key" | "value") => Standing;

let validator: Ajv | undefined;

/** What is plainly right needs no validator: to load it, and to compile the schema of an ingest file, takes 0.15 s of the processor. */
function ajv(): Ajv {
  const { Ajv } = createRequire(import.meta.url)("ajv") as typeof import("ajv");
  // verbose: an error then carries the schema it is about, and with it the words that describe it.
  validator ??= new Ajv({ allErrors: true, verbose: true, strict: true, allowUnionTypes: true }).addVocabulary([
    "x-withheld",
  ]);
  return validator;
}

/** The digits of a number that JavaScript does not have, as a person wrote them; undefined for any other value. */
type Written = (path: YamlPath) => string | undefined;

/**
 * Checks a file against its schema. Throws every mistake at once, each with its line. A number is the one that is written,
 * or refused.
 * @param keepsDigits where whoever reads the file reads the digits, too
 */
export function checkYaml<Schema extends TSchema>(
  yaml: YamlFile,
  schema: Schema,
  keepsDigits: (path: YamlPath) => boolean = () => false,
): Static<Schema> {
  const bent = new Map(yaml.bentNumbers().map(({ path, text }) => [JSON.stringify(path), { path, text }]));
  const told = new Set<string>();
  const errors = mistakesIn(yaml.value, schema, yaml.locate, [], (path) => {
    told.add(JSON.stringify(path));
    return bent.get(JSON.stringify(path))?.text;
  });
  const others = [...bent].flatMap(([key, { path, text }]) =>
    told.has(key) || keepsDigits(path) ? [] : [otherNumber(path, text, yaml)],
  );
  if (errors.length + others.length > 0) throw new UserErrors([...errors, ...others]);
  return yaml.value as Static<Schema>;
}

function otherNumber(path: YamlPath, text: string, yaml: YamlFile): UserError {
  return new UserError({
    message: `${path.join(".")} is a number that would be taken for another one`,
    ...yaml.locate(path),
    expected: "at most 15 digits, or a text in quotes",
    found: text,
  });
}

/** Returns what is wrong with a value. `at` is where the value itself stands. */
export function mistakesIn(
  value: unknown,
  schema: TSchema,
  locate: Locate,
  at: YamlPath = [],
  written: Written = () => undefined,
): readonly UserError[] {
  if (isPlainly(schema, value)) return [];
  // Ajv keeps what it has compiled.
  const validate = ajv().compile(schema);
  if (validate(value)) return [];
  // `anyOf` repeats itself for each of its branches.
  const own = validate.errors!.filter(({ schemaPath }) => !/\/anyOf\/\d/.test(schemaPath));
  return own.map((error) => toUserError(error, [...at, ...pathOf(error.instancePath, value)], locate, written));
}

interface Property {
  readonly description?: string;
  readonly deprecated?: boolean;
}

function toUserError(error: ErrorObject, path: YamlPath, locate: Locate, written: Written): UserError {
  const { keyword, params, parentSchema, data } = error;
  const properties = (parentSchema?.properties ?? {}) as Record<string, Property>;
  const where = path.length === 0 ? "the file" : path.join(".");
  if (keyword === "additionalProperties") {
    const unknown = String(params.additionalProperty);
    const known = Object.keys(properties).filter((key) => !properties[key]!.deprecated);
    return new UserError({
      message: `unknown property "${unknown}"${path.length === 0 ? "" : ` in ${where}`}`,
      ...locate([...path, unknown], "key"),
      expected: known.join(", "),
      found: unknown,
      hint: didYouMean(nearest(unknown, known)) ?? "leave it out",
    });
  }
  if (keyword === "required") {
    const missing = String(params.missingProperty);
    return new UserError({
      message: `"${missing}" is missing in ${where}`,
      ...locate(path, "value"),
      expected: ownValue(properties, missing)?.description,
      found: Object.keys(data as object).join(", ") || "nothing",
      hint: `add ${missing}:`,
    });
  }
  const isPrivate = parentSchema?.writeOnly === true;
  const { location, snippet } = locate(path, "value");
  return new UserError({
    message: `${where} is wrong`,
    location,
    ...(isPrivate || snippet === undefined ? {} : { snippet }),
    expected: expectedBy(error),
    found: isPrivate ? "(not shown)" : (written(path) ?? shown(data)),
    hint: isPrivate ? undefined : adviceOn(error, written(path)),
  });
}

/**
 * What a person can write in place of a value.
 * @param written as it stands in the file, where JavaScript has another number
 */
function adviceOn({ keyword, params, parentSchema, data }: ErrorObject, written?: string): string | undefined {
  const { examples: [example] = [], minimum, maximum } = (parentSchema ?? {}) as Rules;
  switch (keyword) {
    case "enum": {
      const words: readonly unknown[] = params.allowedValues;
      const close = typeof data === "string" ? nearest(data, words.map(String)) : undefined;
      return didYouMean(close) ?? "write one of them";
    }
    case "type":
      return [params.type].flat().includes("string") && /^(?:number|boolean)$/.test(typeof data)
        ? `put it in quotes: "${written ?? data}"`
        : `write ${namesOf(params.type)}`;
    case "minItems":
    case "minLength":
    case "minProperties":
      return "write something there, or leave the key out";
    case "minimum":
    case "maximum":
      return minimum === undefined || maximum === undefined ? undefined : `write one from ${minimum} to ${maximum}`;
    default:
      return example === undefined ? undefined : `for example: ${example}`;
  }
}

interface Rules {
  readonly examples?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
}

function didYouMean(suggestion: string | undefined): string | undefined {
  return suggestion && `did you mean "${suggestion}"?`;
}

const typeNames: Readonly<Record<string, string>> = {
  string: "a text",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list: […]",
  object: "an object: {…}",
};

function expectedBy(error: ErrorObject): string {
  const description: string | undefined = error.parentSchema?.description;
  // These say less to a person than the words that go with them.
  if (description && /^(?:pattern|const|anyOf)$/.test(error.keyword)) return description;
  return description ? `${ruleOf(error)} (${description})` : ruleOf(error);
}

function namesOf(types: string | readonly string[]): string {
  return [types]
    .flat()
    .map((type) => typeNames[type] ?? type)
    .join(" or ");
}

function ruleOf({ keyword, params, parentSchema, message }: ErrorObject): string {
  switch (keyword) {
    case "type":
      return namesOf(params.type);
    case "enum":
      return `one of ${params.allowedValues.join(", ")}`;
    case "minItems":
      return "a list that is not empty";
    case "maxItems":
      return `a list of ${params.limit} at most`;
    case "minLength":
      return "a text that is not empty";
    case "minProperties":
    case "maxProperties": {
      const known = Object.keys(parentSchema?.properties ?? {});
      return known.length > 0 ? `${keyword === "minProperties" ? "some" : "one"} of ${known.join(", ")}` : "a key";
    }
    default:
      return (message ?? keyword).replace(/^must be /, "").replace(/^must /, "it to ");
  }
}

const LONGEST_SHOWN = 100;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}

/** A JSON pointer as keys, with numbers where the value is a list. */
function pathOf(pointer: string, root: unknown): YamlPath {
  const path: (string | number)[] = [];
  let value = root;
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    path.push(Array.isArray(value) ? Number(key) : key);
    value = (value as Record<string, unknown> | undefined)?.[key];
  }
  return path;
}
