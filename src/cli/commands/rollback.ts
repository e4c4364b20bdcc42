import { UserError } from "../../model/errors.ts";
import { rollback } from "../../release/rollback.ts";
import { openDatabase } from "../database.ts";
import { untilInterrupted } from "../interrupt.ts";
import { addConnectionOption, environmentName, type ProjectFlags } from "../options.ts";
import { progress } from "../progress.ts";
import { addReleaseOptions, addSuffixOptions, printRelease, type ReleaseFlags, releaseOptions } from "../releasing.ts";
import type { AddCommand } from "../shell.ts";

export const addRollbackCommand: AddCommand = (program, shell) => {
  const command = program
    .command("rollback")
    .description("publish an earlier release again; the one before, unless a number is given")
    .argument("[release]", "the release to go back to")
    .action(async (release: string | undefined, flags: ReleaseFlags & ProjectFlags) => {
      const to = release === undefined ? undefined : releaseNumber(release);
      const settings = await openDatabase(shell, flags);
      const report = await untilInterrupted(shell, (signal) =>
        rollback(settings, {
          ...releaseOptions(flags),
          environment: environmentName(flags),
          ...(to === undefined ? {} : { to }),
          signal,
          events: progress(shell),
        }),
      );
      printRelease(report, flags, shell);
    });
  addSuffixOptions(addConnectionOption(addReleaseOptions(command)));
};

/** @throws UserError when the text is no release number. */
export function releaseNumber(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new UserError({
    message: "this is no release",
    expected: "a number, as `dataform releases` lists them",
    found: text,
  });
}
