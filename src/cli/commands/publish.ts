import { readOwnSettings } from "../../compile/own-settings.ts";
import { publishRelease } from "../../release/rollback.ts";
import { openDatabase, whereLine } from "../database.ts";
import { untilInterrupted } from "../interrupt.ts";
import { addConnectionOption, environmentName, type ProjectFlags } from "../options.ts";
import { progress } from "../progress.ts";
import { addReleaseOptions, addSuffixOptions, printRelease, type ReleaseFlags, releaseOptions } from "../releasing.ts";
import type { AddCommand } from "../shell.ts";

export const addPublishCommand: AddCommand = (command, shell) => {
  command.action(async (flags: ReleaseFlags & ProjectFlags) => {
    const project = await readOwnSettings(shell.projectDir);
    const settings = await openDatabase(shell, flags);
    shell.say(whereLine(settings, flags, shell));
    const report = await untilInterrupted(shell, (signal) =>
      publishRelease(settings, {
        ...releaseOptions(flags),
        environment: environmentName(flags),
        project,
        signal,
        events: progress(shell),
      }),
    );
    printRelease(report, flags, shell);
  });
  addSuffixOptions(addConnectionOption(addReleaseOptions(command)));
};
