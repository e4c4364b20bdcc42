import { type Command, Option } from "commander";
import { asDataform, type DataformGraph, onlyErrors } from "../../compile/as-dataform.ts";
import type { CoreTarget } from "../../compile/sandbox.ts";
import { UserErrors, userErrorsOf } from "../../model/errors.ts";
import type { CompiledGraph } from "../../model/graph.ts";
import { targetKey } from "../../model/target.ts";
import { compileAsFarAs } from "../compiling.ts";
import type { ProjectFlags } from "../options.ts";
import type { Shell } from "../shell.ts";

/** Whose shape the document of `--json` has; ours where nothing is said. */
export interface ShapeFlags {
  readonly format?: "dataform";
}

/** `--format dataform`, which is one of `--json`. */
export function addShapeOption(command: Command, what: string): Command {
  return command.addOption(
    new Option("--format <shape>", `with --json: ${what} in the shape that Dataform gives it`)
      .choices(["dataform"])
      .implies({ json: true }),
  );
}

/** A project, and how Dataform tells it. */
export interface ToldProject {
  readonly graph: CompiledGraph;
  readonly dataform: DataformGraph;
}

/**
 * Compiles the project for a reader of Dataform's documents: that of a project with mistakes is printed, and has them.
 * @throws UserErrors of exit code 1, as Dataform ends
 */
export async function compileForDataform(shell: Shell, flags: ProjectFlags): Promise<ToldProject> {
  const compilation = await compileAsFarAs(shell, flags).catch((error: unknown) => {
    const errors = userErrorsOf(error);
    if (!errors) throw error;
    shell.print(dataformJson(onlyErrors(errors)));
    throw new UserErrors(errors, 1);
  });
  const { graph, errors } = compilation;
  const dataform = asDataform(compilation);
  if (!errors.length) return { graph, dataform };
  shell.print(dataformJson(dataform));
  throw new UserErrors(errors, 1);
}

/** What of Dataform's graph is of these actions. As there, declarations and unit tests are not chosen among. */
export function dataformOf(graph: DataformGraph, { actions }: CompiledGraph): DataformGraph {
  const kept = new Set(actions.map(({ target }) => targetKey(target)));
  const isKept = ({ schema = "", name }: CoreTarget) => kept.has(targetKey({ schema, name }));
  const { tables, operations, assertions, targets } = graph;
  return {
    ...graph,
    ...(tables && { tables: tables.filter(({ target }) => isKept(target)) }),
    ...(operations && { operations: operations.filter(({ target }) => isKept(target)) }),
    ...(assertions && { assertions: assertions.filter(({ target }) => isKept(target)) }),
    ...(targets && { targets: targets.filter(isKept) }),
  };
}

/** A document as Dataform lays it out. */
export function dataformJson(document: object): string {
  return JSON.stringify(document, null, 4);
}
