import type { Command } from "commander";
import type { FastifyInstance } from "fastify";
import { readServerSettings } from "../../config/load-server.ts";
import { projectState } from "../../config/project-state.ts";
import { counted } from "../../model/counted.ts";
import { UserError } from "../../model/errors.ts";
import type { Api } from "../../model/graph.ts";
import { addDocumentation } from "../../serve/api/docs-page.ts";
import type { PageFrom } from "../../serve/api/page.ts";
import type { ReadApi } from "../../serve/api/read-api.ts";
import { repeating } from "../../serve/api/repeats.ts";
import { addEndpoints } from "../../serve/api/routes.ts";
import { addExplore } from "../../serve/explore/explore-routes.ts";
import { addHealth, Readiness } from "../../serve/health.ts";
import { addMetrics } from "../../serve/metrics-page.ts";
import {
  type CollectorFlags,
  Collectors,
  collectedSources,
  collectPaths,
  senders,
  takenAt,
} from "../collect/collectors.ts";
import { compileProject } from "../compiling.ts";
import { openDatabase, openForReading, whereLine } from "../database.ts";
import { untilAborted } from "../interrupt.ts";
import { type ListenFlags, listen } from "../listening.ts";
import { environmentName, parseQueryRows, parseQueryTime } from "../options.ts";
import { startScheduler, type WorkFlags } from "../schedule/start.ts";
import type { Shell } from "../shell.ts";
import { LivePages, type SiteFlags } from "../site/make-site.ts";
import { telling } from "../telling.ts";
import { openMetrics } from "./measuring.ts";
import { type ApiFlags, follow, openApi } from "./open-api.ts";
import { type ExploreFlags, openExplore, openGate } from "./open-explore.ts";
import { opennessOf, WhoMayAsk } from "./who-may-ask.ts";

interface PageFlags extends SiteFlags, ListenFlags, ExploreFlags {
  readonly public?: boolean;
}

/** `dataform serve`: endpoints and pages. */
export interface ServeFlags extends PageFlags, ApiFlags, WorkFlags, CollectorFlags {
  readonly site?: boolean;
  readonly api?: boolean;
  readonly notify?: boolean;
  readonly schedule?: boolean;
  readonly collect?: boolean;
}

/** What of the pages is said wherever they are served. */
export function addPageOptions(command: Command): Command {
  return command
    .option("--no-samples", "pages without ten rows of each relation, and without rows that fail a test")
    .option("--no-explore", "without the page on which a reader asks questions of their own")
    .option(
      "--reader-url <url>",
      "the login that answers such questions: what it may not read is not told (DATAFORM_READER_URL)",
    )
    .option("--explore-all", "answer questions with a key also where that login reads more than readers are meant to")
    .option("--query-rows <n>", "rows that one such answer has at most", parseQueryRows, 5_000)
    .option("--query-timeout <duration>", "how long one such question may take", parseQueryTime, 10_000)
    .option("--public", "whoever reaches the address sees the pages, and asks the endpoints without a key");
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

type Flags = PageFlags & { readonly isSite: boolean } & WorkFlags &
  Pick<ServeFlags, "notify" | "schedule"> & { readonly collects?: CollectorFlags | undefined } & (
    | (ApiFlags & { readonly isApi: boolean })
    | { readonly isApi: false }
  );

/** Answers until the signal comes. */
async function serve(shell: Shell, flags: Flags, signal: AbortSignal): Promise<void> {
  const server = readServerSettings(shell.projectDir);
  const state = flags.notify ? await projectState(shell.projectDir) : undefined;
  const graph = await compileProject(shell, flags);
  const owner = await openDatabase(shell, flags);
  const reader = await openForReading(shell, flags);
  // Who answers questions may be allowed less than endpoints need.
  const login = owner.reader ? owner : reader;
  shell.say(whereLine(login, flags, shell));
  const environment = environmentName(flags);
  const apis = graph.actions.filter(
    (action): action is Api => action.kind === "api" && !action.disabled && flags.isApi,
  );
  const endpoints = apis.flatMap((one) => one.endpoints);
  const collected = flags.collects ? collectedSources(shell, []) : [];
  const others = [...(server.metrics ? [server.metrics] : []), ...collected.map(senders)];
  const reached = { host: flags.host, isPublic: flags.public === true, server };
  const showsPages = flags.isSite && opennessOf(reached) !== "none";
  if (!showsPages && !endpoints.length && !others.length) throw nothingToAnswer(flags);
  const explores = showsPages && flags.explore !== false;
  const asks = endpoints.length > 0 || others.length > 0;
  // Where pages alone are given, who makes them reads the keys.
  const looks = asks
    ? ({ settings: login, duty: "server" } as const)
    : ({ settings: owner, duty: "publisher" } as const);
  const say = (line: string) => shell.say(line);
  const who =
    asks || explores
      ? await WhoMayAsk.read({ ...reached, ...looks, endpoints, others, explores, environment, signal, say })
      : undefined;
  const onWait = telling(shell).tell;
  const pages = showsPages
    ? await LivePages.make(shell, flags, { settings: owner, signal, onWait, explores })
    : undefined;
  const explore = explores ? openExplore(shell, flags, { owner, reader, graph }) : undefined;
  const gate = explores ? await openGate(shell, who!.access, { reader, flags, signal }) : undefined;
  let api: ReadApi | undefined;
  const metrics =
    server.metrics &&
    (await openMetrics(shell, {
      environment,
      project: graph.project.name ?? "",
      settings: server.metrics,
      reader: login,
      owner,
      load: () => api?.load,
    }));
  const onPage = (from: PageFrom) => metrics?.paged(from);
  if (flags.isApi && endpoints.length)
    api = await openApi(shell, flags, { settings: login, graph, apis, server, who: who!, onPage });
  const notifier = flags.notify
    ? (await import("../notify/open.ts")).openNotifier(shell, flags, { graph, settings: owner, state }).notifier
    : undefined;
  const within = { settings: owner, patience: server.requestTime, signal };
  const collectors = flags.collects && (await Collectors.open(shell, collected, flags.collects, within));
  const readiness = new Readiness(login, environment);
  const ended = new AbortController();
  const stopped = AbortSignal.any([signal, ended.signal]);
  try {
    const following = who && follow(shell, flags, { api, who, ...looks, signal: stopped });
    await api?.describe();
    const add = (to: FastifyInstance) => {
      addHealth(to, readiness);
      if (metrics) addMetrics(to, metrics, (request) => who!.access.allow(request, server.metrics!));
      if (api) {
        addEndpoints(to, api, (request, endpoint) => who!.access.allow(request, endpoint));
        addDocumentation(to, () => api.document(who!.access.isOpen ? undefined : { issuer: server.oidc?.issuer }));
      }
      if (explore && gate) addExplore(to, explore, gate);
      collectors?.addTo(to, who!.access);
      pages?.addTo(to);
      if (!api) return undefined;
      const { access } = who!;
      return repeating({
        find: (signature) => api?.repeat(signature),
        admits: (request, endpoint) => access.admits(request, endpoint),
        onPage,
        answered: metrics && ((request) => metrics.answered(request)),
      });
    };
    const taking = collectPaths(collected);
    const running = await listen(shell, flags, add, server, taking);
    if (api) shell.say(`${counted(endpoints.length, "endpoint")}, told and tried at ${running.address}docs/`);
    if (collectors) shell.say(takenAt(taking, running));
    if (metrics) shell.say(`figures for Prometheus at ${running.address}metrics`);
    for (const line of who?.lines ?? []) shell.say(line);
    if (flags.isSite && !pages)
      shell.say("the pages are not shown: a browser sends no key; --public shows them to whoever reaches the address");
    const schedule = flags.schedule ? startScheduler(shell, flags, { settings: owner, signal: stopped }) : undefined;
    const going = Promise.all([following, pages?.follow(), notifier?.follow(stopped), schedule]);
    const drained = new AbortController();
    const collecting = collectors?.run(drained.signal, server.drainTime);
    try {
      await Promise.race([going, untilAborted(stopped), ...(collecting ? [collecting] : [])]);
    } finally {
      await running.close();
      // First whoever waits for an answer has it.
      drained.abort();
      await collecting;
    }
    await going;
  } finally {
    ended.abort();
    await Promise.all([api?.close(), readiness.close()]);
  }
}

function nothingToAnswer({ isSite, host }: Pick<Flags, "isSite" | "host">): UserError {
  return new UserError({
    message: "there is nothing to answer",
    expected: "endpoints in serve/*.yaml, or the pages",
    ...(isSite
      ? {
          found: `--host ${host} and trustedProxies of serve/server.yaml, by which others reach the server: pages are shown only to everybody`,
          hint: "--public shows them to whoever reaches the address; docs/serve.md has an example of an endpoint",
        }
      : { hint: "docs/serve.md has an example; or leave --no-site out" }),
  });
}
