import { UserError } from "../../model/errors.ts";
import { untilInterrupted } from "../interrupt.ts";
import { EditedProject, type LspFlags } from "../lsp/project.ts";
import { serveEditor } from "../lsp/server.ts";
import { addConnectionOption, addIgnoredOptions, addProjectOptions } from "../options.ts";
import { addEnvironmentOption } from "../releasing.ts";
import type { AddCommand, Shell } from "../shell.ts";

/** `dataform lsp`: what an editor that speaks the Language Server Protocol is told, over stdin and stdout. */
export const addLspCommand: AddCommand = (command, shell) => {
  command
    .option("--stdio", "over stdin and stdout, as it is without a word: editors say so")
    .action((flags: LspFlags) => untilInterrupted(shell, (signal) => serve(shell, flags, signal), "ending"));
  addIgnoredOptions(addConnectionOption(addProjectOptions(addEnvironmentOption(command))), shell.say);
};

async function serve(shell: Shell, flags: LspFlags, signal: AbortSignal): Promise<void> {
  const { projectDir, output } = shell;
  if (!output)
    throw new UserError({ message: "there is no stdout to speak over", hint: "an editor starts this command" });
  const project = new EditedProject(shell, flags);
  try {
    await serveEditor({ projectDir, project, input: process.stdin, output, signal, log: (line) => shell.say(line) });
  } finally {
    project.end();
  }
}
