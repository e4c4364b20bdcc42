import { Ajv, type ErrorObject } from "ajv";
import { UserError } from "../model/errors.ts";
import { type Action, type Assertion, isModel, type Model } from "../model/graph.ts";
import { nearest } from "../model/nearest.ts";
import { targetKey } from "../model/target.ts";
import { indexColumn } from "../sql/index-columns.ts";
import { escapePattern, findInSource } from "./source.ts";

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
  const mistake = (message: string, word: string, hint: string) =>
    new UserError({ message: `${name}: ${message}`, location: locate(projectDir, model.file, word), hint });
  if (model.kind === "view" && model.postgres.indexes?.length) {
    return [
      mistake("a view cannot have indexes", "indexes", 'make it a table (type: "table"), or index what it reads'),
    ];
  }
  const wrong = (model.postgres.indexes ?? []).flatMap(({ columns }) => columns).flatMap(wrongIndexColumn);
  if (wrong.length)
    return wrong.map(({ message, expected, found }) =>
      mistake(message, "indexes", `expected ${expected}, found ${found}`),
    );
  if (model.postgres.guard?.maxChangedKeys !== undefined && !model.key) {
    return [
      mistake(
        "maxChangedKeys needs a key",
        "maxChangedKeys",
        "say which columns name a row: assertions: { uniqueKey: […] }",
      ),
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
  // `anyOf` repeats itself for each of its branches.
  const own = (errors ?? []).filter(({ schemaPath }) => !/\/anyOf\/\d/.test(schemaPath));
  return own.map(({ instancePath, keyword, params, message, parentSchema }) => {
    const unknown: string | undefined = params.additionalProperty ?? params.propertyName;
    const where = `postgres${instancePath.replaceAll("/", ".")}`;
    const known = keyword === "additionalProperties" ? Object.keys(parentSchema?.properties ?? {}) : [];
    const allowed: readonly string[] = known.length
      ? known
      : (params.allowedValues ?? (keyword === "anyOf" ? ["a whole number", 'a share such as "0.5%"'] : []));
    const suggestion = unknown === undefined ? undefined : nearest(unknown, known);
    return new UserError({
      message:
        unknown === undefined
          ? `${where} ${keyword === "anyOf" ? "has a wrong value" : message}`
          : `unknown property "${unknown}" in ${where}`,
      location: locate(projectDir, file, unknown ?? instancePath.split("/").at(-1)!),
      ...(allowed.length ? { expected: allowed.join(", ") } : {}),
      ...(suggestion ? { hint: `did you mean "${suggestion}"?` } : {}),
    });
  });
}

function locate(projectDir: string, file: string, word: string) {
  return findInSource(projectDir, file, new RegExp(`\\b${escapePattern(word || "postgres")}\\b`));
}
