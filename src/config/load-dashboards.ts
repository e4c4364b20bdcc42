import { join } from "node:path";
import type { Static } from "typebox";
import { UserError, UserErrors } from "../model/errors.ts";
import type { dashboardSchema } from "../schemas/dashboard.ts";
import { checkYaml } from "./check.ts";
import { dashboardFiles, DASHBOARDS as FOLDER } from "./dashboard-files.ts";
import { Place } from "./place.ts";
import { publishedSchema } from "./published.ts";
import { readYaml, type YamlFile } from "./yaml.ts";

type WrittenDashboard = Static<typeof dashboardSchema>;
export type WrittenPanel = WrittenDashboard["panels"][number];
export type WrittenFilter = NonNullable<WrittenDashboard["filters"]>[number];

/** A file of `dashboards/`, as its schema has it, and where all of it stands. */
export interface DashboardFile {
  /** In the project. */
  readonly file: string;
  /** Without folder and ending. */
  readonly name: string;
  readonly written: WrittenDashboard;
  readonly yaml: YamlFile;
  readonly place: Place;
}

export interface DashboardFiles {
  readonly dashboards: readonly DashboardFile[];
  readonly errors: readonly UserError[];
  /** On files beside them that nothing reads. */
  readonly notes: readonly string[];
}

/** Reads every `dashboards/*.yaml`. What is wrong with one does not keep the others from being read. */
export function readDashboards(projectDir: string): DashboardFiles {
  const names = dashboardFiles(projectDir);
  const dashboards: DashboardFile[] = [];
  const errors: UserError[] = [];
  for (const name of names.filter(isYaml)) {
    try {
      dashboards.push(readDashboard(projectDir, name));
    } catch (error) {
      if (error instanceof UserErrors) errors.push(...error.errors);
      else if (error instanceof UserError) errors.push(error);
      else throw error;
    }
  }
  for (const [at, { file, name }] of dashboards.entries())
    if (dashboards.findIndex((one) => one.name === name) < at)
      errors.push(
        new UserError({
          message: `there are two dashboards ${name}`,
          location: { file },
          expected: "one file of each name",
          found: dashboards.flatMap((one) => (one.name === name ? one.file : [])).join(", "),
          hint: "rename one",
        }),
      );
  const unread = names.filter((name) => !isYaml(name) && !/\.md$/i.test(name) && !name.startsWith("."));
  return {
    dashboards,
    errors,
    notes: unread.map((name) => `${FOLDER}/${name} is not read: a dashboard is a .yaml file in ${FOLDER}/ itself`),
  };
}

function isYaml(name: string): boolean {
  return /\.ya?ml$/.test(name);
}

function readDashboard(projectDir: string, fileName: string): DashboardFile {
  const file = `${FOLDER}/${fileName}`;
  const name = fileName.replace(/\.ya?ml$/, "");
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/.test(name))
    throw new UserError({
      message: "a dashboard is called like its file, and this is no name of one",
      location: { file },
      expected: "up to 63 letters, digits, _ and -",
      found: name,
      hint: "rename the file",
    });
  const yaml = readYaml(join(projectDir, file), file);
  return { file, name, written: checkYaml(yaml, publishedSchema("dashboard")), yaml, place: new Place(yaml) };
}
