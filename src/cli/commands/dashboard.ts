import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import { readSource } from "../../compile/source.ts";
import { readDashboards } from "../../dashboards/read.ts";
import type { DashboardData } from "../../model/dashboard.ts";
import { formatUserError, UserError } from "../../model/errors.ts";
import type { Dashboard } from "../../model/graph.ts";
import { targetKey } from "../../model/target.ts";
import { withClient } from "../../postgres/client.ts";
import { compileProject } from "../compiling.ts";
import { openForReading } from "../database.ts";
import { attended } from "../interrupt.ts";
import {
  addConnectionOption,
  addProjectOptions,
  type ConnectionFlags,
  type EnvironmentFlags,
  environmentName,
} from "../options.ts";
import type { AddCommand, Shell } from "../shell.ts";
import { textTable } from "../show/table.ts";

const FORMATS = ["svg", "png", "pdf"] as const;

interface Flags extends ConnectionFlags, EnvironmentFlags {
  readonly json?: boolean;
  readonly to: (typeof FORMATS)[number];
  readonly out?: string;
  readonly dark?: boolean;
  readonly chromium?: string;
}

/** `dataform dashboard …`: what people look at. */
export const addDashboardCommand: AddCommand = (dashboard, shell) => {
  addList(dashboard, shell);
  addRender(dashboard, shell);
};

function addList(dashboard: Command, shell: Shell): void {
  const list = dashboard
    .command("ls")
    .description("list the dashboards of the project, and what each reads; needs no database")
    .option("--json", "the list as JSON")
    .action(async (flags: Flags) => {
      const { actions } = await compileProject(shell, flags);
      const found = actions.filter((action): action is Dashboard => action.kind === "dashboard");
      if (flags.json) return shell.print(JSON.stringify(found, null, 2));
      const rows = found.map(({ target, title, panels, dependencies }) => [
        target.name,
        title,
        String(panels.length),
        dependencies.map(targetKey).join(", "),
      ]);
      shell.print(
        textTable(["dashboard", "title", "panels", "reads"], rows, {
          width: shell.width?.stdout,
          cut: ["reads", "title"],
        }),
      );
    });
  addProjectOptions(list);
}

function addRender(dashboard: Command, shell: Shell): void {
  const render = dashboard
    .command("render")
    .argument("<name>", "the dashboard")
    .description("write a dashboard as a picture, over what is published")
    .addOption(
      new Option("--to <format>", "svg; png and pdf by a Chromium, where there is one")
        .choices([...FORMATS])
        .default("svg"),
    )
    .option("--out <path>", "the file (default: the dashboard's name)")
    .option("--dark", "light figures on dark ground")
    .addOption(
      new Option("--chromium <path>", "the program that makes png and pdf (default: the one in PATH)").argParser(
        present,
      ),
    )
    .option("--environment <name>", "whose release is told")
    .action((name: string, flags: Flags) => renderDashboard(shell, name, flags));
  addConnectionOption(addProjectOptions(render));
}

function present(text: string): string {
  if (text === "") throw new InvalidArgumentError("a path");
  return text;
}

async function renderDashboard(shell: Shell, name: string, flags: Flags): Promise<void> {
  const graph = await compileProject(shell, flags);
  const settings = await openForReading(shell, flags);
  const data = await attended(shell, (how) =>
    withClient(settings, { applicationName: "dataform-dashboard", duty: "builder", ...how }, async (client) => {
      const reading = { graph, environment: environmentName(flags), only: [name] };
      const [read] = await readDashboards(client, {
        ...reading,
        readSource: (file) => readSource(shell.projectDir, file),
      });
      return read!;
    }),
  );
  const problems = data.panels.flatMap(({ problem }) => (problem ? [problem] : []));
  for (const problem of problems) shell.say(`error ${formatUserError(problem)}`);
  const out = resolve(shell.projectDir, flags.out ?? `${data.name}.${flags.to}`);
  writeFileSync(out, await picture(data, flags, shell));
  shell.say(`${out}: ${data.title}${data.release === null ? "" : `, release ${data.release}`}`);
  if (problems.length)
    throw new UserError({
      message: `${problems.length} of ${data.panels.length} panels could not be read`,
      exitCode: 1,
    });
}

async function picture(data: DashboardData, { to, dark, chromium }: Flags, shell: Shell): Promise<string | Uint8Array> {
  const { pictureOf } = await import("../../charts/picture.ts");
  const { DARK, LIGHT } = await import("../../charts/theme.ts");
  const drawn = pictureOf(data, dark ? DARK : LIGHT);
  if (to === "svg") return drawn.svg;
  const { printPicture } = await import("../chromium.ts");
  return printPicture(drawn, to, { chromium, path: shell.env.PATH });
}
