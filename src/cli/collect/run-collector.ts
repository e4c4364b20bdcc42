import { type Command, InvalidArgumentError, Option } from "commander";
import { readServerSettings } from "../../config/load-server.ts";
import { milliseconds } from "../../model/duration.ts";
import { addHealth } from "../../serve/health.ts";
import { openDatabase, openForReading, whereLine } from "../database.ts";
import { untilAborted } from "../interrupt.ts";
import { type ListenFlags, listen } from "../listening.ts";
import { type ConnectionFlags, type EnvironmentFlags, environmentName, parseCount } from "../options.ts";
import { follow } from "../serve/open-api.ts";
import { WhoMayAsk } from "../serve/who-may-ask.ts";
import type { Shell } from "../shell.ts";
import { type CollectorFlags, Collectors, collectedSources, collectPaths } from "./open.ts";

export interface CollectFlags extends ListenFlags, CollectorFlags, ConnectionFlags, EnvironmentFlags {
  readonly public?: boolean;
}

export function addCollectOptions(command: Command, when = ""): Command {
  return command
    .addOption(
      new Option("--every <time>", `${when}how long an event waits for others to be committed with it`)
        .argParser(parseEvery)
        .default(5, "5ms"),
    )
    .addOption(
      new Option("--room <megabytes>", `${when}events that wait for their commit; more are answered 503`)
        .argParser(parseCount)
        .default(32),
    );
}

function parseEvery(text: string): number {
  const time = /[a-z]$/.test(text) ? milliseconds(text) : undefined;
  if (time !== undefined && time <= 10_000) return time;
  throw new InvalidArgumentError("a time such as 5ms, up to 10s");
}

/** Takes events until the signal comes. */
export async function runCollector(
  shell: Shell,
  names: readonly string[],
  flags: CollectFlags,
  signal: AbortSignal,
): Promise<void> {
  const server = readServerSettings(shell.projectDir);
  const sources = collectedSources(shell, names);
  const settings = await openDatabase(shell, flags);
  const reader = await openForReading(shell, flags);
  shell.say(whereLine(settings, flags, shell));
  const environment = environmentName(flags);
  const others = sources.map(({ connector }) => ({ access: "key" as const, scope: connector.scope }));
  const looks = { settings: reader, duty: "server" as const };
  const who = await WhoMayAsk.read({
    ...{ host: flags.host, isPublic: flags.public === true, server, endpoints: [], others, explores: false },
    ...{ environment, ...looks, signal, say: (line: string) => shell.say(line) },
  });
  const collectors = await Collectors.open(shell, sources, flags, { settings, signal });
  const ended = new AbortController();
  const stopped = AbortSignal.any([signal, ended.signal]);
  try {
    const following = follow(shell, flags, { api: undefined, who, ...looks, signal: stopped });
    const paths = collectPaths(sources);
    const running = await listen(
      shell,
      flags,
      (to) => {
        addHealth(to, collectors);
        collectors.addTo(to, who.access);
      },
      server,
      paths,
    );
    shell.say(`events are taken at ${[...paths].map((path) => `${running.address}${path.slice(1)}`).join(", ")}`);
    for (const line of who.lines) shell.say(line);
    const draining = new AbortController();
    const collecting = collectors.run(draining.signal, server.drainTime);
    try {
      await Promise.race([collecting, following, untilAborted(stopped)]);
    } finally {
      // First whoever waits for an answer has it.
      await running.close();
      draining.abort();
      await collecting;
    }
    await following;
  } finally {
    ended.abort();
  }
}
