import type { Static } from "typebox";
import type { dashboardSchema } from "../schemas/dashboard.ts";
import { DASHBOARDS } from "./project-folders.ts";
import { type DeclaredFile, type DeclaredFiles, readYamlFolder } from "./yaml-folder.ts";

type WrittenDashboard = Static<typeof dashboardSchema>;
export type WrittenPanel = WrittenDashboard["panels"][number];
export type WrittenFilter = NonNullable<WrittenDashboard["filters"]>[number];
export type DashboardFile = DeclaredFile<WrittenDashboard>;
export type DashboardFiles = DeclaredFiles<WrittenDashboard>;

/** Reads every `dashboards/*.yaml`. What is wrong with one does not keep the others from being read. */
export function readDashboards(projectDir: string): DashboardFiles {
  return readYamlFolder(projectDir, { folder: DASHBOARDS, schema: "dashboard", what: "dashboard" });
}
