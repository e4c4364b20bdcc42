import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Option } from "commander";
import { filesThatDiffer } from "../../format/meaning.ts";
import { counted } from "../../model/counted.ts";
import { UserError } from "../../model/errors.ts";
import type { CompiledGraph } from "../../model/graph.ts";
import { targetKey } from "../../model/target.ts";
import { matching } from "../../plan/select.ts";
import { compileProject } from "../compiling.ts";
import { compiledWith, type FileToFormat, filesToFormat } from "../dataform/formatting.ts";
import { addFolder } from "../folder.ts";
import { addIgnoredOptions, addProjectOptions, collectNames, type ProjectFlags } from "../options.ts";
import type { AddCommand, Shell } from "../shell.ts";

interface FormatFlags extends ProjectFlags {
  readonly actions?: readonly string[];
  readonly check?: boolean;
  readonly json?: boolean;
}

/** `dataform format [folder]`: lays out the SQL of .sqlx and .sql files, where that changes nothing of what they mean. */
export const addFormatCommand: AddCommand = (command, shell) => {
  addFolder(command)
    .option("--check", "change nothing; end with 1 where a file is not laid out")
    .addOption(
      new Option("--actions <names...>", "only the files of these: names, schema.name or patterns with *").argParser(
        collectNames,
      ),
    )
    .option("--ignore-js-files", "as Dataform has it: .js files are left anyway")
    .option("--json", "the files as one JSON document")
    .action(async (_: string | undefined, flags: FormatFlags) => {
      const graph = await compileProject(shell, flags);
      const found = await meantTheSame(filesToFormat(shell.projectDir, filesOf(graph, flags)), graph, flags, shell);
      if (!flags.check)
        for (const { file, text } of found) if (text !== undefined) writeFileSync(join(shell.projectDir, file), text);
      tell(found, flags, shell);
      if (found.some(({ left }) => left !== undefined || flags.check)) shell.exitCode = 1;
    });
  addIgnoredOptions(addProjectOptions(command), shell.say);
};

function filesOf({ actions }: CompiledGraph, { actions: names }: FormatFlags): ReadonlySet<string> | undefined {
  if (!names) return undefined;
  const keys = actions.map(({ target }) => targetKey(target));
  const chosen = new Set(names.flatMap((name) => matching("--actions", name, keys)));
  return new Set(actions.filter(({ target }) => chosen.has(targetKey(target))).map(({ file }) => file));
}

/** A file that would be compiled to another thing is left: a placeholder may end in a comment, or read its own lines. */
async function meantTheSame(
  files: readonly FileToFormat[],
  graph: CompiledGraph,
  flags: FormatFlags,
  shell: Shell,
): Promise<readonly FileToFormat[]> {
  if (!files.some(({ text }) => text !== undefined)) return files;
  // What the project prints it has printed.
  const quiet = (projectDir: string) =>
    compileProject(Object.create(shell, { projectDir: { value: projectDir }, say: { value: () => {} } }), flags);
  const after = await compiledWith(shell.projectDir, files, quiet).catch((cause) => {
    throw new UserError({
      message: "laid out, the project does not compile: no file was changed",
      found: (cause as Error).message,
      hint: "name fewer files by --actions, and report the one of which it is so",
      cause,
    });
  });
  const differing = filesThatDiffer(graph, after);
  return files.map(({ file, ...how }) =>
    differing.has(file) ? { file, left: "what it is compiled to would be another thing" } : { file, ...how },
  );
}

function tell(files: readonly FileToFormat[], { check, json }: FormatFlags, shell: Shell): void {
  const laidOut = files.filter(({ text }) => text !== undefined).map(({ file }) => file);
  const left = files.flatMap(({ file, left: why }) => (why === undefined ? [] : [{ file, why }]));
  if (json) {
    shell.print(JSON.stringify({ version: 1, [check ? "toFormat" : "formatted"]: laidOut, left }, null, 2));
    return;
  }
  for (const file of laidOut) shell.print(file);
  for (const { file, why } of left) shell.say(`${file} is left as it is: ${why}`);
  shell.say(`${counted(laidOut.length, "file")} ${check ? "to lay out: `dataform format` does" : "laid out"}`);
}
