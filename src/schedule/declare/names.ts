import type { Place, Standing } from "../../config/place.ts";
import type { IngestDeclaration, StreamDeclaration } from "../../model/declarations.ts";
import { UserError } from "../../model/errors.ts";
import type { CompiledGraph } from "../../model/graph.ts";
import { nearest } from "../../model/nearest.ts";
import type { NamedSelections } from "../../model/selection.ts";
import { targetKey } from "../../model/target.ts";
import { NOTHING_PAST, selectActions } from "../../plan/select.ts";
import type { WrittenLine, WrittenStep } from "../../schemas/schedules.ts";

/** A stream, and where it lands. */
interface KnownStream {
  readonly declaration: IngestDeclaration;
  readonly stream: StreamDeclaration;
  readonly schema: string;
}

/** What a project has that a line can name. */
export interface Known {
  readonly graph: CompiledGraph;
  /** By `source.stream`. */
  readonly streams: ReadonlyMap<string, KnownStream>;
  /** Those whose declaration could not be read for want of a variable are among them. */
  readonly sources: readonly string[];
  /** Of `selectors.yaml`. */
  readonly named: NamedSelections;
}

export function knownOf(
  graph: CompiledGraph,
  declarations: readonly IngestDeclaration[],
  sources: readonly string[],
  named: NamedSelections,
): Known {
  return {
    ...{ graph, sources, named },
    streams: new Map(
      declarations.flatMap((declaration) =>
        declaration.streams.map((stream) => [
          `${declaration.source}.${stream.name}`,
          { declaration, stream, schema: declaration.schema },
        ]),
      ),
    ),
  };
}

/** Names of streams, tags, actions and relations that are not there. */
export function mistakesInNames(line: WrittenLine, known: Known, at: Place): UserError[] {
  return [
    ...mistakesInTrigger(line, known, at.in("on")),
    ...line.steps.flatMap((step, index) => mistakesInStep(step, known, at.in("steps", index))),
  ];
}

function mistakesInTrigger({ on }: WrittenLine, { streams }: Known, at: Place): UserError[] {
  if (!on) return [];
  if ((on.load === undefined) === (on.file === undefined))
    return [new UserError({ message: "one thing sets a line going", ...at.value(), expected: "load, or file" })];
  const key = on.load === undefined ? "file" : "load";
  const name = on[key]!;
  const found = streams.get(name);
  if (!found) return [unknown("stream", name, [...streams.keys()], at.value(key))];
  if (key === "load" || found.declaration.connector.kind === "files") return [];
  return [
    new UserError({
      message: `${name} is no stream of files`,
      ...at.value(key),
      expected: "a stream of a source with files:",
      found: `one with ${found.declaration.connector.kind}:`,
      hint: `on: { load: ${name} } runs after its loads`,
    }),
  ];
}

function mistakesInStep(step: WrittenStep, known: Known, at: Place): UserError[] {
  if (step.ingest?.sources) return step.ingest.sources.flatMap(mistakenSource(known, at.in("ingest", "sources")));
  if (step.freshness?.sources)
    return step.freshness.sources.flatMap(mistakenSource(known, at.in("freshness", "sources")));
  if (step.run) return mistakesInRun(step.run, known, at.in("run"));
  if (step.export) return mistakesInExport(step.export.source, known, at.in("export"));
  return [];
}

function mistakenSource({ streams, sources }: Known, at: Place) {
  return (name: string, index: number): UserError[] => {
    if (name.includes(".") ? streams.has(name) : sources.includes(name)) return [];
    const [source = ""] = name.split(".");
    // What lacks a variable here has it where it is loaded.
    const isUnread = sources.includes(source) && ![...streams.keys()].some((one) => one.startsWith(`${source}.`));
    if (isUnread) return [];
    const all = name.includes(".") && sources.includes(source) ? [...streams.keys()] : sources;
    return [unknown(name.includes(".") ? "stream" : "source", name, all, at.value(index))];
  };
}

function mistakesInRun(
  { select = [], exclude = [], actions = [], tags = [], wait, waitTimeout }: NonNullable<WrittenStep["run"]>,
  { graph, named }: Known,
  at: Place,
): UserError[] {
  const asked = [
    ...actions.map((name, index) => [{ actions: [name] }, at.value("actions", index)] as const),
    ...tags.map((tag, index) => [{ tags: [tag] }, at.value("tags", index)] as const),
    ...select.map((word, index) => [{ select: [word] }, at.value("select", index)] as const),
    ...exclude.map((word, index) => [{ exclude: [word] }, at.value("exclude", index)] as const),
  ];
  const errors = asked.flatMap(([selection, standing]) => {
    try {
      selectActions({ ...graph, past: NOTHING_PAST }, { ...selection, named });
      return [];
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const { expected, found, hint } = error;
      return [new UserError({ message: error.message.replace(/^--\w+: /, ""), expected, found, hint, ...standing })];
    }
  });
  if (wait === false && waitTimeout !== undefined)
    errors.push(
      new UserError({
        message: "what does not wait has no time to",
        ...at.value("waitTimeout"),
        hint: "leave it out, or wait: false",
      }),
    );
  return errors;
}

function mistakesInExport(source: string, { graph }: Known, at: Place): UserError[] {
  if (/\s/.test(source)) return [];
  const relations = graph.actions.filter(({ kind }) => kind !== "assertion").map(({ target }) => targetKey(target));
  return relations.includes(source) ? [] : [unknown("relation", source, relations, at.value("source"))];
}

function unknown(what: string, name: string, names: readonly string[], at: Standing): UserError {
  const close = nearest(name, names);
  return new UserError({
    message: `there is no ${what} ${name}`,
    ...at,
    expected:
      names.length > 12
        ? `one of the ${names.length} of the project`
        : names.length
          ? `one of ${names.join(", ")}`
          : `a ${what}: the project has none`,
    found: name,
    ...(close === undefined ? {} : { hint: `did you mean ${close}?` }),
  });
}
