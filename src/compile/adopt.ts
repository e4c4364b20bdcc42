import type { Action, ActionKind, CompiledGraph, PostgresOptions, UnitTest } from "../model/graph.ts";
import { type Target, targetKey } from "../model/target.ts";
import type { CoreAction, CoreGraph, CoreTable, CoreTarget, SandboxAnswer } from "./sandbox.ts";

/** Turns core's message into our graph. The one place that knows core's field names. */
export function adoptGraph(answer: SandboxAnswer): CompiledGraph {
  const { graph } = answer;
  const project = {
    defaultSchema: graph.projectConfig.defaultSchema || "dataform",
    assertionSchema: graph.projectConfig.assertionSchema || "dataform_assertions",
    ...(graph.projectConfig.schemaSuffix ? { schemaSuffix: graph.projectConfig.schemaSuffix } : {}),
    ...(graph.projectConfig.tablePrefix ? { tablePrefix: graph.projectConfig.tablePrefix } : {}),
    vars: graph.projectConfig.vars ?? {},
  };
  const options = new Map(answer.postgres.map(({ schema, name, value }) => [targetKey({ schema, name }), value]));
  return {
    version: 1,
    coreVersion: graph.dataformCoreVersion,
    project,
    actions: adoptActions(graph, project.defaultSchema, options),
    tests: (graph.tests ?? []).map(adoptTest),
  };
}

function adoptActions(graph: CoreGraph, defaultSchema: string, options: Map<string, unknown>): Action[] {
  const target = ({ schema, name }: CoreTarget): Target => ({ schema: schema || defaultSchema, name });
  const base = <K extends ActionKind>(kind: K, action: CoreAction) => ({
    kind,
    target: target(action.target),
    file: action.fileName,
    tags: action.tags ?? [],
    dependencies: (action.dependencyTargets ?? []).map(target),
    disabled: action.disabled ?? false,
    ...(action.actionDescriptor?.description ? { description: action.actionDescriptor.description } : {}),
    columns: (action.actionDescriptor?.columns ?? []).flatMap(({ path, description }) =>
      path.length === 1 && description ? [{ name: path[0]!, description }] : [],
    ),
  });
  const table = (action: CoreTable): Action => {
    const model = {
      query: action.query ?? "",
      preOperations: action.preOps ?? [],
      postOperations: action.postOps ?? [],
      postgres: (options.get(targetKey(target(action.canonicalTarget))) ?? {}) as PostgresOptions,
    };
    if (action.enumType === "VIEW" && !action.materialized) return { ...base("view", action), ...model };
    if (action.enumType !== "INCREMENTAL") return { ...base("table", action), ...model };
    return {
      ...base("incremental", action),
      ...model,
      incrementalQuery: action.incrementalQuery ?? model.query,
      incrementalPreOperations: action.incrementalPreOps ?? [],
      incrementalPostOperations: action.incrementalPostOps ?? [],
      uniqueKey: action.uniqueKey ?? [],
      protected: action.protected ?? false,
      onSchemaChange: (action.onSchemaChange ?? "IGNORE").toLowerCase() as "ignore",
    };
  };
  return [
    ...(graph.declarations ?? []).map((action) => base("declaration", action)),
    ...(graph.tables ?? []).map(table),
    ...(graph.operations ?? []).map((action) => ({
      ...base("operations", action),
      queries: action.queries ?? [],
      hasOutput: action.hasOutput ?? false,
    })),
    ...(graph.assertions ?? []).map((action) => ({
      ...base("assertion", action),
      query: action.query ?? "",
      ...(action.parentAction ? { parent: target(action.parentAction) } : {}),
    })),
  ];
}

function adoptTest(test: NonNullable<CoreGraph["tests"]>[number]): UnitTest {
  return {
    name: test.name,
    file: test.fileName,
    tags: test.tags ?? [],
    query: test.testQuery ?? "",
    expected: test.expectedOutputQuery ?? "",
  };
}
