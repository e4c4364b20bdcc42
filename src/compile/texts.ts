import type { Action, ActionKind, CompiledGraph, Model } from "../model/graph.ts";
import { targetKey } from "../model/target.ts";

/** The SQL that an author wrote for an action, as it is compiled, once each. */
export interface AuthoredTexts {
  /** Each is one statement that gives rows. */
  readonly queries: readonly string[];
  /** Each is one condition. */
  readonly conditions: readonly string[];
  readonly preOperations: readonly string[];
  readonly postOperations: readonly string[];
  /** Of operations. */
  readonly statements: readonly string[];
}

const NOTHING: AuthoredTexts = { queries: [], conditions: [], preOperations: [], postOperations: [], statements: [] };

function ofModel({ query, preOperations, postOperations }: Model): AuthoredTexts {
  return { ...NOTHING, queries: [query], preOperations, postOperations };
}

const TEXTS: { readonly [K in ActionKind]: (action: Extract<Action, { kind: K }>) => AuthoredTexts } = {
  declaration: () => NOTHING,
  view: ofModel,
  table: ofModel,
  incremental: (model) => ({
    ...NOTHING,
    queries: once(model.query, model.incrementalQuery),
    conditions: model.incrementalWhere === undefined ? [] : [model.incrementalWhere],
    preOperations: once(...model.preOperations, ...model.incrementalPreOperations),
    postOperations: once(...model.postOperations, ...model.incrementalPostOperations),
  }),
  operations: ({ queries }) => ({ ...NOTHING, statements: queries }),
  // What a model's config asks for is made here.
  assertion: ({ query, parent }) => (parent ? NOTHING : { ...NOTHING, queries: [query] }),
  dashboard: ({ panels }) => ({ ...NOTHING, queries: panels.map(({ query }) => query) }),
  api: () => NOTHING,
};

export function textsOf(action: Action): AuthoredTexts {
  return (TEXTS[action.kind] as (action: Action) => AuthoredTexts)(action);
}

/** A text of a project, and whose it is: "marts.orders", "test orders". */
export interface OwnedText {
  readonly file: string;
  readonly whose: string;
  readonly text: string;
}

const known = new WeakMap<CompiledGraph, readonly OwnedText[]>();

/** Every text of a project. Several checks look at all of them. */
export function allTexts(graph: CompiledGraph): readonly OwnedText[] {
  const found = known.get(graph) ?? readTexts(graph);
  known.set(graph, found);
  return found;
}

function readTexts({ actions, tests }: CompiledGraph): readonly OwnedText[] {
  const all: OwnedText[] = [];
  for (const action of actions) {
    const { queries, conditions, preOperations, postOperations, statements } = textsOf(action);
    const whose = targetKey(action.target);
    for (const texts of [queries, conditions, preOperations, postOperations, statements])
      for (const text of texts) all.push({ file: action.file, whose, text });
  }
  for (const { name, file, inputs, expected } of tests)
    for (const text of [...inputs, expected]) all.push({ file, whose: `test ${name}`, text });
  return all;
}

function once(...texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
