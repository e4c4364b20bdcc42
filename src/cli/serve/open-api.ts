import type { ConnectionSettings } from "../../model/connection-settings.ts";
import type { Api, CompiledGraph } from "../../model/graph.ts";
import type { ServerSettings } from "../../model/server-settings.ts";
import { targetKey } from "../../model/target.ts";
import type { Client } from "../../postgres/client.ts";
import { Cursors } from "../../serve/api/cursor.ts";
import type { PageFrom } from "../../serve/api/page.ts";
import { ReadApi } from "../../serve/api/read-api.ts";
import { followKeys } from "../../serve/api/releases.ts";
import { openRedis } from "../../serve/api/shared-cache.ts";
import { type EnvironmentFlags, environmentName } from "../options.ts";
import type { Shell } from "../shell.ts";
import { tellingOfDatabase } from "../telling.ts";
import type { WhoMayAsk } from "./who-may-ask.ts";

/** What the endpoints may cost. */
export interface ApiFlags extends EnvironmentFlags {
  readonly connections: number;
  readonly streams: number;
  readonly queue: number;
  readonly cache: number;
  readonly redis?: string;
  readonly pageTimeout: number;
  readonly streamTimeout: number;
}

interface Served {
  readonly settings: ConnectionSettings;
  readonly graph: CompiledGraph;
  readonly apis: readonly Api[];
  readonly server: ServerSettings;
  readonly who: WhoMayAsk;
  readonly onPage: (from: PageFrom) => void;
}

export async function openApi(
  shell: Shell,
  flags: ApiFlags,
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

interface Following {
  /** Whose releases are followed, too; undefined where there are no endpoints. */
  readonly api: ReadApi | undefined;
  readonly who: WhoMayAsk;
  readonly settings: ConnectionSettings;
  readonly duty: "server" | "publisher";
  readonly signal: AbortSignal;
}

/** Follows releases and keys until the signal comes. */
export function follow(
  shell: Shell,
  flags: EnvironmentFlags,
  { api, who, settings, duty, signal }: Following,
): Promise<void> {
  const onKeys = async (client: Client) => {
    await who.renewAndTell(client);
    api?.cursors.renew(who.secret);
  };
  if (!api) return followKeys(settings, environmentName(flags), { signal, duty, onKeys, ...tellingOfDatabase(shell) });
  return api.releases.follow(settings, {
    signal,
    onRelease: () => {
      api.renew().catch((error: Error) => shell.say(error.message));
    },
    onKeys,
    ...tellingOfDatabase(shell),
  });
}
