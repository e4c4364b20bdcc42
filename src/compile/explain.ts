import { type SourceLocation, UserError } from "../model/errors.ts";
import { endsInComment } from "../sql/authored.ts";
import { adviceFor } from "./borrowed-names.ts";
import { coreMessages, onlyBigQuery } from "./core-messages.ts";
import { placeOfCall, placeOfOption } from "./option-keys.ts";
import type { ProjectFiles } from "./project.ts";
import { missedName, type Refused } from "./references.ts";
import type { CoreError, CoreGraph, SandboxAnswer } from "./sandbox.ts";
import {
  authorsPattern,
  findInSource,
  lineOf,
  locationAt,
  offsetOf,
  projectPath,
  readLayout,
  readLines,
} from "./source.ts";

/** Core's compilation errors in our words: file, line, what was expected, what to do. */
export function explainCoreErrors(answer: SandboxAnswer, project: ProjectFiles): UserError[] {
  const { graph, frames, byProject, refusals } = answer;
  const errors = graph.graphErrors?.compilationErrors ?? [];
  const names = targetNames(graph);
  const explained = errors.flatMap((error, index) =>
    // The first is said with its place by queries.ts.
    error.message === NO_EXPECTATION || isInComment(error, graph)
      ? []
      : explain({ ...error, ...refusals[index]! }, byProject[index]!, { frames: frames[index]!, names, project }),
  );
  const bigQueryOnly = [...(graph.notebooks ?? []), ...(graph.dataPreparations ?? [])].map((action) =>
    onlyBigQuery(action.fileName, project),
  );
  return withoutRepeats([...explained, ...bigQueryOnly]);
}

/** The files of which core has refused something, also where that is told as a mistake of another file. */
export function refusedFiles({ graph }: SandboxAnswer, project: ProjectFiles): string[] {
  const errors = graph.graphErrors?.compilationErrors ?? [];
  return errors.flatMap(({ fileName, message }) =>
    fileName === undefined || message === NO_EXPECTATION ? [] : projectPath(fileName, project),
  );
}

/** Core looks at the last character only: `select 1 -- one;` has no semicolon at its end. */
function isInComment({ message, fileName }: CoreError, { tables = [], assertions = [] }: CoreGraph): boolean {
  if (!message?.startsWith("Semi-colons")) return false;
  const queries = [...tables, ...assertions].filter((action) => action.fileName === fileName).map(({ query }) => query);
  const ending = queries.filter((query) => query?.trim().endsWith(";"));
  return ending.length > 0 && ending.every((query) => endsInComment(query!));
}

const NO_EXPECTATION = "Expected query is empty.";

type Thrown = CoreError & SandboxAnswer["refusals"][number];

function explain(error: Thrown, byProject: boolean, about: Omit<Refused, "file">): UserError {
  const { project } = about;
  const refused = { ...about, file: projectPath(error.fileName ?? project.settingsFile, project) };
  const message = error.message ?? "unknown error";
  // What the project itself throws may read like a message of core's.
  for (const [pattern, explainMatch] of byProject ? [] : coreMessages) {
    const match = pattern.exec(message);
    if (match) return explainMatch(match, refused);
  }
  return thrown(message, error, refused);
}

function targetNames(graph: CoreGraph): string[] {
  const actions = [graph.tables, graph.declarations, graph.operations].flatMap((list) => list ?? []);
  return actions.map(({ target }) => (target.schema ? `${target.schema}.${target.name}` : target.name));
}

/** What JavaScript says of a value that is not there, and of a word that it keeps for itself. */
function inWords(message: string): string {
  const read = /^Cannot read properties of (?:undefined|null) \(reading '(.+)'\)$/s.exec(message)?.[1];
  if (read !== undefined) return `what stands before .${read} has no value`;
  if (/^Unexpected end of input$|^Unterminated template literal/.test(message))
    return "the file ends within a bracket or a text that is open";
  return message === "Unexpected identifier 'undefined'" ? "a word stands where none can" : message;
}

/** What the project's own JavaScript threw: at its line, and at the lines that called it. */
function thrown(told: string, { stack, expected, found: value, hint }: Thrown, about: Refused): UserError {
  const { file, frames, project } = about;
  // Files of ours are among those that asked for a module which is not there.
  const message = inWords(told.replace(/\nRequire stack:[\s\S]*/, ""));
  const name = /^([\w$]+) is not defined$/.exec(message)?.[1];
  const [found, ...calledFrom] = frames;
  const place =
    found && (name === undefined ? placeOfOption(message, found, project) : placeOfName(name, found, project));
  if (!place) {
    // The last semicolon of a file of JavaScript is JavaScript's.
    const isAtEnd = message.startsWith("Semi-colons") && file.endsWith(".sqlx");
    const location = isAtEnd ? findInSource(project.projectDir, file, /;\s*$/) : placeOfCall(message, file, project);
    return new UserError({ message, location });
  }
  const cause = Object.assign(new Error(message), { stack });
  if (message === "incremental is not a function" && file.endsWith(".sqlx"))
    return new UserError({
      message: "there is no incremental() in a file of this type",
      location: place,
      snippet: lineOf(place, project),
      calledFrom,
      hint: 'models have it: config { type: "table" }, "view" or "incremental"',
      cause,
    });
  const snippet = lineOf(place, project);
  const advice = adviceFor(message, isPlainScript(place, project)) ?? hint;
  const error = new UserError({
    message,
    location: place,
    snippet,
    calledFrom,
    expected,
    found: value,
    ...(advice === undefined ? {} : { hint: advice }),
    cause,
  });
  if (name !== undefined) missedName.set(error, name);
  return error;
}

/** Whether a place is JavaScript outside of a placeholder: in a config, or in a file of it. */
function isPlainScript(place: SourceLocation, { projectDir }: ProjectFiles): boolean {
  const text = readLines(projectDir, place.file);
  const at = offsetOf(place, text);
  const [start, end] = place.file.endsWith(".js") ? [0, text.length] : (readLayout(text).config ?? [0, 0]);
  return start <= at && at < end && !text.slice(text.lastIndexOf("\n", at - 1) + 1, at).includes("${");
}

/** Where a name stands that is not there: what is thrown may know no more than the template it is in. */
function placeOfName(name: string, place: SourceLocation, { projectDir }: ProjectFiles): SourceLocation {
  const text = readLines(projectDir, place.file);
  const start = offsetOf(place, text);
  const word = new RegExp(`(?<![\\w$.])${authorsPattern(name)}(?![\\w$])`, "y");
  word.lastIndex = start;
  if (word.test(text)) return place;
  const inPlaceholder = new RegExp(`\\$\\{\\s*${authorsPattern(name)}(?![\\w$])`, "g");
  inPlaceholder.lastIndex = start;
  const match = inPlaceholder.exec(text);
  return match ? locationAt(place.file, text, match.index + match[0].length - name.length) : place;
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
