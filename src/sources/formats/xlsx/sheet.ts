import type { CellRange } from "../../../model/cell-range.ts";
import type { ElementHandler } from "../xml/elements.ts";
import { type Attributes, localAttributes, localName } from "../xml/node.ts";
import { type Cell, columnOf, rowOf } from "./cells.ts";
import { type NumberKind, serialText } from "./dates.ts";
import { numberText } from "./numbers.ts";
import type { SharedStrings } from "./strings.ts";
import { plainText, TextBuilder } from "./text.ts";

/** A row with its cells, the first that of the range's first column. */
export interface Row {
  /** As the sheet counts it, from 1. */
  readonly number: number;
  readonly cells: readonly Cell[];
}

/** What the cells of a sheet refer to. */
export interface CellMeaning {
  readonly strings: Pick<SharedStrings, "at">;
  readonly kinds: readonly NumberKind[];
  readonly from1904: boolean;
}

const NOT_COMPUTED = "a formula without a stored value";

/** Makes rows of the elements of a sheet; those without a cell are left out. */
export class SheetRows implements ElementHandler {
  /** Rows that are done; whoever takes them empties the list. */
  rows: Row[] = [];
  /** Merged ranges, of which only the first cell has a value. */
  merged = 0;
  readonly #meaning: CellMeaning;
  readonly #range: CellRange;
  readonly #names: string[] = [];
  readonly #inline = new TextBuilder();
  #row = 0;
  #column = -1;
  #cells: Cell[] = [];
  #type = "n";
  #style = 0;
  #value = "";
  #inlineText: string | undefined;
  #hasFormula = false;

  constructor(meaning: CellMeaning, range: CellRange) {
    this.#meaning = meaning;
    this.#range = range;
  }

  open(fullName: string, given: Attributes | undefined): void {
    const name = localName(fullName);
    this.#names.push(name);
    if (this.#inline.active) this.#inline.open(name);
    else if (name === "c") this.#beginCell(given ?? {});
    else if (name === "row") this.#beginRow(given && localAttributes(given));
    else if (name === "f") this.#hasFormula = true;
    else if (name === "is") this.#inline.begin();
    else if (name === "mergeCell") this.merged++;
  }

  text(text: string): void {
    if (this.#inline.active) this.#inline.add(text);
    else if (this.#names.at(-1) === "v") this.#value += text;
  }

  close(): void {
    const name = this.#names.pop();
    if (this.#inline.active) {
      const text = this.#inline.close();
      if (text !== undefined) this.#inlineText = text;
    } else if (name === "c") this.#endCell();
    else if (name === "row" && this.#cells.length) {
      this.rows.push({ number: this.#row, cells: this.#cells });
      this.#cells = [];
    }
  }

  #beginRow(attributes: Attributes | undefined): void {
    this.#row = attributes?.r === undefined ? this.#row + 1 : rowOf(attributes.r);
    this.#column = -1;
    this.#cells = [];
  }

  #beginCell({ r, t = "n", s }: Attributes): void {
    this.#column = r === undefined ? this.#column + 1 : columnOf(r);
    this.#type = t;
    this.#style = s === undefined ? 0 : Number(s);
    this.#value = "";
    this.#inlineText = undefined;
    this.#hasFormula = false;
  }

  #endCell(): void {
    const { firstRow, lastRow, firstColumn, lastColumn } = this.#range;
    if (this.#row < firstRow || this.#row > lastRow || this.#column < firstColumn || this.#column > lastColumn) return;
    const cell = this.#cell();
    if (cell === null) return;
    const at = this.#column - firstColumn;
    while (this.#cells.length < at) this.#cells.push(null);
    this.#cells[at] = cell;
  }

  /** A text without a character is no value: what looks empty is. */
  #cell(): Cell {
    const value = this.#value;
    switch (this.#type) {
      case "inlineStr":
        return this.#inlineText || null;
      case "str":
        return plainText(value) || null;
      case "s":
        return value === "" ? null : this.#meaning.strings.at(Number(value)) || null;
      case "b":
        return value === "" ? this.#nothing() : value.trim() === "1" || value.trim() === "true";
      case "e":
        return { error: value };
      case "d":
        return value.replace(/T00:00:00(?:\.0+)?$/, "") || null;
      default:
        return value === "" ? this.#nothing() : this.#number(value);
    }
  }

  #nothing(): Cell {
    return this.#hasFormula ? { error: NOT_COMPUTED } : null;
  }

  #number(value: string): Cell {
    const number = numberText(value);
    if (number === undefined) return { error: "no number" };
    const kind = this.#meaning.kinds[this.#style] ?? "number";
    const date = kind === "number" ? undefined : serialText(Number(value), kind, this.#meaning.from1904);
    return date ?? { number };
  }
}
