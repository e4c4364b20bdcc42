import { basename, relative } from "node:path";
import { MISSING_VARIABLE } from "../../config/declare.ts";
import { ingestFiles } from "../../config/ingest-files.ts";
import { type LoadIngestOptions, loadIngest } from "../../config/load-ingest.ts";
import type { IngestDeclaration, StreamDeclaration } from "../../model/declarations.ts";
import { UserError, UserErrors } from "../../model/errors.ts";
import { nearest } from "../../model/nearest.ts";
import { paint } from "../paint.ts";
import type { Shell } from "../shell.ts";

export interface Chosen {
  readonly declaration: IngestDeclaration;
  readonly streams: readonly StreamDeclaration[];
}

/**
 * The same for commands that do not ask the sources: where one is, nobody needs to say. Where nothing is named, a source whose
 * other variables are not set is left out and told.
 */
export function chooseSourcesToShow(shell: Shell, names: readonly string[]): readonly Chosen[] {
  const choose = (some: readonly string[]) => chooseSources(shell, some, { withoutSource: true });
  if (names.length) return choose(names);
  const sources = ingestFiles(shell.projectDir).map(sourceOf);
  if (!sources.length) return choose(names);
  return sources.flatMap((source) => {
    try {
      return choose([source]);
    } catch (error) {
      const missing = error instanceof UserErrors && error.errors.every(({ code }) => code === MISSING_VARIABLE);
      if (!missing) throw error;
      shell.say(`${paint(shell, "yellow", "left out")} ${source}: ${error.errors[0]!.message}`);
      return [];
    }
  });
}

/** The schemas that sources land in, or the one of them that is named. */
export function schemasToLookIn(shell: Shell, only: string | undefined): readonly string[] {
  const schemas = [...new Set(chooseSourcesToShow(shell, []).map(({ declaration }) => declaration.schema))];
  if (only === undefined) return schemas;
  if (schemas.includes(only)) return [only];
  throw new UserError({
    message: `no source lands in a schema "${only}"`,
    expected: `--schema, one of ${schemas.join(", ")}`,
  });
}

/** A source is called like its file. */
export function sourceOf(file: string): string {
  return basename(file).replace(/\.ya?ml$/, "");
}

/** The declarations named on the command line; a source that is not asked for needs no variables. */
export function chooseSources(
  shell: Shell,
  names: readonly string[],
  how: Pick<LoadIngestOptions, "withoutSource"> = {},
): readonly Chosen[] {
  const files = ingestFiles(shell.projectDir);
  if (files.length === 0) {
    throw new UserError({
      message: `no sources are declared in ${relative(".", shell.projectDir) || "this project"}`,
      expected: "files ingest/<source>.yaml",
      hint: "see docs/ingest.md",
    });
  }
  const byName = new Map(files.map((file) => [sourceOf(file), file]));
  const wanted = new Map<string, string[] | undefined>();
  for (const name of names.length > 0 ? names : byName.keys()) {
    const [source = "", stream] = name.split(".");
    if (!byName.has(source)) throw unknown("source", source, byName.keys());
    const streams = stream === undefined || (wanted.has(source) && !wanted.get(source)) ? undefined : [stream];
    wanted.set(source, streams && [...(wanted.get(source) ?? []), ...streams]);
  }
  return [...wanted].map(([source, streams]) => {
    const declaration = loadIngest(byName.get(source)!, { projectDir: shell.projectDir, env: shell.env, ...how });
    const known = declaration.streams.map((stream) => stream.name);
    const wrong = streams?.find((stream) => !known.includes(stream));
    if (wrong !== undefined) throw unknown("stream", wrong, known, declaration.file);
    const chosen = declaration.streams.filter(({ name }) => !streams || streams.includes(name));
    return { declaration, streams: chosen };
  });
}

/** The same for loads: what is sent here is not fetched. */
export function chooseFetched(shell: Shell, names: readonly string[]): readonly Chosen[] {
  const chosen = chooseSources(shell, names);
  const fetched = chosen.filter(({ declaration: { connector } }) => connector.kind !== "collect");
  const sent = chosen.find((one) => !fetched.includes(one));
  if (sent && (names.length || !fetched.length)) throw nothingToLoad(sent.declaration);
  return fetched;
}

function nothingToLoad({ file, source, connector }: IngestDeclaration): UserError {
  const isQueued = connector.kind === "collect" && connector.produce !== undefined;
  return new UserError({
    message: `events are sent to ${source}: there is nothing to load from`,
    location: { file },
    hint: isQueued
      ? `\`dataform ingest --follow ${source}\` lands what its collectors put into the topic`
      : `\`dataform collect ${source}\` takes them`,
  });
}

function unknown(what: string, name: string, known: Iterable<string>, file?: string): UserError {
  const names = [...known];
  const suggestion = nearest(name, names);
  return new UserError({
    message: `there is no ${what} "${name}"`,
    ...(file ? { location: { file } } : {}),
    expected: `one of ${names.join(", ")}`,
    ...(suggestion ? { hint: `did you mean "${suggestion}"?` } : {}),
  });
}
