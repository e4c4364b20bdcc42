import { UserError } from "../../model/errors.ts";
import type { Assertion, CompiledGraph } from "../../model/graph.ts";
import type { RelationFacts, Verdict } from "../../model/site.ts";
import { type Target, targetKey } from "../../model/target.ts";
import { matching } from "../../plan/select.ts";
import type { Catalogue, Known } from "../../serve/catalogue.ts";
import type { DescribedRelation } from "./described.ts";

/** What is known of a project, and of its database where there is one. */
export interface Facts {
  readonly graph: CompiledGraph;
  readonly catalogue: Catalogue;
  readonly verdicts: ReadonlyMap<string, Verdict>;
  readonly origins: ReadonlyMap<string, string>;
  readonly isRead: boolean;
}

/**
 * The key of what a name means.
 * @throws UserError where it means nothing, or several things
 */
export function keyNamed(name: string, { graph, catalogue }: Pick<Facts, "graph" | "catalogue">): string {
  const tests = graph.actions.filter(({ kind }) => kind === "assertion").map(({ target }) => targetKey(target));
  const keys = [...new Set([...catalogue.relations.map(({ key }) => key), ...tests])];
  const [key, ...others] = matching("describe", name, keys);
  if (!others.length) return key!;
  throw new UserError({
    message: `describe: ${name} names several things`,
    expected: "one of them",
    found: [key, ...others].join(", "),
    hint: "`dataform ls` lists what a pattern means",
  });
}

/** All there is to say of one. Pure. */
export function describeOne(key: string, facts: Facts): DescribedRelation {
  const known = facts.catalogue.relations.find((one) => one.key === key);
  return known ? ofRelation(known, facts) : ofAssertion(assertionsOf(facts.graph).get(key)!, facts);
}

function ofRelation(known: Known, facts: Facts): DescribedRelation {
  const { key, relation, detail, tests } = known;
  const { description, file, endpoints, unitTests } = detail;
  const from = facts.origins.get(key);
  return {
    ...head(key, facts),
    kind: relation.kind,
    ...(facts.isRead && relation.state !== "none" ? { state: relation.state } : {}),
    ...(description ? { description } : {}),
    tags: relation.tags,
    ...(file === undefined ? {} : { file }),
    ...(from === undefined ? {} : { from }),
    columns: columnsOf(known, facts.graph),
    ...neighbours(known.reads, known.readBy, facts),
    readByOthers: detail.facts.readers,
    tests: tests.map(({ name, file: at, description: said, verdict, rows }) => ({
      ...{ name, file: at },
      ...(said === undefined ? {} : { description: said }),
      ...(verdict === undefined ? {} : { verdict }),
      ...(rows === undefined ? {} : { rows }),
    })),
    unitTests: unitTests.map(({ name, file: at }) => ({ name, file: at })),
    ...(endpoints ? { endpoints: endpoints.map(({ path }) => path) } : {}),
    ...(detail.facts.owner === undefined ? {} : { stored: storedOf(detail.facts) }),
    ...lastRun(key, facts),
  };
}

function ofAssertion(action: Assertion, facts: Facts): DescribedRelation {
  const { target, description, tags, file, dependencies } = action;
  return {
    ...head(targetKey(target), facts),
    kind: "assertion",
    ...(description ? { description } : {}),
    ...{ tags, file },
    columns: [],
    ...neighbours(dependencies.map(targetKey), [], facts),
    readByOthers: [],
    tests: [],
    unitTests: [],
    ...lastRun(targetKey(target), facts),
  };
}

/** What is in the database under a name that the project does not know. Pure. */
export function describeForeign(target: Target, found: RelationFacts, environment: string): DescribedRelation {
  const none = { tags: [], reads: [], readBy: [], readByOthers: [], tests: [], unitTests: [] };
  return {
    ...{ version: 1, environment, name: targetKey(target), kind: "foreign" },
    ...(found.comment ? { description: found.comment } : {}),
    ...none,
    columns: found.columns.map(({ name, type, comment, isNotNull }) => ({
      ...{ name, type },
      ...(comment ? { description: comment } : {}),
      ...(isNotNull ? { notNull: true as const } : {}),
      tested: [],
    })),
    stored: storedOf(found.stored),
  };
}

const head = (name: string, { catalogue: { environment } }: Facts) => ({ version: 1 as const, environment, name });

function lastRun(key: string, { verdicts }: Facts): Pick<DescribedRelation, "lastRun"> {
  const verdict = verdicts.get(key);
  return verdict ? { lastRun: verdict } : {};
}

function storedOf(facts: RelationFacts["stored"] & { readonly builtIn?: number }): DescribedRelation["stored"] {
  const { builtIn, rows, bytes, owner, hasPolicies, indexes, grants } = facts;
  return {
    ...(builtIn === undefined ? {} : { builtIn }),
    ...(rows === undefined ? {} : { rows }),
    ...(bytes === undefined ? {} : { bytes }),
    ...(owner === undefined ? {} : { owner }),
    ...(hasPolicies ? { hasPolicies } : {}),
    indexes,
    grants,
  };
}

function assertionsOf({ actions }: CompiledGraph): ReadonlyMap<string, Assertion> {
  const assertions = actions.filter((action): action is Assertion => action.kind === "assertion");
  return new Map(assertions.map((action) => [targetKey(action.target), action]));
}

/** What it reads and what reads it; assertions, which are its tests, are none of these. */
function neighbours(reads: readonly string[], readBy: readonly string[], { graph, catalogue }: Facts) {
  const kinds = new Map<string, DescribedRelation["kind"]>([
    ...graph.actions.map(({ target, kind }) => [targetKey(target), kind === "declaration" ? "source" : kind] as const),
    ...catalogue.relations.map(({ key, relation }) => [key, relation.kind] as const),
  ]);
  const all = (keys: readonly string[]) => keys.map((name) => ({ name, kind: kinds.get(name) ?? "foreign" }));
  return { reads: all(reads), readBy: all(readBy) };
}

function columnsOf({ key, relation, detail }: Known, graph: CompiledGraph): DescribedRelation["columns"] {
  const tested = testedColumns(key, graph);
  return relation.columns.map(([name, type, description], at) => {
    const { tags = [], isKey, isNotNull } = detail.columns[at]!;
    return {
      name,
      ...(type === "" ? {} : { type }),
      ...(description ? { description } : {}),
      ...(tags.length ? { tags } : {}),
      ...(isKey ? { key: true as const } : {}),
      ...(isNotNull ? { notNull: true as const } : {}),
      tested: tested.get(name) ?? [],
    };
  });
}

/** What the assertions of a model's config hold of its columns. */
function testedColumns(key: string, graph: CompiledGraph): ReadonlyMap<string, readonly string[]> {
  const tested = new Map<string, string[]>();
  const note = (column: string, what: string) => tested.set(column, [...(tested.get(column) ?? []), what]);
  for (const { parent, holds, disabled } of assertionsOf(graph).values()) {
    if (disabled || !parent || targetKey(parent) !== key) continue;
    for (const column of holds?.unique ?? []) {
      const others = holds!.unique!.filter((one) => one !== column);
      note(column, others.length ? `unique with ${others.join(", ")}` : "unique");
    }
    for (const column of holds?.neverNull ?? []) note(column, "not null");
  }
  return tested;
}
