import { readServerSettings } from "../../config/load-server.ts";
import { projectState } from "../../config/project-state.ts";
import { UserError } from "../../model/errors.ts";
import type { Api } from "../../model/graph.ts";
import { type CollectorFlags, collectedSources, senders } from "../collect/collectors.ts";
import { compileProject } from "../compiling.ts";
import { openDatabase, openForReading, whereLine } from "../database.ts";
import type { ListenFlags } from "../listening.ts";
import { environmentName } from "../options.ts";
import type { Shell } from "../shell.ts";
import type { SiteFlags } from "../site/make-site.ts";
import type { ApiFlags } from "./open-api.ts";
import type { ExploreFlags } from "./open-explore.ts";
import { opennessOf } from "./who-may-ask.ts";

export interface PageFlags extends SiteFlags, ListenFlags, ExploreFlags {
  readonly public?: boolean;
}

export type WantedFlags = PageFlags & {
  readonly isSite: boolean;
  readonly notify?: boolean;
  readonly collects?: CollectorFlags | undefined;
} & ((ApiFlags & { readonly isApi: true }) | { readonly isApi: false });

/** What a server is to answer, and as whom it reads: nothing of it is open yet. */
export type Wanted = Awaited<ReturnType<typeof readWanted>>;

/** @throws UserError where there is nothing to answer */
export async function readWanted(shell: Shell, flags: WantedFlags) {
  const server = readServerSettings(shell.projectDir);
  const state = flags.notify ? await projectState(shell.projectDir) : undefined;
  const graph = await compileProject(shell, flags);
  const owner = await openDatabase(shell, flags);
  const reader = await openForReading(shell, flags);
  // Who answers questions may be allowed less than endpoints need.
  const login = owner.reader ? owner : reader;
  shell.say(whereLine(login, flags, shell));
  const apis = graph.actions.filter(
    (action): action is Api => action.kind === "api" && !action.disabled && flags.isApi,
  );
  const endpoints = apis.flatMap((one) => one.endpoints);
  const collected = flags.collects ? collectedSources(shell, []) : [];
  const others = [...(server.metrics ? [server.metrics] : []), ...collected.map(senders)];
  const reached = { host: flags.host, isPublic: flags.public === true, server };
  const showsPages = flags.isSite && opennessOf(reached) !== "none";
  if (!showsPages && !endpoints.length && !others.length) throw nothingToAnswer(flags);
  // Where pages alone are given, who makes them reads the keys.
  const looks =
    endpoints.length > 0 || others.length > 0
      ? ({ settings: login, duty: "server" } as const)
      : ({ settings: owner, duty: "publisher" } as const);
  const explores = showsPages && flags.explore !== false;
  const environment = environmentName(flags);
  const logins = { owner, reader, login, looks };
  return {
    server,
    state,
    graph,
    environment,
    ...logins,
    apis,
    endpoints,
    collected,
    others,
    reached,
    showsPages,
    explores,
  };
}

function nothingToAnswer({ isSite, host }: Pick<WantedFlags, "isSite" | "host">): UserError {
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
