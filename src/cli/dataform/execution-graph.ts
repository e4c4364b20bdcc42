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
  /** Dataform asks the server beforehand which relations are there; a plan knows what is published. */
  readonly warehouseState: object;
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
  readonly hermeticity: "HERMETIC" | "NON_HERMETIC";
}

/**
 * The planned steps of actions that Dataform knows; the statements of each are those that are sent here.
 * @param chosen keys of the selected actions: the disabled ones among them have nothing to do
 */
export function executionGraphOf(
  { graph, dataform }: ToldProject,
  { segments }: Plan,
  flags: RunFlags,
  chosen: ReadonlySet<string>,
): DataformExecutionGraph {
  const steps = segments.flatMap(({ steps: built, audits }) => [...built, ...audits]);
  const planned = new Map(steps.map((step) => [targetKey(step.target), step]));
  const known = new Map(graph.actions.map((action) => [targetKey(action.target), action]));
  const told = toldActions(dataform);
  const off = graph.actions.filter(({ disabled, target }) => disabled && chosen.has(targetKey(target)));
  const keys = [...planned.keys(), ...off.map(({ target }) => targetKey(target))];
  return {
    projectConfig: dataform.projectConfig,
    runConfig: {
      ...(flags.actions ? { actions: flags.actions } : {}),
      ...(flags.tags ? { tags: flags.tags } : {}),
      includeDependencies: flags.includeDeps ?? false,
      includeDependents: flags.includeDependents ?? false,
      fullRefresh: flags.fullRefresh ?? false,
      useRunCache: false,
    },
    warehouseState: {},
    actions: keys.flatMap((key) => {
      const action = known.get(key);
      const type = action && typeOf(action);
      return type ? [executionAction(action, type, tasksOf(planned.get(key)), told.get(key))] : [];
    }),
    declarationTargets: graph.actions.filter(({ kind }) => kind === "declaration").map(({ target }) => target),
  };
}

function typeOf(action: Action): DataformExecutionAction["type"] | undefined {
  if (isModel(action)) return "table";
  if (action.kind === "operations") return "operation";
  return action.kind === "assertion" ? "assertion" : undefined;
}

function tasksOf(step: Step | undefined): DataformExecutionAction["tasks"] {
  if (!step) return [];
  const statements = step.step === "audit" ? onSavepoint("audit", [step.statement]) : step.statements;
  return statements.map(({ sql, role }) => ({
    type: step.step === "audit" && role === "read" ? "assertion" : "statement",
    statement: sql,
  }));
}

function executionAction(
  action: Action,
  type: DataformExecutionAction["type"],
  tasks: DataformExecutionAction["tasks"],
  told: ToldAction | undefined,
): DataformExecutionAction {
  return {
    tasks,
    type,
    target: action.target,
    ...(isModel(action) ? { tableType: action.kind } : {}),
    fileName: action.file,
    ...(told?.actionDescriptor ? { actionDescriptor: told.actionDescriptor } : {}),
    dependencyTargets: action.dependencies,
    hermeticity: told?.hermeticity ?? (type === "operation" ? "NON_HERMETIC" : "HERMETIC"),
  };
}

function toldActions({ tables, operations, assertions }: DataformGraph): ReadonlyMap<string, ToldAction> {
  const all = [tables, operations, assertions].flatMap((list): readonly ToldAction[] => list ?? []);
  return new Map(
    all.map((action) => [targetKey({ schema: action.target.schema ?? "", name: action.target.name }), action]),
  );
}

type ToldAction = NonNullable<DataformGraph["tables" | "operations" | "assertions"]>[number];
