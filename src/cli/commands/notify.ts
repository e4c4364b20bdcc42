import { randomUUID } from "node:crypto";
import { counted } from "../../model/counted.ts";
import { UserError } from "../../model/errors.ts";
import { nearest } from "../../model/nearest.ts";
import type { Message, NotificationSettings, Trouble } from "../../model/notifying.ts";
import { tell } from "../../notify/channels/tell.ts";
import { NotTold } from "../../notify/channels/told.ts";
import type { Delivered } from "../../notify/deliver.ts";
import type { Looked } from "../../notify/store.ts";
import { compileProject } from "../compiling.ts";
import { openDatabase, whereLine } from "../database.ts";
import { tellFailures } from "../failures.ts";
import { tellLineage } from "../notify/lineage.ts";
import { openNotifier } from "../notify/open.ts";
import {
  addConnectionOption,
  addProjectOptions,
  type ConnectionFlags,
  type EnvironmentFlags,
  environmentName,
} from "../options.ts";
import { paint } from "../paint.ts";
import { addEnvironmentOption } from "../releasing.ts";
import type { AddCommand, Shell } from "../shell.ts";

interface Flags extends ConnectionFlags, EnvironmentFlags {
  readonly dryRun?: boolean;
  readonly test?: string;
  readonly json?: boolean;
}

/** `dataform notify`: tells once what is wrong, and what is right again. */
export const addNotifyCommand: AddCommand = (command, shell) => {
  command
    .option("--dry-run", "print what is wrong and would be told; tell nobody, and keep nothing")
    .option("--test <channel>", "tell by this channel that it works, and nothing else")
    .option("--json", "what was found and told, as one JSON object")
    .action((flags: Flags) => notify(shell, flags));
  addConnectionOption(addEnvironmentOption(addProjectOptions(command)));
};

async function notify(shell: Shell, flags: Flags): Promise<void> {
  const graph = await compileProject(shell, flags);
  const settings = await openDatabase(shell, flags);
  const { notifier, notifications } = openNotifier(shell, flags, { graph, settings });
  if (flags.test !== undefined)
    return testChannel(shell, notifications, flags.test, {
      project: graph.project.name ?? "dataform",
      environment: environmentName(flags),
    });
  if (!flags.json) shell.say(whereLine(settings, flags, shell));
  const looked = await notifier.look(!flags.dryRun);
  const delivered = flags.dryRun ? [] : await notifier.deliver();
  const to = notifications.openlineage;
  const lineage = to && !flags.dryRun ? await tellLineage(shell, flags, { graph, settings, to }) : undefined;
  const left = flags.dryRun ? new Map<string, number>() : await notifier.waiting();
  if (flags.json) {
    const waiting = Object.fromEntries(left);
    shell.print(
      JSON.stringify({ version: 1, ...looked, channels: delivered, waiting, ...(lineage ? { lineage } : {}) }, null, 2),
    );
  } else print(shell, looked, delivered, left);
  if (lineage?.runs && !flags.json)
    shell.say(`told OpenLineage of ${counted(lineage.runs, "run")}: ${counted(lineage.events, "event")}`);
  // Nobody is woken by it: it is tried again.
  if (lineage?.error !== undefined) shell.say(`warning: OpenLineage was not told: ${lineage.error}`);
  tellFailures(
    shell,
    [...left].map(([channel, count]) => {
      const why = delivered.find((one) => one.channel === channel)?.error;
      return {
        message: `channel ${channel} has ${counted(count, "event")} to tell${why === undefined ? "" : `: ${why}`}`,
      };
    }),
  );
  if (left.size) shell.exitCode = 1;
}

function print(
  shell: Shell,
  { opened, closed, goingOn }: Looked,
  delivered: readonly Delivered[],
  left: ReadonlyMap<string, number>,
): void {
  const line = (word: string, color: Parameters<typeof paint>[1], { kind, subject, text }: Trouble) =>
    shell.say(`${paint(shell, color, word)} ${kind} ${subject}: ${text}`);
  for (const one of opened) line("new", "red", one);
  for (const one of goingOn) line("still", "yellow", one);
  for (const one of closed) line("over", "green", one);
  if (!opened.length && !goingOn.length && !closed.length) shell.say("nothing is wrong");
  for (const { channel, told, error } of delivered) {
    if (told) shell.say(`told by ${channel}: ${counted(told, "event")}`);
    if (error !== undefined)
      shell.say(
        `${paint(shell, "red", "not told")} by ${channel}: ${error}; ${left.get(channel) ?? 0} wait, and are tried again`,
      );
  }
  for (const [channel, count] of left)
    if (!delivered.some((one) => one.channel === channel && one.error !== undefined))
      shell.say(`${channel} has ${counted(count, "event")} to tell, and is tried again later`);
}

async function testChannel(
  shell: Shell,
  { channels, site }: NotificationSettings,
  name: string,
  where: Pick<Message, "project" | "environment">,
): Promise<void> {
  const channel = Object.hasOwn(channels, name) ? channels[name] : undefined;
  if (!channel) {
    const names = Object.keys(channels);
    const near = nearest(name, names);
    throw new UserError({
      message: `there is no channel "${name}" in notifications.yaml`,
      expected: `one of ${names.join(", ") || "those that it declares"}`,
      ...(near ? { hint: `did you mean "${near}"?` } : {}),
    });
  }
  const now = new Date().toISOString();
  const event = {
    kind: "failure",
    subject: "a test",
    text: "this is a test of the channel, nothing is wrong",
    link: "",
    incident: "0",
    event: "opened",
    since: now,
    until: null,
  } as const;
  const message: Message = {
    version: 1,
    id: randomUUID(),
    ...where,
    site: site?.replace(/\/+$/, "") ?? null,
    events: [event],
  };
  try {
    await tell(channel, message, { projectDir: shell.projectDir, env: shell.env });
    shell.say(`channel ${name} took it`);
  } catch (error) {
    if (!(error instanceof NotTold)) throw error;
    throw new UserError({
      message: `channel ${name} did not take it`,
      found: error.message,
      hint: "check what notifications.yaml says of it, and the variables that it names",
      exitCode: 1,
    });
  }
}
