import { MAX_DEPTH, MAX_RECORD_BYTES } from "../source.ts";

/** One value of a list, or one `"key": value` of an object, as the text has it; of a long one its beginning. */
export interface ScannedItem {
  readonly text: string;
  readonly isLong: boolean;
}

/** What surrounds the items is held in memory. */
const MAX_AROUND = 16 * 1024 * 1024;
/** Characters kept of an item that is longer than a record may be. */
const HEAD = 2000;

interface Level {
  readonly isObject: boolean;
  key: string;
  index: number;
  expectsKey: boolean;
}

/**
 * Takes a JSON text piece by piece, and out of it the items of the list or object at a path, in memory for one item. Does not check
 * that items are JSON; what surrounds them is left as a text of its own, in which the list is empty.
 */
export class ItemScanner {
  /** Items that are done; whoever takes them empties the list. */
  items: ScannedItem[] = [];
  /** Why the text cannot be read on. */
  problem: string | undefined;
  readonly #path: readonly string[];
  readonly #opening: string;
  readonly #maxSize: number;
  readonly #levels: Level[] = [];
  /** Brackets that are open from the list on. */
  #inside = 0;
  #count = 0;
  #found = false;
  #item = "";
  #isLong = false;
  #around = "";
  #inString = false;
  #escaped = false;
  /** What of a key was in the pieces before; undefined outside of one. */
  #key: string | undefined;

  /** @param opening the bracket of what holds the items */
  constructor(path: readonly string[], opening: "[" | "{", maxSize = MAX_RECORD_BYTES) {
    this.#path = path;
    this.#opening = opening;
    this.#maxSize = maxSize;
  }

  /** What surrounds the items. */
  get around(): string {
    return this.#around;
  }

  /** Whether brackets or a text are still open. */
  get isOpen(): boolean {
    return this.#inside > 0 || this.#levels.length > 0 || this.#inString;
  }

  push(text: string): void {
    let from = 0;
    let keyFrom = 0;
    for (let at = 0; at < text.length; at++) {
      const sign = text[at]!;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (sign === "\\") this.#escaped = true;
        else if (sign === '"') {
          this.#inString = false;
          if (this.#key !== undefined) this.#endKey(this.#key + text.slice(keyFrom, at + 1));
        }
      } else if (sign === '"') {
        this.#inString = true;
        if (!this.#inside && this.#levels.at(-1)?.expectsKey) {
          this.#key = "";
          keyFrom = at;
        }
      } else if (!SIGNS.has(sign)) continue;
      else if (this.#inside) {
        const ends = this.#signInside(sign);
        if (!ends) continue;
        this.#keep(text.slice(from, at));
        this.#endItem(ends === "list");
        from = ends === "list" ? at : at + 1;
        if (ends === "list") this.#inside = 0;
      } else if (this.#isOpening(sign)) {
        if (this.#found) this.problem ??= "it has two lists of records at one path";
        this.#keep(text.slice(from, at + 1));
        from = at + 1;
        this.#found = true;
        this.#inside = 1;
        this.#count = 0;
      } else this.#signAround(sign);
    }
    this.#keep(text.slice(from));
    if (this.#key !== undefined) this.#key += text.slice(keyFrom);
  }

  #isOpening(sign: string): boolean {
    const levels = this.#levels;
    return (
      sign === this.#opening &&
      // Behind the text itself nothing may follow, which is told when it is parsed.
      !(this.#found && levels.length === 0) &&
      levels.length === this.#path.length &&
      levels.every(({ isObject, key, index }, at) => this.#path[at] === (isObject ? key : String(index)))
    );
  }

  /** Returns what ends with the sign, if something does. */
  #signInside(sign: string): "item" | "list" | undefined {
    if (sign === ",") return this.#inside === 1 ? "item" : undefined;
    if (sign === ":") return undefined;
    if (sign === "[" || sign === "{") {
      this.#inside++;
      this.#checkDepth();
      return undefined;
    }
    if (this.#inside === 1) return "list";
    this.#inside--;
    return undefined;
  }

  #signAround(sign: string): void {
    const level = this.#levels.at(-1);
    if (sign === "[" || sign === "{") {
      this.#levels.push({ isObject: sign === "{", key: "", index: 0, expectsKey: sign === "{" });
      this.#checkDepth();
    } else if (sign === "]" || sign === "}") this.#levels.pop();
    else if (level && sign === ":") level.expectsKey = false;
    else if (level && sign === ",") {
      level.index++;
      level.expectsKey = level.isObject;
    }
  }

  #endKey(text: string): void {
    this.#key = undefined;
    // A text that is none is told when what surrounds the items is parsed.
    const plain = text.slice(1, -1);
    this.#levels.at(-1)!.key = plain.includes("\\") ? unescaped(text) : plain;
  }

  #keep(piece: string): void {
    if (!this.#inside) {
      this.#around += piece;
      if (this.#around.length > MAX_AROUND) this.problem ??= "what surrounds its records is longer than 16 MB";
    } else if (!this.#isLong) {
      this.#item += piece;
      this.#isLong = this.#item.length > this.#maxSize;
      if (this.#isLong) this.#item = this.#item.slice(0, HEAD);
    }
  }

  #endItem(isLast: boolean): void {
    const item = { text: this.#item, isLong: this.#isLong };
    this.#item = "";
    this.#isLong = false;
    if (isLast && this.#count === 0 && item.text.trim() === "") return;
    this.#count++;
    this.items.push(item);
  }

  #checkDepth(): void {
    if (this.#levels.length + this.#inside > MAX_DEPTH) this.problem ??= `it is nested deeper than ${MAX_DEPTH} levels`;
  }
}

const SIGNS = new Set("[]{}:,");

function unescaped(text: string): string {
  try {
    return JSON.parse(text) as string;
  } catch {
    return text;
  }
}
