import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { counted } from "../../model/counted.ts";
import { UserError } from "../../model/errors.ts";
import type { Program } from "../../schedule/child.ts";
import { runScheduler } from "../../schedule/scheduler.ts";
import { type ConnectionFlags, type EnvironmentFlags, environmentName } from "../options.ts";
import type { Shell } from "../shell.ts";
import { type Declared, declaredLines } from "./declared.ts";

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

/** Runs the lines of the project until the signal comes, and the steps that go on have ended. */
export async function startScheduler(shell: Shell, flags: StartFlags, started: Started): Promise<void> {
  await follow(shell, flags, started, await declaredLines(shell, flags));
}

/** The same, and tells what is wrong meanwhile. Who tells hears of the steps that are waited for, too. */
export async function startSchedulerThatTells(shell: Shell, flags: StartFlags, started: Started): Promise<void> {
  const declared = await declaredLines(shell, flags);
  const { openNotifier } = await import("../notify/open.ts");
  const { notifier } = openNotifier(shell, flags, { graph: declared.graph, settings: started.settings });
  const ended = new AbortController();
  const telling = notifier.follow(ended.signal);
  try {
    await follow(shell, flags, started, declared);
  } finally {
    ended.abort();
    await telling;
  }
}

async function follow(
  shell: Shell,
  flags: StartFlags,
  { settings, signal }: Started,
  { lines, known }: Declared,
): Promise<void> {
  if (!lines.length) throw nothingDeclared();
  shell.say(`${counted(lines.length, "line")} of schedules.yaml; the next dues: dataform schedule next`);
  await runScheduler({
    settings,
    signal,
    lines,
    environment: environmentName(flags),
    streams: known.streams,
    program: programOf(shell, flags),
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
    DATAFORM_VARS:
      vars &&
      Object.entries(vars)
        .map(([name, value]) => `${name}=${value}`)
        .join(","),
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

function nothingDeclared(): UserError {
  return new UserError({
    message: "there is nothing to schedule",
    expected: "lines in schedules.yaml, in the project's folder",
    hint: "docs/schedule.md has an example",
  });
}
