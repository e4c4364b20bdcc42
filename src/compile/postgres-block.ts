import { Ajv, type ErrorObject } from "ajv";
import { UserError } from "../model/errors.ts";
import { type Action, type Assertion, isModel, type Model } from "../model/graph.ts";
import { nearest } from "../model/nearest.ts";
import { targetKey } from "../model/target.ts";
import { indexColumn } from "../sql/index-columns.ts";
import { type ConfigPath, placeInConfig } from "./config-text.ts";

const amount = {
  anyOf: [
    { type: "integer", minimum: 0 },
    { type: "string", pattern: "^\\d+(\\.\\d+)?%$" },
  ],
};

const assertionSchema = {
  type: "object",
  additionalProperties: false,
  properties: { severity: { enum: ["warn", "error"] }, threshold: amount },
} as const;

const postgresSchema = {
  type: "object",
  additionalProperties: false,
  properties: {
    indexes: {
      type: "array",
      items: {
        type: "object",
        required: ["columns"],
        additionalProperties: false,
        properties: {
          columns: { type: "array", minItems: 1, items: { type: "string", minLength: 1 } },
          unique: { type: "boolean" },
          using: { enum: ["btree", "hash", "gin", "gist", "spgist", "brin"] },
          include: { type: "array", minItems: 1, items: { type: "string", minLength: 1 } },
          where: { type: "string", minLength: 1 },
        },
      },
    },
    assertions: assertionSchema,
    guard: {
      type: "object",
      additionalProperties: false,
      minProperties: 1,
      properties: { maxRowDrop: amount, maxChangedKeys: amount },
    },
    rebuildDependents: { type: "boolean" },
    adopt: { type: "boolean" },
    grants: {
      type: "object",
      propertyNames: { enum: ["select", "insert", "update", "delete"] },
      additionalProperties: { type: "array", items: { type: "string", minLength: 1 } },
    },
  },
} as const;

// verbose: an error then carries the schema it is about, and with it the properties that are known.
const ajv = new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true });
const validatePostgres = ajv.compile(postgresSchema);
const validateAssertion = ajv.compile(assertionSchema);

/** The `postgres: {…}` block of an action. */
export function checkBlock(action: Action, projectDir: string): UserError[] {
  if (action.kind === "assertion") return checkAssertionBlock(action, projectDir);
  return isModel(action) ? checkPostgresBlock(action, projectDir) : [];
}

function checkPostgresBlock(model: Model, projectDir: string): UserError[] {
  if (!validatePostgres(model.postgres)) return explain(validatePostgres.errors, model.file, projectDir);
  const name = targetKey(model.target);
  const mistake = (message: string, path: ConfigPath, advice: Pick<UserError, "hint" | "expected" | "found">) =>
    new UserError({ message: `${name}: ${message}`, ...placeInConfig(projectDir, model.file, path), ...advice });
  const { indexes = [], guard } = model.postgres;
  const place = ["postgres", "indexes"];
  if (model.kind === "view" && indexes.length) {
    const hint = 'make it a table (type: "table"), or index what it reads';
    return [mistake("a view cannot have indexes", place, { hint })];
  }
  const wrong = indexes.flatMap(({ columns }, index) =>
    columns.flatMap((column, at) =>
      wrongIndexColumn(column).map(({ message, expected, found }) =>
        mistake(message, [...place, index, "columns", at], { expected, found }),
      ),
    ),
  );
  if (wrong.length) return wrong;
  if (guard?.maxChangedKeys !== undefined && !model.key) {
    return [
      mistake("maxChangedKeys needs a key", ["postgres", "guard", "maxChangedKeys"], {
        hint: "say which columns name a row: assertions: { uniqueKey: […] }",
      }),
    ];
  }
  return [];
}

function wrongIndexColumn(column: string): UserError[] {
  try {
    indexColumn(column, "postgres.indexes: columns");
    return [];
  } catch (error) {
    if (error instanceof UserError) return [error];
    throw error;
  }
}

function checkAssertionBlock(assertion: Assertion, projectDir: string): UserError[] {
  // An assertion made by a model's config has the model's block, which is checked there.
  if (assertion.parent || validateAssertion(assertion.postgres)) return [];
  return explain(validateAssertion.errors, assertion.file, projectDir);
}

function explain(errors: readonly ErrorObject[] | null | undefined, file: string, projectDir: string): UserError[] {
  // `anyOf` repeats itself for each of its branches, and `propertyNames` what is wrong with the name.
  const own = (errors ?? []).filter(
    ({ schemaPath, keyword }) => !/\/anyOf\/\d/.test(schemaPath) && keyword !== "propertyNames",
  );
  return own.map((error) => {
    const { instancePath, keyword, params, message, parentSchema, data } = error;
    const unknown: string | undefined = params.additionalProperty ?? error.propertyName;
    const path = ["postgres", ...instancePath.split("/").slice(1).map(fromPointer)];
    const where = path.join(".");
    const known: readonly string[] =
      error.propertyName === undefined ? Object.keys(parentSchema?.properties ?? {}) : params.allowedValues;
    const suggestion = unknown === undefined ? undefined : nearest(unknown, known);
    return new UserError({
      message:
        unknown === undefined
          ? `${where} ${keyword === "anyOf" ? "has a wrong value" : message}`
          : `unknown property "${unknown}" in ${where}`,
      ...placeInConfig(projectDir, file, unknown === undefined ? path : [...path, unknown]),
      expected: unknown === undefined ? expectedBy(error) : known.join(", "),
      ...(unknown === undefined ? { found: shown(data) } : {}),
      ...(suggestion ? { hint: `did you mean "${suggestion}"?` } : {}),
    });
  });
}

const typeNames = { string: "a text", array: "a list: […]", object: "an object: {…}", boolean: "true or false" };

function expectedBy({ keyword, params, parentSchema }: ErrorObject): string {
  if (keyword === "anyOf") return 'a whole number, a share such as "0.5%"';
  if (keyword === "type") return typeNames[params.type as keyof typeof typeNames];
  if (keyword === "enum") return params.allowedValues.join(", ");
  if (keyword === "required") return `the property ${params.missingProperty}`;
  if (keyword === "minItems") return "a list that is not empty";
  if (keyword === "minProperties") return `some of ${Object.keys(parentSchema!.properties).join(", ")}`;
  return "a text that is not empty";
}

const LONGEST_SHOWN = 80;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}

/** A step of a JSON pointer. */
function fromPointer(step: string): string {
  return step.replaceAll("~1", "/").replaceAll("~0", "~");
}
