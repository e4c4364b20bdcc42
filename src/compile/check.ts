import { Ajv } from "ajv";
import { UserError } from "../model/errors.ts";
import { type CompiledGraph, isModel, type Model } from "../model/graph.ts";
import { nearest } from "../model/nearest.ts";
import { targetKey } from "../model/target.ts";
import { findInSource } from "./source.ts";

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
    grants: {
      type: "object",
      propertyNames: { enum: ["select", "insert", "update", "delete"] },
      additionalProperties: { type: "array", items: { type: "string", minLength: 1 } },
    },
  },
} as const;

const validatePostgres = new Ajv({ allErrors: true }).compile(postgresSchema);

/** What core does not check, because only PostgreSQL has it. */
export function checkGraph(graph: CompiledGraph, projectDir: string): UserError[] {
  const models = graph.actions.filter(isModel);
  return models.flatMap((model) => [...checkPostgresBlock(model, projectDir), ...checkIncremental(model, projectDir)]);
}

function checkPostgresBlock(model: Model, projectDir: string): UserError[] {
  if (validatePostgres(model.postgres)) {
    if (model.kind !== "view" || !model.postgres.indexes?.length) return [];
    return [
      new UserError({
        message: `${targetKey(model.target)}: a view cannot have indexes`,
        location: findInSource(projectDir, model.file, /\bindexes\b/),
        hint: 'make it a table (type: "table"), or index what it reads',
      }),
    ];
  }
  return (validatePostgres.errors ?? []).map(({ instancePath, keyword, params, message }) => {
    const unknown = params.additionalProperty ?? params.propertyName;
    const where = `postgres${instancePath.replaceAll("/", ".")}`;
    const known = keyword === "additionalProperties" ? knownProperties(instancePath) : [];
    const suggestion = unknown === undefined ? undefined : nearest(unknown, known);
    return new UserError({
      message: unknown === undefined ? `${where} ${message}` : `unknown property "${unknown}" in ${where}`,
      location: findInSource(
        projectDir,
        model.file,
        new RegExp(`\\b${unknown ?? instancePath.split("/").at(-1) ?? "postgres"}\\b`),
      ),
      ...(known.length
        ? { expected: known.join(", ") }
        : params.allowedValues
          ? { expected: params.allowedValues.join(", ") }
          : {}),
      ...(suggestion ? { hint: `did you mean "${suggestion}"?` } : {}),
    });
  });
}

function knownProperties(instancePath: string): string[] {
  return Object.keys(instancePath ? postgresSchema.properties.indexes.items.properties : postgresSchema.properties);
}

// Build time is before the audits; a change to the live table there would be seen by readers at once.
const changesSelf =
  /\b(?:insert\s+into|update|delete\s+from|merge\s+into|truncate(?:\s+table)?)\s+(?:only\s+)?("\uE000(?:[^"]|"")*"\."(?:[^"]|"")*")/i;

function checkIncremental(model: Model, projectDir: string): UserError[] {
  if (model.kind !== "incremental") return [];
  const self = `"\uE000${model.target.schema.replaceAll('"', '""')}"."${model.target.name.replaceAll('"', '""')}"`;
  const offending = model.incrementalPreOperations.find((sql) => changesSelf.exec(sql)?.[1] === self);
  if (offending === undefined) return [];
  return [
    new UserError({
      message: `${targetKey(model.target)}: pre_operations of an incremental model may read self(), not change it`,
      location: findInSource(projectDir, model.file, /pre_operations/),
      found: offending.trim().replaceAll("\uE000", ""),
      hint: "let uniqueKey replace the rows, or delete in post_operations, which run in the publishing transaction",
    }),
  ];
}
