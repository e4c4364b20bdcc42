import type { ConnectionSettings } from "../../model/connection-settings.ts";
import type { CompiledGraph } from "../../model/graph.ts";
import { roleName } from "../../model/roles.ts";
import { whyMoreThan } from "../../postgres/apart.ts";
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
 * Who may ask. Where the login can become more than the role that only reads, a select can take that, too: then whoever is on this
 * machine may ask, where they may without a key, and nobody from elsewhere.
 */
export async function openGate(
  shell: Shell,
  access: Access,
  { reader, signal }: Pick<Places, "reader"> & { readonly signal: AbortSignal },
): Promise<ExploreGate> {
  const beyond = reader.roles === undefined ? undefined : await beyondReader(reader, reader.roles, signal);
  if (beyond) shell.say(`questions with a key are not answered: ${beyond}`);
  return async (request) => {
    const revoked = await access.allowToExplore(request);
    if (beyond && !access.isOpenHere) throw new Problem("forbidden", { detail: beyond });
    return revoked;
  };
}

async function beyondReader(
  reader: ConnectionSettings,
  roles: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const role = roleName(roles, "reader");
  const how = { applicationName: "dataform-explore", names: "ours", signal } as const;
  const { rows } = await withClient(reader, how, (client) => client.query<{ found: string | null }>(whyMoreThan(role)));
  const found = rows[0]?.found;
  if (!found) return undefined;
  return `their selects could leave role ${role}, because the login is a member of ${found}, too; name one by --reader-url that is a member of ${role} alone`;
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
