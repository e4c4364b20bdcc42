import { TextDecoder } from "node:util";
import type { OptionsOf } from "../../model/declarations.ts";
import { nearest } from "../../model/nearest.ts";
import { parseRecordsPath, pathKeys } from "../../model/records-path.ts";
import { childRecords, listText, PlacedRecord, withFields, withinOf } from "../json/children.ts";
import { measureDepth } from "../json/depth.ts";
import { atPath, isObject, type JsonDocument, nameWithDots, parseJson } from "../json/document.ts";
import { ItemScanner, type ScannedItem } from "../json/items.ts";
import type { JsonText } from "../json/text.ts";
import { type FormatReader, MAX_DEPTH, MAX_RECORD_BYTES, type SourcePage } from "../source.ts";
import { decodeBytes } from "./csv/decode.ts";
import { notWhole, unreadable } from "./file-errors.ts";
import { head, PageBuilder, TOO_LONG } from "./pages.ts";

export type JsonOptions = OptionsOf<"json">;

/** Reads one JSON text, however long: the records of a list, of an object, of lists of values, or the one that it is. */
export function readJson(options: JsonOptions, maxRecord = MAX_RECORD_BYTES): FormatReader {
  return options.shape === "object" ? readOne(options, maxRecord) : readItems(options, maxRecord);
}

function readOne({ records: path }: JsonOptions, maxBytes: number): FormatReader {
  return async function* (bytes) {
    const document = documentOf((await textOf(bytes, maxBytes)).trim());
    const value = atPath(document.value, path);
    if (value === undefined) throw nowhere(document.value, path, "an object");
    const page = new PageBuilder();
    addRecord(page, document, value, document.source.at(path)!, "record 1");
    yield page.build();
  };
}

function readItems(options: JsonOptions, maxRecord: number): FormatReader {
  return async function* (bytes) {
    const { list } = parseRecordsPath(options.records);
    const scanner = new ItemScanner(pathKeys(list), options.shape === "map" ? "{" : "[", maxRecord);
    const items = new Items(options);
    for await (const text of textsOf(bytes)) {
      scanner.push(text);
      if (scanner.problem !== undefined) throw unreadable(`the JSON text cannot be read: ${scanner.problem}`);
      yield* items.take(scanner);
    }
    checkAround(scanner, options, list);
    yield* items.take(scanner);
    yield* items.rest();
  };
}

/** Makes records of the items of a list. */
class Items {
  readonly #options: JsonOptions;
  readonly #within: ReturnType<typeof withinOf>;
  readonly #page = new PageBuilder();
  #names: readonly string[] | undefined;
  #count = 0;

  constructor(options: JsonOptions) {
    this.#options = options;
    this.#within = withinOf(options);
    this.#names = options.fields;
  }

  *take(scanner: ItemScanner): Generator<SourcePage> {
    const { items } = scanner;
    scanner.items = [];
    for (const item of items) {
      this.#add(item);
      if (this.#page.full) yield this.#page.build();
    }
  }

  *rest(): Generator<SourcePage> {
    if (!this.#page.empty) yield this.#page.build();
  }

  #add({ text: written, isLong }: ScannedItem): void {
    const text = written.trim();
    const position = `record ${++this.#count}`;
    if (isLong) this.#page.addRejected({ position, reason: TOO_LONG, text: head(text) });
    else if (this.#options.shape === "map") this.#addEntry(documentOf(`{${text}}`), position);
    else if (this.#options.shape === "rows") this.#addRow(documentOf(text), position);
    else this.#addChildren(documentOf(text), position);
  }

  #addEntry({ value, source }: JsonDocument, position: string): void {
    const [[key, one] = ["", undefined]] = Object.entries(value as object);
    const { text } = source.fields().get(key)!;
    const { key: field } = this.#options;
    if (!isObject(one)) this.#reject(position, "is not a JSON object", text);
    else if (field === undefined) this.#addText(text, position);
    else if (Object.hasOwn(one, field) && one[field] !== key)
      this.#reject(
        position,
        `${field}: is a field of the record, too: give the key another name`,
        listText(source.text),
      );
    else
      this.#addText(Object.hasOwn(one, field) ? text : withFields(text, [pair(field, JSON.stringify(key))]), position);
  }

  #addRow({ value, source }: JsonDocument, position: string): void {
    const { text } = source;
    if (!Array.isArray(value)) this.#reject(position, "is not a list of values", text);
    else if (!this.#names) {
      this.#names = headerOf(value);
      this.#count--;
    } else if (value.length !== this.#names.length)
      this.#reject(position, `has ${value.length} values, not ${this.#names.length}`, text);
    else {
      const texts = source.items();
      this.#addText(`{${this.#names.map((name, at) => pair(name, texts[at]!.text)).join(",")}}`, position);
    }
  }

  #addChildren(document: JsonDocument, position: string): void {
    const { source } = document;
    if (!this.#within.children.length || !isObject(document.value))
      addRecord(this.#page, document, document.value, source, position);
    else this.#addChildrenOf(document, position);
  }

  #addChildrenOf(document: JsonDocument, position: string): void {
    for (const child of childRecords({ position, value: document.value, source: document.source }, this.#within)) {
      if ("reason" in child) this.#page.addRejected({ ...child, text: head(child.text) });
      else this.#page.addRecord(child, child.text().length);
    }
  }

  #addText(text: string, position: string): void {
    const document = parseJson(text);
    addRecord(this.#page, document, document.value, document.source, position);
  }

  #reject(position: string, reason: string, text: string): void {
    this.#page.addRejected({ position, reason, text: head(text) });
  }
}

function pair(name: string, text: string): string {
  return `${JSON.stringify(name)}:${text}`;
}

/** @throws UserError for a first row that is none of names */
function headerOf(row: readonly unknown[]): readonly string[] {
  const names = row.filter((name) => typeof name === "string");
  if (names.length === row.length && new Set(names).size === row.length && row.length > 0) return names;
  throw unreadable("the first list has no names for the values of the others", {
    expected: 'a list of texts, no two alike, such as ["id", "name"]',
    found: JSON.stringify(row).slice(0, 200),
    hint: "json.fields names them where no list does",
  });
}

function addRecord(
  page: PageBuilder,
  document: JsonDocument,
  value: unknown,
  source: JsonText,
  position: string,
): void {
  if (isObject(value)) page.addRecord(new PlacedRecord(document, value, source, position), source.text.length);
  else page.addRejected({ position, reason: "is not a JSON object", text: head(source.text) });
}

/** @throws UserError for a text that is cut, no JSON, or has no such list */
function checkAround(scanner: ItemScanner, { shape }: JsonOptions, path: string): void {
  if (scanner.isOpen) throw notWhole("its JSON text does not end");
  const { value } = documentOf(scanner.around);
  const found = atPath(value, path);
  // As an answer of an API, a list that is null is none.
  if (found === null && path !== "") return;
  if (shape === "map" ? isObject(found) : Array.isArray(found)) return;
  throw nowhere(value, path, shape === "map" ? "an object of records" : "a list of records");
}

function nowhere(value: unknown, path: string, wanted: string) {
  const keys = isObject(value) ? Object.keys(value) : [];
  const suggestion = nearest(path, keys);
  const meant = suggestion === undefined ? undefined : `did you mean "${suggestion}"?`;
  const isList = wanted.includes("list");
  throw unreadable(
    path === ""
      ? `the JSON text is not ${isList ? "a list" : wanted}`
      : `there is no ${wanted.replace(/^an? /, "")} at "${path}"`,
    {
      expected: path === "" ? wanted : `${isList ? "a list" : wanted} at "${path}" (json.records)`,
      found: keys.length > 0 ? `the keys ${keys.slice(0, 10).join(", ")}` : "no keys",
      hint: nameWithDots(value, path) ?? meant ?? "json.records says where they are, json.shape how",
    },
  );
}

async function* textsOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    for await (const chunk of decodeBytes(bytes, "utf-8")) yield decoder.decode(chunk, { stream: true });
    yield decoder.decode();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_ENCODING_INVALID_ENCODED_DATA") throw error;
    throw unreadable("the file is not in the encoding utf-8");
  }
}

/** A text that is held as a whole. @throws UserError where it is too long */
async function textOf(bytes: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const { text, isWhole } = await beginningOf(bytes, maxBytes);
  if (isWhole) return text;
  throw unreadable(`the JSON text is longer than ${Math.floor(maxBytes / 1024 / 1024)} MB`, {
    hint: "json.records says where its list of records is, which may be of any length",
  });
}

/** The text, or somewhat more of it than it may have. */
export async function beginningOf(
  bytes: AsyncIterable<Uint8Array>,
  most: number,
): Promise<{ readonly text: string; readonly isWhole: boolean }> {
  let text = "";
  for await (const piece of textsOf(bytes)) {
    text += piece;
    if (text.length > most) return { text, isWhole: false };
  }
  return { text, isWhole: true };
}

export function documentOf(text: string): JsonDocument {
  const { deepest, open } = measureDepth(text);
  if (deepest > MAX_DEPTH) throw unreadable(`the JSON text is nested deeper than ${MAX_DEPTH} levels`);
  try {
    return parseJson(text);
  } catch (cause) {
    const found = (cause as Error).message;
    if (open > 0 || text.trim() === "") throw notWhole("its JSON text does not end", { found, cause });
    throw unreadable("the file is not one JSON text", { found, cause });
  }
}
