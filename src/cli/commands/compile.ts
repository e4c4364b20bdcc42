import { type Command, Option } from "commander";
import { counted } from "../../model/counted.ts";
import { formatUserError } from "../../model/errors.ts";
import type { Action, CompiledGraph } from "../../model/graph.ts";
import { targetKey } from "../../model/target.ts";
import { type ArtifactFlags, addArtifactsOption } from "../artifacts/files.ts";
import { writeManifest } from "../artifacts/manifest.ts";
import { dotOf, type OutputFlags, outputOf, readable } from "../compiled.ts";
import { compileProject } from "../compiling.ts";
import { addShapeOption, compileForDataform, dataformJson, dataformOf, type ShapeFlags } from "../dataform/shape.ts";
import { addFolder } from "../folder.ts";
import { annotate } from "../github.ts";
import { addIgnoredOptions, addProjectOptions, collectNames, type ProjectFlags } from "../options.ts";
import type { AddCommand, Shell } from "../shell.ts";
import { textTable } from "../show/table.ts";
import { watching } from "../watching.ts";

interface CompileFlags extends ProjectFlags, OutputFlags, ShapeFlags, ArtifactFlags {
  readonly json?: boolean;
  readonly dot?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly watch?: boolean;
}

export const addCompileCommand: AddCommand = (command, shell) => {
  addShapeOption(addFolder(command), "the graph")
    .option("--json", "the compiled graph as one JSON document")
    .addOption(new Option("--dot", "the graph as Graphviz draws it").conflicts("json"))
    .addOption(new Option("--quiet", "no list of the actions").conflicts("verbose"))
    .option("--verbose", "and what each action reads")
    .option("--watch", "compile again whenever files are others, until Ctrl-C")
    .action((_: string | undefined, flags: CompileFlags) => {
      const compileOnce = () => compiled(flags, shell);
      return flags.watch ? watching(shell, compileOnce) : compileOnce();
    });
  addIgnoredOptions(addArtifactsOption(addProjectOptions(addOutputOptions(command)), ["manifest"]), shell.say);
};

async function compiled(flags: CompileFlags, shell: Shell): Promise<void> {
  const dataform = flags.format ? await compileForDataform(shell, flags) : undefined;
  const graph = dataform?.graph ?? (await compileProject(shell, flags));
  const refused = graph.actions.flatMap((action) => ("refused" in action && action.refused ? [action.refused] : []));
  for (const error of refused) shell.say(formatUserError(error));
  annotate(shell, refused);
  if (refused.length) shell.exitCode = 1;
  for (const note of graph.notes) shell.say(`note: ${note}`);
  writeManifest(graph, flags, shell);
  const output = outputOf(graph, flags);
  if (dataform) shell.print(dataformJson(dataformOf(dataform.dataform, output)));
  else print(output, flags, shell);
}

function addOutputOptions(command: Command): Command {
  return command
    .addOption(new Option("--output-actions <names...>", "only these, as --actions of run").argParser(collectNames))
    .addOption(new Option("--output-tags <tags...>", "only actions with one of these tags").argParser(collectNames))
    .option("--output-include-deps", "and what they depend on")
    .option("--output-include-dependents", "and what depends on them");
}

function print(graph: CompiledGraph, flags: CompileFlags, shell: Shell): void {
  if (flags.json) shell.print(JSON.stringify(readable(graph), null, 2));
  else if (flags.dot) shell.print(dotOf(graph));
  else list(graph, flags, shell);
}

function list(graph: CompiledGraph, { quiet, verbose }: CompileFlags, shell: Shell): void {
  const reads = (action: Action) => (verbose ? [action.dependencies.map(targetKey).join(", ")] : []);
  const rows = graph.actions.map((action) => [targetKey(action.target), kindOf(action), action.file, ...reads(action)]);
  const layout = { width: shell.width?.stdout, cut: ["action", "file"] };
  if (rows.length && !quiet)
    shell.print(textTable(["action", "type", "file", ...(verbose ? ["reads"] : [])], rows, layout));
  shell.say(`${counted(graph.actions.length, "action")} and ${counted(graph.tests.length, "unit test")} compiled`);
}

function kindOf({ kind, disabled }: Action): string {
  return disabled ? `${kind}, disabled` : kind;
}
