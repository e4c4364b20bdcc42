import { pathKeys, pathOf } from "../../model/records-path.ts";
import { hasDuplicateKeys } from "./duplicate-keys.ts";
import { JsonText } from "./text.ts";

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
  /** Whether there is a record and nothing in it, as of a key that is gone: no schema is asked. */
  readonly isTombstone?: boolean;
  /** Whether an object of the JSON it stands in gives a key twice: the last one counts. */
  readonly hasDuplicateKeys?: boolean;
}

/** A parsed JSON text, with the text of each of its values as the source wrote it. */
export interface JsonDocument {
  readonly value: unknown;
  readonly source: JsonText;
  /** Whether the numbers in `value` have every digit that the source sent. */
  readonly exact: boolean;
  /** Whether an object in it gives a key twice. */
  readonly hasDuplicateKeys: boolean;
}

/** Long numbers, zeros at the end of a fraction, exponents, -0. May be found in a string: then it only costs time. */
const MAY_CHANGE = /\d[\d.]{15}|[[:,]\s*(?:-0[\s,}\]]|-?\d+(?:\.\d*0[\s,}\]]|(?:\.\d+)?[eE][+-]?\d))/;

/** A value of a document. */
export type JsonPart = Pick<JsonDocument, "value" | "source" | "exact">;

/** `JSON.parse` that keeps numbers as they are written: 12.50, 1e400, 9007199254740993. Throws a SyntaxError as `JSON.parse` does. */
export function parseJson(text: string): JsonDocument {
  const value: unknown = JSON.parse(text);
  let isTwice: boolean | undefined;
  return {
    value,
    source: new JsonText(text),
    exact: !MAY_CHANGE.test(text),
    // Not everybody asks.
    get hasDuplicateKeys() {
      isTwice ??= hasDuplicateKeys(text, value);
      return isTwice;
    },
  };
}

/** One record of a list inside a document. */
export class JsonRecord implements SourceRecord {
  readonly value: unknown;
  readonly exact: boolean;
  readonly hasDuplicateKeys: boolean;
  /** Its text as the source has it. */
  readonly source: JsonText;
  readonly #page: number;
  readonly #index: number;

  constructor(document: JsonDocument, value: unknown, source: JsonText, page = 1, index = 0) {
    this.value = value;
    this.exact = document.exact;
    this.hasDuplicateKeys = document.hasDuplicateKeys;
    this.source = source;
    this.#page = page;
    this.#index = index;
  }

  get position(): string {
    return `page ${this.#page}, record ${this.#index + 1}`;
  }

  text(): string {
    return this.source.text;
  }

  fieldText(name: string): string | undefined {
    return this.source.fields().get(name)?.text;
  }
}

/** The value at a dotted path; undefined where it leads nowhere. "" is the whole. */
export function atPath(value: unknown, path: string): unknown {
  let found = value;
  for (const key of pathKeys(path)) {
    if (found === null || typeof found !== "object" || !Object.hasOwn(found, key)) return undefined;
    found = (found as Record<string, unknown>)[key];
  }
  return found;
}

/** What to write for a path that is the name of one of the keys; undefined for any other path. */
export function nameWithDots(value: unknown, path: string): string | undefined {
  if (!path.includes(".") || !isObject(value) || !Object.hasOwn(value, path)) return undefined;
  return `a dot in a name is written \\.: '${pathOf([path]) ?? path}'`;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
