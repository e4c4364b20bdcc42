import { basename } from "node:path";
import { ingestFiles } from "../../config/ingest-files.ts";
import { NOTIFICATIONS_FILE, readNotifications } from "../../config/load-notifications.ts";
import { readSelectors } from "../../config/load-selectors.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { UserError } from "../../model/errors.ts";
import type { CompiledGraph } from "../../model/graph.ts";
import type { NotificationSettings } from "../../model/notifying.ts";
import { Belongings } from "../../notify/belongings.ts";
import { type NotifiedProject, Notifier } from "../../notify/notifier.ts";
import { pause } from "../../wait/pause.ts";
import { compileProject } from "../compiling.ts";
import { chooseSourcesToShow } from "../ingest/choose.ts";
import { type EnvironmentFlags, environmentName } from "../options.ts";
import { filesState, withBesides } from "../read-files.ts";
import { Rereading } from "../rereading.ts";
import type { Shell } from "../shell.ts";
import { lasting } from "../show/lasting.ts";
import { tellLineage } from "./lineage.ts";

export interface OpenedNotifier {
  readonly notifier: Notifier;
  readonly notifications: NotificationSettings;
}

interface Compiled {
  readonly graph: CompiledGraph;
  readonly settings: ConnectionSettings;
  /** How the files of the project stood before it was compiled, for who goes on and follows them. */
  readonly state?: string | undefined;
}

/**
 * Who tells what is wrong with a project, as `notifications.yaml` says.
 * @throws UserError where there is none, or it is wrong
 */
export function openNotifier(shell: Shell, flags: EnvironmentFlags, compiled: Compiled): OpenedNotifier {
  const project = readProject(shell, flags, compiled);
  const { settings } = compiled;
  const notifier = new Notifier({
    settings,
    environment: environmentName(flags),
    project,
    renewed: renewing(shell.projectDir, withBesides(shell.projectDir, compiled.state ?? ""), async () =>
      readProject(shell, flags, { settings, graph: await compileProject(shell, flags) }),
    ),
    surroundings: { projectDir: shell.projectDir, env: shell.env },
    lasting,
    say: (line) => shell.say(line),
  });
  return { notifier, notifications: project.notifications };
}

function readProject(shell: Shell, flags: EnvironmentFlags, { graph, settings }: Compiled): NotifiedProject {
  const files = ingestFiles(shell.projectDir);
  const declared = files.map((file) => basename(file).replace(/\.ya?ml$/, ""));
  const belongings = new Belongings(graph, declared, readSelectors(shell.projectDir));
  const notifications = readNotifications(shell.projectDir, shell.env, belongings.named);
  if (!notifications)
    throw new UserError({
      message: `there is no ${NOTIFICATIONS_FILE}`,
      expected: "channels and rules, beside dataform.json",
      hint: "docs/notifications.md has one to copy",
    });
  const to = notifications.openlineage;
  return {
    name: graph.project.name ?? "dataform",
    notifications,
    belongings,
    declared,
    sources: files.length ? chooseSourcesToShow(shell, []) : [],
    besides: to && (async () => (await tellLineage(shell, flags, { graph, settings, to })).error),
  };
}

/** Between two looks at files that are others, in milliseconds: they may still be being written. */
const SETTLING = 500;

/** Reads a project again when its files are others: before anything is told of a run that had them. */
function renewing<T>(projectDir: string, before: string, read: () => Promise<T>): () => Promise<T | undefined> {
  const files = new Rereading(before);
  return async () => {
    const state = await filesState(projectDir);
    let isDue = files.isDue(state);
    if (!isDue && files.isOther(state)) {
      await pause(SETTLING);
      isDue = files.isDue(await filesState(projectDir));
    }
    return isDue ? files.read(read) : undefined;
  };
}
