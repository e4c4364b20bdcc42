import { readFacts } from "../../catalogue/facts.ts";
import type { ConnectionSettings } from "../../model/connection-settings.ts";
import { type ActionKind, type CompiledGraph, isModel, publicTargets } from "../../model/graph.ts";
import type { ColumnFacts, RelationFacts } from "../../model/site.ts";
import { type Target, targetKey } from "../../model/target.ts";
import { type ConnectOptions, withClient } from "../../postgres/client.ts";
import { readCatalog } from "../../postgres/read-catalog.ts";
import { written } from "./manifest.ts";

/** The relations of a project as the database has them: columns, types, comments, sizes. No value of any row is in it. */
export interface KeptCatalog {
  readonly version: 1;
  /** The program and its version. */
  readonly writtenBy: string;
  readonly writtenAt: string;
  readonly environment: string;
  /** The published release; null before the first one. */
  readonly release: number | null;
  readonly relations: readonly KeptRelation[];
}

interface KeptRelation {
  /** `schema.name`, as in the manifest. */
  readonly id: string;
  readonly target: Target;
  readonly kind: ActionKind;
  /** The release that built it. */
  readonly release?: number;
  readonly comment?: string;
  readonly columns: readonly Omit<ColumnFacts, "about">[];
  readonly stored: RelationFacts["stored"];
}

/** What of the project is there: models that are published, declared tables, relations that operations make. */
export async function keptCatalog(
  graph: CompiledGraph,
  settings: ConnectionSettings,
  environment: string,
  how: Pick<ConnectOptions, "signal" | "onWait">,
): Promise<KeptCatalog> {
  const shown = graph.actions.filter(
    (action) => isModel(action) || action.kind === "declaration" || (action.kind === "operations" && action.hasOutput),
  );
  const options = { applicationName: "dataform-artifacts", duty: "publisher" as const, ...how };
  return withClient(settings, options, async (client) => {
    const { manifest, releaseId } = await readCatalog(client, environment, publicTargets(graph));
    const facts = await readFacts(
      client,
      shown.map(({ target }) => target),
      manifest,
    );
    const relations = shown.flatMap(({ target, kind }): KeptRelation[] => {
      const id = targetKey(target);
      const found = facts.get(id);
      if (!found) return [];
      const { release } = manifest[id] ?? {};
      const { columns, comment, stored } = found;
      return [
        {
          ...{ id, target, kind },
          ...(release === undefined ? {} : { release }),
          ...(comment === undefined ? {} : { comment }),
          columns: columns.map(({ about: _, ...column }) => column),
          stored,
        },
      ];
    });
    return { version: 1, ...written(), environment, release: releaseId, relations };
  });
}
