import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { type Environment, readEnvironment } from "../config/environment.ts";
import { ingestFiles } from "../config/ingest-files.ts";
import { DASHBOARDS, namesIn, SERVE } from "../config/project-folders.ts";
import type { RawTableDescription, RawTables } from "../config/raw-tables.ts";
import { type UserError, UserErrors } from "../model/errors.ts";
import type { Action, CompiledGraph, Trace } from "../model/graph.ts";
import { type Target, targetKey } from "../model/target.ts";
import type { Seeds } from "../seeds/read-seeds.ts";
import { adoptGraph } from "./adopt.ts";
import { checkGraph } from "./check.ts";
import { checkStreams } from "./copied-streams.ts";
import { refuseFields } from "./core-fields.ts";
import { leftFiles } from "./dataform2/left-files.ts";
import { declaredVars } from "./declared-vars.ts";
import { checkForeignSyntax, foreignQuotes } from "./foreign-syntax.ts";
import type { Inputs } from "./kept-answers.ts";
import { checkNoTexts } from "./no-text.ts";
import { withNamedDependencies } from "./plain-sql.ts";
import { type ProjectFiles, readProject } from "./project.ts";
import { checkQueries } from "./queries.ts";
import { withRefusals } from "./refused-changes.ts";
import { type ProjectOverrides, runCompiler, type SandboxAnswer } from "./sandbox.ts";
import { readSource } from "./source.ts";
import { emptyProject, unreadFiles } from "./unread-files.ts";

export interface CompileOptions extends ProjectOverrides {
  /**
   * Milliseconds.
   * @default 60_000
   */
  readonly timeout?: number;
  /**
   * MiB of heap for the project's code.
   * @default 1024
   */
  readonly memory?: number;
  /**
   * Where `vars: { x: { env: X } }` of the project file looks.
   * @default that of the process, completed from the project's `.env`
   */
  readonly env?: Environment;
  /** Another copy of @dataform/core, by path. */
  readonly corePath?: string;
  /**
   * A folder in which what the project's code says is kept. It is not run again as long as its files, packages and variables are
   * what they were; code that asks a clock or for chance runs every time.
   */
  readonly keepIn?: string;
  /** Is given what the project's own code prints, piece by piece; without it that is lost. */
  readonly onPrinted?: (text: string) => void;
  /** Is given what the project's code has found of files, wherever they are, and why its answer is not kept: also of one with mistakes. */
  readonly onRead?: (found: Inputs) => void;
  /** Stops the project's code, and throws its reason. */
  readonly signal?: AbortSignal;
}

/**
 * Compiles the project in `projectDir`.
 * @throws UserError or UserErrors with file and line for every mistake found.
 */
export async function compile(projectDir: string, options: CompileOptions = {}): Promise<CompiledGraph> {
  const { graph, errors } = await compileAll(projectDir, options);
  if (errors.length) throw new UserErrors(errors);
  return graph;
}

/** What became of a project, also of one with mistakes. */
export interface Compilation {
  /** Where there are mistakes, what else is in it: nothing can be planned of that. */
  readonly graph: CompiledGraph;
  readonly errors: readonly UserError[];
  readonly answer: SandboxAnswer;
}

/**
 * Compiles the project in `projectDir`, as far as that goes.
 * @throws UserError or UserErrors where nothing could be compiled
 */
export async function compileAll(projectDir: string, options: CompileOptions = {}): Promise<Compilation> {
  const { timeout = 60_000, memory = 1024, env, corePath, keepIn, onPrinted, onRead, signal, ...overrides } = options;
  const project = readProject(projectDir);
  const vars = await declaredVars(project, () => env ?? readEnvironment(projectDir), overrides.vars);
  const raw = rawTablesOf(projectDir);
  const seeds = seedsOf(projectDir);
  const limits = { timeout, memory };
  const from = { project, overrides, vars, limits, raw, seeds };
  const answer = await runCompiler({ ...from, corePath, keepIn, onPrinted, onRead, signal });
  const sources = new Map<string, string>();
  const {
    graph: adopted,
    errors: wrong,
    names,
  } = adoptGraph(answer, (file) => {
    // A model's assertions stand in one file.
    const source = sources.get(file) ?? readSource(projectDir, file);
    sources.set(file, source);
    return source;
  });
  const models = withNamedDependencies(adopted);
  const shown = await dashboardsOf(projectDir, models, names);
  const served = await apisOf(projectDir, models, names);
  const graph = withShowing(models, shown, served);
  // Of an action that core has refused, or whose fields are refused, what is left says nothing.
  const { told, files } = await refusedByCore(answer, project);
  const refused = [...told, ...butIn(files, refuseFields(answer.graph, projectDir))];
  const known = [...files, ...refused.flatMap(({ location }) => location?.file ?? [])];
  const printed = butIn(known, checkNoTexts(graph, answer.noTexts, projectDir));
  // The code of a function that was printed has braces, too.
  const explained = [...known, ...printed.flatMap(({ location }) => location?.file ?? [])];
  const errors = [
    ...(await raw).errors,
    ...(await seeds).errors,
    ...shown.errors,
    ...served.errors,
    ...refused,
    ...wrong,
    ...printed,
    ...butIn(explained, checkForeignSyntax(graph, projectDir)),
    ...butIn(known, [...checkQueries(graph, projectDir), ...checkStreams(graph, projectDir)]),
    ...(await checkGraph(graph, projectDir)),
  ];
  if (errors.length) {
    const { causesOf } = await import("./causes.ts");
    return { graph, errors: causesOf(errors, told, project), answer };
  }
  const complete = {
    ...withFolder(graph, projectDir),
    notes: [...notesOn(graph, project, answer.read), ...(await seeds).notes, ...shown.notes, ...served.notes],
  };
  return { graph: withRefusals(withLanding(complete, (await raw).tables), projectDir), errors: [], answer };
}

/** What core has refused, and the files of it. What explains that is not loaded for a project without mistakes. */
async function refusedByCore(answer: SandboxAnswer, project: ProjectFiles) {
  const { graphErrors, notebooks, dataPreparations } = answer.graph;
  const refused = [graphErrors?.compilationErrors, notebooks, dataPreparations];
  if (!refused.some((some) => some?.length)) return { told: [], files: [] };
  const { explainCoreErrors, refusedFiles } = await import("./explain.ts");
  return { told: explainCoreErrors(answer, project), files: refusedFiles(answer, project) };
}

function notesOn(graph: CompiledGraph, project: ProjectFiles, read: readonly string[]): readonly string[] {
  return [
    ...graph.notes,
    ...foreignQuotes(graph, project.projectDir),
    ...unreadFiles(project, read),
    ...leftFiles(project),
    ...emptyProject(project.files, graph.actions.length + graph.tests.length),
  ];
}

/** A project without a name is told by where it is: names of folders (`app`, `dataform`) and their paths are the same elsewhere. */
function withFolder(graph: CompiledGraph, projectDir: string): CompiledGraph {
  if (graph.project.name !== undefined) return graph;
  return { ...graph, project: { ...graph.project, folder: `${hostname()}:${resolve(projectDir)}` } };
}

/** The errors in other files than these. */
function butIn(files: readonly string[], errors: readonly UserError[]): UserError[] {
  const others = new Set<string | undefined>(files);
  return errors.filter(({ location }) => !others.has(location?.file));
}

/** The graph, its declarations with the file that lands them, also where a definition declares the table itself. */
function withLanding(graph: CompiledGraph, tables: readonly RawTableDescription[]): CompiledGraph {
  if (!tables.length) return graph;
  const landed = new Map(tables.map((table) => [targetKey(table), table]));
  const actions = graph.actions.map((action) => {
    const table = action.kind === "declaration" ? landed.get(targetKey(action.target)) : undefined;
    if (!table) return action;
    const lands = { landedBy: table.file, lands: table.columns.map(({ name }) => name) };
    return { ...action, ...lands, ...(table.isCollected ? { isCollected: true as const } : {}) };
  });
  return { ...graph, actions };
}

/** Most projects of Dataform have no such files, and load nothing for them. */
async function rawTablesOf(projectDir: string): Promise<RawTables> {
  if (!ingestFiles(projectDir).length) return { tables: [], errors: [] };
  const { readRawTables } = await import("../config/raw-tables.ts");
  return readRawTables(projectDir);
}

/** What shows models to people or programs, and makes nothing: actions of the graph, each of a YAML. */
interface Showing {
  readonly actions: readonly Action[];
  readonly traces: readonly Trace[];
  readonly errors: readonly UserError[];
  readonly notes: readonly string[];
}

const NONE: Showing = { actions: [], traces: [], errors: [], notes: [] };

function withShowing(graph: CompiledGraph, ...showing: readonly Showing[]): CompiledGraph {
  return {
    ...graph,
    actions: [...graph.actions, ...showing.flatMap(({ actions }) => actions)],
    traces: [...graph.traces, ...showing.flatMap(({ traces }) => traces)],
  };
}

/** A project without dashboards loads nothing for them. */
async function dashboardsOf(
  projectDir: string,
  { actions }: CompiledGraph,
  names: ReadonlyMap<string, Target>,
): Promise<Showing> {
  if (!namesIn(projectDir, DASHBOARDS).length) return NONE;
  const { readDashboards } = await import("../config/load-dashboards.ts");
  const { adoptDashboards } = await import("./dashboards.ts");
  const read = readDashboards(projectDir);
  const adopted = adoptDashboards(read, actions, names);
  return { ...adopted, errors: [...read.errors, ...adopted.errors], notes: read.notes };
}

/** The same of endpoints. */
async function apisOf(
  projectDir: string,
  { actions }: CompiledGraph,
  names: ReadonlyMap<string, Target>,
): Promise<Showing> {
  if (!namesIn(projectDir, SERVE).length) return NONE;
  const { readApis } = await import("../config/load-endpoints.ts");
  const { adoptApis } = await import("./apis.ts");
  const read = readApis(projectDir);
  const adopted = adoptApis(read, actions, names);
  return { ...adopted, errors: [...read.errors, ...adopted.errors], notes: read.notes };
}

async function seedsOf(projectDir: string): Promise<Seeds> {
  if (!existsSync(join(projectDir, "seeds"))) return { seeds: [], errors: [], notes: [] };
  const { readSeeds } = await import("../seeds/read-seeds.ts");
  return readSeeds(projectDir);
}
