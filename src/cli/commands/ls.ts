import { InvalidArgumentError, Option } from "commander";
import { counted } from "../../model/counted.ts";
import type { Action, CompiledGraph } from "../../model/graph.ts";
import { publicTargets } from "../../model/graph.ts";
import { nearest } from "../../model/nearest.ts";
import { targetKey } from "../../model/target.ts";
import { asksPast, listActions, withPast } from "../../plan/select.ts";
import { withClient } from "../../postgres/client.ts";
import { readCatalog } from "../../postgres/read-catalog.ts";
import { readGroundOf } from "../../run/known.ts";
import { compileProject } from "../compiling.ts";
import { openDatabase } from "../database.ts";
import { addFolder } from "../folder.ts";
import {
  addConnectionOption,
  addIgnoredOptions,
  addProjectOptions,
  collectNames,
  environmentName,
  type ProjectFlags,
} from "../options.ts";
import { addEnvironmentOption } from "../releasing.ts";
import { addChoosingOptions, choosing, type RunFlags, warnEmpty } from "../selection.ts";
import type { AddCommand, Shell } from "../shell.ts";
import { textTable } from "../show/table.ts";

/** What a list can show of an action. */
const COLUMNS: Readonly<Record<string, (action: Action) => string>> = {
  action: ({ target }) => targetKey(target),
  schema: ({ target }) => target.schema,
  name: ({ target }) => target.name,
  type: ({ kind, disabled }) => (disabled ? `${kind}, disabled` : kind),
  tags: ({ tags }) => tags.join(", "),
  file: ({ file }) => file,
  reads: ({ dependencies }) => dependencies.map(targetKey).join(", "),
  description: ({ description = "" }) => description,
  columns: ({ columns }) => columns.map(({ name }) => name).join(", "),
};
const BY_DEFAULT = ["action", "type", "tags", "file"];

interface ListFlags extends ProjectFlags, RunFlags {
  readonly columns?: readonly string[];
}

/** `dataform ls [folder]`: which actions a selection means. */
export const addLsCommand: AddCommand = (command, shell) => {
  addChoosingOptions(addFolder(command))
    .addOption(
      new Option("--columns <names...>", `what is shown: ${Object.keys(COLUMNS).join(", ")}`).argParser(columnNames),
    )
    .option("--json", "the actions as one JSON document")
    .action(async (_: string | undefined, flags: ListFlags) => {
      const graph = await compileProject(shell, flags);
      const asked = choosing(flags, shell);
      const chosen = listActions(asksPast(asked) ? await askedOf(graph, flags, shell) : graph, asked);
      warnEmpty(chosen, shell);
      const actions = graph.actions.filter(({ target }) => chosen.has(targetKey(target)));
      if (flags.json) shell.print(JSON.stringify(asJson(actions), null, 2));
      else list(actions, flags.columns ?? BY_DEFAULT, graph, shell);
    });
  addIgnoredOptions(addConnectionOption(addProjectOptions(addEnvironmentOption(command))), shell.say);
};

/** The graph, with what the database has of it. */
async function askedOf(graph: CompiledGraph, flags: ListFlags, shell: Shell) {
  const settings = await openDatabase(shell, flags);
  const environment = environmentName(flags);
  return withClient(settings, { applicationName: "dataform-ls", duty: "publisher" }, async (client) => {
    const catalog = await readCatalog(client, environment, publicTargets(graph));
    return withPast(graph, { ...catalog, ground: await readGroundOf(graph, client, environment) });
  });
}

function columnNames(text: string, before?: readonly string[]): string[] {
  const names = collectNames(text, before);
  for (const name of names) {
    if (Object.hasOwn(COLUMNS, name)) continue;
    const meant = nearest(name, Object.keys(COLUMNS));
    throw new InvalidArgumentError(
      `Expected ${Object.keys(COLUMNS).join(", ")}${meant === undefined ? "" : `; did you mean ${meant}?`}.`,
    );
  }
  return names;
}

/** Several columns as a table; one as it is, for other programs. */
function list(actions: readonly Action[], columns: readonly string[], graph: CompiledGraph, shell: Shell): void {
  const rows = actions.map((action) => columns.map((name) => COLUMNS[name]!(action)));
  if (columns.length === 1) for (const [only] of rows) shell.print(only!);
  else if (rows.length) shell.print(textTable(columns, rows, { width: shell.width?.stdout, cut: ["action", "file"] }));
  shell.say(`${actions.length} of ${counted(graph.actions.length, "action")}`);
}

function asJson(actions: readonly Action[]) {
  return {
    version: 1,
    actions: actions.map(({ target, kind, disabled, file, tags, dependencies, description, columns }) => ({
      ...{ action: targetKey(target), schema: target.schema, name: target.name, type: kind, disabled, file, tags },
      reads: dependencies.map(targetKey),
      ...(description === undefined ? {} : { description }),
      columns,
    })),
  };
}
