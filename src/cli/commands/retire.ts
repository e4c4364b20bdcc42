import { UserError } from "../../model/errors.ts";
import { type CompiledGraph, isModel } from "../../model/graph.ts";
import { targetKey } from "../../model/target.ts";
import { matching } from "../../plan/select.ts";
import { retire } from "../../release/retire.ts";
import { compileProject } from "../compiling.ts";
import { openDatabase, whereLine } from "../database.ts";
import { untilInterrupted } from "../interrupt.ts";
import type { ProjectFlags } from "../options.ts";
import { addConnectionOption, addProjectOptions, environmentName } from "../options.ts";
import { paint } from "../paint.ts";
import { progress } from "../progress.ts";
import { addEnvironmentOption, addPublishingOptions, type ReleaseFlags } from "../releasing.ts";
import type { AddCommand } from "../shell.ts";
import { warn } from "../warnings.ts";

/** `dataform retire`: takes models that the project no longer has out of the database. */
export const addRetireCommand: AddCommand = (command, shell) => {
  command
    .argument("<models...>", "names, schema.name or patterns with *")
    .option("--json", "the report as one JSON document on stdout")
    .action(async (models: readonly string[], flags: ReleaseFlags & ProjectFlags) => {
      const graph = await compileProject(shell, flags);
      const settings = await openDatabase(shell, flags);
      shell.say(whereLine(settings, flags, shell));
      const { wait, waitTimeout, publishDeadline } = flags;
      const report = await untilInterrupted(shell, (signal) =>
        retire(settings, (published) => chosen(models, published, graph), {
          environment: environmentName(flags),
          project: graph.project,
          ...(wait === undefined ? {} : { wait }),
          ...(waitTimeout === undefined ? {} : { waitTimeout }),
          ...(publishDeadline === undefined ? {} : { publishDeadline }),
          signal,
          events: progress(shell),
        }),
      );
      if (flags.json) shell.print(JSON.stringify(report, null, 2));
      warn(shell, report.warnings);
      shell.say(`${paint(shell, "green", "Done")}: ${report.models.join(", ")} taken out of the database`);
    });
  addProjectOptions(addConnectionOption(addEnvironmentOption(addPublishingOptions(command))));
};

/** @throws UserError for a name of nothing that is published, and for a model that the next run would make again */
function chosen(names: readonly string[], published: readonly string[], graph: CompiledGraph): string[] {
  const advice = `published are ${published.join(", ") || "none"}`;
  const keys = [...new Set(names.flatMap((name) => matching("retire", name, published, advice)))];
  const models = graph.actions.filter(isModel).filter(({ disabled }) => !disabled);
  const there = models.find(({ target }) => keys.includes(targetKey(target)));
  if (!there) return keys;
  throw new UserError({
    message: `${targetKey(there.target)} is in the project: the next run would make it again`,
    location: { file: there.file },
    hint: "delete the file, or say disabled: true in it, and retire it then",
  });
}
