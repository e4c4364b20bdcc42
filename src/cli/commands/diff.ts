import type { ModelDiff } from "../../model/release.ts";
import { diffReleases } from "../../release/diff.ts";
import { openDatabase } from "../database.ts";
import { addConnectionOption, type ConnectionFlags, type EnvironmentFlags, environmentName } from "../options.ts";
import { addEnvironmentOptions } from "../releasing.ts";
import type { AddCommand } from "../shell.ts";
import { textTable } from "../show/table.ts";
import { releaseNumber } from "./rollback.ts";

export const addDiffCommand: AddCommand = (program, shell) => {
  const command = program
    .command("diff")
    .description("compare two releases, model by model: rows added, removed and changed by key; columns")
    .argument("<from>", "a release")
    .argument("<to>", "another release")
    .option("--json", "the comparison as JSON")
    .action(async (from: string, to: string, flags: EnvironmentFlags & ConnectionFlags & { json?: boolean }) => {
      const [first, second] = [releaseNumber(from), releaseNumber(to)];
      const settings = await openDatabase(shell, flags);
      const diff = await diffReleases(settings, environmentName(flags), first, second);
      if (flags.json) return shell.print(JSON.stringify(diff, null, 2));
      const columns = ["model", "", "rows added", "removed", "changed", "by key", "columns"];
      shell.print(textTable(columns, diff.models.map(row)));
      if (!diff.models.length) shell.say(`releases ${first} and ${second} consist of the same objects`);
    });
  addConnectionOption(addEnvironmentOptions(command));
};

function row(diff: ModelDiff): string[] {
  const columns = [
    ...diff.columnsAdded.map((name) => `+${name}`),
    ...diff.columnsRemoved.map((name) => `-${name}`),
    ...diff.columnsRetyped,
  ];
  const counts = [diff.rowsAdded, diff.rowsRemoved, diff.rowsChanged].map(String);
  return [diff.model, diff.change, ...counts, diff.key?.join(", ") ?? "(whole rows)", columns.join(", ")];
}
