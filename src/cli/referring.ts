import type { ConnectionSettings } from "../model/connection-settings.ts";
import type { CompiledGraph } from "../model/graph.ts";
import { type Inlined, inlined, withReferences } from "../plan/inline.ts";
import { withClient } from "../postgres/client.ts";
import { readRelations } from "../postgres/read-relations.ts";
import { compileProject } from "./compiling.ts";
import type { ProjectFlags } from "./options.ts";
import type { Shell } from "./shell.ts";

/** A query with `ref("name")` in it: each is what readers see under that name. */
export async function publishedQuery(text: string, flags: ProjectFlags, shell: Shell): Promise<string> {
  const graph = await compileProject(shell, flags);
  return inlined(graph, withReferences(graph, text), () => true).sql;
}

/** The same, where what was never built is its query. */
export async function unbuiltQuery(graph: CompiledGraph, settings: ConnectionSettings, text: string): Promise<Inlined> {
  const targets = graph.actions.filter(({ kind }) => kind !== "declaration").map(({ target }) => target);
  const there = await withClient(settings, { applicationName: "dataform-show" }, (client) =>
    readRelations(client, targets),
  );
  return inlined(graph, withReferences(graph, text), (key) => there[key] !== undefined);
}
