import type { BiReport, Change } from "../../bi/merge.ts";
import { Metabase } from "../../bi/metabase/metabase-api.ts";
import { tellMetabase } from "../../bi/metabase/tell-metabase.ts";
import { Superset } from "../../bi/superset/superset-api.ts";
import { tellSuperset } from "../../bi/superset/tell-superset.ts";
import { counted } from "../../model/counted.ts";
import { UserError } from "../../model/errors.ts";
import type { CompiledGraph } from "../../model/graph.ts";
import { compileProject } from "../compiling.ts";
import { attended } from "../interrupt.ts";
import type { ProjectFlags } from "../options.ts";
import type { Shell } from "../shell.ts";

export interface ToolFlags extends ProjectFlags {
  readonly url?: string;
  readonly database?: string;
  readonly overwrite?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export interface SupersetFlags extends ToolFlags {
  readonly user?: string;
  readonly role?: string;
  readonly create?: boolean;
}

/** Where the secrets stand: no flag has them, for others see the flags of a process. */
const SUPERSET_PASSWORD = "SUPERSET_PASSWORD";
const METABASE_KEY = "METABASE_API_KEY";

export async function toSuperset(shell: Shell, flags: SupersetFlags): Promise<void> {
  const { url, user = "admin", database, role, create = false } = flags;
  const address = addressOf(url, "Superset");
  const password = secretOf(shell, SUPERSET_PASSWORD, "Superset", `the password of ${user}`);
  const graph = await compileProject(shell, flags);
  const report = await attended(shell, async ({ signal }) =>
    tellSuperset(await Superset.open(address, { user, password }, signal), {
      ...told(graph, flags),
      ...(database === undefined ? {} : { database }),
      ...(role === undefined ? {} : { role }),
      create,
    }),
  );
  printReport(shell, flags, report);
}

export async function toMetabase(shell: Shell, flags: ToolFlags): Promise<void> {
  const { url, database } = flags;
  const address = addressOf(url, "Metabase");
  const key = secretOf(shell, METABASE_KEY, "Metabase", "a key of its API, of the group Administrators");
  const { graph, overwrite, dryRun } = told(await compileProject(shell, flags), flags);
  const report = await attended(shell, async ({ signal }) =>
    tellMetabase(await Metabase.open(address, key, signal), {
      graph,
      overwrite,
      dryRun,
      ...(database === undefined ? {} : { database }),
    }),
  );
  printReport(shell, flags, report);
}

function told(graph: CompiledGraph, { overwrite = false, dryRun = false }: ToolFlags) {
  const { name, packageName } = graph.project;
  return { graph, project: name ?? packageName ?? "dataform", overwrite, dryRun };
}

function addressOf(url: string | undefined, tool: string): string {
  if (url !== undefined) return url;
  throw new UserError({
    message: `nobody said where ${tool} is`,
    expected: "--url https://…",
    hint: "write the address that a browser opens it at",
  });
}

function secretOf({ env }: Shell, variable: string, tool: string, what: string): string {
  const value = env[variable];
  if (value) return value;
  throw new UserError({
    message: `${variable} is ${value === undefined ? "not set" : "empty"}`,
    expected: `${what}, for ${tool}`,
    hint: "set it in the environment or in the project's .env; there is no flag for it, which others on the machine could read",
  });
}

function printReport(shell: Shell, { json }: ToolFlags, report: BiReport): void {
  const { tool, toolVersion, dryRun, changes, kept, missing, notes } = report;
  if (json) {
    shell.print(JSON.stringify(report, null, 2));
    return;
  }
  const line = ({ about, what, from, to }: Change) =>
    `${about}: ${what}${from === undefined ? "" : ` ${short(from)} →`} ${short(to)}`;
  for (const change of changes) shell.print(line(change));
  for (const change of kept)
    shell.say(`stays as a person typed it: ${about(change)} (--overwrite takes ${short(change.to)})`);
  if (missing.length)
    shell.say(
      `${tool} does not know ${counted(missing.length, "relation")}: ${missing.slice(0, 5).join(", ")}${missing.length > 5 ? ", …" : ""}`,
    );
  for (const note of notes) shell.say(`note: ${note}`);
  shell.say(
    `${tool} ${toolVersion}: ${counted(changes.length, "change")}${dryRun ? " to come" : ""}, ${kept.length} kept`,
  );
}

const about = ({ about: name, what }: Change) => `${what} of ${name}`;
const short = (text: string) => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
