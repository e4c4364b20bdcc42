import { copyCells, copyLine } from "../../postgres/copy.ts";
import type { Line } from "../../sources/formats/lines.ts";
import type { NdjsonCopy } from "./ndjson-copy.ts";

/** Where a record was: its place for people, and in a file where it came from one. */
export interface Place {
  readonly position: string;
  readonly file?: string;
  readonly line?: number | undefined;
  readonly byte?: number | undefined;
}

/** A record that cannot be landed. */
export interface Rejection extends Place {
  readonly rowNo: number;
  readonly reason: string;
  readonly text: string;
}

const BLOCK_BYTES = 1024 * 1024;
const CHUNK_BYTES = 128 * 1024;
/** Of a UTF-16 unit in UTF-8. */
const MAX_CHARACTER_BYTES = 3;
/** Characters of a row's number. */
const MAX_NUMBER = 16;

/** A row of a batch, as it came. */
interface BatchRow {
  readonly rowNo: number;
  readonly place: Place;
  readonly text: string;
}

/**
 * Rows as bytes, outside of the heap: the garbage collector need not carry them. Each row is its line for COPY, without
 * the load's number, and after it its text.
 */
export class RowBatch {
  readonly #free: Buffer[];
  readonly #blocks: Buffer[] = [];
  #used = 0;
  /** Of each row: its block, where it begins, where its text begins, where it ends. */
  #blockOf: number[] = [];
  #start: number[] = [];
  #middle: number[] = [];
  #end: number[] = [];
  #rowNo: number[] = [];
  #place: (Place | number)[] = [];
  #byte: (number | undefined)[] = [];

  /** @param free blocks to use, and where they go back to */
  constructor(free: Buffer[]) {
    this.#free = free;
  }

  get count(): number {
    return this.#rowNo.length;
  }

  /** The number of the last row; 0 where there is none. */
  get lastNo(): number {
    return this.#rowNo.at(-1) ?? 0;
  }

  /** @param place only its line and byte are kept where it has them */
  add(rowNo: number, place: Place, cells: readonly (string | null)[], text: string): number {
    const line = `${rowNo}\t${copyLine(cells)}`;
    const size = line.length + text.length;
    const block = this.#blockFor(size * MAX_CHARACTER_BYTES);
    const start = this.#used;
    const middle = start + block.write(line, start);
    const end = middle + block.write(text, middle);
    this.#keepBytes(start, middle, end);
    this.#keepPlace(rowNo, place.line ?? place, place.byte);
    return size;
  }

  /** A line of JSON that was just accepted. */
  addLine(rowNo: number, { bytes, line, byte }: Line, copy: NdjsonCopy): number {
    const size = MAX_NUMBER + copy.size(bytes) + bytes.length;
    const block = this.#blockFor(size);
    const start = this.#used;
    const middle = copy.write(bytes, block, start + block.write(String(rowNo), start, "latin1"));
    this.#keepBytes(start, middle, middle + bytes.copy(block, middle));
    this.#keepPlace(rowNo, line, byte);
    return size;
  }

  #keepBytes(start: number, middle: number, end: number): void {
    this.#used = end;
    this.#blockOf.push(this.#blocks.length - 1);
    this.#start.push(start);
    this.#middle.push(middle);
    this.#end.push(end);
  }

  #keepPlace(rowNo: number, place: Place | number, byte: number | undefined): void {
    this.#rowNo.push(rowNo);
    this.#place.push(place);
    this.#byte.push(byte);
  }

  #blockFor(bytes: number): Buffer {
    const current = this.#blocks.at(-1);
    if (current && this.#used + bytes <= current.length) return current;
    this.#used = 0;
    const next = bytes <= BLOCK_BYTES ? this.#free.pop() : undefined;
    this.#blocks.push(next ?? Buffer.allocUnsafeSlow(Math.max(bytes, BLOCK_BYTES)));
    return this.#blocks.at(-1)!;
  }

  row(index: number): BatchRow | undefined {
    const place = this.#place[index];
    if (place === undefined) return undefined;
    const byte = this.#byte[index];
    return {
      rowNo: this.#rowNo[index]!,
      place: typeof place === "number" ? { position: `line ${place}`, line: place, byte } : place,
      text: this.#blocks[this.#blockOf[index]!]!.toString("utf8", this.#middle[index], this.#end[index]),
    };
  }

  /** The cells of a row, behind its number. */
  cells(index: number): (string | null)[] {
    const block = this.#blocks[this.#blockOf[index]!]!;
    return copyCells(block.toString("utf8", this.#start[index], this.#middle[index])).slice(1);
  }

  remove(index: number): void {
    for (const list of [this.#blockOf, this.#start, this.#middle, this.#end, this.#rowNo]) list.splice(index, 1);
    this.#place.splice(index, 1);
    this.#byte.splice(index, 1);
  }

  /** The lines for COPY, each behind the prefix. */
  *chunks(prefix: string): Generator<Buffer> {
    const head = Buffer.from(prefix);
    let chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, this.#lineBytes(head.length)));
    let used = 0;
    for (let row = 0; row < this.count; row++) {
      const [start, middle] = [this.#start[row]!, this.#middle[row]!];
      const size = head.length + middle - start + 1;
      if (used + size > chunk.length) {
        if (used) yield chunk.subarray(0, used);
        chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, size));
        used = 0;
      }
      used += head.copy(chunk, used);
      used += this.#blocks[this.#blockOf[row]!]!.copy(chunk, used, start, middle);
      chunk[used++] = 10;
    }
    if (used) yield chunk.subarray(0, used);
  }

  #lineBytes(head: number): number {
    let bytes = 0;
    for (let row = 0; row < this.count && bytes < CHUNK_BYTES; row++)
      bytes += head + this.#middle[row]! - this.#start[row]! + 1;
    return bytes;
  }

  /** Returns the blocks. The batch is empty afterwards. */
  release(): void {
    this.#free.push(...this.#blocks.filter(({ length }) => length === BLOCK_BYTES));
    this.#blocks.length = 0;
  }
}
