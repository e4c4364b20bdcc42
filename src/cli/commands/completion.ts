import { Argument } from "commander";
import { SCRIPTS } from "../completion/scripts.ts";
import { type KnownCommands, wordsFor } from "../completion/words.ts";
import type { AddCommand } from "../shell.ts";

/** `dataform completion bash|zsh|fish`: what a shell needs to complete commands, flags and names of models. */
export const addCompletionCommand =
  (known: KnownCommands): AddCommand =>
  (command, shell) => {
    command
      .addArgument(new Argument("<shell>", "bash, zsh or fish").choices([...Object.keys(SCRIPTS), "words"]))
      .argument("[line...]", "with `words`: the command line that is typed, behind dataform")
      .action(async (name: keyof typeof SCRIPTS | "words", line: readonly string[]) => {
        if (name !== "words") return shell.print(SCRIPTS[name]);
        for (const word of await wordsFor(line, known, shell)) shell.print(word);
      });
  };
