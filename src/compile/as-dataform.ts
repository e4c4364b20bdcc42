import { formatUserError, UserError } from "../model/errors.ts";
import { type Action, isModel } from "../model/graph.ts";
import { type Target, targetKey } from "../model/target.ts";
import { plainReferences } from "../sql/references.ts";
import type { Compilation } from "./compile.ts";
import type { CoreError, CoreGraph, CoreTarget } from "./sandbox.ts";

/** A compiled project as `dataform compile --json` of Dataform 2 and 3 tells it: the message CompiledGraph of core.proto. */
export type DataformGraph = Partial<CoreGraph> & { readonly graphErrors: NonNullable<CoreGraph["graphErrors"]> };

/** What is told of a mistake. The calls that led to it are those of our compiler: a person is better served with the place. */
type DataformError = CoreError & { readonly actionName?: string; readonly actionTarget?: CoreTarget };

/** The graph as core makes it, with the SQL that is run here, and the mistakes as they are told here. */
export function asDataform({ answer, graph, errors }: Compilation): DataformGraph {
  const { defaultSchema } = graph.project;
  const ours = new Map(graph.actions.map((action) => [targetKey(action.target), action]));
  const core = answer.graph;
  const assertions = core.assertions?.map((assertion) => {
    const own = ours.get(targetKey(withSchema(assertion.target, defaultSchema)));
    return own?.kind === "assertion" ? { ...assertion, query: own.query } : assertion;
  });
  const refused = graph.actions.flatMap(refusalOf);
  const { concurrency, retries } = graph.project;
  return plainly({
    ...core,
    projectConfig: {
      ...core.projectConfig,
      ...(concurrency === undefined ? {} : { concurrentQueryLimit: concurrency }),
      ...(retries === undefined ? {} : { idempotentActionRetries: retries }),
    },
    ...(assertions ? { assertions } : {}),
    graphErrors: graphErrors([...errors, ...refused], core),
  }) as DataformGraph;
}

/** The graph of a project of which nothing could be compiled. */
export function onlyErrors(errors: readonly UserError[]): DataformGraph {
  return { graphErrors: graphErrors(errors, {}) };
}

/** Why an action cannot be built, where the rest of the project can. */
function refusalOf(action: Action): UserError[] {
  return isModel(action) && action.refused ? [new UserError(action.refused)] : [];
}

function graphErrors(errors: readonly UserError[], core: Partial<CoreGraph>): DataformGraph["graphErrors"] {
  if (!errors.length) return {};
  return { compilationErrors: errors.map((error) => compilationError(error, core)) };
}

function compilationError(error: UserError, core: Partial<CoreGraph>): DataformError {
  const { message, location } = error;
  const target = location && targetOf(location.file, core);
  return {
    ...(location ? { fileName: location.file } : {}),
    message,
    stack: formatUserError(error),
    ...(target ? { actionName: targetName(target), actionTarget: target } : {}),
  };
}

/** The action of a file, where it is the only one. */
function targetOf(file: string, { tables, operations, assertions, declarations }: Partial<CoreGraph>) {
  const made = [tables, operations, declarations, assertions?.filter(({ parentAction }) => !parentAction)]
    .flatMap((list) => list ?? [])
    .filter(({ fileName }) => fileName === file);
  return made.length === 1 ? made[0]!.target : undefined;
}

function targetName({ schema, name }: CoreTarget): string {
  return schema ? `${schema}.${name}` : name;
}

function withSchema({ schema, name }: CoreTarget, defaultSchema: string): Target {
  return { schema: schema || defaultSchema, name };
}

/** Where a unit test reads an input, it stands in parentheses between marks. */
const INPUT = /\uE001[^\uE002]*\uE002([^\uE003]*)\uE003/g;

/** The same value, its texts without the marks that only our planner reads. */
function plainly(value: unknown): unknown {
  if (typeof value === "string") return plainReferences(value.replace(INPUT, "$1"));
  if (Array.isArray(value)) return value.map(plainly);
  if (typeof value !== "object" || value === null) return value;
  // Core says of a unit test that its database has no name.
  const said = Object.entries(value).filter(([key, one]) => !(key === "database" && one === ""));
  return Object.fromEntries(said.map(([key, one]) => [key, plainly(one)]));
}
