import { accessSync, constants, statSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, resolve } from "node:path";
import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import type { Picture } from "../../charts/picture.ts";
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
type Format = (typeof FORMATS)[number];

interface Flags extends ConnectionFlags, EnvironmentFlags {
  readonly json?: boolean;
  readonly to?: Format;
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
      new Option(
        "--to <format>",
        "png and pdf by a Chromium, where there is one (default: what --out ends with, or svg)",
      ).choices([...FORMATS]),
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
  const to = formatOf(flags);
  const out = resolve(shell.projectDir, flags.out ?? `${basename(name)}.${to}`);
  refuseUnwritable(out);
  const printing = to === "svg" ? undefined : await import("../chromium.ts");
  // Nobody waits for figures that nothing can print.
  const program = flags.chromium ?? printing?.findChromium(shell.env.PATH ?? "");
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
  const drawn = await picture(data, flags.dark === true);
  writeFileSync(out, printing && to !== "svg" ? await printing.printPicture(drawn, to, program!) : drawn.svg);
  shell.say(`${out}: ${data.title}${data.release === null ? "" : `, release ${data.release}`}`);
  if (problems.length)
    throw new UserError({
      message: `${problems.length} of ${data.panels.length} panels could not be read`,
      exitCode: 1,
    });
}

async function picture(data: DashboardData, isDark: boolean): Promise<Picture> {
  const { pictureOf } = await import("../../charts/picture.ts");
  const { DARK, LIGHT } = await import("../../charts/theme.ts");
  return pictureOf(data, isDark ? DARK : LIGHT);
}

/** @throws UserError where flags do not fit together */
function formatOf({ to, out = "", chromium }: Flags): Format {
  const said = FORMATS.find((format) => extname(out).toLowerCase() === `.${format}`);
  const format = to ?? said ?? "svg";
  if (chromium !== undefined && format === "svg")
    throw new UserError({
      message: "no Chromium is needed for svg",
      expected: "--chromium with --to png or --to pdf",
      found: `--chromium ${chromium}`,
      hint: "leave it out, or say which format",
    });
  if (to === undefined || said === undefined || said === to) return format;
  throw new UserError({
    message: `--to ${to} and --out ${out} say two formats`,
    expected: `a name that ends with .${to}`,
    found: out,
    hint: `write --to ${said}, or another name`,
  });
}

/** What cannot be written is told before anything is read. */
function refuseUnwritable(out: string): void {
  const folder = dirname(out);
  const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  try {
    if (isFolder(folder)) accessSync(folder, constants.W_OK);
    if (isFolder(folder) && !isFolder(out)) return;
  } catch {
    // Nobody may write there.
  }
  throw new UserError({
    message: `${out} cannot be written`,
    expected: "a file in a folder that is there and may be written to",
    found: isFolder(out) ? "a folder" : isFolder(folder) ? `${folder}, which is for others` : `no folder ${folder}`,
    hint: "make the folder, or name another file with --out",
  });
}
