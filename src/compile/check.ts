import { UserError } from "../model/errors.ts";
import { type CompiledGraph, isModel, type Model } from "../model/graph.ts";
import { targetKey } from "../model/target.ts";
import { findInSource } from "./source.ts";

/** What core does not check, because only PostgreSQL has it. */
export async function checkGraph(graph: CompiledGraph, projectDir: string): Promise<UserError[]> {
  const errors = graph.actions.flatMap((action) =>
    isModel(action) ? [...checkNames(action), ...checkIncremental(action, projectDir)] : [],
  );
  const withBlock = graph.actions.filter((action) => "postgres" in action && Object.keys(action.postgres).length > 0);
  if (!withBlock.length) return errors;
  // The validator takes a tenth of a second to load; most commands need none.
  const { checkBlock } = await import("./postgres-block.ts");
  return [...errors, ...withBlock.flatMap((action) => checkBlock(action, projectDir))];
}

/** PostgreSQL cuts longer names silently, so that two of them can become one. */
const LONGEST_NAME = 63;

function checkNames({ target, file }: Model): UserError[] {
  const tooLong = [target.schema, target.name].filter((name) => Buffer.byteLength(name) > LONGEST_NAME);
  return tooLong.map(
    (name) =>
      new UserError({
        message: `the name ${name} is too long for PostgreSQL`,
        location: { file },
        expected: `at most ${LONGEST_NAME} bytes`,
        found: `${Buffer.byteLength(name)} bytes`,
        hint: 'give the model a shorter name: config { name: "…" }',
      }),
  );
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
