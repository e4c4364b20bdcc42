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
};

export function textsOf(action: Action): AuthoredTexts {
  return (TEXTS[action.kind] as (action: Action) => AuthoredTexts)(action);
}

/** Every text of a project, with whose it is: "marts.orders", "test orders". */
export function allTexts({ actions, tests }: CompiledGraph) {
  return [
    ...actions.flatMap((action) =>
      Object.values<readonly string[]>({ ...textsOf(action) })
        .flat()
        .map((text) => ({ file: action.file, whose: targetKey(action.target), text })),
    ),
    ...tests.flatMap(({ name, file, inputs, expected }) =>
      [...inputs, expected].map((text) => ({ file, whose: `test ${name}`, text })),
    ),
  ];
}

function once(...texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
