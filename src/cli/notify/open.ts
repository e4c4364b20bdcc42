import { basename } from "node:path";
import { ingestFiles } from "../../config/ingest-files.ts";
import { NOTIFICATIONS_FILE, readNotifications } from "../../config/load-notifications.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { UserError } from "../../model/errors.ts";
import type { CompiledGraph } from "../../model/graph.ts";
import type { NotificationSettings } from "../../model/notifying.ts";
import { Notifier } from "../../notify/notifier.ts";
import { Belongings } from "../../notify/verdicts.ts";
import { chooseSourcesToShow } from "../ingest/choose.ts";
import { type EnvironmentFlags, environmentName } from "../options.ts";
import type { Shell } from "../shell.ts";
import { lasting } from "../show/lasting.ts";
import { tellLineage } from "./lineage.ts";

export interface OpenedNotifier {
  readonly notifier: Notifier;
  readonly notifications: NotificationSettings;
}

/**
 * Who tells what is wrong with a project, as `notifications.yaml` says.
 * @throws UserError where there is none, or it is wrong
 */
export function openNotifier(
  shell: Shell,
  flags: EnvironmentFlags,
  { graph, settings }: { readonly graph: CompiledGraph; readonly settings: ConnectionSettings },
): OpenedNotifier {
  const belongings = new Belongings(graph);
  const files = ingestFiles(shell.projectDir);
  const sources = files.map((file) => basename(file).replace(/\.ya?ml$/, ""));
  const { products, tags } = belongings.named;
  const known = { products: [...new Set([...products, ...sources])].sort(), tags };
  const notifications = readNotifications(shell.projectDir, shell.env, known);
  if (!notifications)
    throw new UserError({
      message: `there is no ${NOTIFICATIONS_FILE}`,
      expected: "channels and rules, beside dataform.json",
      hint: "docs/notifications.md has one to copy",
    });
  const to = notifications.openlineage;
  const notifier = new Notifier({
    settings,
    environment: environmentName(flags),
    project: graph.project.name ?? "dataform",
    notifications,
    belongings,
    declared: sources,
    sources: files.length ? chooseSourcesToShow(shell, []) : [],
    surroundings: { projectDir: shell.projectDir, env: shell.env },
    lasting,
    say: (line) => shell.say(line),
    besides: to && (async () => (await tellLineage(shell, flags, { graph, settings, to })).error),
  });
  return { notifier, notifications };
}
