import { Option } from "commander";
import { counted } from "../../model/counted.ts";
import { applyRoles, type RolesReport } from "../../roles/apply.ts";
import { planRoles, renderRoles } from "../../roles/plan.ts";
import { compileProject } from "../compiling.ts";
import { openDatabase } from "../database.ts";
import { attended } from "../interrupt.ts";
import {
  addDatabaseOptions,
  addIgnoredOptions,
  addProjectOptions,
  type ConnectionFlags,
  collectNames,
  type ProjectFlags,
} from "../options.ts";
import { paint } from "../paint.ts";
import type { AddCommand, Shell } from "../shell.ts";

interface Flags extends ProjectFlags, ConnectionFlags {
  readonly apply?: boolean;
  readonly prefix?: string;
  readonly rawSchemas?: readonly string[];
  readonly readerSchemas?: readonly string[];
  readonly json?: boolean;
}

/** `dataform roles`: roles of least privilege for loading, building, publishing and reading. */
export const addRolesCommand: AddCommand = (command, shell) => {
  command
    .option("--apply", "send it, in one transaction, as an administrator")
    .option("--prefix <text>", "what the names begin with (DATAFORM_ROLES, or df)")
    .addOption(new Option("--raw-schemas <names>", "where `dataform ingest` lands (raw)").argParser(collectNames))
    .addOption(
      new Option("--reader-schemas <names>", "published schemas that readers may read (all)").argParser(collectNames),
    )
    .option("--json", "the statements, or what was changed, as one JSON document")
    .action((flags: Flags) => roles(flags, shell));
  addIgnoredOptions(addDatabaseOptions(addProjectOptions(command)), shell.say);
};

async function roles(flags: Flags, shell: Shell): Promise<void> {
  const graph = await compileProject(shell, flags);
  const { prefix, rawSchemas, readerSchemas } = flags;
  const plan = planRoles(graph, { prefix, rawSchemas, readerSchemas });
  if (!flags.apply)
    return flags.json ? shell.print(JSON.stringify(plan, null, 2)) : shell.print(renderRoles(plan), "exact");
  const settings = await openDatabase(shell, flags);
  const report = await attended(shell, (how) => applyRoles(settings, plan, how));
  if (flags.json) shell.print(JSON.stringify(report, null, 2));
  else for (const line of describe(report, shell)) shell.say(line);
}

function describe({ roles, changes, warnings }: RolesReport, shell: Shell): string[] {
  const lines = changes.map(({ change, role, right, on, count }) => {
    const place = on && `on ${on}${on.startsWith("relations") ? ` (${count})` : ""}`;
    return `${change === "given" ? paint(shell, "green", "+") : paint(shell, "red", "-")} ${role}: ${right} ${place}`.trimEnd();
  });
  const done = changes.length ? counted(changes.length, "change") : "nothing had to change";
  return [
    ...lines,
    ...warnings.map((warning) => `${paint(shell, "yellow", "warning")} ${warning}`),
    `${paint(shell, "green", "Done")}: ${roles.join(", ")}: ${done}`,
  ];
}
