import type { assertionBlock, indexBlock, operationsBlock, postgresBlock } from "../schemas/postgres-block.ts";
import type { retentionBlock } from "../schemas/settings.ts";
import type { DeclaredEndpoint } from "./api.ts";
import type { DeclaredFilter, DeclaredPanel } from "./dashboard.ts";
import type { Declared } from "./declared.ts";
import type { UserErrorDetails } from "./errors.ts";
import type { Target } from "./target.ts";

/**
 * What the compiler makes of a project: every action with its SQL. Names in the SQL that came from
 * `ref()`, `self()` or `resolve()` are marked (see sql/references.ts) for the planner to fill in.
 */
export interface CompiledGraph {
  readonly version: 1;
  readonly coreVersion: string;
  readonly project: ProjectSettings;
  readonly actions: readonly Action[];
  readonly tests: readonly UnitTest[];
  /** What a person should know about the project. */
  readonly notes: readonly string[];
  /** Where the texts of the actions and tests come from, each as it stands in the graph. */
  readonly traces: readonly Trace[];
}

/** Where the pieces of one compiled text stand in a file of the project. */
export interface Trace {
  readonly file: string;
  readonly text: string;
  /** In order; together they are the whole text. None: it stands nowhere as it is. */
  readonly pieces: readonly TracePiece[];
  /** Where the same text stands in the file besides, in pieces of the same lengths. */
  readonly elsewhere?: readonly (readonly TracePiece[])[];
  /** Of a text in a config, from which nothing in another file is made. */
  readonly inConfig?: true;
}

/** `offset` in the file, line breaks as `\n`: of the text itself (0), or of the placeholder (1) or the call (2) that made it. */
export type TracePiece = readonly [length: number, offset: number, made: 0 | 1 | 2];

/** Who a project is. Both are absent where it says nothing. */
export interface ProjectIdentity {
  /** `project` of the project file, or else the name in package.json. Recorded with each environment. */
  readonly name?: string;
  /** The name in package.json: what was recorded before the project file said `project`. */
  readonly packageName?: string;
  /** Its folder as `host:/path`, where it has no name: two such projects are told apart by it, and by their code. */
  readonly folder?: string;
}

export interface ProjectSettings extends ProjectIdentity {
  /** What is kept of the past, as the project file says it. */
  readonly retention?: RetentionSettings;
  /** `concurrentQueryLimit` of the project file: models built at once. */
  readonly concurrency?: number;
  /** `idempotentActionRetries` of the project file. */
  readonly retries?: number;
  readonly defaultSchema: string;
  readonly assertionSchema: string;
  readonly schemaSuffix?: string;
  readonly tablePrefix?: string;
  readonly vars: Readonly<Record<string, string>>;
}

export type Action = Declaration | View | Table | Incremental | Operations | Assertion | Dashboard | Api;
export type ActionKind = Action["kind"];
/** Actions that make a relation which readers see and the release protocol publishes. */
export type Model = View | Stored;
/** Models that keep rows of their own; the others show those of what they read. */
export type Stored = Table | Incremental;

interface ActionBase {
  readonly target: Target;
  /** Path of the source file in the project. */
  readonly file: string;
  /** The package of node_modules whose code made it. */
  readonly package?: string;
  readonly tags: readonly string[];
  /** What it reads or waits for; every one of them is an action of the graph. */
  readonly dependencies: readonly Target[];
  readonly disabled: boolean;
  readonly description?: string;
  readonly columns: readonly ColumnDescription[];
}

export interface ColumnDescription {
  readonly name: string;
  /** "" where it has tags only. */
  readonly description: string;
  /** `pii`: pages show no value of it. */
  readonly tags?: readonly string[];
}

/** A relation that somebody else fills. */
export interface Declaration extends ActionBase {
  readonly kind: "declaration";
  /** The `ingest/*.yaml` that lands it. */
  readonly landedBy?: string;
  /** Whether its records are sent here (`dataform collect`), and not fetched. */
  readonly isCollected?: true;
  /** The columns that it declares of the records. */
  readonly lands?: readonly string[];
}

interface ModelBase extends ActionBase {
  readonly query: string;
  readonly preOperations: readonly string[];
  readonly postOperations: readonly string[];
  readonly postgres: PostgresOptions;
  /** Why it cannot be built as it is written, where the rest of the project can. */
  readonly refused?: UserErrorDetails;
  /** Columns that name a row: `uniqueKey`, of the model or of its assertions. */
  readonly key?: readonly string[];
}

export interface View extends ModelBase {
  readonly kind: "view";
}

/** A table, or a `materialized` view: both are stored and rebuilt whole by each run. */
export interface Table extends ModelBase {
  readonly kind: "table";
}

export interface Incremental extends ModelBase {
  readonly kind: "incremental";
  /** The query with `incremental()` true. */
  readonly incrementalQuery: string;
  /** `incremental_where`: the condition on the rows that a run adds, where there is one. */
  readonly incrementalWhere?: string;
  readonly incrementalPreOperations: readonly string[];
  readonly incrementalPostOperations: readonly string[];
  /** Empty: rows are appended. Otherwise a new row replaces the one with the same key. */
  readonly uniqueKey: readonly string[];
  /** True: `--full-refresh` leaves it alone. */
  readonly protected: boolean;
  readonly onSchemaChange: "ignore" | "fail" | "extend" | "synchronize";
}

/** Statements of the author, run in place, outside the release protocol. */
export interface Operations extends ActionBase {
  readonly kind: "operations";
  readonly queries: readonly string[];
  /** True: it makes the relation of its own name, which others may `ref()`. */
  readonly hasOutput: boolean;
  readonly postgres: OperationsOptions;
}

/** A query that returns the rows which should not exist. */
export interface Assertion extends ActionBase {
  readonly kind: "assertion";
  readonly query: string;
  readonly postgres: AssertionOptions;
  /** The model whose `assertions: {…}` made it. */
  readonly parent?: Target;
  /** What is true of the columns of `parent` while no row fails. */
  readonly holds?: Holds;
}

export interface Holds {
  /** No two rows are alike in them. */
  readonly unique?: readonly string[];
  readonly neverNull?: readonly string[];
}

/** What people look at: charts, numbers and tables over models. It makes nothing in the database. */
export interface Dashboard extends ActionBase {
  readonly kind: "dashboard";
  readonly title: string;
  /** Markdown. */
  readonly text?: string;
  readonly filters: readonly DeclaredFilter[];
  readonly panels: readonly DeclaredPanel[];
}

/** What programs may ask for over HTTP. It makes nothing in the database. */
export interface Api extends ActionBase {
  readonly kind: "api";
  readonly title: string;
  /** Markdown. */
  readonly text?: string;
  readonly endpoints: readonly DeclaredEndpoint[];
}

/** `type: "test"`: the model's query over given inputs, and the rows expected of it. */
export interface UnitTest {
  readonly name: string;
  readonly file: string;
  readonly tags: readonly string[];
  /** The model. */
  readonly tests?: Target;
  /** A reference in it has the index of an input as its schema. */
  readonly query: string;
  readonly inputs: readonly string[];
  readonly expected: string;
}

/** The `postgres: {…}` block of a model's config. */
export type PostgresOptions = Declared<typeof postgresBlock>;
/** The `postgres: {…}` block of operations. */
export type OperationsOptions = Declared<typeof operationsBlock>;
/** The `postgres: {…}` block of an assertion, or `postgres.assertions` of the model that has it. */
export type AssertionOptions = Declared<typeof assertionBlock>;
/** Blocks a release in which the model loses or changes more than it should. */
export type RetentionSettings = Declared<typeof retentionBlock>;
export type IndexOptions = Declared<typeof indexBlock>;

/** The models, and whether each keeps rows. */
const MODELS: Readonly<Record<Model["kind"], boolean>> = { view: false, table: true, incremental: true };

/** What shows columns of relations to people or programs, and makes nothing. */
export function isShowing(kind: ActionKind | "foreign"): kind is "dashboard" | "api" {
  return kind === "dashboard" || kind === "api";
}

export function isModel(action: Action): action is Model {
  return Object.hasOwn(MODELS, action.kind);
}

export function isStored(action: Action): action is Stored {
  return isModel(action) && MODELS[action.kind];
}

/** A model without rows of its own: it is read when its readers are. */
export function isShown(action: Action): action is Exclude<Model, Stored> {
  return isModel(action) && !MODELS[action.kind];
}

/** When operations run, where that is not as what they read and what reads them says. */
export function runsOf(action: Action): OperationsOptions["runs"] {
  return action.kind === "operations" ? action.postgres.runs : undefined;
}

/** The public names of the models. */
export function publicTargets(graph: CompiledGraph): Target[] {
  return graph.actions.filter(isModel).map((model) => model.target);
}
