import { counted } from "../../model/counted.ts";
import type { ModelDiff, ReleaseDiff } from "../../model/release.ts";
import { diffReleases } from "../../release/diff.ts";
import { openDatabase } from "../database.ts";
import { attended } from "../interrupt.ts";
import { addConnectionOption, type ConnectionFlags, type EnvironmentFlags, environmentName } from "../options.ts";
import { addEnvironmentOptions } from "../releasing.ts";
import { sectionStyle } from "../section-style.ts";
import type { AddCommand } from "../shell.ts";
import { type Item, renderSections, type Section } from "../show/section.ts";
import { releaseNumber } from "./rollback.ts";

export const addDiffCommand: AddCommand = (command, shell) => {
  command
    .argument("<from>", "a release")
    .argument("<to>", "another release")
    .option("--json", "the comparison as JSON")
    .action(async (from: string, to: string, flags: EnvironmentFlags & ConnectionFlags & { json?: boolean }) => {
      const [first, second] = [releaseNumber(from), releaseNumber(to)];
      const settings = await openDatabase(shell, flags);
      const diff = await attended(shell, (how) => diffReleases(settings, environmentName(flags), first, second, how));
      if (flags.json) return shell.print(JSON.stringify(diff, null, 2));
      if (!diff.models.length) return shell.say(`releases ${first} and ${second} consist of the same objects`);
      for (const line of renderSections(diffSections(diff), shell.width?.stdout, sectionStyle(shell)))
        shell.print(line);
    });
  addConnectionOption(addEnvironmentOptions(command));
};

/** In short, then the figures, then what became of the columns. */
function diffSections({ from, to, models }: ReleaseDiff): Section[] {
  const count = (change: ModelDiff["change"]) => models.filter((model) => model.change === change).length;
  const parts = (["added", "removed", "rebuilt"] as const).flatMap((change) =>
    count(change) ? [`${count(change)} ${change}`] : [],
  );
  const changed = models.filter(
    ({ columnsAdded, columnsRemoved, columnsRetyped }) =>
      columnsAdded.length + columnsRemoved.length + columnsRetyped.length > 0,
  );
  return [
    { title: `Release ${from} → ${to}: ${parts.join(", ")}`, items: models.map(rowsOf) },
    {
      title: "Columns",
      items: changed.map((model) => ({
        text: model.model,
        details: [
          ...model.columnsAdded.map((text) => ({ mark: "+" as const, text })),
          ...model.columnsRemoved.map((text) => ({ mark: "-" as const, text })),
          ...model.columnsRetyped.map((text) => ({ mark: "~" as const, text })),
        ],
      })),
    },
  ];
}

const marks = { added: "+", removed: "-", rebuilt: "~" } as const;

function rowsOf({ model, change, rowsAdded, rowsRemoved, rowsChanged, key }: ModelDiff): Item {
  const rows = Object.entries({ added: rowsAdded, removed: rowsRemoved, changed: rowsChanged });
  const counts = rows.flatMap(([what, count]) => (count ? [`${counted(count, "row")} ${what}`] : []));
  const by = change !== "rebuilt" ? "" : key ? `, by ${key.join(", ")}` : ", compared whole";
  return { mark: marks[change], text: model, note: `${counts.join(", ") || "the same rows"}${by}` };
}
