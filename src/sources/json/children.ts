import { parseRecordsPath } from "../../model/records-path.ts";
import type { RejectedPiece, SourcePage } from "../source.ts";
import { atPath, isObject, type JsonDocument, JsonRecord, parseJson } from "./document.ts";
import type { JsonText } from "./text.ts";

/** A field of a child that is what surrounds it has: `../id`. */
interface ParentField {
  readonly name: string;
  /** How many records further out; 1 is that which holds the child's list. */
  readonly up: number;
  readonly path: string;
}

function parentFields(parent: Readonly<Record<string, string>> = {}): readonly ParentField[] {
  return Object.entries(parent).map(([name, written]) => {
    const steps = written.split("/");
    return { name, up: steps.length - 1, path: steps.at(-1)! };
  });
}

/** A value with the text that it stands as. */
interface Node {
  readonly value: unknown;
  readonly source: JsonText;
}

/** A child, or why one of the records around it has none. `place` is where it is in its record: "lines 2". */
type Child =
  | { readonly place: string; readonly node: Node; readonly around: readonly Node[] }
  | { readonly place: string; readonly problem: string };

/** The records that a record holds at the paths, in their order. A list that is missing or null has none. */
function* childrenOf(node: Node, paths: readonly string[], around: readonly Node[] = [], at = ""): Generator<Child> {
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

/** The record's text with fields of those around it; `problem` where it has one of that name itself, and both as a list. */
function withParents(
  { value, source }: Node,
  around: readonly Node[],
  fields: readonly ParentField[],
): { readonly text: string; readonly problem?: string } {
  const taken = fields.find(({ name }) => Object.hasOwn(value as object, name));
  const added = fields.flatMap(({ name, up, path }) => {
    const text = around[up - 1]?.source.at(path)?.text;
    return text === undefined ? [] : [`${JSON.stringify(name)}:${text}`];
  });
  if (!taken) return { text: withFields(source.text, added) };
  const problem = `${taken.name}: is a field of the record, too: give the parent's another name`;
  return { problem, text: listText(withFields("{}", added), source.text) };
}

/** A list, so that what is no record of its own is none when it is tried again. */
export function listText(...texts: readonly string[]): string {
  return `[${texts.join(",")}]`;
}

/** The text of an object with fields before its own. */
export function withFields(object: string, fields: readonly string[]): string {
  const own = object.trim().slice(1, -1).trim();
  return `{${[...fields, ...(own ? [own] : [])].join(",")}}`;
}

/** Which records of a list's records are meant, and what they get of those around them. */
interface Within {
  readonly children: readonly string[];
  readonly parents: readonly ParentField[];
}

export function withinOf({ records, parent }: WithinOptions): Within {
  return { children: parseRecordsPath(records).children, parents: parentFields(parent) };
}

interface WithinOptions {
  readonly records: string;
  readonly parent?: Readonly<Record<string, string>>;
}

/** The records of a page, or those that they hold. */
export function recordsWithin(
  records: readonly JsonRecord[],
  options: WithinOptions,
): Pick<SourcePage, "records" | "rejected"> {
  const within = withinOf(options);
  if (!within.children.length) return { records };
  const found = records.flatMap((record) => [...childRecords(record, within)]);
  return {
    records: found.filter((one): one is PlacedRecord => !("reason" in one)),
    rejected: found.filter((one): one is RejectedPiece => "reason" in one),
  };
}

/** The records that a record holds, and what is none. */
export function* childRecords(
  record: Node & { readonly position: string },
  { children, parents }: Within,
): Generator<PlacedRecord | RejectedPiece> {
  if (!isObject(record.value)) {
    yield { position: record.position, reason: "is not a JSON object", text: record.source.text };
    return;
  }
  for (const child of childrenOf(record, children)) {
    const position = record.position + child.place;
    if ("problem" in child) yield { position, reason: child.problem, text: listText(record.source.text) };
    else if (!isObject(child.node.value))
      yield { position, reason: "is not a JSON object", text: child.node.source.text };
    else {
      const { text, problem } = withParents(child.node, child.around, parents);
      yield problem === undefined ? placed(parseJson(text), position) : { position, reason: problem, text };
    }
  }
}

function placed(document: JsonDocument, position: string): PlacedRecord {
  return new PlacedRecord(document, document.value, document.source, position);
}

/** A record that says itself where it was. */
export class PlacedRecord extends JsonRecord {
  readonly #position: string;

  constructor(document: JsonDocument, value: unknown, source: JsonText, position: string) {
    super(document, value, source);
    this.#position = position;
  }

  override get position(): string {
    return this.#position;
  }
}
