import { counted } from "../../model/counted.ts";
import type { RunningServer } from "../../serve/server.ts";
import { type CollectorFlags, collectPaths, takenAt } from "../collect/collectors.ts";
import { untilAborted } from "../interrupt.ts";
import { listen, tellAddress } from "../listening.ts";
import { startScheduler, type WorkFlags } from "../schedule/start.ts";
import type { Shell } from "../shell.ts";
import { answering } from "./answering.ts";
import { type ApiFlags, follow } from "./open-api.ts";
import { addParts, openParts, type Parts } from "./parts.ts";
import { type PageFlags, readWanted, type WantedFlags } from "./wanted.ts";

/** `dataform serve`: endpoints and pages. */
export interface ServeFlags extends PageFlags, ApiFlags, WorkFlags, CollectorFlags {
  readonly site?: boolean;
  readonly api?: boolean;
  readonly notify?: boolean;
  readonly schedule?: boolean;
  readonly collect?: boolean;
}

/** `dataform site serve`: the same server, with the pages alone. */
export function runPages(shell: Shell, flags: PageFlags, signal: AbortSignal): Promise<void> {
  return serve(shell, { ...flags, isApi: false, isSite: true, notify: false }, signal);
}

export function runServer(shell: Shell, flags: ServeFlags, signal: AbortSignal): Promise<void> {
  return serve(
    shell,
    { ...flags, isApi: flags.api !== false, isSite: flags.site !== false, collects: flags.collect ? flags : undefined },
    signal,
  );
}

type Flags = WantedFlags & WorkFlags & Pick<ServeFlags, "schedule">;

/** Answers until the signal comes. */
async function serve(shell: Shell, flags: Flags, signal: AbortSignal): Promise<void> {
  const wanted = await readWanted(shell, flags);
  const { server, owner, looks, collected } = wanted;
  const parts = await openParts(shell, flags, wanted, signal);
  const { who, api, pages, notifier, collectors } = parts;
  const ended = new AbortController();
  const stopped = AbortSignal.any([signal, ended.signal]);
  try {
    const following = who && follow(shell, flags, { api, who, ...looks, signal: stopped });
    await api?.describe();
    const taking = collectPaths(collected);
    const running = await listen(shell, flags, (to) => addParts(to, parts, server), server, taking);
    for (const line of toldOf(parts, running, taking)) shell.say(line);
    if (flags.isSite && !pages)
      shell.say("the pages are not shown: a browser sends no key; --public shows them to whoever reaches the address");
    tellAddress(shell, running);
    const schedule = flags.schedule ? startScheduler(shell, flags, { settings: owner, signal: stopped }) : undefined;
    const going = Promise.all([following, pages?.follow(), notifier?.follow(stopped), schedule]);
    await answering(running, { collectors, drainTime: server.drainTime }, [going, untilAborted(stopped)]);
    await going;
  } finally {
    ended.abort();
    await Promise.all([api?.close(), parts.readiness.close()]);
  }
}

function toldOf(
  { endpoints, api, collectors, metrics, who }: Parts,
  running: RunningServer,
  taking: ReadonlySet<string>,
): readonly string[] {
  const { address } = running;
  return [
    ...(api ? [`${counted(endpoints, "endpoint")}, told and tried at ${address}docs/`] : []),
    ...(collectors ? [takenAt(taking, running)] : []),
    ...(metrics ? [`figures for Prometheus at ${address}metrics`] : []),
    ...(who?.lines ?? []),
  ];
}
