import { pathKeys } from "../../model/records-path.ts";
import { endOfString } from "./string-end.ts";

const QUOTE = 34;
const COMMA = 44;
const OPENING_LIST = 91;
const CLOSING_LIST = 93;
const OPENING_OBJECT = 123;
const CLOSING_OBJECT = 125;

/** A value inside a text that is known to be JSON, as its source wrote it: every digit, every space. */
export class JsonText {
  readonly #source: string;
  readonly #start: number;
  readonly #end: number;
  #fields: ReadonlyMap<string, JsonText> | undefined;

  constructor(source: string, start = 0, end = source.length) {
    this.#source = source;
    this.#start = start;
    this.#end = end;
  }

  get text(): string {
    return this.#source.slice(this.#start, this.#end);
  }

  /** Characters. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Of an object, by name; of a name given twice, the last, as `JSON.parse` has it. Empty for anything else. */
  fields(): ReadonlyMap<string, JsonText> {
    this.#fields ??= this.#readFields();
    return this.#fields;
  }

  #readFields(): ReadonlyMap<string, JsonText> {
    const fields = new Map<string, JsonText>();
    const source = this.#source;
    let at = skipSpace(source, this.#start);
    if (source.charCodeAt(at) !== OPENING_OBJECT) return fields;
    at = skipSpace(source, at + 1);
    while (source.charCodeAt(at) === QUOTE) {
      const keyEnd = endOfString(source, at);
      const key = source.slice(at + 1, keyEnd);
      const start = skipSpace(source, skipSpace(source, keyEnd + 1) + 1);
      const end = endOfValue(source, start);
      fields.set(key.includes("\\") ? (JSON.parse(`"${key}"`) as string) : key, new JsonText(source, start, end));
      at = afterComma(source, end);
    }
    return fields;
  }

  /** Of a list. Empty for anything else. */
  items(): readonly JsonText[] {
    const items: JsonText[] = [];
    const source = this.#source;
    let at = skipSpace(source, this.#start);
    if (source.charCodeAt(at) !== OPENING_LIST) return items;
    at = skipSpace(source, at + 1);
    while (at < this.#end && source.charCodeAt(at) !== CLOSING_LIST) {
      const end = endOfValue(source, at);
      items.push(new JsonText(source, at, end));
      at = afterComma(source, end);
    }
    return items;
  }

  /** At a dotted path, as `atPath` finds it. */
  at(path: string): JsonText | undefined {
    let found: JsonText | undefined = this;
    for (const key of pathKeys(path)) {
      const list: readonly JsonText[] = found.items();
      found = list.length > 0 && /^(?:0|[1-9]\d*)$/.test(key) ? list[Number(key)] : found.fields().get(key);
      if (!found) return undefined;
    }
    return found;
  }
}

/** Space, tab, line feed, carriage return: what JSON allows between its tokens. */
function isSpace(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

/** Where the next member or item begins, or the bracket that closes. */
function afterComma(text: string, from: number): number {
  const at = skipSpace(text, from);
  return text.charCodeAt(at) === COMMA ? skipSpace(text, at + 1) : at;
}

function endOfValue(text: string, start: number): number {
  const first = text.charCodeAt(start);
  if (first === QUOTE) return endOfString(text, start) + 1;
  if (first === OPENING_OBJECT || first === OPENING_LIST) return endOfBrackets(text, start);
  let at = start;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === COMMA || code === CLOSING_OBJECT || code === CLOSING_LIST || isSpace(code)) break;
  }
  return at;
}

function endOfBrackets(text: string, start: number): number {
  let open = 0;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === OPENING_OBJECT || code === OPENING_LIST) open++;
    else if ((code === CLOSING_OBJECT || code === CLOSING_LIST) && --open === 0) return at + 1;
  }
  return text.length;
}
