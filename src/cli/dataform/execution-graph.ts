import type { DataformGraph } from "../../compile/as-dataform.ts";
import { type Action, isModel } from "../../model/graph.ts";
import type { Plan, Step } from "../../model/plan.ts";
import { type Target, targetKey } from "../../model/target.ts";
import { onSavepoint } from "../../sql/statement.ts";
import type { RunFlags } from "../selection.ts";
import type { ToldProject } from "./shape.ts";

/** What a run would do, as `dataform run --dry-run --json` of Dataform tells it: the message ExecutionGraph of its execution.proto. */
export interface DataformExecutionGraph {
  readonly projectConfig: DataformGraph["projectConfig"];
  readonly runConfig: object;
  readonly actions: readonly DataformExecutionAction[];
  readonly declarationTargets: readonly Target[];
}

interface DataformExecutionAction {
  readonly tasks: readonly { readonly type: "statement" | "assertion"; readonly statement: string }[];
  readonly type: "table" | "operation" | "assertion";
  readonly target: Target;
  readonly tableType?: "table" | "view" | "incremental";
  readonly fileName: string;
  readonly actionDescriptor?: object;
  readonly dependencyTargets: readonly Target[];
}

/** The planned steps of actions that Dataform knows; the statements of each are those that are sent here. */
export function executionGraphOf(
  { graph, dataform }: ToldProject,
  { segments }: Plan,
  flags: RunFlags,
): DataformExecutionGraph {
  const actions = new Map(graph.actions.map((action) => [targetKey(action.target), action]));
  const steps = segments.flatMap(({ steps: built, audits }) => [...built, ...audits]);
  const descriptors = descriptorsOf(dataform);
  return {
    projectConfig: dataform.projectConfig,
    runConfig: {
      ...(flags.actions ? { actions: flags.actions } : {}),
      ...(flags.tags ? { tags: flags.tags } : {}),
      includeDependencies: flags.includeDeps ?? false,
      includeDependents: flags.includeDependents ?? false,
      fullRefresh: flags.fullRefresh ?? false,
    },
    actions: steps.flatMap((step) => {
      const action = actions.get(targetKey(step.target));
      const type = action && typeOf(action);
      return type ? [executionAction(step, action, type, descriptors.get(targetKey(action.target)))] : [];
    }),
    declarationTargets: graph.actions.filter(({ kind }) => kind === "declaration").map(({ target }) => target),
  };
}

function typeOf(action: Action): DataformExecutionAction["type"] | undefined {
  if (isModel(action)) return "table";
  if (action.kind === "operations") return "operation";
  return action.kind === "assertion" ? "assertion" : undefined;
}

function executionAction(
  step: Step,
  action: Action,
  type: DataformExecutionAction["type"],
  descriptor: object | undefined,
): DataformExecutionAction {
  const statements = step.step === "audit" ? onSavepoint("audit", [step.statement]) : step.statements;
  const ofStatement = (sql: string, role: string) => ({
    type: step.step === "audit" && role === "read" ? ("assertion" as const) : ("statement" as const),
    statement: sql,
  });
  return {
    tasks: statements.map(({ sql, role }) => ofStatement(sql, role)),
    type,
    target: step.target,
    ...(isModel(action) ? { tableType: action.kind } : {}),
    fileName: action.file,
    ...(descriptor ? { actionDescriptor: descriptor } : {}),
    dependencyTargets: action.dependencies,
  };
}

function descriptorsOf({ tables, operations, assertions }: DataformGraph): ReadonlyMap<string, object> {
  const all = [tables, operations, assertions].flatMap((list): DescribedAction[] => [...(list ?? [])]);
  return new Map(
    all.flatMap(({ target, actionDescriptor }) =>
      actionDescriptor ? [[targetKey({ schema: target.schema ?? "", name: target.name }), actionDescriptor]] : [],
    ),
  );
}

type DescribedAction = NonNullable<DataformGraph["tables" | "operations" | "assertions"]>[number];
