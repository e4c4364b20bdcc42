import { ingestFiles } from "../../config/ingest-files.ts";
import type { Collecting } from "../../metrics/collected.ts";
import type { Load, Metrics } from "../../metrics/registry.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import type { CompiledGraph } from "../../model/graph.ts";
import type { MetricsSettings } from "../../model/server-settings.ts";
import { targetKey } from "../../model/target.ts";
import { type Chosen, chooseSourcesToShow, sourceOf } from "../ingest/choose.ts";
import type { Shell } from "../shell.ts";

interface Measured {
  readonly environment: string;
  readonly graph: CompiledGraph;
  readonly settings: MetricsSettings;
  /** Who serves, and who looks at what landed. */
  readonly reader: ConnectionSettings;
  readonly owner: ConnectionSettings;
  /** What the server holds at this moment. */
  readonly load: () => Load | undefined;
  readonly collectors: () => readonly Collecting[];
}

/** The figures of this server and of the database. Their library is loaded where somebody wants them. */
export async function openMetrics(
  shell: Shell,
  { environment, graph, settings, reader, owner, ...holds }: Measured,
): Promise<Metrics> {
  const [{ Metrics }, { Snapshots }] = await Promise.all([
    import("../../metrics/registry.ts"),
    import("../../metrics/snapshot.ts"),
  ]);
  const files = ingestFiles(shell.projectDir);
  const sources = files.length ? chooseSourcesToShow(shell, []) : [];
  const known = new Set(sources.map(({ declaration }) => declaration.source));
  const snapshots = new Snapshots({
    environment,
    record: { settings: reader, duty: "server" },
    // With roles, what serves may not see what landed, and what builds may.
    landed: owner.roles ? { settings: owner, duty: "builder" } : { settings: reader, duty: "server" },
    rawSchemas: [...new Set(sources.map(({ declaration }) => declaration.schema))],
    project: {
      actions: new Set(graph.actions.map(({ target }) => targetKey(target))),
      streams: [...files.map(sourceOf).filter((source) => !known.has(source)), ...streamsOf(sources)],
      since: Math.floor(Date.now() / 1000),
    },
    models: settings.models,
    streams: settings.streams,
    log: (line) => shell.say(line),
  });
  return new Metrics(snapshots, { project: graph.project.name ?? "", environment }, holds);
}

function streamsOf(sources: readonly Chosen[]): string[] {
  return sources.flatMap(({ declaration: { source }, streams }) => streams.map(({ name }) => `${source}.${name}`));
}

/** The figures of collectors alone: what the records say is told by whoever serves. */
export async function openCollectorMetrics({
  environment,
  collectors,
}: Pick<Measured, "environment" | "collectors">): Promise<Metrics> {
  const { Metrics } = await import("../../metrics/registry.ts");
  return new Metrics(undefined, { environment }, { collectors });
}
