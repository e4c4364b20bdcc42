import type { FastifyInstance } from "fastify";
import type { ServerSettings } from "../../model/server-settings.ts";
import { addDocumentation } from "../../serve/api/docs-page.ts";
import type { PageFrom } from "../../serve/api/page.ts";
import type { ReadApi } from "../../serve/api/read-api.ts";
import { repeating } from "../../serve/api/repeats.ts";
import { addEndpoints } from "../../serve/api/routes.ts";
import { addExplore } from "../../serve/explore/explore-routes.ts";
import { addHealth, Readiness } from "../../serve/health.ts";
import { addMetrics } from "../../serve/metrics-page.ts";
import type { QuickAnswer } from "../../serve/server.ts";
import { Collectors } from "../collect/collectors.ts";
import type { Shell } from "../shell.ts";
import { LivePages } from "../site/live-pages.ts";
import { telling } from "../telling.ts";
import { openMetrics } from "./measuring.ts";
import { openApi } from "./open-api.ts";
import { openExplore, openGate } from "./open-explore.ts";
import type { Wanted, WantedFlags } from "./wanted.ts";
import { WhoMayAsk } from "./who-may-ask.ts";

/** What answers in one server; what is not wanted is not there. */
export type Parts = Awaited<ReturnType<typeof openParts>>;

export async function openParts(shell: Shell, flags: WantedFlags, wanted: Wanted, signal: AbortSignal) {
  const { server, state, graph, environment, owner, reader, login, looks, endpoints, others, explores } = wanted;
  const say = (line: string) => shell.say(line);
  const asked = { ...wanted.reached, ...looks, endpoints, others, explores, environment, signal, say };
  const who = endpoints.length || others.length || explores ? await WhoMayAsk.read(asked) : undefined;
  const onWait = telling(shell).tell;
  const pages = wanted.showsPages
    ? await LivePages.make(shell, flags, { settings: owner, signal, onWait, explores })
    : undefined;
  const explore = explores ? openExplore(shell, flags, { owner, reader, graph }) : undefined;
  const gate = explores ? await openGate(shell, who!.access, { reader, flags, signal }) : undefined;
  let api: ReadApi | undefined;
  let collectors: Collectors | undefined;
  const holds = { load: () => api?.load, collectors: () => collectors?.held ?? [] };
  const of = { environment, graph, reader: login, owner, ...holds };
  const metrics = server.metrics && (await openMetrics(shell, { ...of, settings: server.metrics }));
  const onPage = (from: PageFrom) => metrics?.paged(from);
  if (flags.isApi && endpoints.length)
    api = await openApi(shell, flags, { settings: login, graph, apis: wanted.apis, server, who: who!, onPage });
  const notifier = flags.notify
    ? (await import("../notify/open.ts")).openNotifier(shell, flags, { graph, settings: owner, state }).notifier
    : undefined;
  const within = { settings: owner, patience: server.requestTime, signal, measuring: metrics?.collected };
  if (flags.collects) collectors = await Collectors.open(shell, wanted.collected, flags.collects, within);
  const readiness = new Readiness(login, environment);
  return {
    who,
    pages,
    explore,
    gate,
    api,
    endpoints: endpoints.length,
    metrics,
    onPage,
    notifier,
    collectors,
    readiness,
  };
}

/** Gives a server what it answers. Returns what answers first. */
export function addParts(
  to: FastifyInstance,
  { who, pages, explore, gate, api, metrics, onPage, collectors, readiness }: Parts,
  server: ServerSettings,
): QuickAnswer | undefined {
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
    find: (signature) => api.repeat(signature),
    admits: (request, endpoint) => access.admits(request, endpoint),
    onPage,
    answered: metrics && ((request) => metrics.answered(request)),
  });
}
