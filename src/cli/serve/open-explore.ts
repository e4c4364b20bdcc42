import type { ConnectionSettings } from "../../model/connection-settings.ts";
import type { CompiledGraph } from "../../model/graph.ts";
import { roleName } from "../../model/roles.ts";
import { whyMoreThan, whyMoreThanGranted } from "../../postgres/apart.ts";
import { withClient } from "../../postgres/client.ts";
import type { Access } from "../../serve/access/access.ts";
import { Problem } from "../../serve/api/problem.ts";
import type { ExploreGate } from "../../serve/explore/explore-routes.ts";
import { Explore } from "../../serve/explore/questions.ts";
import type { Shell } from "../shell.ts";
import type { SiteFlags } from "../site/make-site.ts";
import { openWarehouse } from "../warehouse/open.ts";

export interface ExploreFlags {
  readonly explore?: boolean;
  /** Who has a key for questions may read all that the login may. */
  readonly exploreAll?: boolean;
  /** Of one answer, at most. */
  readonly queryRows: number;
  /** Of one statement, in milliseconds. */
  readonly queryTimeout: number;
}

interface Places {
  readonly owner: ConnectionSettings;
  readonly reader: ConnectionSettings;
  readonly graph: CompiledGraph;
}

/**
 * Who may ask. Where the login reads more than readers are meant to, whoever is on this machine may ask, where they may without a key, and
 * nobody from elsewhere, unless a flag says so. Says as whom questions are read.
 */
export async function openGate(
  shell: Shell,
  access: Access,
  { reader, flags, signal }: Pick<Places, "reader"> & { readonly flags: ExploreFlags; readonly signal: AbortSignal },
): Promise<ExploreGate> {
  const { roles, user } = reader;
  const role = roles === undefined ? undefined : roleName(roles, "reader");
  const found = await beyondReader(reader, role, signal);
  const why =
    found &&
    (role
      ? `their selects could leave role ${role}, because the login is a member of ${found}, too`
      : `the login reads more than has been granted to readers: ${found}`);
  shell.say(`questions are read as ${role ? `${role}, by ` : ""}login ${user}${why ? `: ${why}` : ""}`);
  const isRefused = why !== undefined && !flags.exploreAll;
  const wanted = role ? `is a member of ${role} alone` : "was granted what readers may read, and nothing else";
  const how = `name one by --reader-url that ${wanted}, or say --explore-all`;
  const refusal = `${why}; ${how}`;
  // Why, the line before has said.
  if (isRefused) shell.say(`so questions with a key are not answered: ${how}`);
  return async (request) => {
    const revoked = await access.allowToExplore(request);
    if (isRefused && !access.isOpenHere) throw new Problem("forbidden", { detail: refusal });
    return revoked;
  };
}

/** What the login could read besides; undefined where nothing. */
async function beyondReader(
  reader: ConnectionSettings,
  role: string | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  const how = { applicationName: "dataform-explore", names: "ours", signal } as const;
  const question = role === undefined ? whyMoreThanGranted() : whyMoreThan(role);
  const { rows } = await withClient(reader, how, (client) => client.query<{ found: string | null }>(question));
  return rows[0]?.found ?? undefined;
}

/** What the page that explores asks, with the rights of the reader; where there are roles, as the one that only reads. */
export function openExplore(shell: Shell, flags: SiteFlags & ExploreFlags, places: Places): Explore {
  const of = { ...places, applicationName: "dataform-explore", as: "reader" } as const;
  const warehouse = openWarehouse(shell, flags, of);
  return new Explore({
    mostRows: flags.queryRows,
    catalogue: (signal) => warehouse.catalogue(signal),
    inOneRelease: (signal, work) => warehouse.inOneRelease(signal, work),
    reading: (signal) => warehouse.reading(signal),
  });
}
