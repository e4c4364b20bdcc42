import { createHash } from "node:crypto";
import { counted } from "../model/counted.ts";
import { type Action, type CompiledGraph, isModel } from "../model/graph.ts";
import type { Lineage, LineageRelation, LineageSource } from "../model/lineage.ts";
import { targetKey } from "../model/target.ts";
import { plainReferences } from "../sql/references.ts";
import type { RecordedRun, RecordedStep } from "./read-runs.ts";

/** What events are made for. */
export interface Naming {
  /** Of jobs. */
  readonly namespace: string;
  /** Of tables: `postgres://host:port`. */
  readonly database: string;
  /** The database, which names of tables begin with. */
  readonly databaseName: string;
  /** Of this package. */
  readonly producer: string;
}

/** An event of OpenLineage 2-0-2, as it is sent. */
export interface RunEvent {
  readonly eventType: "START" | "COMPLETE" | "FAIL" | "ABORT";
  readonly eventTime: string;
  readonly producer: string;
  readonly schemaURL: string;
  readonly run: { readonly runId: string; readonly facets: Facets };
  readonly job: { readonly namespace: string; readonly name: string; readonly facets: Facets };
  readonly inputs: readonly Dataset[];
  readonly outputs: readonly Dataset[];
}

type Facets = Readonly<Record<string, object>>;

interface Dataset {
  readonly namespace: string;
  readonly name: string;
  readonly facets?: Facets;
  readonly inputFacets?: Facets;
  readonly outputFacets?: Facets;
}

const SPEC = "https://openlineage.io/spec";
const SCHEMA = `${SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent`;

/** The version of each facet, and its name in its file. */
const FACETS = {
  columnLineage: ["1-2-0", "ColumnLineageDatasetFacet"],
  dataQualityAssertions: ["1-1-0", "DataQualityAssertionsDatasetFacet"],
  schema: ["1-2-0", "SchemaDatasetFacet"],
  outputStatistics: ["1-0-2", "OutputStatisticsOutputDatasetFacet"],
  errorMessage: ["1-0-1", "ErrorMessageRunFacet"],
  parent: ["1-2-0", "ParentRunFacet"],
  nominalTime: ["1-0-1", "NominalTimeRunFacet"],
  sql: ["1-1-0", "SQLJobFacet"],
  jobType: ["2-0-4", "JobTypeJobFacet"],
} as const;

/** The name of a run as a whole: of its steps each is a job of its own. */
const WHOLE = "run";

/** Makes the events of runs, of what is public: a table is what readers call it, never the object behind it. */
export class Events {
  readonly #naming: Naming;
  readonly #actions: ReadonlyMap<string, Action>;
  readonly #lineage: ReadonlyMap<string, LineageRelation>;

  constructor(graph: Pick<CompiledGraph, "actions">, lineage: Pick<Lineage, "relations">, naming: Naming) {
    this.#naming = naming;
    this.#actions = new Map(graph.actions.map((action) => [targetKey(action.target), action]));
    this.#lineage = new Map(lineage.relations.map((relation) => [targetKey(relation.target), relation]));
  }

  /** In the order of their moments: START of the run first, its end last. */
  of(run: RecordedRun): readonly RunEvent[] {
    const steps = run.steps.filter(({ status, startedAt }) => status !== "skipped" && startedAt !== null);
    const whole = (eventType: RunEvent["eventType"], eventTime: string, facets: Facets = {}): RunEvent =>
      this.#event({
        eventType,
        eventTime,
        run: { runId: run.runId, facets: { ...this.#nominal(run), ...facets } },
        job: this.#job(WHOLE, "DAG"),
      });
    const of = steps.flatMap((step) => this.#ofStep(run, step));
    of.sort((a, b) => (a.eventTime < b.eventTime ? -1 : a.eventTime > b.eventTime ? 1 : 0));
    const [error] = run.errors;
    const failed: Facets = error === undefined ? {} : { errorMessage: this.#facet("errorMessage", errorOf(error)) };
    return [whole("START", run.startedAt), ...of, whole(endOfRun(run.status), run.finishedAt, failed)];
  }

  #ofStep(run: RecordedRun, step: RecordedStep): readonly RunEvent[] {
    const key = targetKey(step);
    const action = this.#actions.get(key);
    const job = this.#job(key, JOB_TYPES.get(step.kind) ?? "QUERY", action);
    const runId = uuidOf(run.runId, key);
    const parent = { run: { runId: run.runId }, job: { namespace: this.#naming.namespace, name: WHOLE } };
    const facets = { parent: this.#facet("parent", parent), ...this.#nominal(run) };
    const end = endOfStep(step);
    const failed: Facets =
      step.error !== null && end === "FAIL" ? { errorMessage: this.#facet("errorMessage", errorOf(step.error)) } : {};
    const inputs = this.#inputs(step, action);
    const outputs = this.#outputs(step, action, end);
    return [
      this.#event({
        eventType: "START",
        eventTime: step.startedAt!,
        run: { runId, facets },
        job,
        inputs: inputs.map(named),
      }),
      this.#event({
        eventType: end,
        eventTime: step.endedAt!,
        run: { runId, facets: { ...facets, ...failed } },
        job,
        inputs,
        outputs,
      }),
    ];
  }

  #event({
    inputs = [],
    outputs = [],
    ...event
  }: Pick<RunEvent, "eventType" | "eventTime" | "run" | "job"> &
    Partial<Pick<RunEvent, "inputs" | "outputs">>): RunEvent {
    return { ...event, producer: this.#naming.producer, schemaURL: SCHEMA, inputs, outputs };
  }

  #facet(name: keyof typeof FACETS, content: object): object {
    const [version, type] = FACETS[name];
    return {
      _producer: this.#naming.producer,
      _schemaURL: `${SPEC}/facets/${version}/${type}.json#/$defs/${type}`,
      ...content,
    };
  }

  #nominal({ due }: RecordedRun): Facets {
    return due === null ? {} : { nominalTime: this.#facet("nominalTime", { nominalStartTime: due }) };
  }

  #job(name: string, jobType: string, action?: Action): RunEvent["job"] {
    const query = action && ("query" in action ? action.query : undefined);
    return {
      namespace: this.#naming.namespace,
      name,
      facets: {
        jobType: this.#facet("jobType", { processingType: "BATCH", integration: "DATAFORM_POSTGRES", jobType }),
        ...(query === undefined
          ? {}
          : { sql: this.#facet("sql", { query: plainReferences(query), dialect: "postgres" }) }),
      },
    };
  }

  #dataset(relation: string): Dataset {
    const { database, databaseName } = this.#naming;
    return { namespace: database, name: `${databaseName}.${relation}` };
  }

  /** What it reads, as far as that is a relation; of an assertion with what it found of it. */
  #inputs(step: RecordedStep, action: Action | undefined): readonly Dataset[] {
    const read = (action?.dependencies ?? []).map(targetKey).filter((key) => this.#isRelation(key));
    const verdict =
      step.kind === "assertion" && step.status !== "failed" ? true : step.rows !== null ? false : undefined;
    if (step.kind !== "assertion" || verdict === undefined) return read.map((key) => this.#dataset(key));
    const isWarning = step.status === "warned";
    const holds = action?.kind === "assertion" ? action.holds : undefined;
    const parent = action?.kind === "assertion" && action.parent ? targetKey(action.parent) : undefined;
    return read.map((key) => ({
      ...this.#dataset(key),
      ...(parent === undefined || parent === key
        ? {
            inputFacets: {
              dataQualityAssertions: this.#facet("dataQualityAssertions", {
                assertions: [
                  {
                    assertion: holds?.unique ? "unique" : holds?.neverNull ? "not_null" : "custom_sql",
                    name: targetKey(step),
                    success: verdict && !isWarning,
                    severity: isWarning ? "warn" : "error",
                    ...(step.rows === null
                      ? {}
                      : { actual: counted(step.rows, "row that should not exist", "rows that should not exist") }),
                    expected: "no rows",
                  },
                ],
              }),
            },
          }
        : {}),
    }));
  }

  #isRelation(key: string): boolean {
    const action = this.#actions.get(key);
    if (!action) return this.#lineage.has(key);
    return action.kind === "declaration" || isModel(action) || (action.kind === "operations" && action.hasOutput);
  }

  /** What it makes: of a step that did not end well nothing is there. */
  #outputs(step: RecordedStep, action: Action | undefined, end: RunEvent["eventType"]): readonly Dataset[] {
    const key = targetKey(step);
    const makes = action && (isModel(action) || (action.kind === "operations" && action.hasOutput));
    if (!makes || end !== "COMPLETE") return [];
    const relation = this.#lineage.get(key);
    const statistics = {
      ...(step.rows === null ? {} : { rowCount: step.rows }),
      ...(step.bytes === null ? {} : { size: step.bytes }),
    };
    return [
      {
        ...this.#dataset(key),
        facets: relation ? this.#facetsOf(relation, action) : {},
        ...(Object.keys(statistics).length
          ? { outputFacets: { outputStatistics: this.#facet("outputStatistics", statistics) } }
          : {}),
      },
    ];
  }

  #facetsOf({ columns, rowsBy }: LineageRelation, action: Action): Facets {
    if (!columns.length) return {};
    const meanings = new Map(action.columns.map(({ name, description }) => [name, description]));
    const fields = columns.map(({ name, type }) => {
      const description = meanings.get(name);
      return { name, ...(type ? { type } : {}), ...(description ? { description } : {}) };
    });
    const lineage = columns.map(({ name, from }) => [name, { inputFields: from.map((one) => this.#field(one)) }]);
    return {
      schema: this.#facet("schema", { fields }),
      columnLineage: this.#facet("columnLineage", {
        fields: Object.fromEntries(lineage),
        ...(rowsBy.length ? { dataset: rowsBy.map((one) => this.#field(one)) } : {}),
      }),
    };
  }

  #field({ relation, column, kinds }: LineageSource): object {
    const transformations = kinds.map((kind) => TRANSFORMATIONS[kind]);
    return { ...this.#dataset(relation), field: column, transformations };
  }
}

const TRANSFORMATIONS = {
  copied: { type: "DIRECT", subtype: "IDENTITY" },
  computed: { type: "DIRECT", subtype: "TRANSFORMATION" },
  rows: { type: "INDIRECT", subtype: "FILTER" },
} as const;

const JOB_TYPES: ReadonlyMap<string, string> = new Map([
  ["view", "MODEL"],
  ["table", "MODEL"],
  ["incremental", "MODEL"],
  ["operations", "COMMAND"],
  ["assertion", "TEST"],
]);

function named({ namespace, name }: Dataset): Dataset {
  return { namespace, name };
}

function errorOf(message: string) {
  return { message, programmingLanguage: "SQL" };
}

function endOfRun(status: string): RunEvent["eventType"] {
  if (status === "success") return "COMPLETE";
  return status === "failure" ? "FAIL" : "ABORT";
}

/** What was held was built, and readers have none of it. */
function endOfStep({ status }: RecordedStep): RunEvent["eventType"] {
  if (status === "failed") return "FAIL";
  return status === "held" ? "ABORT" : "COMPLETE";
}

/** A UUID (version 5) of a step of a run: the same for START and its end, and whenever it is made again. */
export function uuidOf(runId: string, step: string): string {
  const space = Buffer.from(runId.replaceAll("-", ""), "hex");
  const bytes = createHash("sha1").update(space).update(step).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x50;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
