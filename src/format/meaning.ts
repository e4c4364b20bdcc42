import type { CompiledGraph } from "../model/graph.ts";
import { targetKey } from "../model/target.ts";
import { meaningful } from "../sql/tokens.ts";

/** What each action and unit test is compiled to, by its file and name: all of it, but for white space and comments of SQL. */
function meanings({ actions, tests }: CompiledGraph): ReadonlyMap<string, { file: string; meaning: string }> {
  const found = new Map<string, { file: string; meaning: string }>();
  for (const action of actions)
    found.set(`${action.file} ${targetKey(action.target)}`, { file: action.file, meaning: meaningOf(action) });
  for (const test of tests) found.set(`${test.file} ${test.name}`, { file: test.file, meaning: meaningOf(test) });
  return found;
}

/** The files whose actions are compiled to another thing, are new or are gone. */
export function filesThatDiffer(before: CompiledGraph, after: CompiledGraph): ReadonlySet<string> {
  const [one, other] = [meanings(before), meanings(after)];
  const keys = [...new Set([...one.keys(), ...other.keys()])];
  const differing = keys.filter((key) => one.get(key)?.meaning !== other.get(key)?.meaning);
  return new Set(differing.map((key) => (one.get(key) ?? other.get(key)!).file));
}

/** Where a mistake stands moves with the lines. */
const PLACES = new Set(["refused", "location", "snippet"]);

function meaningOf(value: unknown): string {
  return JSON.stringify(value, (key, inner: unknown) => {
    if (PLACES.has(key)) return undefined;
    return typeof inner === "string"
      ? meaningful(inner)
          .map(({ text }) => text)
          .join("\u0000")
      : inner;
  });
}
