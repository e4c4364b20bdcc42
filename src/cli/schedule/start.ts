import { projectState } from "../../config/project-state.ts";
import { NO_TARGET } from "../../config/settings.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { counted } from "../../model/counted.ts";
import type { Program } from "../../schedule/child.ts";
import { runScheduler } from "../../schedule/scheduler.ts";
import { type ConnectionFlags, type EnvironmentFlags, environmentName } from "../options.ts";
import type { Shell } from "../shell.ts";
import { Declaration } from "./declaration.ts";

/** How steps are run. */
export interface WorkFlags {
  readonly jobs?: number;
  readonly lostAfter?: number;
}

export type StartFlags = EnvironmentFlags & ConnectionFlags & WorkFlags;

/** Where nobody says otherwise, in milliseconds. */
const LOST_AFTER = 30_000;
const JOBS = 4;

interface Started {
  readonly settings: ConnectionSettings;
  readonly signal: AbortSignal;
}

/** The same, and tells what is wrong meanwhile. Who tells hears of the steps that are waited for, too. */
export async function startSchedulerThatTells(shell: Shell, flags: StartFlags, started: Started): Promise<void> {
  // Both are loaded here: who tells nobody has no use for them.
  const { compileProject } = await import("../compiling.ts");
  const { openNotifier } = await import("../notify/open.ts");
  const state = await projectState(shell.projectDir);
  const graph = await compileProject(shell, flags);
  const { notifier } = openNotifier(shell, flags, { graph, settings: started.settings, state });
  const ended = new AbortController();
  const telling = notifier.follow(ended.signal);
  try {
    await startScheduler(shell, flags, started);
  } finally {
    ended.abort();
    await telling;
  }
}

/** Runs the lines of the project until the signal comes, and the steps that go on have ended. */
export async function startScheduler(shell: Shell, flags: StartFlags, { settings, signal }: Started): Promise<void> {
  const program = programOf(shell, flags);
  const declaration = new Declaration(program, flags, { signal, say: (text) => shell.say(text) });
  const declared = await declaration.read();
  shell.say(`${counted(declared.lines.length, "line")} of schedules.yaml; the next dues: dataform schedule next`);
  await runScheduler({
    settings,
    signal,
    declared,
    declaration,
    environment: environmentName(flags),
    program,
    jobs: flags.jobs ?? JOBS,
    say: (line) => shell.say(`${new Date().toTimeString().slice(0, 8)}  ${line}`),
  });
}

/** This program again, in the same surroundings: secrets go by the environment, where no list of processes shows them. */
export function programOf(shell: Shell, flags: EnvironmentFlags & ConnectionFlags & Partial<StartFlags>): Program {
  const { url, credentials, roles, publisherUrl, environment, schemaSuffix, tablePrefix, vars } = flags;
  const said = {
    DATABASE_URL: url,
    DATAFORM_ROLES: roles,
    DATAFORM_PUBLISHER_URL: publisherUrl,
    DATAFORM_ENVIRONMENT: environment,
    DATAFORM_SCHEMA_SUFFIX: schemaSuffix,
    DATAFORM_TABLE_PREFIX: tablePrefix,
    DATAFORM_VARS: vars && JSON.stringify(vars),
    // What it says stands in the environment already, and a flag comes before it.
    DATAFORM_TARGET: NO_TARGET,
  };
  const given = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
  return {
    command: process.execPath,
    arguments: [...process.execArgv, process.argv[1]!],
    env: { ...shell.env, ...given, NO_COLOR: "1" },
    folder: shell.projectDir,
    lease: flags.lostAfter ?? LOST_AFTER,
    ...(credentials === undefined ? {} : { flags: [`--credentials=${credentials}`] }),
  };
}
