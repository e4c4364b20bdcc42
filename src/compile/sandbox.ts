import { fork } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { RawTables } from "../config/raw-tables.ts";
import { type SourceLocation, UserError } from "../model/errors.ts";
import type { Trace } from "../model/graph.ts";
import { OPTIMIZE_LATER } from "../model/optimizing.ts";
import type { Seeds } from "../seeds/read-seeds.ts";
import { after, heeding } from "../wait/timers.ts";
import { wrongActions } from "./actions-file.ts";
import { givenAs, type Inputs, KeptAnswers } from "./kept-answers.ts";
import { type OwnProjectSettings, ownSettingsOf } from "./own-settings.ts";
import type { ProjectFiles } from "./project.ts";
import { checkSettings, ignoredSettings, isPlainlyRight, withheldSettings } from "./settings.ts";

/** What may be set from outside, by Dataform's own names. */
export interface ProjectOverrides {
  readonly defaultSchema?: string;
  readonly assertionSchema?: string;
  readonly schemaSuffix?: string;
  readonly tablePrefix?: string;
  readonly disableAssertions?: boolean;
  readonly vars?: Readonly<Record<string, string>>;
}

interface SandboxLimits {
  /** Milliseconds until the compiler is stopped. */
  readonly timeout: number;
  /** MiB of heap. */
  readonly memory: number;
}

/** The compiler's own words: @dataform/core's CompiledGraph message as plain JSON, and what it does not know. */
export interface SandboxAnswer {
  readonly graph: CoreGraph;
  /** For each of core's errors the calls in the project's files that led to it, innermost first. */
  readonly frames: readonly (readonly SourceLocation[])[];
  /** Of each of them whether a line of the project threw it. */
  readonly byProject: readonly boolean[];
  /** What was thrown may say more than its message: a text each. */
  readonly refusals: readonly Pick<UserError, "expected" | "found" | "hint">[];
  readonly traces: readonly Trace[];
  /** Actions that a package of node_modules has made, and which. */
  readonly packages: readonly { readonly schema: string; readonly name: string; readonly package: string }[];
  /** Of each unit test the model that it tests, as far as there is one. */
  readonly tested: readonly (CoreTarget | null)[];
  readonly noTexts: readonly NoText[];
  /** Files in definitions/ that are no JavaScript and were read, by their path in the project. */
  readonly read: readonly string[];
  /** What a person should know of the project file. */
  readonly notes: readonly string[];
  readonly own: OwnProjectSettings;
  readonly settings: readonly OwnSettings[];
}

/** A value that was put into a template and prints as what is no SQL. */
export interface NoText {
  /** "undefined", "an object", … */
  readonly kind: string;
  /** What the template made, and where in it the value stands. */
  readonly text: string;
  readonly at: number;
  readonly length: number;
  readonly file: string;
  /** Of its placeholder in the file; absent where that is not known. */
  readonly offset?: number;
  /** The placeholder: `${this}`. */
  readonly written: string;
}

/** What the config of an action says besides what core takes. */
export interface OwnSettings {
  readonly schema: string;
  readonly name: string;
  /** The `postgres: {…}` block, not checked yet. */
  readonly postgres?: unknown;
  /** The columns of `assertions: { uniqueKey }`. */
  readonly key?: readonly string[];
}

export interface CoreTarget {
  readonly schema?: string;
  readonly name: string;
}

export interface CoreAction {
  readonly target: CoreTarget;
  readonly canonicalTarget: CoreTarget;
  readonly dependencyTargets?: readonly CoreTarget[];
  readonly fileName: string;
  readonly tags?: readonly string[];
  readonly disabled?: boolean;
  readonly actionDescriptor?: {
    readonly description?: string;
    readonly columns?: readonly {
      readonly path: readonly string[];
      readonly description?: string;
      readonly tags?: readonly string[];
    }[];
  };
  readonly jitCode?: string;
  readonly hermeticity?: "HERMETIC" | "NON_HERMETIC";
}

export interface CoreTable extends CoreAction {
  readonly enumType: "TABLE" | "VIEW" | "INCREMENTAL";
  readonly query?: string;
  readonly incrementalQuery?: string;
  readonly where?: string;
  readonly materialized?: boolean;
  readonly protected?: boolean;
  readonly uniqueKey?: readonly string[];
  readonly onSchemaChange?: "IGNORE" | "FAIL" | "EXTEND" | "SYNCHRONIZE";
  readonly preOps?: readonly string[];
  readonly postOps?: readonly string[];
  readonly incrementalPreOps?: readonly string[];
  readonly incrementalPostOps?: readonly string[];
}

export interface CoreGraph {
  readonly projectConfig: {
    readonly defaultSchema: string;
    readonly assertionSchema?: string;
    readonly schemaSuffix?: string;
    readonly tablePrefix?: string;
    readonly vars?: Readonly<Record<string, string>>;
  };
  readonly tables?: readonly CoreTable[];
  readonly operations?: readonly (CoreAction & {
    readonly queries?: readonly string[];
    readonly hasOutput?: boolean;
  })[];
  readonly assertions?: readonly (CoreAction & { readonly query?: string; readonly parentAction?: CoreTarget })[];
  readonly declarations?: readonly CoreAction[];
  readonly tests?: readonly (CoreAction & {
    readonly name: string;
    readonly testQuery?: string;
    readonly expectedOutputQuery?: string;
  })[];
  readonly notebooks?: readonly CoreAction[];
  readonly dataPreparations?: readonly CoreAction[];
  readonly targets?: readonly CoreTarget[];
  readonly graphErrors?: { readonly compilationErrors?: readonly CoreError[] };
  readonly dataformCoreVersion: string;
}

export interface CoreError {
  readonly fileName?: string;
  readonly message?: string;
  readonly stack?: string;
}

interface Failure {
  readonly message: string;
  readonly stack: string;
  readonly frames: readonly SourceLocation[];
}

/** The project file as it is written, and what became of the project. */
type Compiled = Omit<SandboxAnswer, "notes" | "own"> & { readonly written: Readonly<Record<string, unknown>> };
type WorkerAnswer = (Compiled | { readonly failure: Failure }) & { readonly inputs: Inputs };

export interface Compilation {
  readonly project: ProjectFiles;
  readonly overrides: ProjectOverrides;
  /** What stands in place of the variables of the project file that the environment has. */
  readonly vars: Readonly<Record<string, string>>;
  readonly limits: SandboxLimits;
  readonly raw: Promise<RawTables>;
  readonly seeds: Promise<Seeds>;
  /**
   * The module of Dataform's core.
   * @default the one that is installed
   */
  readonly corePath?: string | undefined;
  /** A folder for answers that are good for the next time. */
  readonly keepIn?: string | undefined;
  readonly onPrinted?: ((text: string) => void) | undefined;
  readonly onRead?: ((found: Inputs) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Compiles the project as `compileOnce`; again, and slower, where an error does not know where it comes from. */
export async function runCompiler(compilation: Compilation): Promise<SandboxAnswer> {
  const { project } = compilation;
  const compile = (placeThrown: boolean) => compileOnce(compilation, placeThrown);
  const first = await compile(false);
  if (!isPlainlyRight(first.written, project)) await checkSettings(project);
  const errors = first.graph.graphErrors?.compilationErrors ?? [];
  const { written, ...answer } = errors.some(({ stack }) => !stack) ? await compile(true) : first;
  const own = ownSettingsOf(project.projectDir, written);
  return { ...answer, notes: ignoredSettings(written, project), own };
}

/** What the project's code is told. */
interface Request {
  readonly corePath: string;
  readonly projectDir: string;
  readonly files: readonly string[];
  readonly overrides: ProjectOverrides;
  readonly vars: Readonly<Record<string, string>>;
  readonly withheld: readonly string[];
}

/**
 * What the project's code says: as it did before, where all that it has read is what it was; or else in a child process.
 * @throws UserError when the project's code stops the compiler, runs too long or takes too much memory.
 */
async function compileOnce(compilation: Compilation, placeThrown: boolean): Promise<Compiled> {
  const { project, overrides, vars, raw, seeds, keepIn } = compilation;
  const { projectDir, files } = project;
  const { corePath = createRequire(import.meta.url).resolve("@dataform/core") } = compilation;
  const request: Request = { corePath, projectDir, files, overrides, vars, withheld: withheldSettings(project) };
  if (keepIn === undefined || placeThrown) return (await runWorker(compilation, { ...request, placeThrown })).answer;
  const answers = new KeptAnswers<Compiled>(keepIn, request);
  const found = answers.find();
  const given = async () => givenAs([(await raw).tables, (await seeds).seeds]);
  if (found && found.given === (await given())) {
    for (const text of found.printed) compilation.onPrinted?.(text);
    compilation.onRead?.(found);
    return found.answer;
  }
  const { answer, printed, inputs } = await runWorker(compilation, { ...request, placeThrown });
  if (inputs.unsteady === undefined && !answer.graph.graphErrors?.compilationErrors?.length)
    answers.keep({ states: inputs.states, given: await given(), printed, answer });
  return answer;
}

/** Compiles the project in a child process with an empty environment, a time limit and a memory limit. */
async function runWorker(
  { project, limits, raw, seeds: read, onPrinted, onRead, signal }: Compilation,
  request: Request & { readonly placeThrown: boolean },
): Promise<{ readonly answer: Compiled; readonly inputs: Inputs; readonly printed: readonly string[] }> {
  const child = fork(fileURLToPath(new URL("worker.cjs", import.meta.url)), {
    env: {},
    // Many short-lived objects: a larger nursery saves a tenth of the time.
    execArgv: [`--max-old-space-size=${limits.memory}`, "--max-semi-space-size=64", ...OPTIMIZE_LATER],
    // What the project prints comes as a message.
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let errorOutput = "";
  child.stderr!.on("data", (chunk: Buffer) => {
    errorOutput = (errorOutput + chunk.toString()).slice(-4_000);
  });
  let timedOut = false;
  const stopClock = after(limits.timeout, () => {
    timedOut = true;
    child.kill("SIGKILL");
  });
  const printed: string[] = [];
  try {
    // They are read while the child starts.
    const { tables: rawTables } = await raw;
    const { seeds } = await read;
    child.send({ ...request, rawTables, seeds });
    const answered = new Promise<WorkerAnswer>((resolve, reject) => {
      child.on("message", (message: WorkerAnswer | { readonly printed: string }) => {
        if (!("printed" in message)) return resolve(message);
        printed.push(message.printed);
        onPrinted?.(message.printed);
      });
      child.once("error", reject);
      child.once("close", (code) => reject(timedOut ? tooLong(limits) : stopped(code, errorOutput, limits)));
    });
    const { inputs, ...answer } = await heeding(answered, signal);
    onRead?.(inputs);
    if ("failure" in answer) return await explainFailure(answer.failure, project);
    return { answer, inputs, printed };
  } finally {
    stopClock();
    child.kill("SIGKILL");
  }
}

/** @throws UserError or UserErrors, always: what is wrong with the settings may be why. */
async function explainFailure(failure: Failure, project: ProjectFiles): Promise<never> {
  await checkSettings(project);
  const listed = failure.frames.length ? undefined : wrongActions(failure.message, project);
  if (listed) throw listed;
  const [place, ...calledFrom] = failure.frames;
  const known = place?.file ?? project.files.find((file) => failure.stack.includes(file)) ?? project.settingsFile;
  throw new UserError({
    message: failure.message,
    location: place ?? { file: known },
    calledFrom,
    hint: `correct ${known} and compile again`,
    cause: Object.assign(new Error(failure.message), { stack: failure.stack }),
  });
}

function tooLong(limits: SandboxLimits): UserError {
  return new UserError({
    message: "the project did not compile in time",
    expected: `at most ${limits.timeout / 1000} s`,
    found: "JavaScript that does not end, or very much of it",
    hint: "look for an endless loop in includes/ and definitions/, or give more time with --timeout",
  });
}

function stopped(code: number | null, errorOutput: string, limits: SandboxLimits): UserError {
  if (/heap out of memory/i.test(errorOutput)) {
    return new UserError({
      message: "the project's code took too much memory while compiling",
      expected: `at most ${limits.memory} MiB`,
      hint: "look for a list or a string that grows without end in includes/ and definitions/",
    });
  }
  return new UserError({
    message: "the project's code ended the compiler",
    found: errorOutput.trim() || `exit code ${code}`,
    hint: "remove what ends the process from includes/ and definitions/",
  });
}
