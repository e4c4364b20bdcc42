import { counted } from "../model/counted.ts";
import { restated, UserError } from "../model/errors.ts";
import { type CompiledGraph, isModel, type Model, runsOf } from "../model/graph.ts";
import { targetKey } from "../model/target.ts";
import { LONGEST_NAME } from "../sql/identifiers.ts";
import { MOST_COLUMNS, tooMany } from "../sql/index-columns.ts";
import { columnIn } from "./config-assertions.ts";
import { placeInConfig } from "./config-text.ts";
import { HeldKeys } from "./held-keys.ts";

/** What core does not check, because only PostgreSQL has it. */
export async function checkGraph(graph: CompiledGraph, projectDir: string): Promise<UserError[]> {
  const models = graph.actions
    .filter(isModel)
    .flatMap((model) => [...checkNames(model), ...checkKey(model, projectDir)]);
  models.push(...behindTheEnd(graph));
  const withBlock = graph.actions.filter((action) => "postgres" in action && Object.keys(action.postgres).length > 0);
  if (!withBlock.length) return models;
  const { checkBlock } = await import("./postgres-block.ts");
  const held = new HeldKeys(graph.actions);
  const blocks = await Promise.all(withBlock.map((action) => checkBlock(action, projectDir, held)));
  return [...models, ...blocks.flat()];
}

/** What runs at the end of a run is nothing that can be waited for. */
function behindTheEnd({ actions }: CompiledGraph): UserError[] {
  const ends = new Set(actions.filter((one) => runsOf(one) === "end").map(({ target }) => targetKey(target)));
  if (!ends.size) return [];
  return actions.flatMap((action) => {
    const waits =
      runsOf(action) === "end" ? undefined : action.dependencies.map(targetKey).find((key) => ends.has(key));
    if (waits === undefined) return [];
    return [
      new UserError({
        message: `${targetKey(action.target)} depends on ${waits}, which runs at the end of each run`,
        location: { file: action.file },
        hint: `leave the dependency out, or runs: "end" in ${waits}`,
      }),
    ];
  });
}

/** The key of an incremental model is looked up in tables: columns only. */
function checkKey(model: Model, projectDir: string): UserError[] {
  if (model.kind !== "incremental") return [];
  if (model.uniqueKey.length > MOST_COLUMNS) {
    const place = placeInConfig(projectDir, model.file, ["uniqueKey"]);
    return [new UserError({ ...tooMany(`${targetKey(model.target)}: uniqueKey`, model.uniqueKey.length), ...place })];
  }
  return model.uniqueKey.flatMap((text, index) => {
    const place = () => placeInConfig(projectDir, model.file, ["uniqueKey", index]);
    try {
      if (columnIn(text, `${targetKey(model.target)}: uniqueKey`) !== undefined) return [];
    } catch (error) {
      if (error instanceof UserError) return [restated(error, place())];
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
