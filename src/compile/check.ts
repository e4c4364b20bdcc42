import { counted } from "../model/counted.ts";
import { UserError } from "../model/errors.ts";
import { type CompiledGraph, isModel, type Model } from "../model/graph.ts";
import { targetKey } from "../model/target.ts";
import { classify } from "../sql/classify.ts";
import { LONGEST_NAME } from "../sql/identifiers.ts";
import { plainReferences } from "../sql/references.ts";
import { splitStatements } from "../sql/split.ts";
import { columnIn } from "./config-assertions.ts";
import { placeInConfig } from "./config-text.ts";
import { findInSource } from "./source.ts";
import { textsOf } from "./texts.ts";

/** What core does not check, because only PostgreSQL has it. */
export async function checkGraph(graph: CompiledGraph, projectDir: string): Promise<UserError[]> {
  const models = graph.actions
    .filter(isModel)
    .flatMap((model) => [
      ...checkNames(model),
      ...checkKey(model, projectDir),
      ...checkTransactions(model, projectDir),
    ]);
  const withBlock = graph.actions.filter((action) => "postgres" in action && Object.keys(action.postgres).length > 0);
  if (!withBlock.length) return models;
  // The validator takes a tenth of a second to load; most commands need none.
  const { checkBlock } = await import("./postgres-block.ts");
  return [...models, ...withBlock.flatMap((action) => checkBlock(action, projectDir))];
}

/** The key of an incremental model is looked up in tables: columns only. */
function checkKey(model: Model, projectDir: string): UserError[] {
  if (model.kind !== "incremental") return [];
  return model.uniqueKey.flatMap((text, index) => {
    const place = () => placeInConfig(projectDir, model.file, ["uniqueKey", index]);
    try {
      if (columnIn(text, `${targetKey(model.target)}: uniqueKey`) !== undefined) return [];
    } catch (error) {
      if (error instanceof UserError) return [new UserError({ ...error, message: error.message, ...place() })];
      throw error;
    }
    const message = `${targetKey(model.target)}: uniqueKey names columns, and ${text} is an expression`;
    return [new UserError({ message, ...place(), found: text, hint: "make it a column of the query" })];
  });
}

function checkNames({ target, file }: Model): UserError[] {
  const tooLong = [target.schema, target.name].filter((name) => Buffer.byteLength(name) > LONGEST_NAME);
  return tooLong.map(
    (name) =>
      new UserError({
        message: `the name ${name} is too long for PostgreSQL`,
        location: { file },
        expected: `at most ${LONGEST_NAME} bytes`,
        found: counted(Buffer.byteLength(name), "byte"),
        hint: 'give the model a shorter name: config { name: "…" }',
      }),
  );
}

/** The author's statements around a model's query, each with the block that it stands in. */
function operationsOf(model: Model): readonly { readonly block: string; readonly statement: string }[] {
  const { preOperations, postOperations } = textsOf(model);
  const inBlock = (block: string, texts: readonly string[]) =>
    [...new Set(texts.flatMap(splitStatements))].map((statement) => ({ block, statement }));
  return [...inBlock("pre_operations", preOperations), ...inBlock("post_operations", postOperations)];
}

/** Pre- and post_operations run in the transaction that builds the model, or in the one that publishes it. */
function checkTransactions(model: Model, projectDir: string): UserError[] {
  return operationsOf(model).flatMap(({ block, statement }) => {
    const { command, transaction } = classify(statement);
    if (transaction === "inside") return [];
    return [
      new UserError({
        message: `${targetKey(model.target)}: ${block} run in the transaction that builds the model: ${command} cannot be among them`,
        location: findInSource(projectDir, model.file, new RegExp(block)),
        found: shown(statement),
        hint:
          transaction === "control"
            ? "leave it out: the transaction is ended once all is well"
            : 'put it into a file of its own: config { type: "operations", dependencies: […] }',
      }),
    ];
  });
}

function shown(statement: string): string {
  return plainReferences(statement.trim());
}
