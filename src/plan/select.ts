import type { Catalog } from "../model/catalog.ts";
import { UserError } from "../model/errors.ts";
import { type Action, type CompiledGraph, runsOf } from "../model/graph.ts";
import { nearest } from "../model/nearest.ts";
import type { KeptPast, NamedSelections, Past } from "../model/selection.ts";
import { targetKey } from "../model/target.ts";
import { bareActions } from "./bare.ts";
import { dependenciesOf, dependentsOf } from "./order.ts";
import { chosenBy, namedBy, needsPast } from "./selectors.ts";

/** Which actions take part: by Dataform's own flags, and by words of dbt's kind. What one of them chooses is chosen. */
export interface Selection {
  /** `orders`, `+tag:daily`, `path:shop,type:table`: selectors.ts says what a word may be. */
  readonly select?: readonly string[];
  /** Not these, of what is chosen, or of everything. */
  readonly exclude?: readonly string[];
  /** What `selector:name` means in these. */
  readonly named?: NamedSelections;
  /** What words of the past are asked of in place of a database. */
  readonly kept?: KeptPast;
  /** Names, `schema.name`, or patterns with `*`. */
  readonly actions?: readonly string[];
  readonly tags?: readonly string[];
  readonly includeDependencies?: boolean;
  readonly includeDependents?: boolean;
}

type Graph = Parameters<typeof chosenBy>[0];

/** The graph, with what words of the past are asked of. */
export function withPast(
  graph: CompiledGraph,
  { manifest, ground }: Pick<Catalog, "manifest" | "ground">,
): CompiledGraph & Pick<Graph, "past"> {
  if (!ground) return graph;
  const published = Object.entries(manifest).map(([key, { fingerprint }]) => [key, fingerprint] as const);
  const done = Object.entries(ground.known).flatMap(([key, { object, code }]) =>
    object === undefined ? [[key, code] as const] : [],
  );
  return { ...graph, past: { code: Object.fromEntries([...done, ...published]), results: ground.results } };
}

/** Where words are only to be understood. */
export const NOTHING_PAST: Past = { code: {}, results: {} };

/** Whether what is chosen is asked of a database. */
export function asksPast({ select, exclude, named, kept }: Selection): boolean {
  return !kept && needsPast([...(select ?? []), ...(exclude ?? [])], named);
}

/** The graph, with what files tell of the past where they are asked. */
function withKept(graph: Graph, { kept }: Selection): Graph {
  if (!kept) return graph;
  const bare = [...bareActions(graph)];
  const byKey = <Value>(kept: Readonly<Record<string, Value>>) =>
    Object.fromEntries(bare.flatMap(([key, { name }]) => (Object.hasOwn(kept, name) ? [[key, kept[name]!]] : [])));
  const now = Object.fromEntries(bare.map(([key, { code }]) => [key, code]));
  return { ...graph, past: { code: byKey(kept.code), results: byKey(kept.results), now } };
}

/** Whether nothing is chosen, so that everything takes part but for what is excluded. */
export function isWhole({ actions, tags, select }: Selection): boolean {
  return !actions?.length && !tags?.length && !select?.length;
}

/** Keys of the selected actions that can be run. Nothing selected means everything that need not be named. */
export function selectActions(graph: Graph, selection: Selection): ReadonlySet<string> {
  const runnable = graph.actions.filter((action) => action.kind !== "declaration" && !action.disabled);
  const chosen = chosenAmong(runnable, graph, selection);
  return isWhole(selection) ? withoutUnnamed(chosen, graph, []) : chosen;
}

/** Keys of the selected actions, declarations and what is disabled among them. */
export function listActions(graph: Graph, selection: Selection): ReadonlySet<string> {
  return chosenAmong(graph.actions, graph, selection);
}

/** Keys of what `exclude` names; none where it names nothing. */
export function excludedActions(graph: Graph, selection: Selection): ReadonlySet<string> {
  return excludedFrom(withKept(graph, selection), selection);
}

function excludedFrom(graph: Graph, { exclude = [], named = NONE }: Selection): ReadonlySet<string> {
  return chosenBy(graph, exclude, asked("--exclude", graph, named));
}

const NONE: NamedSelections = new Map();

function asked(flag: string, graph: Graph, named: NamedSelections) {
  const keys = keysOf(graph.actions);
  return { flag, named, byName: (name: string) => matching(flag, name, keys) };
}

function keysOf(actions: readonly Action[]): readonly string[] {
  return actions.map(({ target }) => targetKey(target));
}

function chosenAmong(among: readonly Action[], given: Graph, selection: Selection): ReadonlySet<string> {
  const graph = withKept(given, selection);
  const excluded = excludedFrom(graph, selection);
  const chosen = isWhole(selection)
    ? new Set(keysOf(among))
    : withoutUnnamed(selectedBy(among, graph, selection), graph, namedIn(graph, selection));
  return new Set(keysOf(among).filter((key) => chosen.has(key) && !excluded.has(key)));
}

/** What runs when it is named, at the start or at the end of runs is chosen by its name alone. */
function withoutUnnamed(
  chosen: ReadonlySet<string>,
  { actions }: Graph,
  named: readonly string[],
): ReadonlySet<string> {
  const apart = new Set(keysOf(actions.filter((action) => runsOf(action) !== undefined)));
  for (const key of named) apart.delete(key);
  return apart.size ? new Set([...chosen].filter((key) => !apart.has(key))) : chosen;
}

function namedIn(graph: Graph, { actions = [], select = [], named = NONE }: Selection): readonly string[] {
  const keys = keysOf(graph.actions);
  const exact = actions.filter((pattern) => !/[*?]/.test(pattern));
  return [
    ...exact.flatMap((name) => matching("--actions", name, keys)),
    ...namedBy(graph, select, asked("--select", graph, named)),
  ];
}

function selectedBy(runnable: readonly Action[], graph: Graph, selection: Selection): ReadonlySet<string> {
  const keys = keysOf(runnable);
  const { actions = [], tags = [], select = [], named = NONE } = selection;
  const selected = new Set([
    ...actions.flatMap((pattern) => matching("--actions", pattern, keys)),
    ...chosenBy(graph, select, asked("--select", graph, named)),
  ]);
  checkTags(graph, tags);
  for (const action of runnable) {
    if (action.tags.some((tag) => tags.includes(tag))) selected.add(targetKey(action.target));
  }
  const roots = [...selected];
  if (selection.includeDependencies) for (const key of dependenciesOf(graph.actions, roots)) selected.add(key);
  if (selection.includeDependents) for (const key of dependentsOf(graph.actions, roots)) selected.add(key);
  return selected;
}

/**
 * The keys that a name, `schema.name` or a pattern with `*` means.
 * @throws UserError where it means none
 */
export function matching(
  flag: string,
  pattern: string,
  keys: readonly string[],
  advice = "`dataform compile` lists the actions of the project",
): string[] {
  const expression = new RegExp(
    `^${pattern
      .replace(/[.+?^${}()|[\]\\]/g, "\\$&")
      .replaceAll("\\?", "[^.]")
      .replaceAll("*", pattern.includes(".") ? ".*" : "[^.]*")}$`,
  );
  const found = keys.filter((key) => expression.test(key) || expression.test(key.slice(key.indexOf(".") + 1)));
  if (found.length > 1 && !/[*?]/.test(pattern)) refuseAmbiguous(flag, pattern, found);
  if (found.length) return found;
  const suggestion = nearest(pattern, keys) ?? keys.find((key) => nearest(pattern, [key.slice(key.indexOf(".") + 1)]));
  throw new UserError({
    message: `${flag}: nothing is named ${pattern}`,
    expected: "a name, schema.name or a pattern with *",
    found: pattern,
    hint: suggestion ? `did you mean ${suggestion}?` : advice,
  });
}

/** A whole name is no doubt. */
function refuseAmbiguous(flag: string, name: string, found: readonly string[]): void {
  if (found.includes(name)) return;
  throw new UserError({
    message: `${flag}: ${name} names several things`,
    expected: "one of them by schema.name, or all of them by a pattern",
    found: found.join(", "),
    hint: `say which: ${found[0]}; all of them are *.${name}`,
  });
}

function checkTags(graph: Pick<CompiledGraph, "actions">, tags: readonly string[]): void {
  const known = new Set(graph.actions.flatMap((action) => action.tags));
  for (const tag of tags) {
    if (known.has(tag)) continue;
    const suggestion = nearest(tag, known);
    throw new UserError({
      message: `--tags: no action has the tag ${tag}`,
      expected: [...known].sort().join(", ") || "a tag (the project has none)",
      found: tag,
      ...(suggestion ? { hint: `did you mean ${suggestion}?` } : {}),
    });
  }
}
