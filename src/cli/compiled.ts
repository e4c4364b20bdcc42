import { UserError } from "../model/errors.ts";
import type { CompiledGraph } from "../model/graph.ts";
import { targetKey } from "../model/target.ts";
import { listActions } from "../plan/select.ts";
import { plainReferences } from "../sql/references.ts";

/** What of a compiled project is shown, by Dataform's own flags. */
export interface OutputFlags {
  readonly outputActions?: readonly string[];
  readonly outputTags?: readonly string[];
  readonly outputIncludeDeps?: boolean;
  readonly outputIncludeDependents?: boolean;
}

/**
 * The actions that the flags choose, and the unit tests of them; everything where they choose nothing.
 * @throws UserError for a name or a tag that nothing has
 */
export function outputOf(graph: CompiledGraph, flags: OutputFlags): CompiledGraph {
  const { outputActions: actions, outputTags: tags, outputIncludeDeps, outputIncludeDependents } = flags;
  if (!actions && !tags) {
    const widened = outputIncludeDeps ? "--output-include-deps" : "--output-include-dependents";
    if (!outputIncludeDeps && !outputIncludeDependents) return graph;
    throw new UserError({
      message: `${widened} widens what is chosen, and nothing is`,
      expected: "--output-actions or --output-tags with it",
    });
  }
  const selected = listActions(graph, {
    ...(actions ? { actions } : {}),
    ...(tags ? { tags } : {}),
    includeDependencies: outputIncludeDeps ?? false,
    includeDependents: outputIncludeDependents ?? false,
  });
  return {
    ...graph,
    actions: graph.actions.filter(({ target }) => selected.has(targetKey(target))),
    tests: graph.tests.filter(({ tests }) => tests !== undefined && selected.has(targetKey(tests))),
  };
}

/** The graph as Graphviz draws it: what an action reads points to it. */
export function dotOf({ actions }: CompiledGraph): string {
  const quoted = (text: string) => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
  const nodes = actions.map(({ target, kind }) => {
    const name = targetKey(target);
    return `  ${quoted(name)} [label=${quoted(`${name}\n${kind}`).replaceAll("\n", "\\n")}];`;
  });
  const edges = actions.flatMap(({ target, dependencies }) =>
    dependencies.map((read) => `  ${quoted(targetKey(read))} -> ${quoted(targetKey(target))};`),
  );
  return ["digraph {", ...nodes, ...edges, "}"].join("\n");
}

/** The graph with plain names where the compiler put marks, and without what only messages need. */
export function readable({ traces, ...graph }: CompiledGraph): Omit<CompiledGraph, "traces"> {
  return JSON.parse(plainReferences(JSON.stringify(graph)).replaceAll('\\"\uE000', '\\"'));
}
