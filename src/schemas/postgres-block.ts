import { Type } from "typebox";
import { closed, listOf, mapOf, oneOf, text } from "./words.ts";

const amount = (description: string) =>
  Type.Optional(
    Type.Unsafe<number | string>({
      anyOf: [
        { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
        // What has more digits would be another share.
        { type: "string", pattern: "^\\d{1,6}(\\.\\d{1,9})?%$" },
      ],
      description: `${description}: a whole number, or a share such as "0.5%"`,
    }),
  );

/** `postgres: {…}` of an assertion, or `postgres.assertions` of the model that has it. */
export const assertionBlock = closed(
  {
    severity: Type.Optional(
      oneOf(["warn", "error"], "warn: failing rows are reported and keep nothing out of the release"),
    ),
    threshold: amount("so many failing rows are let pass, of the model's rows"),
  },
  "how much an assertion matters",
);

/** `postgres: {…}` of operations. */
export const operationsBlock = closed(
  {
    runs: Type.Optional(
      oneOf(
        ["start", "end", "named"],
        "when: start and end of each run that does anything, before and after all else; named: only where a selection says its name",
      ),
    ),
  },
  "when operations are run",
);

export const indexBlock = closed(
  {
    columns: listOf(text("a column, or an expression in parentheses"), "columns, in their order", { minItems: 1 }),
    unique: Type.Optional(Type.Boolean({ description: "whether no two rows may be alike in them" })),
    using: Type.Optional(oneOf(["btree", "hash", "gin", "gist", "spgist", "brin"], "the kind of index")),
    include: Type.Optional(listOf(text("a column"), "columns that are kept beside them", { minItems: 1 })),
    where: Type.Optional(text("the rows that are indexed, as a condition")),
  },
  "an index",
);

const guardBlock = closed(
  {
    maxRowDrop: amount(
      "rows it may lose against the published release; an incremental model half of them, unless it is said",
    ),
    maxChangedKeys: amount("keys that may be gone or have other values"),
    where: Type.Optional(text("the rows that maxRowDrop counts, as a condition")),
    keep: Type.Optional(
      text("rows that must still be there, by uniqueKey, when an incremental model is made anew, as a condition"),
    ),
    keepBy: Type.Optional(
      listOf(text("a column"), "columns by which the rows of keep are found again, instead of uniqueKey", {
        minItems: 1,
      }),
    ),
  },
  "blocks a release in which the model loses or changes more than it should",
  { minProperties: 1 },
);

const roles = Type.Optional(listOf(text("a role"), "roles that get it on the public view, when it is published"));

/** `postgres: {…}` in the config of a model. */
export const postgresBlock = closed(
  {
    indexes: Type.Optional(listOf(indexBlock, "indexes of a table")),
    assertions: Type.Optional(assertionBlock),
    guard: Type.Optional(guardBlock),
    contract: Type.Optional(
      mapOf(
        text("its type, and `not null` behind it where an assertion holds that: numeric(18, 2) not null"),
        "the columns that the model has and no others, each with its type: with another one it is not published",
      ),
    ),
    rebuildDependents: Type.Optional(
      Type.Boolean({
        description: "when columns go or change their type: make others' views on this model anew with it",
      }),
    ),
    version: Type.Optional(
      Type.Unsafe<number | string>({
        anyOf: [{ type: "integer" }, { type: "string", minLength: 1, maxLength: 100 }],
        description:
          "what the rows of an incremental model mean, a whole number or a text: with another one its table is made anew, once",
      }),
    ),
    live: Type.Optional(
      Type.Boolean({
        description:
          "what loads bring while a run builds it makes no difference: what it has not taken in is counted where it is read (`live`)",
      }),
    ),
    volatile: Type.Optional(
      Type.Boolean({
        description:
          "for run --changed: true builds it each time; false says that its rows hang on nothing but what it reads, whatever its SQL calls",
      }),
    ),
    adopt: Type.Optional(
      Type.Boolean({ description: "take over, once, a relation of the model's name that the project did not make" }),
    ),
    grants: Type.Optional(
      closed({ select: roles, insert: roles, update: roles, delete: roles }, "who may do what with the public view"),
    ),
  },
  "PostgreSQL's own settings of a model",
);
