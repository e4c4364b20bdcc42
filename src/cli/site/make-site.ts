import { ingestFiles } from "../../config/ingest-files.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import type { CompiledGraph } from "../../model/graph.ts";
import type { Site } from "../../model/site.ts";
import { readPageAssets } from "../../site/assets.ts";
import { siteFiles } from "../../site/files.ts";
import { compileProject } from "../compiling.ts";
import { stateDirectory } from "../database.ts";
import { chooseSourcesToShow } from "../ingest/choose.ts";
import type { Attended } from "../interrupt.ts";
import { type ConnectionFlags, type EnvironmentFlags, environmentName } from "../options.ts";
import type { Shell } from "../shell.ts";
import { gather } from "./gather.ts";
import { linesToShow } from "./lines-to-show.ts";

export interface SiteFlags extends EnvironmentFlags, ConnectionFlags {
  readonly samples?: boolean;
}

export interface MakeOptions extends Attended {
  readonly settings: ConnectionSettings;
  readonly live: boolean;
  /** Whether whoever sees the pages may ask questions of their own. */
  readonly explores: boolean;
  /** Where it began before. */
  readonly compiling?: Promise<CompiledGraph>;
}

/** The pages of what is published now, and the project that they are of. */
export async function makeSite(
  shell: Shell,
  flags: SiteFlags,
  { settings, compiling = compileProject(shell, flags), ...how }: MakeOptions,
): Promise<{ readonly site: Site; readonly graph: CompiledGraph }> {
  const graph = await compiling;
  const sources = ingestFiles(shell.projectDir).length ? chooseSourcesToShow(shell, []) : [];
  const input = await gather(graph, settings, {
    ...how,
    projectDir: shell.projectDir,
    stateDir: stateDirectory(shell),
    sources,
    schedules: linesToShow(
      shell,
      graph,
      sources.map(({ declaration }) => declaration),
    ),
    environment: environmentName(flags),
    withSamples: flags.samples === true,
  });
  return { site: siteFiles(input, readPageAssets()), graph };
}
