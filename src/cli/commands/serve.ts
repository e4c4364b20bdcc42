import { InvalidArgumentError } from "commander";
import type { FastifyInstance } from "fastify";
import { readServerSettings } from "../../config/load-server.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { counted } from "../../model/counted.ts";
import { milliseconds } from "../../model/duration.ts";
import { UserError } from "../../model/errors.ts";
import type { Api, CompiledGraph } from "../../model/graph.ts";
import type { ServerSettings } from "../../model/server-settings.ts";
import { targetKey } from "../../model/target.ts";
import type { Client } from "../../postgres/client.ts";
import type { PageFrom } from "../../serve/api/answers.ts";
import { Cursors } from "../../serve/api/cursor.ts";
import { addDocumentation } from "../../serve/api/docs-page.ts";
import { ReadApi } from "../../serve/api/read-api.ts";
import { followKeys } from "../../serve/api/releases.ts";
import { addEndpoints } from "../../serve/api/routes.ts";
import { openRedis } from "../../serve/api/shared-cache.ts";
import { addHealth, Readiness } from "../../serve/health.ts";
import { addMetrics } from "../../serve/metrics-page.ts";
import { compileProject } from "../compiling.ts";
import { openDatabase, openForReading, whereLine } from "../database.ts";
import { untilInterrupted } from "../interrupt.ts";
import { addListenOptions, type ListenFlags, listen } from "../listening.ts";
import { addConnectionOption, addProjectOptions, environmentName } from "../options.ts";
import { addEnvironmentOption } from "../releasing.ts";
import { openMetrics } from "../serve/measuring.ts";
import { opennessOf, WhoMayAsk } from "../serve/who-may-ask.ts";
import type { AddCommand, Shell } from "../shell.ts";
import { LivePages, type SiteFlags } from "../site/make-site.ts";
import { telling } from "../telling.ts";

interface Flags extends SiteFlags, ListenFlags {
  readonly site?: boolean;
  readonly api?: boolean;
  readonly connections: number;
  readonly streams: number;
  readonly queue: number;
  readonly cache: number;
  readonly redis?: string;
  readonly pageTimeout: number;
  readonly streamTimeout: number;
  readonly public?: boolean;
}

/** `dataform serve`: what programs ask for, and what people look at, in one process. */
export const addServeCommand: AddCommand = (command, shell) => {
  addListenOptions(command)
    .option("--no-api", "without the endpoints of serve/*.yaml")
    .option("--no-site", "without the pages")
    .option("--no-samples", "pages without ten rows of each relation, and without rows that fail a test")
    .option("--connections <number>", "connections for pages of answers", wholeNumber(1, 500), 8)
    .option("--streams <number>", "connections for whole relations as CSV, NDJSON or Parquet", wholeNumber(1, 100), 4)
    .option("--queue <number>", "requests that may wait for a connection", wholeNumber(0, 100_000), 1000)
    .option("--cache <megabytes>", "answers that are kept in memory", wholeNumber(0, 1_000_000), 64)
    .option("--redis <url>", "answers that several servers keep together (DATAFORM_REDIS_URL)")
    .option("--page-timeout <time>", "how long a page may take in the server", time, 10_000)
    .option("--stream-timeout <time>", "how long a whole relation may take", time, 30 * 60_000)
    .option("--public", "whoever reaches the address may ask for everything, without a key, and see the pages")
    .action(async (flags: Flags) => {
      await untilInterrupted(shell, (signal) => serve(shell, flags, signal), "closing");
    });
  addConnectionOption(addEnvironmentOption(addProjectOptions(command)));
};

async function serve(shell: Shell, flags: Flags, signal: AbortSignal): Promise<void> {
  const server = readServerSettings(shell.projectDir);
  const graph = await compileProject(shell, flags);
  const owner = await openDatabase(shell, flags);
  const settings = await openForReading(shell, flags);
  shell.say(whereLine(settings, flags, shell));
  const apis = graph.actions.filter(
    (action): action is Api => action.kind === "api" && !action.disabled && flags.api !== false,
  );
  const endpoints = apis.flatMap((one) => one.endpoints);
  const { host } = flags;
  const asked = {
    host,
    isPublic: flags.public === true,
    server,
    endpoints,
    others: server.metrics ? [server.metrics] : [],
  };
  const showsPages = flags.site !== false && opennessOf(asked) !== "none";
  if (!showsPages && !endpoints.length && !server.metrics) throw nothingToAnswer(flags);
  const say = (line: string) => shell.say(line);
  const who =
    endpoints.length || server.metrics
      ? await WhoMayAsk.read({ ...asked, settings, environment: environmentName(flags), signal, say })
      : undefined;
  const onWait = telling(shell).tell;
  const pages = showsPages ? await LivePages.make(shell, flags, { settings: owner, signal, onWait }) : undefined;
  let api: ReadApi | undefined;
  const metrics =
    server.metrics &&
    (await openMetrics(shell, {
      environment: environmentName(flags),
      project: graph.project.name ?? "",
      settings: server.metrics,
      reader: settings,
      owner,
      load: () => api?.load,
    }));
  const onPage = (from: PageFrom) => metrics?.paged(from);
  if (endpoints.length) api = await openApi(shell, flags, { settings, graph, apis, server, who: who!, onPage });
  const readiness = new Readiness(settings, environmentName(flags));
  const ended = new AbortController();
  const stopped = AbortSignal.any([signal, ended.signal]);
  try {
    const following = who && follow(shell, flags, { api, who, settings, signal: stopped });
    await api?.describe();
    const add = (to: FastifyInstance) => {
      addHealth(to, readiness);
      if (metrics) addMetrics(to, metrics, (request) => who!.access.allow(request, server.metrics!));
      if (api) {
        addEndpoints(to, api, (request, endpoint) => who!.access.allow(request, endpoint));
        addDocumentation(to, () => api.document(!who!.access.isOpen));
      }
      pages?.addTo(to);
    };
    const running = await listen(shell, flags, add, server);
    if (api) shell.say(`${counted(endpoints.length, "endpoint")}, told and tried at ${running.address}docs/`);
    if (metrics) shell.say(`figures for Prometheus at ${running.address}metrics`);
    for (const line of who?.lines ?? []) shell.say(line);
    if (flags.site !== false && !pages)
      shell.say("the pages are not shown: a browser sends no key; --public shows them to whoever reaches the address");
    try {
      await Promise.all([following, pages?.follow()]);
    } finally {
      await running.close();
    }
  } finally {
    ended.abort();
    await Promise.all([api?.close(), readiness.close()]);
  }
}

function nothingToAnswer({ site, host }: Flags): UserError {
  return new UserError({
    message: "there is nothing to answer",
    expected: "endpoints in serve/*.yaml, or the pages",
    ...(site === false
      ? { hint: "docs/serve.md has an example; or leave --no-site out" }
      : {
          found: `--host ${host}, where pages are shown only to everybody`,
          hint: "--public shows them to whoever reaches the address; docs/serve.md has an example of an endpoint",
        }),
  });
}

interface Served {
  readonly settings: ConnectionSettings;
  readonly graph: CompiledGraph;
  readonly apis: readonly Api[];
  readonly server: ServerSettings;
  readonly who: WhoMayAsk;
  readonly onPage: (from: PageFrom) => void;
}

async function openApi(
  shell: Shell,
  flags: Flags,
  { settings, graph, apis, server, who, onPage }: Served,
): Promise<ReadApi> {
  const environment = environmentName(flags);
  const cursors = new Cursors(who.secret, environment);
  const url = flags.redis ?? shell.env.DATAFORM_REDIS_URL;
  const tell = (what: string) => shell.say(what);
  const shared = url ? await openRedis({ url, projectDir: shell.projectDir, names: cursors, tell }) : undefined;
  const { connections, streams, queue, cache, pageTimeout, streamTimeout } = flags;
  return new ReadApi({
    settings,
    environment,
    apis,
    title: graph.project.name ?? "Endpoints",
    meanings: new Map(
      graph.actions.map(({ target, columns }) => [
        targetKey(target),
        new Map(columns.map(({ name, description }) => [name, description])),
      ]),
    ),
    cursors,
    shared,
    connections,
    streams,
    queue,
    cacheBytes: cache * 1024 * 1024,
    pageTimeout,
    streamTimeout,
    idleTime: server.idleTime,
    onPage,
  });
}

interface Following extends Pick<Served, "settings" | "who"> {
  readonly api: ReadApi | undefined;
  readonly signal: AbortSignal;
}

/** Follows releases and keys until the signal comes. */
function follow(shell: Shell, flags: Flags, { api, who, settings, signal }: Following): Promise<void> {
  let told = who.lines.join("\n");
  const onKeys = async (client: Client) => {
    await who.renew(client);
    api?.cursors.renew(who.secret);
    const lines = who.lines.join("\n");
    if (lines !== told && lines) shell.say(lines);
    told = lines;
  };
  const onLost = ({ message }: Error) => shell.say(`the database is not there, and is asked again: ${message}`);
  if (!api) return followKeys(settings, environmentName(flags), { signal, onKeys, onLost });
  return api.releases.follow(settings, {
    signal,
    onRelease: () => {
      api.renew().catch((error: Error) => shell.say(error.message));
    },
    onKeys,
    onLost,
  });
}

/** What PostgreSQL takes for a timeout, in milliseconds. */
const MOST_TIME = 2_147_483_647;

function wholeNumber(least: number, most: number) {
  return (text: string): number => {
    if (/^\d{1,7}$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text);
    throw new InvalidArgumentError(`a whole number from ${least} to ${most}`);
  };
}

function time(text: string): number {
  const duration = /[a-z]$/.test(text) ? milliseconds(text) : undefined;
  if (duration !== undefined && duration >= 1 && duration <= MOST_TIME) return Math.round(duration);
  throw new InvalidArgumentError("a time such as 500ms, 10s or 30m");
}
