import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { unreadable } from "../file-errors.ts";
import { readElements } from "../xml/elements.ts";
import { localName } from "../xml/node.ts";
import { TextBuilder } from "./text.ts";
import { MAX_TEXT } from "./workbook.ts";

/** Texts of one page of the file, and characters of it. */
const PAGE_TEXTS = 16;
const PAGE_SIZE = 64 * 1024;
/** Characters. */
const MEMORY = 32 * 1024 * 1024;

interface Page {
  readonly first: number;
  readonly start: number;
  readonly bytes: number;
  readonly size: number;
}

/** The texts that the sheets of a workbook share. They may be more than fits into memory, so pages of them are kept in a file. */
export class SharedStrings {
  readonly #file: number;
  readonly #memory: number;
  readonly #pages: Page[] = [];
  /** The page used last is the last one. */
  readonly #held = new Map<Page, readonly string[]>();
  #heldSize = 0;
  #open: string[] = [];
  #openSize = 0;
  #count = 0;
  #end = 0;

  private constructor(folder: string, memory: number) {
    this.#memory = memory;
    this.#file = openSync(join(folder, "texts"), "wx+", 0o600);
  }

  /**
   * @param folder for the file, which is removed with it
   * @param memory characters of pages that are held
   */
  static async read(bytes: AsyncIterable<Uint8Array>, folder: string, memory = MEMORY): Promise<SharedStrings> {
    const strings = new SharedStrings(folder, memory);
    const text = new TextBuilder();
    const handler = {
      open: (name: string) => {
        if (localName(name) === "si") text.begin();
        else text.open(localName(name));
      },
      text: (value: string) => text.add(value),
      close: () => {
        const whole = text.close();
        if (whole !== undefined) strings.#add(whole);
      },
    };
    try {
      for await (const _ of readElements(bytes, handler, MAX_TEXT)) void _;
      strings.#flush();
    } catch (error) {
      strings.close();
      throw error;
    }
    return strings;
  }

  /** @throws UserError for an index without a text */
  at(index: number): string {
    const page = this.#pageOf(index);
    const text = page && this.#textsOf(page)[index - page.first];
    if (text === undefined)
      throw unreadable("the workbook is damaged: a cell has a shared text that is not there", {
        found: `text ${index}`,
      });
    return text;
  }

  close(): void {
    closeSync(this.#file);
  }

  #add(text: string): void {
    this.#open.push(text);
    this.#openSize += text.length;
    this.#count++;
    if (this.#open.length >= PAGE_TEXTS || this.#openSize >= PAGE_SIZE) this.#flush();
  }

  #flush(): void {
    if (!this.#open.length) return;
    const bytes = Buffer.from(JSON.stringify(this.#open));
    writeSync(this.#file, bytes, 0, bytes.length, this.#end);
    const first = this.#count - this.#open.length;
    this.#pages.push({ first, start: this.#end, bytes: bytes.length, size: this.#openSize });
    this.#end += bytes.length;
    this.#open = [];
    this.#openSize = 0;
  }

  #pageOf(index: number): Page | undefined {
    let low = 0;
    let high = this.#pages.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#pages[middle]!.first <= index) low = middle;
      else high = middle - 1;
    }
    return this.#pages[low];
  }

  #textsOf(page: Page): readonly string[] {
    const held = this.#held.get(page);
    if (held) {
      // Held longest is used longest ago, where there are too many.
      if (this.#heldSize > this.#memory / 2) {
        this.#held.delete(page);
        this.#held.set(page, held);
      }
      return held;
    }
    const bytes = Buffer.alloc(page.bytes);
    readSync(this.#file, bytes, 0, page.bytes, page.start);
    const texts = JSON.parse(bytes.toString()) as string[];
    for (const [oldest] of this.#held) {
      if (this.#heldSize + page.size <= this.#memory) break;
      this.#held.delete(oldest);
      this.#heldSize -= oldest.size;
    }
    this.#held.set(page, texts);
    this.#heldSize += page.size;
    return texts;
  }
}
