import type { XmlOptions } from "../../../model/declarations.ts";
import { MAX_DEPTH } from "../../source.ts";
import { unreadable } from "../file-errors.ts";
import { head, type PageBuilder, TOO_LONG } from "../pages.ts";
import { ValueRecord } from "../value-record.ts";
import { type Attributes, createNode, localAttributes, localName, nodeValue, type XmlNode } from "./node.ts";
import { type FieldPath, parseFieldPath, valuesAt } from "./path.ts";
import { Surroundings } from "./surroundings.ts";

/** Where the parser is: characters since the beginning, and the line, from 1. */
export interface XmlPlace {
  readonly position: number;
  readonly line: number;
}

interface OpenRecord {
  readonly root: XmlNode;
  readonly depth: number;
  readonly start: number;
  readonly line: number;
  /** Its open elements, itself the first. */
  readonly nodes: XmlNode[];
  /** It is too long: nothing more of it is kept. */
  full: boolean;
}

/** Makes records of the elements that go by. Holds one record and what surrounds it. */
export class RecordBuilder {
  readonly #names: string[] = [];
  readonly #recordPath: readonly string[];
  readonly #anywhere: boolean;
  readonly #paths: readonly FieldPath[];
  readonly #surroundings: Surroundings;
  readonly #page: PageBuilder;
  readonly #maxSize: number;
  #record: OpenRecord | undefined;
  #count = 0;

  /** @throws UserError for a path that is none. */
  constructor({ record, fields }: XmlOptions, page: PageBuilder, maxSize: number) {
    this.#recordPath = record.split("/").filter(Boolean).map(localName);
    this.#anywhere = !record.includes("/");
    this.#paths = Object.entries(fields).map(([field, path]) => parseFieldPath(field, path));
    const above = this.#paths.filter(({ up }) => up > 0);
    this.#surroundings = new Surroundings(above, maxSize);
    this.#page = page;
    this.#maxSize = maxSize;
  }

  /** @param attributes undefined where there are none */
  open(fullName: string, attributes: Attributes | undefined, place: XmlPlace): void {
    const name = localName(fullName);
    this.#names.push(name);
    if (this.#names.length > MAX_DEPTH)
      throw unreadable(`elements are nested deeper than ${MAX_DEPTH} levels`, { found: `line ${place.line}` });
    const local = attributes && localAttributes(attributes);
    const record = this.#record;
    if (record) {
      if (this.#tooLong(record, place)) return;
      const node = createNode(name, local);
      record.nodes.at(-1)!.children.push(node);
      record.nodes.push(node);
    } else if (this.#isRecord(name)) {
      const root = createNode(name, local);
      const depth = this.#names.length;
      this.#surroundings.begin(depth);
      this.#record = { root, depth, start: place.position, line: place.line, nodes: [root], full: false };
    } else {
      this.#surroundings.open(this.#names, local, place.position);
    }
  }

  text(text: string, place: XmlPlace): void {
    const record = this.#record;
    if (!record) this.#surroundings.text(text);
    else if (!this.#tooLong(record, place)) record.nodes.at(-1)!.text += text;
  }

  close(place: XmlPlace): void {
    const depth = this.#names.length;
    const record = this.#record;
    if (!record) {
      if (this.#surroundings.sizeAt(place.position) > this.#maxSize)
        throw unreadable(`an element that a path with .. leads to ${TOO_LONG}`, { found: `line ${place.line}` });
      this.#surroundings.close(depth, place.position);
    } else if (record.depth === depth) {
      this.#finish(record, place);
      this.#record = undefined;
    } else {
      record.nodes.pop();
    }
    this.#names.pop();
  }

  #isRecord(name: string): boolean {
    const path = this.#recordPath;
    if (path.at(-1) !== name) return false;
    const names = this.#names;
    return this.#anywhere || (names.length === path.length && names.every((one, index) => one === path[index]));
  }

  #tooLong(record: OpenRecord, { position }: XmlPlace): boolean {
    record.full ||= position - record.start > this.#maxSize;
    return record.full;
  }

  #finish(record: OpenRecord, place: XmlPlace): void {
    const { root, depth, line } = record;
    const position = `record ${++this.#count}, line ${line}`;
    const reject = (reason: string, text: string) => this.#page.addRejected({ position, line, reason, text });
    if (this.#tooLong(record, place)) {
      reject(TOO_LONG, head(JSON.stringify(nodeValue(root))));
      return;
    }
    const fields: Record<string, unknown> = Object.create(null);
    for (const path of this.#paths) {
      const values = path.up > 0 ? this.#surroundings.valuesAt(path, depth) : valuesAt(root, path);
      if (values.length > 1 && !path.list) {
        const reason = `${path.field}: ${path.written} occurs more than once (${path.written}[] makes a list)`;
        reject(reason, JSON.stringify(nodeValue(root)));
        return;
      }
      if (values.length > 0) fields[path.field] = path.list ? values : values[0];
    }
    this.#page.addRecord(new ValueRecord(position, fields, line), place.position - record.start);
  }
}
