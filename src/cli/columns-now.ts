import type { ConnectionSettings } from "../model/connection-settings.ts";
import type { CompiledGraph, Model } from "../model/graph.ts";
import { inlined } from "../plan/inline.ts";
import { withClient } from "../postgres/client.ts";
import { type DescribedColumn, describeQuery } from "../postgres/describe-types.ts";
import { readRelations } from "../postgres/read-relations.ts";
import { withReader } from "../postgres/reading.ts";
import { select } from "../sql/authored.ts";
import { empty } from "../sql/sql.ts";
import type { Attended } from "./interrupt.ts";

/**
 * The columns that a model's query gives as its code says now, built or not: what was never built is its query. It is not run.
 * @throws UserError or the server's error for a query that cannot be read
 */
export async function columnsNow(
  graph: CompiledGraph,
  settings: ConnectionSettings,
  model: Model,
  how: Partial<Attended> & { readonly applicationName: string },
): Promise<readonly DescribedColumn[]> {
  const targets = graph.actions.filter(({ kind }) => kind !== "declaration").map(({ target }) => target);
  const there = await withClient(settings, how, (client) => readRelations(client, targets));
  const { sql: query } = inlined(graph, model.query, (key) => there[key] !== undefined);
  const reading = { ...how, settings: empty };
  return withReader(settings, reading, ({ client }) => describeQuery(client, select(query, "the query")));
}
