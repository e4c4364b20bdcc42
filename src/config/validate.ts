import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { UserError, UserErrors } from "../model/errors.ts";
import { nearest } from "../model/nearest.ts";
import { ownValue } from "../model/own-value.ts";
import type { YamlFile, YamlPath } from "./yaml.ts";

const ajv = new Ajv({ allErrors: true, verbose: true, strict: true, allowUnionTypes: true });
const compiled = new WeakMap<object, ValidateFunction>();

/** Checks a file against a JSON Schema. Throws every mistake at once, each with its line. */
export function validateYaml<T>(yaml: YamlFile, schema: object): T {
  let validate = compiled.get(schema);
  if (!validate) {
    validate = ajv.compile(schema);
    compiled.set(schema, validate);
  }
  if (validate(yaml.value)) return yaml.value as T;
  throw new UserErrors((validate.errors ?? []).map((error) => toUserError(error, yaml)));
}

function toUserError(error: ErrorObject, yaml: YamlFile): UserError {
  const path = pathOf(error.instancePath, yaml.value);
  const where = path.length === 0 ? "the file" : `"${path.join(".")}"`;
  if (error.keyword === "additionalProperties") {
    const key = String(error.params.additionalProperty);
    const known = Object.keys((error.parentSchema?.properties as object | undefined) ?? {});
    const suggestion = nearest(key, known);
    return new UserError({
      message: `unknown key "${key}"`,
      ...yaml.locate([...path, key], "key"),
      expected: `one of ${known.join(", ")}`,
      hint: suggestion && `did you mean "${suggestion}"?`,
    });
  }
  if (error.keyword === "required") {
    const key = String(error.params.missingProperty);
    const properties = error.parentSchema?.properties as Record<string, { description?: string }> | undefined;
    return new UserError({
      message: `"${key}" is missing in ${where}`,
      ...yaml.locate(path),
      expected: ownValue(properties, key)?.description,
      hint: `add ${key}:`,
    });
  }
  const allowed = error.params.allowedValues ?? (error.keyword === "const" ? [error.params.allowedValue] : undefined);
  const suggestion = allowed && typeof error.data === "string" ? nearest(error.data, allowed.map(String)) : undefined;
  const secret = error.parentSchema?.writeOnly === true;
  const place = yaml.locate(path);
  return new UserError({
    message: `${where} is wrong`,
    ...(secret ? { location: place.location } : place),
    expected: allowed ? `one of ${allowed.map(String).join(", ")}` : describe(error),
    found: secret ? "(not shown)" : shown(error.data),
    hint: suggestion && `did you mean "${suggestion}"?`,
  });
}

function describe(error: ErrorObject): string {
  const description = error.parentSchema?.description;
  // A pattern says less to a person than the words that go with it.
  if (description && error.keyword === "pattern") return description;
  const rule = (error.message ?? error.keyword).replace(/^must be /, "").replace(/^must /, "it to ");
  return description ? `${rule} (${description})` : rule;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
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
