import type { TSchema } from "typebox";
import type { Declared } from "../model/declared.ts";
import { UserError, UserErrors } from "../model/errors.ts";
import { ownValue } from "../model/own-value.ts";
import { Secret } from "../model/secret.ts";
import type { Environment } from "./environment.ts";
import type { YamlFile, YamlPath } from "./yaml.ts";

/** The code of the error for a variable that is not set. */
export const MISSING_VARIABLE = "missing_variable";

const VARIABLE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;
const ONE_VARIABLE = /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/;

/** The variables that a text, or any text in a value, names. */
export function variablesIn(value: unknown): readonly string[] {
  return [...(JSON.stringify(value) ?? "").matchAll(VARIABLE)].map(([, name = ""]) => name);
}

/** What reading a value needs to know of its schema. */
interface Shape {
  readonly default?: unknown;
  readonly writeOnly?: boolean;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly additionalProperties?: Shape | boolean;
  readonly items?: Shape;
}

/**
 * Returns what a file declares that its schema has accepted: variables and defaults filled in, and a Secret where a
 * private text names its variable. Throws one error per variable that is not set.
 */
export function declare<Schema extends TSchema>(yaml: YamlFile, schema: Schema, env: Environment): Declared<Schema> {
  const errors: UserError[] = [];
  const variable = (name: string, path: YamlPath) => {
    const value = ownValue(env, name);
    if (!value) errors.push(missingVariable(name, yaml, path));
    return value ?? "";
  };
  const fillText = (text: string, shape: Shape, path: YamlPath) => {
    const name = shape.writeOnly ? ONE_VARIABLE.exec(text)?.[1] : undefined;
    if (name !== undefined) return new Secret(name, variable(name, path));
    return text.replace(VARIABLE, (_, found: string) => variable(found, path));
  };
  const fillObject = (value: object, { properties = {}, additionalProperties }: Shape, path: YamlPath) => {
    const others = typeof additionalProperties === "object" ? additionalProperties : {};
    const written = Object.entries(value).map(([key, item]) => {
      return [key, fill(item, ownValue(properties, key) ?? others, [...path, key])];
    });
    const missing = Object.entries(properties).flatMap(([key, shape]) =>
      shape.default === undefined || Object.hasOwn(value, key)
        ? []
        : [[key, fill(shape.default, shape, [...path, key])]],
    );
    return Object.fromEntries([...written, ...missing]);
  };
  const fill = (value: unknown, shape: Shape, path: YamlPath): unknown => {
    if (typeof value === "string") return fillText(value, shape, path);
    if (Array.isArray(value)) return value.map((item, index) => fill(item, shape.items ?? {}, [...path, index]));
    return value !== null && typeof value === "object" ? fillObject(value, shape, path) : value;
  };
  const declared = fill(yaml.value, schema, []);
  if (errors.length > 0) throw new UserErrors(errors);
  return declared as Declared<Schema>;
}

function missingVariable(name: string, yaml: YamlFile, path: YamlPath): UserError {
  return new UserError({
    message: `the environment variable ${name} is not set`,
    ...yaml.locate(path),
    expected: `a value for ${path.join(".")}`,
    hint: `set ${name} in the environment, or add it to .env`,
    code: MISSING_VARIABLE,
  });
}
