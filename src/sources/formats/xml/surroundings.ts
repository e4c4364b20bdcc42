import { unreadable } from "../file-errors.ts";
import { TOO_LONG } from "../pages.ts";
import { type Attributes, createNode, nodeValue, type XmlNode } from "./node.ts";
import { elementValue, type FieldPath } from "./path.ts";

/** What an open element knows for the records below it. */
interface Scope {
  readonly values: Map<FieldPath, unknown[]>;
  /** Levels at which records have begun below it. */
  readonly begun: Set<number>;
  size: number;
}

interface Capture {
  readonly path: FieldPath;
  readonly scope: number;
  readonly depth: number;
  readonly node: XmlNode;
  readonly position: number;
}

/** Keeps the values of ".." paths while their element is open. Depths count from 1, the root's. */
export class Surroundings {
  readonly #byName = new Map<string, FieldPath[]>();
  readonly #ofAnything: FieldPath[] = [];
  readonly #levels: ReadonlySet<number>;
  readonly #maxSize: number;
  readonly #scopes: (Scope | undefined)[] = [];
  /** Elements that are being kept, the outermost first; an inner one is part of an outer one. */
  #captures: Capture[] = [];
  readonly #nodes: XmlNode[] = [];

  constructor(paths: readonly FieldPath[], maxSize: number) {
    for (const path of paths) {
      const last = path.steps.at(-1);
      if (last === undefined) this.#ofAnything.push(path);
      else this.#byName.set(last, [...(this.#byName.get(last) ?? []), path]);
    }
    this.#levels = new Set(paths.map(({ up }) => up));
    this.#maxSize = maxSize;
  }

  /** An element outside of records. `names` are those of all open elements, its own the last. */
  open(names: readonly string[], attributes: Attributes | undefined, position: number): void {
    const depth = names.length;
    const node = this.#nodes.length > 0 ? this.#enter(names.at(-1)!, attributes) : undefined;
    for (const path of this.#ofAnything) this.#keepAttribute(path, depth, attributes);
    for (const path of this.#byName.get(names.at(-1)!) ?? []) {
      const scope = depth - path.steps.length;
      if (scope < 1 || !path.steps.every((step, index) => names[scope + index] === step)) continue;
      if (path.attribute !== undefined) this.#keepAttribute(path, scope, attributes);
      else
        this.#captures.push({
          path,
          scope,
          depth,
          node: node ?? this.#nodes.at(-1) ?? this.#enter(names.at(-1)!, attributes),
          position,
        });
    }
  }

  text(text: string): void {
    const node = this.#nodes.at(-1);
    if (node) node.text += text;
  }

  close(depth: number, position: number): void {
    this.#nodes.pop();
    while (this.#captures.at(-1)?.depth === depth) {
      const { path, scope, node, position: start } = this.#captures.pop()!;
      this.#keep(path, scope, path.list ? nodeValue(node) : elementValue(node), position - start);
    }
    this.#scopes.length = Math.min(this.#scopes.length, depth);
  }

  /** A record begins. */
  begin(depth: number): void {
    const outer = this.#captures[0];
    if (outer)
      throw unreadable(`the field "${outer.path.field}" (${outer.path.written}) holds the records themselves`, {
        hint: "let the path lead to what comes before the records",
      });
    for (const level of this.#levels) if (depth - level >= 1) this.#scope(depth - level).begun.add(level);
  }

  /** The values of a ".." path for a record at this depth. */
  valuesAt(path: FieldPath, depth: number): readonly unknown[] {
    return this.#scopes[depth - path.up]?.values.get(path) ?? [];
  }

  /** Characters of what is being kept now. */
  sizeAt(position: number): number {
    return this.#captures.length > 0 ? position - this.#captures[0]!.position : 0;
  }

  #enter(name: string, attributes: Attributes | undefined): XmlNode {
    const node = createNode(name, attributes);
    this.#nodes.at(-1)?.children.push(node);
    this.#nodes.push(node);
    return node;
  }

  #keepAttribute(path: FieldPath, scope: number, attributes: Attributes | undefined): void {
    const value = attributes?.[path.attribute!];
    if (value !== undefined) this.#keep(path, scope, value, value.length + 8);
  }

  #keep(path: FieldPath, depth: number, value: unknown, size: number): void {
    const scope = this.#scope(depth);
    if (scope.begun.has(path.up))
      throw unreadable(`${path.written} comes after records that it belongs to (field "${path.field}")`, {
        expected: "what a path with .. leads to stands before the first record",
        hint: "leave the field out, or take a larger element as the record",
      });
    scope.size += size;
    if (scope.size > this.#maxSize) throw unreadable(`what ${path.written} leads to ${TOO_LONG}`);
    const values = scope.values.get(path);
    if (values) values.push(value);
    else scope.values.set(path, [value]);
  }

  #scope(depth: number): Scope {
    let scope = this.#scopes[depth];
    if (!scope) {
      scope = { values: new Map(), begun: new Set(), size: 0 };
      this.#scopes[depth] = scope;
    }
    return scope;
  }
}
