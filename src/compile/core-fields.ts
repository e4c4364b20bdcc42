import { UserError } from "../model/errors.ts";
import { placeInConfig } from "./config-text.ts";
import type { CoreAction, CoreGraph } from "./sandbox.ts";

/** Why a field of core's answer cannot be done here, and what to do instead. */
interface Refusal {
  readonly message: string;
  readonly hint: string;
}

/**
 * What becomes of a field: "used" where it has its effect (in adopt.ts, or in core itself), "told" where settings.ts looks at
 * what was written; the message that it is, looked at in turn; the values of it that are used; or why it is refused.
 */
type Decision =
  | "used"
  | "told"
  | { readonly of: string }
  | { readonly values: readonly string[]; readonly otherwise?: Refusal }
  | Refusal;

const onBigQuery: Refusal = { message: "has a meaning on BigQuery only", hint: "take it out" };
const justInTime: Refusal = {
  message: "is JavaScript that only BigQuery's service runs",
  hint: "give the query itself: .query(…), or make it by functions of includes/ that run when the project is compiled",
};
const ofIncremental: Refusal = {
  message: "has a meaning for incremental models only",
  hint: 'take it out, or make the model type: "incremental"',
};
const ofTarget = { of: "Target" };
// Nothing is done with it, there neither.
const hermeticity = "told";

const actions = {
  target: ofTarget,
  canonicalTarget: ofTarget,
  dependencyTargets: ofTarget,
  disabled: "used",
  tags: "used",
  fileName: "used",
} as const;
const described = { actionDescriptor: { of: "ActionDescriptor" } } as const;

/** Every field of core's answer, by the names of core.proto. A test holds it against every version of core. */
export const CORE_FIELDS: Readonly<Record<string, Readonly<Record<string, Decision>>>> = {
  CompiledGraph: {
    projectConfig: { of: "ProjectConfig" },
    tables: { of: "Table" },
    operations: { of: "Operation" },
    assertions: { of: "Assertion" },
    declarations: { of: "Declaration" },
    tests: { of: "Test" },
    // Refused as files (explain.ts).
    notebooks: "told",
    dataPreparations: "told",
    graphErrors: "used",
    dataformCoreVersion: "used",
    targets: "used",
    jitData: justInTime,
  },
  ProjectConfig: {
    warehouse: "told",
    defaultDatabase: "used",
    defaultSchema: "used",
    defaultLocation: "told",
    assertionSchema: "used",
    vars: "used",
    databaseSuffix: "told",
    schemaSuffix: "used",
    tablePrefix: "used",
    builtinAssertionNamePrefix: "used",
    defaultNotebookRuntimeOptions: "told",
    defaultIcebergConfig: "told",
    disableAssertions: "used",
    defaultReservation: "told",
    includeTestsInCompiledGraph: "told",
    preserveGovernanceControls: "told",
  },
  Target: {
    // That of the whole project is told; config-shape.cjs refuses every other.
    database: "told",
    schema: "used",
    name: "used",
    includeDependentAssertions: "used",
  },
  Table: {
    ...actions,
    ...described,
    enumType: { values: ["TABLE", "INCREMENTAL", "VIEW"] },
    type: "used",
    hermeticity,
    query: "used",
    protected: "used",
    materialized: "used",
    where: "used",
    incrementalQuery: "used",
    uniqueKey: "used",
    onSchemaChange: { values: ["IGNORE", "FAIL", "EXTEND", "SYNCHRONIZE"] },
    preOps: "used",
    postOps: "used",
    incrementalPreOps: "used",
    incrementalPostOps: "used",
    jitCode: justInTime,
    incrementalStrategy: { values: ["INCREMENTAL_STRATEGY_UNSPECIFIED"], otherwise: onBigQuery },
    // The project file may ask for it, too: settings.ts tells that it says nothing.
    bigquery: "told",
  },
  Operation: { ...actions, ...described, hermeticity, queries: "used", hasOutput: "used", jitCode: justInTime },
  Assertion: { ...actions, ...described, hermeticity, query: "used", parentAction: ofTarget, jitCode: justInTime },
  Declaration: {
    ...described,
    target: ofTarget,
    canonicalTarget: ofTarget,
    tags: "used",
    fileName: "used",
  },
  Test: {
    ...actions,
    name: "used",
    testQuery: "used",
    expectedOutputQuery: "used",
    jitCode: justInTime,
  },
  ActionDescriptor: {
    description: "used",
    columns: { of: "ColumnDescriptor" },
    bigqueryLabels: onBigQuery,
    metadata: onBigQuery,
    // Where it is, so is jitCode.
    compilationMode: "told",
    reservation: "told",
  },
  ColumnDescriptor: {
    description: "used",
    path: "used",
    displayName: "told",
    tags: "used",
    bigqueryPolicyTags: onBigQuery,
  },
};

/** Fields of a table that only one of the types has. */
const OF_INCREMENTAL = new Set(["where", "uniqueKey", "protected"]);

/** Fields that are written by another name than they have in core's answer. */
const WRITTEN_AS: Readonly<Record<string, string>> = { bigqueryLabels: "labels", compilationMode: "jitCode" };

/** What core answers and nothing here does: refused, never left out. */
export function refuseFields(graph: CoreGraph, projectDir: string): UserError[] {
  const refusal = (field: string, { message, hint }: Refusal, action?: CoreAction) =>
    new UserError({
      message: `${action ? `${action.target.name}: ` : ""}${field} ${message}`,
      ...(action ? placeInConfig(projectDir, action.fileName, [WRITTEN_AS[field] ?? field]) : {}),
      hint,
    });
  // Of a thousand models these are tens of thousands of fields.
  const errors: UserError[] = [];
  const walk = (message: string, value: object, action?: CoreAction): void => {
    for (const field in value) {
      const one = value[field as keyof typeof value] as unknown;
      if (!isSaid(one)) continue;
      const decision = decisionOn(message, field, value, graph);
      if (decision === "used" || decision === "told") continue;
      if ("hint" in decision) errors.push(refusal(field, decision, action));
      else if ("of" in decision) {
        const parts = (Array.isArray(one) ? one : [one]) as (CoreAction & object)[];
        for (const part of parts) walk(decision.of, part, action ?? (part.fileName ? part : undefined));
      } else if (!decision.values.includes(String(one)))
        errors.push(refusal(`${field} ${String(one)}`, decision.otherwise ?? unknownTo(graph), action));
    }
  };
  walk("CompiledGraph", graph);
  return errors;
}

function decisionOn(message: string, field: string, value: object, graph: CoreGraph): Decision {
  const fields = CORE_FIELDS[message]!;
  if (!Object.hasOwn(fields, field)) return unknownTo(graph);
  const isIncremental = "enumType" in value && value.enumType === "INCREMENTAL";
  return message === "Table" && OF_INCREMENTAL.has(field) && !isIncremental ? ofIncremental : fields[field]!;
}

/** Whether a field has another value than that of one nobody has set. */
function isSaid(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return !!value;
  return (Array.isArray(value) ? value : Object.keys(value)).length > 0;
}

function unknownTo({ dataformCoreVersion }: CoreGraph): Refusal {
  return {
    message: `is something that @dataform/core ${dataformCoreVersion} knows and dataform-postgres does not`,
    hint: "take it out, or install the version of @dataform/core that dataform-postgres names in its package.json",
  };
}
