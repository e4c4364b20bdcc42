import { basename, extname } from "node:path";
import { type SourceLocation, UserError } from "../model/errors.ts";
import { nearest } from "../model/nearest.ts";
import { ownValue } from "../model/own-value.ts";
import { type ConfigMistake, leftOut, TYPES, wrongConfig } from "./config-mistakes.ts";
import type { ProjectFiles } from "./project.ts";
import type { CoreError, CoreGraph, SandboxAnswer } from "./sandbox.ts";
import { escapePattern, findInSource, lineOf, locationAt, placeAfterSpace, readLayout, readSource } from "./source.ts";

/** Core's compilation errors in our words: file, line, what was expected, what to do. */
export function explainCoreErrors({ graph, frames }: SandboxAnswer, project: ProjectFiles): UserError[] {
  const errors = graph.graphErrors?.compilationErrors ?? [];
  const names = targetNames(graph);
  const explained = errors.flatMap((error, index) =>
    // Said with its place by queries.ts.
    error.message === NO_EXPECTATION ? [] : explain(error, frames[index]!, names, project),
  );
  const bigQueryOnly = [...(graph.notebooks ?? []), ...(graph.dataPreparations ?? [])].map((action) =>
    onlyBigQuery(action.fileName, project),
  );
  return withoutConsequences(withoutRepeats([...explained, ...bigQueryOnly]), project);
}

/** The files of which core has refused something, also where that is told as a mistake of another file. */
export function refusedFiles({ graph }: SandboxAnswer, project: ProjectFiles): string[] {
  const errors = graph.graphErrors?.compilationErrors ?? [];
  return errors.flatMap(({ fileName, message }) =>
    fileName === undefined || message === NO_EXPECTATION ? [] : projectPath(fileName, project),
  );
}

/** The names that an error misses, where it misses one. */
const missed = new WeakMap<UserError, string>();

/** One cause is one error: what a file with a mistake would have made is not missing. */
function withoutConsequences(errors: readonly UserError[], { projectDir }: ProjectFiles): UserError[] {
  const faulty = new Set(errors.flatMap((error) => (missed.has(error) ? [] : (error.location?.file ?? []))));
  const texts = [...faulty].map((file) => ({ file, text: readSource(projectDir, file) }));
  const makes = (name: string) =>
    texts.some(
      ({ file, text }) =>
        basename(file, extname(file)) === name || new RegExp(`["'\`]${escapePattern(name)}["'\`]`).test(text),
    );
  return errors.filter((error) => {
    const name = missed.get(error)?.split(".").at(-1);
    return name === undefined || !makes(name);
  });
}

const NO_EXPECTATION = "Expected query is empty.";

function explain(
  error: CoreError,
  frames: readonly SourceLocation[],
  names: readonly string[],
  project: ProjectFiles,
): UserError {
  const file = projectPath(error.fileName ?? project.settingsFile, project);
  const message = error.message ?? "unknown error";
  for (const [pattern, explainMatch] of explanations) {
    const match = pattern.exec(message);
    if (match) return explainMatch(match, file, names, project, frames);
  }
  return thrown(message, error.stack, frames, file, project);
}

/** Types of Dataform 2, dbt and SQLMesh, and what is one here. */
const OTHER_TYPES: Readonly<Record<string, string>> = {
  inline: 'type: "view" can be read by ref(); or put the text into a function of includes/',
  ephemeral: 'type: "view" can be read by ref(); or put the text into a function of includes/',
  operation: 'did you mean "operations"?',
  materializedview: 'config { type: "view", materialized: true }',
  materialized_view: 'config { type: "view", materialized: true }',
  incremental_by_time_range:
    'type: "incremental", and delete from ${self()} where … in pre_operations takes the range away first',
  incremental_by_unique_key: 'type: "incremental", uniqueKey: ["id"]',
  snapshot: "a history of a source is made by scd2.publish (docs/history.md)",
  seed: "land the file: dataform ingest (docs/ingest.md)",
  source: 'did you mean "declaration"?',
  model: 'did you mean "table"?',
};

type Explanation = (
  match: RegExpExecArray,
  file: string,
  names: readonly string[],
  project: ProjectFiles,
  frames: readonly SourceLocation[],
) => UserError;

const explanations: readonly (readonly [RegExp, Explanation])[] = [
  [
    /^Missing dependency detected: Action "(.*)" depends on "(.*)" which does not exist/s,
    (m, ...rest) => missing(m[2]!, ...rest),
  ],
  [/^Could not resolve (.*)$/s, (m, ...rest) => missing(m[1]!, ...rest)],
  [/^Dataset (.*) could not be found\.?$/s, (m, ...rest) => missing(m[1]!, ...rest)],
  [
    /^Circular dependency detected in chain: \[(.*)\]/,
    (m, file) =>
      new UserError({
        message: "the models depend on each other in a circle",
        location: { file },
        found: m[1]!.replace(/\{"name":"([^"]*)","schema":"([^"]*)"\}/g, "$2.$1").replaceAll(" > ", " → "),
        hint: "break the circle: move what both need into a model of its own",
      }),
  ],
  [
    /^Duplicate (?:action name|canonical target) detected\.[\s\S]*?(\{.*\})/,
    (m, file) => {
      const { schema, name } = JSON.parse(m[1]!) as { schema?: string; name: string };
      return new UserError({
        message: `two actions are named ${schema ? `${schema}.` : ""}${name}`,
        location: { file },
        hint: "give one of them another name or schema",
      });
    },
  ],
  [
    /^Ambiguous Action name: (.*)\. Did you mean one of: (.*)\.$/,
    (m, file, _, project, frames) => {
      const wanted = readReference(m[1]!);
      const choices = [...new Set(m[2]!.split(", "))];
      const [schema, name] = choices[0]!.split(".");
      return new UserError({
        message: choices.length > 1 ? `${wanted} names several things` : `two actions are named ${choices[0]}`,
        location: findReference(file, wanted, project, frames),
        found: choices.join(", "),
        hint: choices.length > 1 ? `say which: ref("${schema}", "${name}")` : "give one of them another name or schema",
      });
    },
  ],
  [
    /^A test needs a dataset/,
    (_, file, __, project) =>
      new UserError({
        message: "a test must say which model it tests",
        location: findInSource(project.projectDir, file, /\btype\s*:/),
        hint: 'config { type: "test", dataset: "model" }, or dataset: { schema: "…", name: "model" }',
      }),
  ],
  [
    /^Input for dataset "(.*)" has not been provided\. Provided inputs: (.*)$/s,
    (m, file) =>
      new UserError({
        message: `a test gives no input for ${readReference(m[1]!)}, which the model reads`,
        location: { file },
        found: m[2]!.replaceAll('\\"', '"'),
        hint: `add to the test: input "${readReference(m[1]!)}" { select … }`,
      }),
  ],
  [
    /^Cannot read properties of (?:undefined|null) \(reading '(?:dataset|name|schema)'\)$|^Invalid input\. Accepted inputs/,
    (_, file, __, project, [place, ...calledFrom]) =>
      new UserError({
        message: "a reference is given no name",
        ...(place ? { location: place, snippet: lineOf(place, project), calledFrom } : { location: { file } }),
        expected: 'ref("orders"), ref("raw", "orders") or ref({ schema: "raw", name: "orders" })',
      }),
  ],
  [/^No meaning: (.*)$/s, (m, file, _, project) => leftOut(m[1]!, file, project)],
  [
    /^Config: (.*)$/s,
    (m, file, _, project, frames) => wrongConfig(JSON.parse(m[1]!) as ConfigMistake, file, project, frames),
  ],
  [
    /^(?:Actions|'(?:input|incremental_where)' code blocks) may only contain/,
    (m, file, _, project) => {
      const layout = readLayout(readSource(project.projectDir, file));
      const lists = m[0].startsWith("Actions") ? [layout.sql] : [...layout.inputs, layout.where ?? []];
      const start = lists.find((list) => list.length > 1)?.[1]?.[0]?.[0];
      return new UserError({
        message: "there is one query, and --- separates the statements of operations",
        ...(start === undefined ? { location: { file } } : placeAfterSpace(file, start, project)),
        hint: 'write one select, or config { type: "operations" }',
      });
    },
  ],
  [
    /^Actions may only include (\w+)(?: blocks)? if they (?:are of type '(\w+)'|create a dataset)/,
    (m, file, _, project) =>
      new UserError({
        message: `${m[1]} has no meaning here`,
        location: findInSource(project.projectDir, file, new RegExp(`\\b${m[1]}(?= (?:\\{|"))`)),
        expected: m[2] ? `type: "${m[2]}"` : 'type: "table", "view" or "incremental"',
        hint: "take the block out, or change the type",
      }),
  ],
  [/^Actions of type "(.*)" exist only on BigQuery/, (_, file, __, project) => onlyBigQuery(file, project)],
  [
    /^(?:Unrecognized action|Unrecognized table|Unexpected table) type: (.*)$/,
    (m, file, _, project) => {
      const suggestion = nearest(m[1]!, TYPES);
      const advice = ownValue(OTHER_TYPES, m[1]!.toLowerCase());
      return new UserError({
        message: `unknown type "${m[1]}"`,
        location: findInSource(project.projectDir, file, /\btype\s*:/),
        expected: TYPES.join(", "),
        found: m[1]!,
        ...(advice || suggestion ? { hint: advice ?? `did you mean "${suggestion}"?` } : {}),
      });
    },
  ],
];

function missing(
  reference: string,
  file: string,
  names: readonly string[],
  project: ProjectFiles,
  frames: readonly SourceLocation[],
): UserError {
  const wanted = readReference(reference);
  const last = wanted.split(".").at(-1)!;
  const [schema, name, ...more] = wanted.split(".");
  const isTold = names.includes(wanted) && name !== undefined && !more.length;
  const suggestion = nearest(wanted, names) ?? names.find((name) => nearest(last, [name.split(".").at(-1)!]));
  const error = new UserError({
    message: `nothing in the project is named ${wanted}`,
    location: findReference(file, wanted, project, frames),
    ...(frames.length ? { calledFrom: frames.slice(1) } : {}),
    expected: "the name of a model, a declaration or an operation with output",
    found: wanted,
    hint: isTold
      ? `write ref("${schema}", "${name}"): each part by itself`
      : suggestion
        ? `did you mean ${suggestion}?`
        : 'declare it: config { type: "declaration", schema: …, name: … }',
  });
  missed.set(error, wanted);
  return error;
}

/** The name itself in the line that called `ref()`, or in the file where core does not say which did. */
function findReference(file: string, wanted: string, project: ProjectFiles, [call]: readonly SourceLocation[]) {
  const name = new RegExp(`["'\`]${escapePattern(wanted.split(".").at(-1)!)}["'\`]`);
  if (!call) return findInSource(project.projectDir, file, name);
  const line = readSource(project.projectDir, call.file).split("\n")[call.line! - 1] ?? "";
  const at = line.slice(call.column! - 1).search(name);
  return at < 0 ? call : { ...call, column: call.column! + at };
}

/** core prints a reference as `"name"`, `name` or as the JSON of a target. */
function readReference(text: string): string {
  try {
    const value = JSON.parse(text) as string | number | null | { schema?: string; name: string };
    if (value === null || typeof value === "number") return text;
    return typeof value === "string" ? value : value.schema ? `${value.schema}.${value.name}` : (value.name ?? text);
  } catch {
    return text;
  }
}

function onlyBigQuery(file: string, project: ProjectFiles): UserError {
  return new UserError({
    message: "notebooks, data preparations and property graphs exist only on BigQuery",
    location: findInSource(project.projectDir, projectPath(file, project), /\btype\s*:/),
    hint: "remove the file, or write the step as a table or as operations",
  });
}

function targetNames(graph: CoreGraph): string[] {
  const actions = [graph.tables, graph.declarations, graph.operations].flatMap((list) => list ?? []);
  return actions.map(({ target }) => (target.schema ? `${target.schema}.${target.name}` : target.name));
}

function projectPath(file: string, project: ProjectFiles): string {
  const base = `${project.projectDir}/`;
  return file.startsWith(base) ? file.slice(base.length) : file;
}

/** What the project's own JavaScript threw: at its line, and at the lines that called it. */
function thrown(
  message: string,
  stack: string | undefined,
  frames: readonly SourceLocation[],
  file: string,
  project: ProjectFiles,
): UserError {
  const [place, ...calledFrom] = frames;
  if (!place) {
    const open = unclosed(message, file, project);
    if (open) return open;
    const location = message.startsWith("Semi-colons") ? findInSource(project.projectDir, file, /;\s*$/) : { file };
    return new UserError({ message, location });
  }
  const cause = Object.assign(new Error(message), { stack });
  const error = new UserError({ message, location: place, snippet: lineOf(place, project), calledFrom, cause });
  const name = /^([\w$]+) is not defined$/.exec(message)?.[1];
  if (name !== undefined) missed.set(error, name);
  return error;
}

/** Of a block without an end, all that follows is read as a part of it. */
function unclosed(message: string, file: string, project: ProjectFiles): UserError | undefined {
  if (!file.endsWith(".sqlx")) return undefined;
  const text = readSource(project.projectDir, file);
  const block = readLayout(text).unclosed;
  if (!block) return undefined;
  const location = locationAt(file, text, text.lastIndexOf(block.name, block.start));
  return new UserError({
    message: `the ${block.name} block that begins here is not closed`,
    location,
    snippet: lineOf(location, project),
    expected: "a } for each { in it",
    found: message,
    hint: "close it with a } before what follows it",
  });
}

/** Core reports one missing reference several times, and in the end without the place that asks for it. */
function withoutRepeats(errors: readonly UserError[]): UserError[] {
  const files = (error: UserError) => [error.location, ...(error.calledFrom ?? [])].map((place) => place?.file);
  const precise = errors.filter(({ calledFrom }) => calledFrom);
  const seen = new Set<string>();
  return errors.filter((error) => {
    const { location, calledFrom, message } = error;
    const key = JSON.stringify([location, calledFrom ?? [], message]);
    const known = precise.some((one) => one.message === message && files(one).includes(location?.file));
    if (seen.has(key) || (!calledFrom && known)) return false;
    seen.add(key);
    return true;
  });
}
