import type { Place } from "../config/place.ts";
import type { YamlFile, YamlPath } from "../config/yaml.ts";
import { restated, UserError } from "../model/errors.ts";
import type { Trace, TracePiece } from "../model/graph.ts";
import type { Target } from "../model/target.ts";
import { id } from "../sql/identifiers.ts";
import { MARK } from "../sql/references.ts";
import { empty, type Identifier, join, type Sql, sql } from "../sql/sql.ts";

const BREAK = join([empty, empty], "\n");

/** SQL that is put together of what stands in a YAML: each piece knows where that is. */
export class WrittenSql {
  readonly #yaml: YamlFile;
  readonly #texts: string[] = [];
  readonly #pieces: TracePiece[] = [];

  constructor(yaml: YamlFile) {
    this.#yaml = yaml;
  }

  /** SQL of ours, which is there for what stands at the path. */
  made(text: Sql, path: YamlPath): this {
    return this.#add(text.toString(), this.#yaml.writtenAt(path)[0]![1], 1);
  }

  /** The same as the next line. */
  line(text: Sql, path: YamlPath): this {
    return this.made(sql`${BREAK}${text}`, path);
  }

  /** A part of the text at the path, as it stands there. */
  copied(value: string, path: YamlPath, from = 0, to = value.length): this {
    let start = 0;
    for (const [length, offset, made] of this.#yaml.writtenAt(path)) {
      const [first, last] = [Math.max(start, from), Math.min(start + length, to)];
      if (first < last) this.#add(value.slice(first, last), made ? offset : offset + first - start, made);
      start += length;
    }
    return this;
  }

  /** SQL in place of a part of the text at the path, which begins at `from`. */
  instead(text: Sql, path: YamlPath, from: number): this {
    let start = 0;
    for (const [length, offset, made] of this.#yaml.writtenAt(path)) {
      if (from < start + length) return this.#add(text.toString(), made ? offset : offset + from - start, 1);
      start += length;
    }
    return this.made(text, path);
  }

  #add(text: string, offset: number, made: 0 | 1): this {
    this.#texts.push(text);
    this.#pieces.push([text.length, offset, made]);
    return this;
  }

  get text(): string {
    return this.#texts.join("");
  }

  get trace(): Trace {
    return { file: this.#yaml.file, text: this.text, pieces: this.#pieces };
  }
}

/** The name of a relation for the planner to fill in. */
export function marked({ schema, name }: Target): Identifier {
  return id(`${MARK}${schema}`, name);
}

/** Tells what is wrong with a text at the place where it stands. */
export function telling<Result>(at: Place, work: () => Result, hint = "give it another name"): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw restated(error, { ...at.value(), hint: error.hint ?? hint });
  }
}
