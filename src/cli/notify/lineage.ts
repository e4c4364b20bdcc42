import { join, relative } from "node:path";
import { VERSION } from "../../config/version.ts";
import { cacheFile } from "../../lineage/cache-file.ts";
import { readLineage } from "../../lineage/read-lineage.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { counted } from "../../model/counted.ts";
import type { CompiledGraph } from "../../model/graph.ts";
import type { LineageSettings } from "../../model/notifying.ts";
import { DEFAULT_ENVIRONMENT } from "../../model/release.ts";
import { type Emitted, emitRuns } from "../../openlineage/emit.ts";
import { Events } from "../../openlineage/events.ts";
import { withClient, withTransaction } from "../../postgres/client.ts";
import { sql } from "../../sql/sql.ts";
import { stateDirectory } from "../database.ts";
import { type EnvironmentFlags, environmentName } from "../options.ts";
import { readRelease } from "../read-release.ts";
import type { Shell } from "../shell.ts";

interface Told {
  readonly graph: CompiledGraph;
  readonly settings: ConnectionSettings;
  readonly to: LineageSettings;
}

/** Tells OpenLineage of the runs that ended since the last time, with the lineage of the project as it stands. */
export async function tellLineage(
  shell: Shell,
  flags: EnvironmentFlags,
  { graph, settings, to }: Told,
): Promise<Emitted> {
  const environment = environmentName(flags);
  const project = graph.project.name ?? "dataform";
  const refusedFile = join(stateDirectory(shell), "openlineage-refused.ndjson");
  const emitted = await emitRuns({
    settings,
    environment,
    projectDir: shell.projectDir,
    to,
    refusedFile,
    events: async () => {
      const how = { applicationName: "dataform-openlineage" };
      const { catalog } = await withClient(settings, { ...how, duty: "publisher" }, (client) =>
        withTransaction(
          client,
          () => readRelease(client, graph, environment),
          sql`begin transaction isolation level repeatable read read only`,
        ),
      );
      const cache = cacheFile(join(stateDirectory(shell), "lineage.json"));
      const lineage = await withClient(settings, { ...how, duty: "builder" }, (client) =>
        readLineage(client, graph, catalog, { cache }),
      );
      return new Events(graph, lineage, {
        namespace: to.namespace ?? (environment === DEFAULT_ENVIRONMENT ? project : `${project}.${environment}`),
        database:
          to.database ?? `postgres://${settings.host.startsWith("/") ? "localhost" : settings.host}:${settings.port}`,
        databaseName: settings.database,
        producer: `urn:dataform-postgres:${VERSION}`,
      });
    },
  });
  const { refused, answer } = emitted;
  if (refused)
    shell.say(
      `warning: OpenLineage takes ${counted(refused, "event")} in no case, which ${refused === 1 ? "is" : "are"} set aside in ${relative(shell.projectDir, refusedFile)}: ${answer}`,
    );
  return emitted;
}
