import { createHash } from "node:crypto";
import { posix } from "node:path";
import type { DashboardData } from "../../model/dashboard.ts";
import type { CompiledGraph, Dashboard } from "../../model/graph.ts";
import { showsLanded } from "../../model/live.ts";
import { DEFAULT_ENVIRONMENT } from "../../model/release.ts";
import { dashboardJson, dashboardOf, type GrafanaDashboard } from "./grafana-dashboard.ts";
import { operationsDashboards } from "./operations.ts";
import { dataSourceYaml, type GrafanaLogin, providerYaml } from "./provisioning.ts";

/** All that Grafana's files are made of. */
export interface GrafanaInput {
  readonly project: string;
  readonly environment: string;
  readonly graph: CompiledGraph;
  /** The dashboards that there are to be: the types of their columns, and which days their data have. */
  readonly dashboards: readonly DashboardData[];
  /** The models that readers find, as `schema.name`. */
  readonly published: ReadonlySet<string>;
  readonly login: GrafanaLogin;
  /** Of the server that was read, as `server_version_num`. */
  readonly serverVersion: number;
  /** Where Grafana finds the folder of these files: a path of its own machine. */
  readonly folder: string;
}

/**
 * A folder that Grafana reads when it starts: path → content. `provisioning/` says where the data are and which dashboards there
 * are, `dashboards/` has them. Pure: the same project gives the same files.
 */
export function grafanaFiles(input: GrafanaInput): ReadonlyMap<string, string> {
  const { graph, environment, project, folder, login } = input;
  const name = environment === DEFAULT_ENVIRONMENT ? project : `${project} (${environment})`;
  const slug = slugOf(input);
  const source = { type: "grafana-postgresql-datasource", uid: `dataform-${slug}` };
  const uid = (one: string) => `${slug.slice(0, 20)}-${hash(`${project}\n${environment}\n${one}`)}`;
  const data = new Map(input.dashboards.map((one) => [one.name, one]));
  const own = graph.actions.flatMap((action) => {
    const read = isShown(action) ? data.get(action.target.name) : undefined;
    if (!read) return [];
    const about = {
      uid: uid(`dashboards/${read.name}`),
      tags: ["dataform", ...(action as Dashboard).tags],
      moves: showsLanded(action.dependencies, graph.actions),
    };
    return [[read.name, dashboardOf(action as Dashboard, read, about)] as const];
  });
  const operations = operationsDashboards(input, (one) => uid(`operations/${one}`));
  const folders: readonly Folder[] = [
    { title: name, path: "project", dashboards: own },
    { title: `${name}: operations`, path: "operations", dashboards: operations },
  ].filter(({ dashboards }) => dashboards.length);
  const providers = folders.map(({ title, path }) => ({
    title,
    uid: uid(`folder/${path}`),
    path: posix.join(folder, "dashboards", path),
  }));
  return new Map([
    [
      `provisioning/datasources/${slug}.yaml`,
      dataSourceYaml({ name, slug, uid: source.uid, login, serverVersion: input.serverVersion }),
    ],
    [`provisioning/dashboards/${slug}.yaml`, providerYaml(providers)],
    ...folders.flatMap(({ path, dashboards }) =>
      dashboards.map(([file, dashboard]): [string, string] => [
        `dashboards/${path}/${file}.json`,
        dashboardJson(dashboard, source),
      ]),
    ),
  ]);
}

/** What files, uids and variables of a project and environment are called by. */
export function slugOf({ project, environment }: Pick<GrafanaInput, "project" | "environment">): string {
  return named(environment === DEFAULT_ENVIRONMENT ? project : `${project}-${environment}`);
}

interface Folder {
  readonly title: string;
  readonly path: string;
  readonly dashboards: readonly (readonly [file: string, GrafanaDashboard])[];
}

function isShown(action: CompiledGraph["actions"][number]): action is Dashboard {
  return action.kind === "dashboard" && !action.disabled;
}

/** Letters, digits and dashes, as addresses and uids have them. */
function named(text: string): string {
  const plain = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  if (plain === text && plain.length <= 24) return plain;
  return `${plain.slice(0, 15) || "project"}-${hash(text)}`;
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
