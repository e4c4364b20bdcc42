import { atPath } from "./document.ts";
import type { JsonText } from "./text.ts";

/** A field of a child that is what surrounds it has: `../id`. */
export interface ParentField {
  readonly name: string;
  /** How many records further out; 1 is that which holds the child's list. */
  readonly up: number;
  readonly path: string;
}

export function parentFields(parent: Readonly<Record<string, string>> = {}): readonly ParentField[] {
  return Object.entries(parent).map(([name, written]) => {
    const steps = written.split("/");
    return { name, up: steps.length - 1, path: steps.at(-1)! };
  });
}

/** A value with the text that it stands as. */
export interface Node {
  readonly value: unknown;
  readonly source: JsonText;
}

/** A child, or why one of the records around it has none. `place` is where it is in its record: "lines 2". */
export type Child =
  | { readonly place: string; readonly node: Node; readonly around: readonly Node[] }
  | { readonly place: string; readonly problem: string };

/** The records that a record holds at the paths, in their order. A list that is missing or null has none. */
export function* childrenOf(
  node: Node,
  paths: readonly string[],
  around: readonly Node[] = [],
  at = "",
): Generator<Child> {
  const [path, ...deeper] = paths;
  if (path === undefined) {
    yield { place: at, node, around };
    return;
  }
  const list = atPath(node.value, path);
  if (list === undefined || list === null) return;
  if (!Array.isArray(list)) {
    yield { place: at, problem: `${path}: is not a list` };
    return;
  }
  const sources = node.source.at(path)!.items();
  for (const [index, value] of list.entries())
    yield* childrenOf({ value, source: sources[index]! }, deeper, [node, ...around], `${at}, ${path} ${index + 1}`);
}

/** The record's text with fields of those around it; `problem` where it has one of that name itself. */
export function withParents(
  { value, source }: Node,
  around: readonly Node[],
  fields: readonly ParentField[],
): { readonly text: string } | { readonly problem: string } {
  const taken = fields.find(({ name }) => Object.hasOwn(value as object, name));
  if (taken) return { problem: `${taken.name}: is a field of the record, too: give the parent's another name` };
  const added = fields.flatMap(({ name, up, path }) => {
    const text = around[up - 1]?.source.at(path)?.text;
    return text === undefined ? [] : [`${JSON.stringify(name)}:${text}`];
  });
  return { text: withFields(source.text, added) };
}

/** The text of an object with fields before its own. */
export function withFields(object: string, fields: readonly string[]): string {
  const own = object.trim().slice(1, -1).trim();
  return `{${[...fields, ...(own ? [own] : [])].join(",")}}`;
}
