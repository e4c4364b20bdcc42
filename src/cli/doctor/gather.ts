import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { settingsFileIn } from "../../compile/project.ts";
import { resolveConnection } from "../../config/connection.ts";
import { NODE_NEEDED, VERSION } from "../../config/version.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { errorData, userErrorsOf } from "../../model/errors.ts";
import { type CompiledGraph, isModel } from "../../model/graph.ts";
import { missingSchemas } from "../../plan/schemas.ts";
import { chooseServer } from "../../postgres/client.ts";
import { embeddedStatus } from "../../postgres/embedded/server.ts";
import { startTrouble } from "../../postgres/embedded/trouble.ts";
import { compileLeavingNothing } from "../compiling.ts";
import { databaseText, stateDirectory } from "../database.ts";
import { attended } from "../interrupt.ts";
import type { Shell } from "../shell.ts";
import type { DatabaseFacts, DoctorFlags, EmbeddedFacts, Facts, ProjectFacts } from "./facts.ts";
import { failureOf, readServer } from "./read-server.ts";

/** Looks at everything. What is not there is a fact, too: only an interruption ends it. */
export async function gather(shell: Shell, flags: DoctorFlags): Promise<Facts> {
  const { facts: project, graph } = await readProjectFacts(shell, flags);
  const program = {
    version: VERSION,
    node: process.version.slice(1),
    nodeNeeded: NODE_NEEDED,
    ...(graph ? { core: graph.coreVersion } : {}),
  };
  const { settings, ...database } = await readDatabase(shell, flags);
  if (!settings) return { program, project, database };
  try {
    const server = await attended(shell, (how) => readServer(settings, { project, graph, flags, how }));
    return { program, project, database, server };
  } catch (error) {
    return { program, project, database: { ...database, failure: failureOf(error) } };
  }
}

async function readProjectFacts(
  shell: Shell,
  flags: DoctorFlags,
): Promise<{ readonly facts: ProjectFacts; readonly graph?: CompiledGraph }> {
  const { projectDir: folder } = shell;
  const file = settingsFileIn(folder);
  const base = { folder, ...(file === undefined ? {} : { file }) };
  try {
    let unsteady: string | undefined;
    const { graph, errors } = await compileLeavingNothing(shell, flags, (found) => {
      unsteady = found.unsteady;
    });
    const { actions, tests, project, notes } = graph;
    const facts = {
      ...base,
      ...(project.name === undefined ? {} : { name: project.name }),
      ...{ actions: actions.length, models: actions.filter(isModel).length, tests: tests.length },
      schemas: missingSchemas(
        actions.filter(({ disabled }) => !disabled),
        { schemas: [] },
      ),
      mistakes: errors.map((error) => errorData(error)),
      notes: notes.length,
      ...(unsteady === undefined ? {} : { unsteady }),
    };
    return { facts, graph };
  } catch (error) {
    const mistakes = userErrorsOf(error);
    if (!mistakes) throw error;
    const none = { models: 0, tests: 0, schemas: [], notes: 0 };
    return { facts: { ...base, ...none, mistakes: mistakes.map((one) => errorData(one)) } };
  }
}

/** Which database is meant, and the settings to reach it by, where it can be reached. Nothing is started. */
async function readDatabase(
  shell: Shell,
  { url, credentials, roles, publisherUrl }: DoctorFlags,
): Promise<DatabaseFacts & { readonly settings?: ConnectionSettings }> {
  const unknown = { host: "", verifies: "nothing" } as const;
  try {
    const { projectDir, target } = shell;
    const named = resolveConnection(shell.env, { url, credentials, roles, publisherUrl, target, projectDir });
    if (!named) return { ...unknown, ...(await readEmbedded(shell, roles)) };
    const about = { where: databaseText(named), host: named.host, verifies: verifiedBy(named) };
    try {
      return { ...about, settings: await chooseServer(named) };
    } catch (error) {
      return { ...about, failure: failureOf(error) };
    }
  } catch (error) {
    return { ...unknown, failure: failureOf(error) };
  }
}

function verifiedBy({ ssl: { mode, ca } }: ConnectionSettings): DatabaseFacts["verifies"] {
  if (mode === "verify-full") return "host";
  return ca === undefined ? "nothing" : "signer";
}

async function readEmbedded(
  shell: Shell,
  roles: string | undefined,
): Promise<Partial<DatabaseFacts> & { readonly settings?: ConnectionSettings }> {
  const stateDir = stateDirectory(shell);
  const { state, version, dataDir, crashed = false, settings } = await embeddedStatus(stateDir);
  const trouble = state === "running" ? undefined : startTrouble(stateDir);
  const embedded: EmbeddedFacts = {
    ...{ state, dataDir, crashed, freeBytes: await freeBytes(dataDir) },
    ...(version === undefined ? {} : { version }),
    ...(trouble ? { trouble: errorData(trouble) } : {}),
  };
  if (!settings) return { embedded };
  const known = roles ? { ...settings, roles } : settings;
  return { embedded, where: databaseText(known), host: known.host, settings: known };
}

/** Of the disk that a folder is on, or will be. */
async function freeBytes(folder: string): Promise<number> {
  if (!existsSync(folder)) return freeBytes(dirname(folder));
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
