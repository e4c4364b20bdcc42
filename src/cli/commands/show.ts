import { Option } from "commander";
import { UserError } from "../../model/errors.ts";
import { type Action, isModel } from "../../model/graph.ts";
import { targetKey } from "../../model/target.ts";
import { matching } from "../../plan/select.ts";
import { select } from "../../sql/authored.ts";
import { relationId } from "../../sql/identifiers.ts";
import { literal } from "../../sql/literals.ts";
import { sql } from "../../sql/sql.ts";
import { compileProject } from "../compiling.ts";
import { openForReading } from "../database.ts";
import {
  addConnectionOption,
  addIgnoredOptions,
  addProjectOptions,
  type ConnectionFlags,
  type ProjectFlags,
  parseCount,
} from "../options.ts";
import { printRows, type ShownFlags } from "../reading.ts";
import { unbuiltQuery } from "../referring.ts";
import type { AddCommand } from "../shell.ts";

interface ShowFlags extends ProjectFlags, ConnectionFlags, ShownFlags {
  readonly limit: number;
}

/** `dataform show`: rows of a model as its code says now, or of a select over models, built or not. */
export const addShowCommand: AddCommand = (command, shell) => {
  command
    .argument("<what>", 'a model or an assertion, or a select in which ref("name") is one')
    .addOption(new Option("--limit <n>", "so many rows at most").argParser(parseCount).default(10))
    .option("--json", "the rows as JSON, one array of objects; every number keeps its digits")
    .option("--quiet", "no line that counts the rows")
    .action(async (what: string, flags: ShowFlags) => {
      const graph = await compileProject(shell, flags);
      const settings = await openForReading(shell, flags);
      const { sql: query, unbuilt } = await unbuiltQuery(graph, settings, queryOf(graph.actions, what));
      if (unbuilt.length) shell.say(`not built, and computed for this: ${unbuilt.join(", ")}`);
      const rows = sql`
        select * from (
          ${select(query, "the query")}
        ) as shown
        limit ${literal(flags.limit)}`;
      await printRows(settings, rows.toString(), flags, shell);
    });
  addIgnoredOptions(addConnectionOption(addProjectOptions(command)), shell.say);
};

/** The query of an action, where one word names it; otherwise the text is one. */
function queryOf(actions: readonly Action[], what: string): string {
  if (/\s/.test(what.trim())) return what;
  const keys = actions.map(({ target }) => targetKey(target));
  const [key] = matching("show", what, keys);
  const action = actions.find(({ target }) => targetKey(target) === key)!;
  if (isModel(action) || action.kind === "assertion") return action.query;
  if (action.kind === "declaration" || (action.kind === "operations" && action.hasOutput))
    return sql`select * from ${relationId(action.target)}`.toString();
  throw new UserError({
    message: `${key} has no rows`,
    location: { file: action.file },
    expected: "a model, a declaration or an assertion, or a select",
    found: action.kind,
  });
}
