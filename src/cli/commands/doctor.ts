import { Option } from "commander";
import { diagnose } from "../doctor/diagnose.ts";
import type { DoctorFlags } from "../doctor/facts.ts";
import { gather } from "../doctor/gather.ts";
import { showDiagnosis, summaryOf } from "../doctor/show.ts";
import { addFolder } from "../folder.ts";
import { addConnectionOption, addIgnoredOptions, addProjectOptions, parseCount } from "../options.ts";
import { addEnvironmentOption } from "../releasing.ts";
import type { AddCommand } from "../shell.ts";

/** `dataform doctor [folder]`: what keeps this project from running here, and what to do about it. */
export const addDoctorCommand: AddCommand = (command, shell) => {
  addFolder(command)
    .addOption(new Option("--concurrency <n>", "of the runs that are meant (4)").argParser(parseCount))
    .option("--json", "what was found as one JSON document")
    .action(async (_: string | undefined, flags: DoctorFlags) => {
      const diagnosis = diagnose(await gather(shell, flags));
      if (flags.json) shell.print(JSON.stringify(diagnosis, null, 2));
      else showDiagnosis(diagnosis, shell);
      shell.say(summaryOf(diagnosis));
      if (diagnosis.status === "error") shell.exitCode = 1;
    });
  addIgnoredOptions(addConnectionOption(addProjectOptions(addEnvironmentOption(command))), shell.say);
};
