import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, posix, resolve } from "node:path";
import { type GrafanaInput, grafanaFiles, slugOf } from "../../bi/grafana/files.ts";
import { type GrafanaLogin, loginVariables, MADE_BY } from "../../bi/grafana/provisioning.ts";
import { readFacts } from "../../catalogue/facts.ts";
import { readSource } from "../../compile/source.ts";
import { parseConnectionUrl } from "../../config/connection.ts";
import { readDashboards } from "../../dashboards/read.ts";
import { type ConnectionSettings, EMBEDDED_SOURCE } from "../../model/connection-settings.ts";
import { counted } from "../../model/counted.ts";
import type { DashboardData } from "../../model/dashboard.ts";
import { formatUserError, UserError } from "../../model/errors.ts";
import { type CompiledGraph, isModel } from "../../model/graph.ts";
import { withClient, withNames } from "../../postgres/client.ts";
import { sql } from "../../sql/sql.ts";
import { compileProject } from "../compiling.ts";
import { openForReading } from "../database.ts";
import { attended } from "../interrupt.ts";
import { type ConnectionFlags, type EnvironmentFlags, environmentName } from "../options.ts";
import type { Shell } from "../shell.ts";
import { warn } from "../warnings.ts";

export interface GrafanaFlags extends ConnectionFlags, EnvironmentFlags {
  readonly out: string;
  readonly login?: string;
  readonly folder?: string;
  readonly json?: boolean;
}

/** Writes the folder that Grafana reads. */
export async function writeGrafana(shell: Shell, flags: GrafanaFlags): Promise<void> {
  const login = flags.login === undefined ? undefined : loginOf(flags.login);
  const graph = await compileProject(shell, flags);
  const settings = await openForReading(shell, flags);
  const out = resolve(shell.projectDir, flags.out);
  const input: GrafanaInput = {
    ...(await readInput(shell, flags, graph, settings)),
    login: login ?? loginOfSettings(settings),
    folder: flags.folder ?? out.replaceAll("\\", "/"),
  };
  const files = grafanaFiles(input);
  await writeFolder(out, files);
  if (flags.json) {
    shell.print(JSON.stringify({ version: 1, folder: out, files: [...files.keys()] }));
    return;
  }
  const dashboards = [...files.keys()].filter((path) => path.endsWith(".json"));
  shell.say(`${counted(dashboards.length, "dashboard")}. Grafana reads them with these in its environment:`);
  shell.print(`GF_PATHS_PROVISIONING=${posix.join(input.folder, "provisioning")}`);
  const { user, password } = loginVariables(slugOf(input));
  for (const variable of [...(input.login.user === undefined ? [user] : []), password]) shell.print(`${variable}=…`);
}

/** What is published, and what each dashboard shows of it. */
async function readInput(shell: Shell, flags: GrafanaFlags, graph: CompiledGraph, settings: ConnectionSettings) {
  const environment = environmentName(flags);
  const models = graph.actions.filter((action) => isModel(action) && !action.disabled).map(({ target }) => target);
  const { all, facts, version } = await attended(shell, (how) =>
    withClient(settings, { applicationName: "dataform-bi", duty: "builder", ...how }, async (client) => ({
      all: await readDashboards(client, {
        graph,
        environment,
        readSource: (file) => readSource(shell.projectDir, file),
      }),
      facts: await withNames(client, "ours", () => readFacts(client, models, {})),
      version: await client.query<{ version: string }>(sql`select current_setting('server_version_num') as version`),
    })),
  );
  const dashboards = all.filter((one) => isReadable(shell, one));
  const project = graph.project.name ?? graph.project.packageName ?? "dataform";
  const serverVersion = Number(version.rows[0]!.version);
  const published = new Set(facts.keys());
  return { project, environment, graph, dashboards, published, serverVersion } satisfies Partial<GrafanaInput>;
}

/** Of a dashboard over what is not published nobody knows the types. @throws UserError for one that cannot be read otherwise */
function isReadable(shell: Shell, { name, panels }: DashboardData): boolean {
  const problems = panels.flatMap(({ problem }) => (problem ? [problem] : []));
  for (const problem of problems) shell.say(`error ${formatUserError(problem)}`);
  if (problems.length)
    throw new UserError({
      message: `${counted(problems.length, "panel")} of dashboard ${name} could not be read, and nothing is written`,
      expected: "dashboards over what is published",
      hint: "`dataform run` publishes what they read, or says why it does not",
      exitCode: 1,
    });
  const absent = [...new Set(panels.flatMap((panel) => panel.absent ?? []))];
  if (absent.length)
    warn(shell, [`dashboard ${name} is left out, for nothing is published of what it reads: ${absent.join(", ")}`]);
  return !absent.length;
}

/** @throws UserError for a URL with what no file may have, or that Grafana cannot use */
function loginOf(url: string): GrafanaLogin {
  const settings = parseConnectionUrl(url, "--login");
  if (settings.password !== undefined && new URL(url).password !== "")
    throw new UserError({
      message: "--login has a password, which would stand in a file",
      expected: "postgresql://user@host:port/database",
      hint: "leave it out: Grafana takes it from a variable of its own environment, which the command names",
    });
  return addressOf(settings);
}

/** The database in use. Who reads it is known of the embedded server; elsewhere the login at hand may write. */
function loginOfSettings(settings: ConnectionSettings): GrafanaLogin {
  const { user, ...address } = addressOf(settings);
  return settings.source === EMBEDDED_SOURCE ? { ...address, user: user! } : address;
}

function addressOf({ host, port, database, user, ssl: { mode } }: ConnectionSettings): GrafanaLogin {
  // Grafana has no mode that tries both: within a machine nobody listens.
  const isNear = host.startsWith("/") || /^(?:localhost|127\.|::1$)/.test(host);
  const sslmode = mode === "allow" || mode === "prefer" ? (isNear ? "disable" : "require") : mode;
  return { host, port, database, user, sslmode };
}

/** Takes the place of a folder that was written before, and of nothing else. */
async function writeFolder(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  const there: string[] = await readdir(folder).catch(() => []);
  if (there.length && !(await isOurs(folder, there)))
    throw new UserError({
      message: `${folder} holds something else`,
      expected: "an empty folder, one that is not there, or one that `dataform bi grafana` has written",
      found: there.slice(0, 5).join(", "),
      hint: "name another one with --out",
    });
  for (const name of ["provisioning", "dashboards"]) await rm(join(folder, name), { recursive: true, force: true });
  for (const [path, content] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

async function isOurs(folder: string, there: readonly string[]): Promise<boolean> {
  const sources = join(folder, "provisioning/datasources");
  const [file] = await readdir(sources).catch(() => []);
  const text = file === undefined ? "" : await readFile(join(sources, file), "utf8");
  return text.startsWith(MADE_BY) && there.every((name) => name === "provisioning" || name === "dashboards");
}
