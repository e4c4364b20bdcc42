import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { userErrorsOf } from "../../model/errors.ts";
import type { CompiledGraph } from "../../model/graph.ts";
import type { ReadAs } from "../../postgres/reading.ts";
import { ProjectBroken } from "../../serve/catalogue.ts";
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

/** How long a project that does not compile is not compiled again, in milliseconds: whoever asks would wait for the same. */
const BROKEN_FOR = 5_000;

/** The project and its database, for who asks about them as long as this process runs. */
export function openWarehouse(
  shell: Shell,
  flags: EnvironmentFlags & { readonly queryTimeout: number },
  { graph, ...who }: Opened,
): Warehouse {
  return new Warehouse({
    ...who,
    environment: environmentName(flags),
    stateDir: stateDirectory(shell),
    timeout: flags.queryTimeout,
    onWait: telling(shell).tell,
    compile: compiling(graph, () => compileProject(shell, flags)),
  });
}

/** Gives what is there the first time, and compiles from then on. @throws ProjectBroken */
function compiling(graph: CompiledGraph, compile: () => Promise<CompiledGraph>): () => Promise<CompiledGraph> {
  let first: CompiledGraph | undefined = graph;
  let broken: { readonly error: ProjectBroken; readonly until: number } | undefined;
  return async () => {
    const compiled = first;
    first = undefined;
    if (compiled) return compiled;
    if (broken && performance.now() < broken.until) throw broken.error;
    try {
      return await compile();
    } catch (error) {
      const mistakes = userErrorsOf(error);
      if (!mistakes) throw error;
      broken = { error: new ProjectBroken(mistakes), until: performance.now() + BROKEN_FOR };
      throw broken.error;
    }
  };
}
