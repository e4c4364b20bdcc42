import { type Action, type CompiledGraph, isModel, type Trace, type TracePiece } from "../model/graph.ts";
import { type Target, targetKey } from "../model/target.ts";
import { placesOf } from "../sql/places.ts";
import { MARK } from "../sql/references.ts";
import { meaningful, type Token } from "../sql/tokens.ts";

/**
 * The graph, in which a name by hand is what it names. A `.sql` file of an actions.yaml has no `ref()`: it writes `shop.orders`, and the
 * entry says that it depends on it, which is how Dataform 3 has it read what the same run makes.
 */
export function withNamedDependencies(graph: CompiledGraph): CompiledGraph {
  const traces: Trace[] = [];
  const actions = graph.actions.map((action) => {
    if (!action.file.endsWith(".sql") || !action.dependencies.length) return action;
    const meant = new Map(action.dependencies.map((target) => [targetKey(target), target]));
    return withTexts(action, (text) => {
      const edits = editsOf(text, meant);
      const edited = applied(text, edits);
      const trace = edits.length ? graph.traces.find((one) => one.text === text) : undefined;
      if (trace) traces.push({ ...trace, text: edited, pieces: piecesOf(trace, edits), elsewhere: [] });
      return edited;
    });
  });
  return traces.length ? { ...graph, actions, traces: [...graph.traces, ...traces] } : graph;
}

/** Operations read public names, as others do. */
function withTexts(action: Action, change: (text: string) => string): Action {
  if (action.kind === "assertion") return { ...action, query: change(action.query) };
  if (action.kind === "incremental")
    return { ...action, query: change(action.query), incrementalQuery: change(action.incrementalQuery) };
  return isModel(action) ? { ...action, query: change(action.query) } : action;
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Marks in place of the names of what is meant, wherever they stand, of relations that the query reads. */
function editsOf(text: string, meant: ReadonlyMap<string, Target>): Edit[] {
  const read = new Set(placesOf(text).map(({ name }) => keyOf(name.filter(isName))));
  const tokens = meaningful(text);
  return tokens.flatMap((token, at) => {
    const last = tokens[at + 2];
    if (!last || !isName(token) || tokens[at + 1]!.text !== "." || tokens[at - 1]?.text === ".") return [];
    const key = keyOf([token, last]);
    const target = read.has(key) ? meant.get(key) : undefined;
    return target ? [{ start: token.start, end: last.start + last.text.length, text: markOf(target) }] : [];
  });
}

const isName = ({ kind, text }: Token) => kind === "word" || (kind === "quoted" && text.startsWith('"'));

function keyOf(parts: readonly Token[]): string {
  return parts
    .map(({ kind, text }) => (kind === "word" ? text.toLowerCase() : text.slice(1, -1).replaceAll('""', '"')))
    .join(".");
}

function markOf({ schema, name }: Target): string {
  const quoted = (text: string) => text.replaceAll('"', '""');
  return `"${MARK}${quoted(schema)}"."${quoted(name)}"`;
}

function applied(text: string, edits: readonly Edit[]): string {
  return edits.reduceRight((whole, { start, end, text }) => whole.slice(0, start) + text + whole.slice(end), text);
}

/** The pieces of the edited text: what is new stands where the name does. */
function piecesOf({ pieces }: Trace, edits: readonly Edit[]): TracePiece[] {
  const found: TracePiece[] = [];
  let start = 0;
  for (const [length, offset, made] of pieces) {
    let from = start;
    const keep = (to: number) => {
      if (to > from) found.push([to - from, made ? offset : offset + from - start, made]);
    };
    for (const edit of edits.filter((one) => one.start >= start && one.start < start + length)) {
      keep(edit.start);
      found.push([edit.text.length, made ? offset : offset + edit.start - start, 1]);
      from = edit.end;
    }
    keep(start + length);
    start += length;
  }
  return found;
}
