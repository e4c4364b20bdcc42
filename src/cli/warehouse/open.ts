import type { ConnectionSettings } from "../../model/connection-settings.ts";
import type { CompiledGraph } from "../../model/graph.ts";
import type { ReadAs } from "../../postgres/reading.ts";
import { compileProject } from "../compiling.ts";
import { stateDirectory } from "../database.ts";
import { type EnvironmentFlags, environmentName } from "../options.ts";
import type { Shell } from "../shell.ts";
import { telling } from "../telling.ts";
import { Warehouse } from "./warehouse.ts";

interface Opened {
  /** Who reads the record, the catalogue and the lineage; and for whom all of it is read. */
  readonly owner: ConnectionSettings;
  readonly reader: ConnectionSettings;
  /** As whom the reader reads, where there are roles. */
  readonly as: ReadAs;
  readonly applicationName: string;
  /** As it is now; with a later release the project is compiled again. */
  readonly graph: CompiledGraph;
}

/** The project and its database, for who asks about them as long as this process runs. */
export function openWarehouse(
  shell: Shell,
  flags: EnvironmentFlags & { readonly queryTimeout: number },
  { graph, ...who }: Opened,
): Warehouse {
  let first: CompiledGraph | undefined = graph;
  return new Warehouse({
    ...who,
    environment: environmentName(flags),
    stateDir: stateDirectory(shell),
    timeout: flags.queryTimeout,
    onWait: telling(shell).tell,
    compile: async () => {
      const compiled = first ?? (await compileProject(shell, flags));
      first = undefined;
      return compiled;
    },
  });
}
