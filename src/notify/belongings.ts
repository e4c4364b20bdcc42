import type { Action, CompiledGraph } from "../model/graph.ts";
import type { Trouble } from "../model/notifying.ts";
import type { StepScope } from "../model/schedule.ts";
import type { NamedSelections } from "../model/selection.ts";
import { type Target, targetKey } from "../model/target.ts";
import { asksPast, selectActions } from "../plan/select.ts";

/** Whose several things are. */
interface Owned {
  readonly products: readonly string[];
  readonly tags: readonly string[];
}

/** What of a project is about something: its product and tags. */
export class Belongings {
  readonly #graph: Pick<CompiledGraph, "actions">;
  readonly #actions: ReadonlyMap<string, Action>;
  readonly #sources: readonly string[];
  readonly #named: NamedSelections;

  /**
   * @param sources names of those that are declared: each is a product, too
   * @param named what `selectors.yaml` calls how
   */
  constructor(
    graph: Pick<CompiledGraph, "actions">,
    sources: readonly string[] = [],
    named: NamedSelections = new Map(),
  ) {
    this.#graph = graph;
    this.#actions = new Map(graph.actions.map((action) => [targetKey(action.target), action]));
    this.#sources = sources;
    this.#named = named;
  }

  has(action: string): boolean {
    return this.#actions.has(action);
  }

  /** Folders of definitions/ and sources, and words that actions are tagged with. */
  get named(): Owned {
    const { products, tags } = this.ofAll([...this.#actions.keys()]);
    return { products: sorted([...products, ...this.#sources]), tags };
  }

  of(action: string): Pick<Trouble, "product" | "tags"> {
    const found = this.#actions.get(action);
    const product = found && productOf(found.file);
    return { ...(product ? { product } : {}), ...(found?.tags.length ? { tags: found.tags } : {}) };
  }

  /** @param actions by `schema.name` */
  ofAll(actions: readonly string[]): Owned {
    const all = actions.map((action) => this.of(action));
    return {
      products: sorted(all.flatMap(({ product }) => product ?? [])),
      tags: sorted(all.flatMap(({ tags }) => tags ?? [])),
    };
  }

  /** Of a line of schedules.yaml: whoever waits for any of its steps. */
  ofLine(scopes: readonly StepScope[]): Owned {
    const all = scopes.map(({ sources, actions }) => {
      const landed = sources === null ? this.#sources : (sources ?? []).map((name) => name.split(".")[0]!);
      const { products, tags } = this.ofAll(actions ? this.#selected(actions) : []);
      return { products: [...landed, ...products], tags };
    });
    return { products: sorted(all.flatMap(({ products }) => products)), tags: sorted(all.flatMap(({ tags }) => tags)) };
  }

  /** What the project has no more belongs to nobody; what is asked of the past may be anything. */
  #selected(scope: NonNullable<StepScope["actions"]>): readonly string[] {
    const selection = { ...scope, named: this.#named };
    if (asksPast(selection)) return [...this.#actions.keys()];
    try {
      return [...selectActions(this.#graph, selection)];
    } catch {
      return [];
    }
  }

  /** The model that a guard guards: its name begins with that of the model, and is no action of the project. */
  guarded({ schema, name }: Pick<Target, "schema" | "name">): string | undefined {
    if (this.has(targetKey({ schema, name }))) return undefined;
    const [, model] = /^(.+)_guard_\w+$/.exec(name) ?? [];
    return [...this.#actions.values()]
      .filter(({ target }) => `${target.schema}_${target.name}` === model)
      .map(({ target }) => targetKey(target))[0];
  }
}

function sorted(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort();
}

/** `definitions/<product>/…`, `dashboards/<product>.yaml`. */
function productOf(file: string): string | undefined {
  return /^definitions\/([^/]+)\//.exec(file)?.[1] ?? /^(?:dashboards|serve)\/([^/]+)\.ya?ml$/.exec(file)?.[1];
}
