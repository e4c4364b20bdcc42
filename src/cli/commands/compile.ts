import { counted } from "../../model/counted.ts";
import { formatUserError } from "../../model/errors.ts";
import type { Action, CompiledGraph } from "../../model/graph.ts";
import { targetKey } from "../../model/target.ts";
import { plainReferences } from "../../sql/references.ts";
import { compileProject } from "../compiling.ts";
import { addIgnoredOptions, addProjectOptions, type ProjectFlags } from "../options.ts";
import type { AddCommand } from "../shell.ts";
import { textTable } from "../show/table.ts";

export const addCompileCommand: AddCommand = (command, shell) => {
  command
    .option("--json", "the compiled graph as one JSON document")
    .action(async (flags: ProjectFlags & { json?: boolean }) => {
      const graph = await compileProject(shell, flags);
      const refused = graph.actions.flatMap((action) =>
        "refused" in action && action.refused ? [action.refused] : [],
      );
      for (const error of refused) shell.say(formatUserError(error));
      if (refused.length) shell.exitCode = 1;
      for (const note of graph.notes) shell.say(`note: ${note}`);
      if (flags.json) shell.print(JSON.stringify(readable(graph), null, 2));
      else {
        const rows = graph.actions.map((action) => [targetKey(action.target), kindOf(action), action.file]);
        const layout = { width: shell.width?.stdout, cut: ["action", "file"] };
        if (rows.length) shell.print(textTable(["action", "type", "file"], rows, layout));
        shell.say(
          `${counted(graph.actions.length, "action")} and ${counted(graph.tests.length, "unit test")} compiled`,
        );
      }
    });
  addIgnoredOptions(addProjectOptions(command), shell.say);
};

function kindOf({ kind, disabled }: Action): string {
  return disabled ? `${kind}, disabled` : kind;
}

/** The graph with plain names where the compiler put marks, and without what only messages need. */
function readable({ traces, ...graph }: CompiledGraph): Omit<CompiledGraph, "traces"> {
  return JSON.parse(plainReferences(JSON.stringify(graph)).replaceAll('\\"\uE000', '\\"'));
}
