import { readCheckedSettings } from "../../compile/own-settings.ts";
import { counted } from "../../model/counted.ts";
import { collectGarbage } from "../../release/gc.ts";
import { retentionOf } from "../../release/retention.ts";
import { openDatabase, whereLine } from "../database.ts";
import { untilInterrupted } from "../interrupt.ts";
import { addConnectionOption, type ConnectionFlags, environmentName, type ProjectFlags } from "../options.ts";
import { paint } from "../paint.ts";
import { progress } from "../progress.ts";
import { addEnvironmentOptions, addRetentionOptions, addWaitOptions } from "../releasing.ts";
import type { AddCommand } from "../shell.ts";
import { bytes } from "../show/bytes.ts";
import { warn } from "../warnings.ts";

interface Flags extends ProjectFlags, ConnectionFlags {
  readonly environment?: string;
  readonly wait?: boolean;
  readonly waitTimeout?: number;
  readonly keepReleases?: number;
  readonly keepFor?: number;
  readonly json?: boolean;
}

export const addGcCommand: AddCommand = (command, shell) => {
  command.option("--json", "what was dropped as one JSON document").action(async (flags: Flags) => {
    const own = await readCheckedSettings(shell.projectDir);
    const settings = await openDatabase(shell, flags);
    shell.say(whereLine(settings, flags, shell));
    const report = await untilInterrupted(shell, (signal) =>
      collectGarbage(settings, {
        environment: environmentName(flags),
        wait: flags.wait ?? false,
        ...(flags.waitTimeout === undefined ? {} : { waitTimeout: flags.waitTimeout }),
        retention: retentionOf(own?.retention, flags),
        project: own,
        signal,
        events: progress(shell),
      }),
    );
    if (flags.json) shell.print(JSON.stringify(report, null, 2));
    warn(shell, report.kept);
    shell.say(
      `${paint(shell, "green", "Done")}: ${counted(report.releases, "release")}, ${counted(report.objects, "private object")} (${bytes(report.bytes)}), ${counted(report.runs, "run")} and ${counted(report.failingRows, "failing row")} collected`,
    );
  });
  addConnectionOption(addEnvironmentOptions(addRetentionOptions(addWaitOptions(command))));
};
