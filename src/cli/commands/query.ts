import { openForReading } from "../database.ts";
import {
  addConnectionOption,
  addIgnoredOptions,
  addProjectOptions,
  type ConnectionFlags,
  type ProjectFlags,
} from "../options.ts";
import { printRows, type ShownFlags } from "../reading.ts";
import type { AddCommand } from "../shell.ts";

interface QueryFlags extends ProjectFlags, ConnectionFlags, ShownFlags {}

export const addQueryCommand: AddCommand = (command, shell) => {
  command
    .argument("<sql>", 'the statement; ref("name") is a relation of the project')
    .option("--json", "the rows as JSON, one array of objects; every number keeps its digits")
    .option("--quiet", "no line that counts the rows")
    .action(async (text: string, flags: QueryFlags) => {
      const settings = await openForReading(shell, flags);
      if (!/\bref\s*\(/.test(text)) return printRows(settings, text, flags, shell);
      const { publishedQuery } = await import("../referring.ts");
      await printRows(settings, await publishedQuery(text, flags, shell), flags, shell);
    });
  addIgnoredOptions(addConnectionOption(addProjectOptions(command)), shell.say);
};
