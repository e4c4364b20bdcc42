import type { Standing } from "../config/place.ts";
import type { Action } from "../model/graph.ts";
import { nearest } from "../model/nearest.ts";
import { type Target, targetKey } from "../model/target.ts";
import { mistake } from "./mistake.ts";

/** What dashboards and endpoints may read: by the names that the project gives, without suffix and prefix. */
export class ReadableNames {
  readonly #targets: ReadonlyMap<string, Target>;
  readonly #actions: ReadonlyMap<string, Action>;

  /** @param names what each action is called in the project and in the database */
  constructor(actions: readonly Action[], names: ReadonlyMap<string, Target>) {
    this.#actions = new Map(actions.map((action) => [targetKey(action.target), action]));
    this.#targets = names;
  }

  /**
   * The relation that `name` or `schema.name` means.
   * @throws UserError where that is none, or several
   */
  find(written: string, at: Standing): Target {
    const keys = [...this.#targets.keys()];
    const found = this.#targets.has(written)
      ? [written]
      : keys.filter((key) => key.slice(key.indexOf(".") + 1) === written);
    const [key, ...more] = found;
    if (more.length)
      throw mistake({
        message: `${written} is the name of ${found.length} relations`,
        ...at,
        expected: "the name of one: schema.name",
        found: found.join(", "),
        hint: "write its schema, too",
      });
    if (key === undefined) {
      const suggestion =
        nearest(written, keys) ?? keys.find((one) => nearest(written, [one.slice(one.indexOf(".") + 1)]));
      throw mistake({
        message: `there is no relation ${written} in the project`,
        ...at,
        expected: "schema.name of a model, or of a table that the project declares",
        found: written,
        hint: suggestion ? `did you mean ${suggestion}?` : "`dataform compile` lists the actions of the project",
      });
    }
    const target = this.#targets.get(key)!;
    const action = this.#actions.get(targetKey(target));
    if (action?.kind === "assertion" || (action?.kind === "operations" && !action.hasOutput))
      throw mistake({
        message: `${written} has no rows to show: it is of kind ${action.kind}`,
        ...at,
        expected: "a model, a table that the project declares, or operations with hasOutput: true",
        found: `${written}, of kind ${action.kind}`,
        hint: "name a model",
      });
    return target;
  }

  /** What makes the relation. */
  actionOf(target: Target): Action | undefined {
    return this.#actions.get(targetKey(target));
  }

  /** What it says of its columns. */
  columnsOf(target: Target): Action["columns"] {
    return this.actionOf(target)?.columns ?? [];
  }
}
