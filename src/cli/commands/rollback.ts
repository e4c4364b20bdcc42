import { readOwnSettings } from "../../compile/own-settings.ts";
import { liftCommand } from "../../environment/hold.ts";
import { UserError } from "../../model/errors.ts";
import { rollback } from "../../release/rollback.ts";
import { openDatabase, whereLine } from "../database.ts";
import { untilInterrupted } from "../interrupt.ts";
import { addConnectionOption, environmentName, type ProjectFlags, wholeNumber } from "../options.ts";
import { progress } from "../progress.ts";
import { addReleaseOptions, addSuffixOptions, printRelease, type ReleaseFlags, releaseOptions } from "../releasing.ts";
import type { AddCommand } from "../shell.ts";
import { whoami } from "../whoami.ts";

interface Flags extends ReleaseFlags, ProjectFlags {
  readonly hold?: boolean;
  readonly reason?: string;
}

export const addRollbackCommand: AddCommand = (command, shell) => {
  command
    .argument("[release]", "the release to go back to")
    .option("--hold", "and let no run publish until `dataform env unhold`")
    .option("--reason <text>", "why, for whoever meets the hold")
    .action(async (release: string | undefined, flags: Flags) => {
      const to = release === undefined ? undefined : releaseNumber(release);
      if (flags.reason !== undefined && !flags.hold) throw reasonOfNothing();
      const project = await readOwnSettings(shell.projectDir);
      const settings = await openDatabase(shell, flags);
      shell.say(whereLine(settings, flags, shell));
      const report = await untilInterrupted(shell, (signal) =>
        rollback(settings, {
          ...releaseOptions(flags),
          environment: environmentName(flags),
          project,
          ...(to === undefined ? {} : { to }),
          ...(flags.hold ? { hold: { by: whoami(), reason: flags.reason } } : {}),
          signal,
          events: progress(shell),
        }),
      );
      printRelease(report, flags, shell);
      if (report.held)
        shell.say(
          `held: no run publishes in environment ${report.environment} until \`${liftCommand(report.environment)}\``,
        );
    });
  addSuffixOptions(addConnectionOption(addReleaseOptions(command)));
};

function reasonOfNothing(): UserError {
  return new UserError({ message: "--reason says why an environment is held", hint: "add --hold, or leave it out" });
}

/** @throws UserError when the text is no release number. */
export function releaseNumber(text: string): number {
  const number = wholeNumber(text);
  if (number) return number;
  throw new UserError({
    message: "this is no release",
    expected: "a number, as `dataform releases` lists them",
    found: text,
  });
}
