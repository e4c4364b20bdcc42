import { readServerSettings } from "../../config/load-server.ts";
import { addHealth } from "../../serve/health.ts";
import { addMetrics } from "../../serve/metrics-page.ts";
import {
  type CollectorFlags,
  Collectors,
  collectedSources,
  collectPaths,
  senders,
  takenAt,
} from "../collect/collectors.ts";
import { openDatabase, openForReading, whereLine } from "../database.ts";
import { untilAborted } from "../interrupt.ts";
import { type ListenFlags, listen, tellAddress } from "../listening.ts";
import { type ConnectionFlags, type EnvironmentFlags, environmentName } from "../options.ts";
import type { Shell } from "../shell.ts";
import { answering } from "./answering.ts";
import { openCollectorMetrics } from "./measuring.ts";
import { follow } from "./open-api.ts";
import { WhoMayAsk } from "./who-may-ask.ts";

export type CollectFlags = ListenFlags & CollectorFlags & ConnectionFlags & EnvironmentFlags;

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
  const others = [...(server.metrics ? [server.metrics] : []), ...sources.map(senders)];
  const looks = { settings: reader, duty: "server" as const };
  const who = await WhoMayAsk.read({
    ...{ host: flags.host, isPublic: false, server, endpoints: [], others, explores: false },
    ...{ environment, ...looks, signal, say: (line: string) => shell.say(line) },
  });
  let collectors: Collectors | undefined;
  const metrics =
    server.metrics && (await openCollectorMetrics({ environment, collectors: () => collectors?.held ?? [] }));
  const within = { settings, patience: server.requestTime, signal, measuring: metrics?.collected };
  const opened = await Collectors.open(shell, sources, flags, within);
  collectors = opened;
  const ended = new AbortController();
  const stopped = AbortSignal.any([signal, ended.signal]);
  try {
    const following = follow(shell, flags, { api: undefined, who, ...looks, signal: stopped });
    const paths = collectPaths(sources);
    const running = await listen(
      shell,
      flags,
      (to) => {
        addHealth(to, opened);
        if (metrics) addMetrics(to, metrics, (request) => who.access.allow(request, server.metrics!));
        opened.addTo(to, who.access);
      },
      server,
      paths,
    );
    shell.say(takenAt(paths, running));
    if (metrics) shell.say(`figures for Prometheus at ${running.address}metrics`);
    for (const line of who.lines) shell.say(line);
    tellAddress(shell, running);
    await answering(running, { collectors: opened, drainTime: server.drainTime }, [following, untilAborted(stopped)]);
    await following;
  } finally {
    ended.abort();
  }
}
