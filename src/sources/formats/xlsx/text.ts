import { MAX_RECORD_BYTES } from "../../source.ts";
import { unreadable } from "../file-errors.ts";
import { TOO_LONG } from "../pages.ts";

/** Gathers the text of one element, of its parts <t>, without what is only how it is spoken. */
export class TextBuilder {
  #depth = 0;
  #spoken = 0;
  #inText = 0;
  #text = "";

  get active(): boolean {
    return this.#depth > 0;
  }

  begin(): void {
    this.#depth = 1;
    this.#text = "";
  }

  open(name: string): void {
    if (!this.active) return;
    this.#depth++;
    if (name === "rPh") this.#spoken = this.#depth;
    else if (name === "t" && !this.#spoken) this.#inText = this.#depth;
  }

  add(text: string): void {
    if (!this.#inText) return;
    this.#text += text;
    if (this.#text.length > MAX_RECORD_BYTES) throw unreadable(`a text of the workbook ${TOO_LONG}`);
  }

  /** The text, once its element is closed. */
  close(): string | undefined {
    if (!this.active) return undefined;
    if (this.#spoken === this.#depth) this.#spoken = 0;
    if (this.#inText === this.#depth) this.#inText = 0;
    return --this.#depth === 0 ? plainText(this.#text) : undefined;
  }
}

/** Characters that XML cannot hold are written as _x000D_. */
export function plainText(text: string): string {
  return text.includes("_x")
    ? text.replace(/_x([0-9A-Fa-f]{4})_/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    : text;
}
