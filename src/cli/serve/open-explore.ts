import type { ConnectionSettings } from "../../model/connection-settings.ts";
import type { CompiledGraph } from "../../model/graph.ts";
import { Explore } from "../../serve/explore/questions.ts";
import { compileProject } from "../compiling.ts";
import { stateDirectory } from "../database.ts";
import { Warehouse } from "../mcp/asked.ts";
import { environmentName } from "../options.ts";
import type { Shell } from "../shell.ts";
import type { SiteFlags } from "../site/make-site.ts";
import { telling } from "../telling.ts";

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

/** What the page that explores asks, with the rights of the reader; where there are roles, as the one that only reads. */
export function openExplore(shell: Shell, flags: SiteFlags & ExploreFlags, { owner, reader, graph }: Places): Explore {
  let first: CompiledGraph | undefined = graph;
  const warehouse = new Warehouse({
    owner,
    reader,
    environment: environmentName(flags),
    stateDir: stateDirectory(shell),
    applicationName: "dataform-explore",
    as: "reader",
    timeout: flags.queryTimeout,
    onWait: telling(shell).tell,
    compile: async () => {
      const compiled = first ?? (await compileProject(shell, flags));
      first = undefined;
      return compiled;
    },
  });
  return new Explore({
    mostRows: flags.queryRows,
    catalogue: (signal) => warehouse.catalogue(signal),
    inOneRelease: (signal, work) => warehouse.inOneRelease(signal, work),
    reading: (signal) => warehouse.reading(signal),
  });
}
