import { hasTwinKeys } from "./twins.ts";

/** A record as the source sent it. Numbers keep every digit in the texts, which `value` cannot promise. */
export interface SourceRecord {
  /** Where the source had it, for people: "page 3, record 17". */
  readonly position: string;
  /** As `JSON.parse` gives it, for checking its shape. */
  readonly value: unknown;
  /** The whole record as JSON. */
  text(): string;
  /** One field as JSON; undefined where the record has no such field. */
  fieldText(name: string): string | undefined;
  /** Whether the numbers in `value` have every digit that the source sent. */
  readonly exact?: boolean;
  /** Whether the fields are texts, as in CSV, which land as they are; `fieldText` gives those of columns without quotes. */
  readonly hasTexts?: boolean;
  /** Whether an object of the JSON it stands in gives a key twice: the last one counts. */
  readonly hasTwins?: boolean;
}

/** A parsed JSON text that can be written back without losing digits. */
export interface JsonDocument {
  readonly value: unknown;
  /** The same tree with the numbers that JavaScript would write otherwise as marked strings; the same object when there are none. */
  readonly exact: unknown;
  /** Whether an object in it gives a key twice. */
  readonly hasTwins: boolean;
  stringify(exact: unknown): string;
}

/** Long numbers, zeros at the end of a fraction, exponents, -0. May be found in a string: then it only costs time. */
const MAY_CHANGE = /\d[\d.]{15}|[[:,]\s*(?:-0[\s,}\]]|-?\d+(?:\.\d*0[\s,}\]]|(?:\.\d+)?[eE][+-]?\d))/;
/** A string, skipped as a whole, or such a number. */
const STRING_OR_NUMBER =
  /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?[eE][+-]?\d+|-?\d+\.\d*0(?!\d)|-?\d[\d.]{15,}|-0(?![\d.])/g;

const QUOTE = 34;

/** `JSON.parse` that keeps numbers as they are written: 12.50, 1e400, 9007199254740993. Throws a SyntaxError as `JSON.parse` does. */
export function parseJson(text: string): JsonDocument {
  const value: unknown = JSON.parse(text);
  const hasTwins = hasTwinKeys(text, value);
  const plain: JsonDocument = { value, exact: value, hasTwins, stringify: (exact) => JSON.stringify(exact) };
  if (!MAY_CHANGE.test(text)) return plain;
  const mark = unusedMark(JSON.stringify(value));
  let found = false;
  const marked = text.replace(STRING_OR_NUMBER, (token) => {
    if (token.charCodeAt(0) === QUOTE || String(Number(token)) === token) return token;
    found = true;
    return `"${mark}${token}"`;
  });
  if (!found) return plain;
  const restore = new RegExp(`"${mark}([^"]*)"`, "g");
  const stringify = (exact: unknown) => {
    if (typeof exact === "number") return String(exact);
    if (typeof exact === "string") return exact.startsWith(mark) ? exact.slice(mark.length) : JSON.stringify(exact);
    const json = JSON.stringify(exact);
    return json.includes(mark) ? json.replace(restore, "$1") : json;
  };
  return { value, exact: JSON.parse(marked), hasTwins, stringify };
}

/** A word that no string of the document contains, escapes undone, so that no string of the source can pass for a number. */
function unusedMark(text: string): string {
  for (let number = 0; ; number++) {
    const mark = `number${number}:`;
    if (!text.includes(mark)) return mark;
  }
}

/** One record of a list inside a document. */
export class JsonRecord implements SourceRecord {
  readonly value: unknown;
  readonly #document: JsonDocument;
  readonly #exact: unknown;
  readonly #page: number;
  readonly #index: number;

  constructor(document: JsonDocument, value: unknown, exact: unknown, page: number, index: number) {
    this.value = value;
    this.#document = document;
    this.#exact = exact;
    this.#page = page;
    this.#index = index;
  }

  get exact(): boolean {
    return this.#exact === this.value;
  }

  get hasTwins(): boolean {
    return this.#document.hasTwins;
  }

  get position(): string {
    return `page ${this.#page}, record ${this.#index + 1}`;
  }

  text(): string {
    return this.#document.stringify(this.#exact);
  }

  fieldText(name: string): string | undefined {
    const record = this.#exact as Record<string, unknown>;
    return Object.hasOwn(record, name) ? this.#document.stringify(record[name]) : undefined;
  }
}

/** The value at a dotted path; undefined where it leads nowhere. "" is the whole. */
export function atPath(value: unknown, path: string): unknown {
  let found = value;
  for (const key of path === "" ? [] : path.split(".")) {
    if (found === null || typeof found !== "object" || !Object.hasOwn(found, key)) return undefined;
    found = (found as Record<string, unknown>)[key];
  }
  return found;
}
