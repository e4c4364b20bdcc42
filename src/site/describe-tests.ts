import type { Assertion } from "../model/graph.ts";
import { isModel } from "../model/graph.ts";
import type { SiteTest, SiteTexts, SiteUnitTest } from "../model/site.ts";
import { targetKey } from "../model/target.ts";
import { inParts, partOf, shownSql } from "./describe-parts.ts";
import type { SiteInput } from "./input.ts";

/** The tests that hold each relation: assertions that read it, or were made of its config. */
export function testsByRelation(input: SiteInput): ReadonlyMap<string, readonly SiteTest[]> {
  const tests = new Map<string, SiteTest[]>();
  const keys = new Map(input.graph.actions.map((one) => [targetKey(one.target), isModel(one) ? one.key : undefined]));
  for (const [place, action] of assertionsOf(input).entries()) {
    const test = ofAssertion(
      action,
      partOf(place),
      input.verdicts,
      action.parent && keys.get(targetKey(action.parent)),
    );
    const held = action.parent ? [action.parent] : action.dependencies;
    for (const key of new Set(held.map(targetKey))) {
      const known = tests.get(key);
      if (known) known.push(test);
      else tests.set(key, [test]);
    }
  }
  return tests;
}

/** The unit tests of each model. */
export function unitTestsByRelation(
  { graph, unitTests }: SiteInput,
  filePartOf: (file: string) => Pick<SiteUnitTest, "filePart">,
): ReadonlyMap<string, readonly SiteUnitTest[]> {
  const found = new Map<string, SiteUnitTest[]>();
  for (const [at, { name, file, tests }] of graph.tests.entries()) {
    if (!tests) continue;
    const test = { name, file, ...unitTests[at], ...filePartOf(file) };
    const known = found.get(targetKey(tests));
    if (known) known.push(test);
    else found.set(targetKey(tests), [test]);
  }
  return found;
}

function assertionsOf({ graph }: SiteInput): readonly Assertion[] {
  return graph.actions.filter((action): action is Assertion => action.kind === "assertion" && !action.disabled);
}

const RULES: Readonly<Record<string, string>> = {
  acceptedValues: "each value is one of those of its config.",
  relationships: "each value is there in the relation that its config names.",
  rowCount: "There are as many rows as its config says.",
};

/** What a test holds, in words: of those that a config asks for nobody wrote any. */
function saidOf({ description, parent, target }: Assertion, key: readonly string[] | undefined) {
  if (description) return { description };
  if (!parent) return {};
  if (/_uniqueKey_0$/.test(target.name) && key?.length) return { description: `One row per ${key.join(", ")}.` };
  if (/_uniqueKey_\d+$/.test(target.name)) return { description: "What its config names as another key is one." };
  const [, rule, column] = /_assertions_(acceptedValues|relationships|rowCount)(?:_(.+))?$/.exec(target.name) ?? [];
  if (rule) return { description: `${column === undefined ? "" : `${column}: `}${RULES[rule]}` };
  return { description: "Each row meets the conditions of its config, and has a value where it says so." };
}

function ofAssertion(
  action: Assertion,
  part: number,
  verdicts: SiteInput["verdicts"],
  key: readonly string[] | undefined,
): SiteTest {
  const verdict = verdicts.get(targetKey(action.target));
  return {
    name: targetKey(action.target),
    file: action.file,
    ...saidOf(action, key),
    ...(verdict ? { verdict: verdict.status } : {}),
    ...(verdict?.rows === undefined ? {} : { rows: verdict.rows }),
    part,
  };
}

/** The queries of the tests, by their names: as many lists as there are parts `tests-<n>`. */
export function testQueries(input: SiteInput): readonly SiteTexts[] {
  return inParts(assertionsOf(input).map(({ target, query }) => [targetKey(target), shownSql(query)] as const));
}
