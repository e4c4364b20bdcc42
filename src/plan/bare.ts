import type { Action, CompiledGraph, ProjectSettings } from "../model/graph.ts";
import { type Target, targetKey } from "../model/target.ts";
import { fingerprint } from "../sql/fingerprint.ts";
import { MARK, reference, referencesIn } from "../sql/references.ts";

/** A name as it is without the suffix and the prefix of an environment. */
export function bareOf(
  { schema, name }: Target,
  { schemaSuffix, tablePrefix }: Pick<ProjectSettings, "schemaSuffix" | "tablePrefix">,
): Target {
  const [after, before] = [`_${schemaSuffix}`, `${tablePrefix}_`];
  return {
    schema: schemaSuffix && schema.endsWith(after) ? schema.slice(0, -after.length) : schema,
    name: tablePrefix && name.startsWith(before) ? name.slice(before.length) : name,
  };
}

/** What an action is in every environment: its name, and the hash of its code. */
export interface Bare {
  readonly name: string;
  readonly code: string;
}

/** By key, each action without the suffix and the prefix that a project is compiled with. Names of declarations have none. */
export function bareActions({
  actions,
  project,
}: {
  readonly actions: CompiledGraph["actions"];
  readonly project?: Pick<ProjectSettings, "schemaSuffix" | "tablePrefix">;
}): ReadonlyMap<string, Bare> {
  const declared = new Set(actions.filter(({ kind }) => kind === "declaration").map(({ target }) => targetKey(target)));
  const bare = (target: Target) => (declared.has(targetKey(target)) ? target : bareOf(target, project ?? {}));
  return new Map(
    actions.map((action) => [
      targetKey(action.target),
      { name: targetKey(bare(action.target)), code: fingerprint(withNames(action, bare) as Action) },
    ]),
  );
}

/** A value in which each target, and each marked name in a text, is another one. */
function withNames(value: unknown, named: (target: Target) => Target): unknown {
  if (typeof value === "string") return value.includes(MARK) ? value.replaceAll(reference, markedBy(named)) : value;
  if (Array.isArray(value)) return value.map((one) => withNames(one, named));
  if (typeof value !== "object" || value === null) return value;
  if (isTarget(value)) return named(value);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withNames(one, named)]));
}

function isTarget(value: object): value is Target {
  const keys = Object.keys(value);
  return keys.length === 2 && keys.includes("schema") && keys.includes("name");
}

function markedBy(named: (target: Target) => Target): (mark: string) => string {
  const quoted = (text: string) => text.replaceAll('"', '""');
  return (mark) => {
    const { schema, name } = named(referencesIn(mark)[0]!);
    return `"${MARK}${quoted(schema)}"."${quoted(name)}"`;
  };
}
