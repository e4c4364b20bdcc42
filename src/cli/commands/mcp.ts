import { VERSION } from "../../config/version.ts";
import { serveMcp } from "../../serve/mcp/server.ts";
import { compileProject } from "../compiling.ts";
import { openDatabase, openForReading, whereLine } from "../database.ts";
import { untilInterrupted } from "../interrupt.ts";
import {
  addConnectionOption,
  addProjectOptions,
  type ConnectionFlags,
  type EnvironmentFlags,
  environmentName,
  parseQueryRows,
  parseQueryTime,
} from "../options.ts";
import { addEnvironmentOption } from "../releasing.ts";
import type { AddCommand, Shell } from "../shell.ts";
import { openWarehouse } from "../warehouse/open.ts";

interface Flags extends ConnectionFlags, EnvironmentFlags {
  readonly queryRows: number;
  readonly queryTimeout: number;
}

/** `dataform mcp`: what a program that speaks the Model Context Protocol may ask, over stdin and stdout. */
export const addMcpCommand: AddCommand = (command, shell) => {
  command
    .option(
      "--reader-url <url>",
      "the login for which all of it is read: what it may not read is not told (DATAFORM_READER_URL)",
    )
    .option("--query-rows <n>", "rows that one query gives at most", parseQueryRows, 1000)
    .option("--query-timeout <duration>", "how long one query may take", parseQueryTime, 10_000)
    .action((flags: Flags) => untilInterrupted(shell, (signal) => serve(shell, flags, signal), "ending"));
  addConnectionOption(addEnvironmentOption(addProjectOptions(command)));
};

async function serve(shell: Shell, flags: Flags, signal: AbortSignal): Promise<void> {
  const graph = await compileProject(shell, flags);
  const owner = await openDatabase(shell, flags);
  const reader = await openForReading(shell, flags);
  shell.say(`${whereLine(owner, flags, shell)}; read as ${reader.user}`);
  const of = { owner, reader, graph, applicationName: "dataform-mcp", as: "builder" } as const;
  const warehouse = openWarehouse(shell, flags, of);
  await serveMcp({
    projectDir: shell.projectDir,
    version: VERSION,
    instructions: `The PostgreSQL data warehouse of ${graph.project.name ?? "a dataform project"}, environment ${environmentName(flags)}. Find relations with search_catalogue, read what they mean with describe_relation, then query. Each answer says which release it is of: figures of two releases may differ.`,
    mostRows: flags.queryRows,
    asked: (one) => warehouse.asked(one),
    input: process.stdin,
    output: shell.output,
    signal,
    log: (line) => shell.say(line),
  });
}
