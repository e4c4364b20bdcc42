import { type SourceLocation, UserError } from "../model/errors.ts";
import { nearest } from "../model/nearest.ts";
import type { ProjectFiles } from "./project.ts";
import { authorsPattern, findInSource, lineOf, readSource } from "./source.ts";

/** Where core refused something, and what the project has. */
export interface Refused {
  /** In which core saw it. */
  readonly file: string;
  /** Which of the project's own lines were running, the innermost first. */
  readonly frames: readonly SourceLocation[];
  /** What can be referred to. */
  readonly names: readonly string[];
  readonly project: ProjectFiles;
}

/** The name that an error misses, where it misses one. */
export const missedName = new WeakMap<UserError, string>();

/** A reference, as core prints it, that leads to nothing. */
export function missing(reference: string, refused: Refused): UserError {
  const { frames, names } = refused;
  const wanted = readReference(reference);
  const last = wanted.split(".").at(-1)!;
  const [schema, name, ...more] = wanted.split(".");
  const isTold = names.includes(wanted) && name !== undefined && !more.length;
  // Of a short name anything is near.
  const alike = (name: string) => last.length > 2 && nearest(last, [name.split(".").at(-1)!]);
  const suggestion = nearest(wanted, names) ?? names.find(alike);
  // core prints a reference to a schema and a name as an object, one of a single text as that.
  const isDotted = name !== undefined && !more.length && readsAsText(reference);
  const hintFor = () => {
    if (isTold) return `write ref("${schema}", "${name}"): each part by itself`;
    if (suggestion) return `did you mean ${suggestion}?`;
    if (isDotted) return `a schema stands by itself: ref("${schema}", "${name}"), of a model or of a declaration`;
    return 'declare it: config { type: "declaration", schema: …, name: … }';
  };
  const error = new UserError({
    message: `nothing in the project is named ${wanted}`,
    location: findReference(wanted, refused),
    ...(frames.length ? { calledFrom: frames.slice(1) } : {}),
    expected: "the name of a model, a declaration or an operation with output",
    found: wanted,
    hint: hintFor(),
  });
  missedName.set(error, wanted);
  return error;
}

/** A reference to operations that make nothing; core does not say to which. */
export function makesNothing({ file, frames, project }: Refused): UserError {
  const [place = { file }, ...calledFrom] = frames;
  const line = readSource(project.projectDir, place.file).split("\n")[(place.line ?? 1) - 1] ?? "";
  const [, , name] =
    /\(\s*(?:(["'`])[^"'`]*\1\s*,\s*)?["'`]([^"'`]+)["'`]/.exec(line.slice((place.column ?? 1) - 1)) ?? [];
  const error = new UserError({
    message: `${name ?? "what is named here"} makes nothing that could be read`,
    location: place,
    ...(frames.length ? { calledFrom, snippet: lineOf(place, project) } : {}),
    expected: "a model, a declaration or an operation with output",
    found: "operations",
    hint: "hasOutput: true in its config says that its statements make ${self()}",
  });
  if (name !== undefined) missedName.set(error, name);
  return error;
}

/** The name itself in the line that called `ref()`, or in the file where core does not say which did. */
export function findReference(wanted: string, { file, project, frames: [call] }: Refused): SourceLocation {
  const name = new RegExp(`["'\`]${authorsPattern(wanted.split(".").at(-1)!)}["'\`]`);
  if (!call) return findInSource(project.projectDir, file, name);
  const line = readSource(project.projectDir, call.file).split("\n")[call.line! - 1] ?? "";
  const at = line.slice(call.column! - 1).search(name);
  return at < 0 ? call : { ...call, column: call.column! + at };
}

function readsAsText(reference: string): boolean {
  try {
    return typeof JSON.parse(reference) === "string";
  } catch {
    return true;
  }
}

/** core prints a reference as `"name"`, `name` or as the JSON of a target. */
export function readReference(text: string): string {
  try {
    const value = JSON.parse(text) as string | number | null | { schema?: string; name?: unknown };
    if (typeof value === "string") return value;
    if (value === null || typeof value !== "object") return text;
    if (typeof value.name === "string") return value.schema ? `${value.schema}.${value.name}` : value.name;
    // What core adds where a reference has not said it.
    return JSON.stringify(value, (key, one) => (key === "includeDependentAssertions" ? undefined : one));
  } catch {
    return text;
  }
}
