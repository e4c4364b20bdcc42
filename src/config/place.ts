import type { WrittenNumber } from "../model/declarations.ts";
import type { SourceLocation } from "../model/errors.ts";
import type { YamlFile, YamlPath } from "./yaml.ts";

/** Where something stands, as an error tells it. */
export interface Standing {
  readonly location: SourceLocation;
  readonly snippet?: string;
}

/** A value in a file, from which the values below it are found. */
export class Place {
  readonly #yaml: YamlFile;
  readonly path: YamlPath;

  constructor(yaml: YamlFile, path: YamlPath = []) {
    this.#yaml = yaml;
    this.path = path;
  }

  in(...steps: YamlPath): Place {
    return new Place(this.#yaml, [...this.path, ...steps]);
  }

  /** Of the value at these steps; of the nearest enclosing one when there is none. */
  value(...steps: YamlPath): Standing {
    return this.#yaml.locate([...this.path, ...steps]);
  }

  /** Of the value's key. */
  key(...steps: YamlPath): Standing {
    return this.#yaml.locate([...this.path, ...steps], "key");
  }

  /** Numbers in the value that JavaScript cannot hold. */
  bentNumbers(): readonly WrittenNumber[] {
    const depth = this.path.length;
    return this.#yaml
      .bentNumbers()
      .filter(({ path }) => this.path.every((step, index) => path[index] === step))
      .map(({ path, text }) => ({ path: path.slice(depth), text }));
  }

  /** The value as a person wrote it: variables are not filled in, and there are no defaults. */
  written(): unknown {
    return this.path.reduce<unknown>(
      (value, step) => (value as Readonly<Record<string, unknown>> | undefined)?.[step],
      this.#yaml.value,
    );
  }
}
