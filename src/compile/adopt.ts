import { UserError } from "../model/errors.ts";
import {
  type Action,
  type ActionKind,
  type Assertion,
  type AssertionOptions,
  type CompiledGraph,
  isModel,
  type OperationsOptions,
  type PostgresOptions,
  type Trace,
  type UnitTest,
} from "../model/graph.ts";
import { type Target, targetKey } from "../model/target.ts";
import { id } from "../sql/identifiers.ts";
import { blockTraces } from "./block-traces.ts";
import { type ConfigAssertion, configAssertion } from "./config-assertions.ts";
import type { CoreAction, CoreGraph, CoreTable, CoreTarget, OwnSettings, SandboxAnswer } from "./sandbox.ts";

export interface AdoptedGraph {
  readonly graph: CompiledGraph;
  /** Mistakes that only show when SQL is made. */
  readonly errors: readonly UserError[];
  /** What each action is called in the project, `schema.name` without suffix and prefix, and in the database. */
  readonly names: ReadonlyMap<string, Target>;
}

/** Turns core's message into our graph. The one place that reads core's field names. */
export function adoptGraph(answer: SandboxAnswer, read: (file: string) => string): AdoptedGraph {
  const { graph } = answer;
  const errors: UserError[] = [];
  const asked = adoptConfigAssertions(graph, read, errors);
  const defaultSchema = graph.projectConfig.defaultSchema;
  const project = {
    ...answer.own,
    defaultSchema,
    // Core puts assertions beside the models where nothing else is said.
    assertionSchema: graph.projectConfig.assertionSchema || defaultSchema,
    ...(graph.projectConfig.schemaSuffix ? { schemaSuffix: graph.projectConfig.schemaSuffix } : {}),
    ...(graph.projectConfig.tablePrefix ? { tablePrefix: graph.projectConfig.tablePrefix } : {}),
    vars: graph.projectConfig.vars ?? {},
  };
  const settings = new Map(answer.settings.map((own) => [targetKey(own), own]));
  const packages = new Map(answer.packages.map((made) => [targetKey(made), made.package]));
  const actions = adoptActions(graph, project.defaultSchema, settings, asked).map((action) => {
    const made = packages.get(targetKey(action.target));
    return made === undefined ? action : { ...action, package: made };
  });
  const adopted: CompiledGraph = {
    version: 1,
    coreVersion: graph.dataformCoreVersion,
    project,
    actions,
    notes: answer.notes,
    tests: (graph.tests ?? []).flatMap((test, at) =>
      test.disabled ? [] : adoptTest(test, answer.tested[at] ?? undefined, defaultSchema),
    ),
    traces: [
      ...answer.traces.map(adoptTrace),
      ...[...asked.values()].map(({ trace }) => trace),
      ...blockTraces(actions.filter(isModel), read),
    ],
  };
  return { graph: adopted, errors, names: namesOf(graph, defaultSchema) };
}

function namesOf({ declarations, tables, operations, assertions }: CoreGraph, defaultSchema: string) {
  const all = [declarations, tables, operations, assertions].flatMap((some): readonly CoreAction[] => some ?? []);
  const target = ({ schema, name }: CoreTarget): Target => ({ schema: schema || defaultSchema, name });
  return new Map(
    all.map((action) => [targetKey(target(action.canonicalTarget ?? action.target)), target(action.target)]),
  );
}

/** The queries of the assertions in models' configs, by the text that stands for them. */
function adoptConfigAssertions(
  graph: CoreGraph,
  read: (file: string) => string,
  errors: UserError[],
): ReadonlyMap<string, ConfigAssertion> {
  const made = new Map<string, ConfigAssertion>();
  for (const { query = "", fileName } of graph.assertions ?? []) {
    try {
      const assertion = configAssertion(query, fileName, () => read(fileName));
      if (assertion) made.set(query, assertion);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      errors.push(error);
    }
  }
  return made;
}

function adoptActions(
  graph: CoreGraph,
  defaultSchema: string,
  settings: ReadonlyMap<string, OwnSettings>,
  asked: ReadonlyMap<string, ConfigAssertion>,
): Action[] {
  const target = ({ schema, name }: CoreTarget): Target => ({ schema: schema || defaultSchema, name });
  const base = <K extends ActionKind>(kind: K, action: CoreAction) => ({
    kind,
    target: target(action.target),
    // What core refused has none.
    file: action.fileName ?? "",
    tags: action.tags ?? [],
    dependencies: (action.dependencyTargets ?? []).map(target),
    disabled: action.disabled ?? false,
    ...(action.actionDescriptor?.description ? { description: action.actionDescriptor.description } : {}),
    columns: (action.actionDescriptor?.columns ?? []).flatMap(({ path, description = "", tags = [] }) =>
      path.length === 1 && (description || tags.length)
        ? [{ name: path[0]!, description, ...(tags.length ? { tags } : {}) }]
        : [],
    ),
  });
  const own = (action: CoreAction) => settings.get(targetKey(target(action.canonicalTarget)));
  const table = (action: CoreTable): Action => {
    const uniqueKey = action.uniqueKey ?? [];
    const key = uniqueKey.length ? uniqueKey : (own(action)?.key ?? []);
    const model = {
      ...(key.length ? { key } : {}),
      query: action.query ?? "",
      preOperations: action.preOps ?? [],
      postOperations: action.postOps ?? [],
      postgres: (own(action)?.postgres ?? {}) as PostgresOptions,
    };
    if (action.enumType === "VIEW" && !action.materialized) return { ...base("view", action), ...model };
    if (action.enumType !== "INCREMENTAL") return { ...base("table", action), ...model };
    return {
      ...base("incremental", action),
      ...model,
      incrementalQuery: action.incrementalQuery ?? model.query,
      ...(action.where?.trim() ? { incrementalWhere: action.where } : {}),
      incrementalPreOperations: action.incrementalPreOps ?? [],
      incrementalPostOperations: action.incrementalPostOps ?? [],
      uniqueKey,
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
      postgres: (own(action)?.postgres ?? {}) as OperationsOptions,
    })),
    ...(graph.assertions ?? []).map((action) => ({
      ...base("assertion", action),
      query: asked.get(action.query ?? "")?.query ?? action.query ?? "",
      postgres: (own(action)?.postgres ?? {}) as AssertionOptions,
      ...(action.parentAction ? { parent: target(action.parentAction) } : {}),
      ...holdsOf(asked.get(action.query ?? "")),
    })),
  ];
}

function holdsOf(asked: ConfigAssertion | undefined): Pick<Assertion, "holds"> {
  return asked && Object.keys(asked.holds).length ? { holds: asked.holds } : {};
}

/** Core puts each input in place of its reference, in parentheses; the worker has marked where it begins and ends. */
const inlinedInput = /\(\uE001([^\uE002]*)\uE002([^\uE003]*)\uE003\)/g;

function adoptTest(
  test: NonNullable<CoreGraph["tests"]>[number],
  model: CoreTarget | undefined,
  defaultSchema: string,
): UnitTest {
  const inputs = inputsOf(test.testQuery ?? "");
  return {
    name: test.name,
    file: test.fileName,
    tags: test.tags ?? [],
    ...(model ? { tests: { schema: model.schema || defaultSchema, name: model.name } } : {}),
    query: withInputsByNumber(test.testQuery ?? "", inputs),
    inputs,
    expected: test.expectedOutputQuery ?? "",
  };
}

function inputsOf(query: string): string[] {
  return [...new Set([...query.matchAll(inlinedInput)].map(([, , sql]) => sql!))];
}

function withInputsByNumber(query: string, inputs: readonly string[]): string {
  return query.replace(inlinedInput, (_, name: string, sql: string) => `"\uE000${inputs.indexOf(sql)}".${id(name)}`);
}

/** The trace of a test's query follows its text. An input stands in what one placeholder made. */
function adoptTrace(trace: Trace): Trace {
  if (!trace.text.includes("\uE001")) return trace;
  const inputs = inputsOf(trace.text);
  let start = 0;
  const pieces = trace.pieces.map(([length, offset, made]) => {
    const text = withInputsByNumber(trace.text.slice(start, start + length), inputs);
    start += length;
    return [text.length, offset, made] as const;
  });
  return { ...trace, text: withInputsByNumber(trace.text, inputs), pieces };
}
