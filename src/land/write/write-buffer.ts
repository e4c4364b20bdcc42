import type { Line } from "../../sources/formats/lines.ts";
import type { NdjsonCopy } from "./ndjson-copy.ts";
import { type Place, type Rejection, RowBatch } from "./row-batch.ts";

/** Where a buffer is written. */
export interface RowWriter {
  /** Returns how many rows landed; the others have been given to `reject`. */
  copyRows(rows: RowBatch, reject: (rejection: Rejection) => void): Promise<number>;
  copyRejections(rejections: readonly Rejection[]): Promise<void>;
}

interface BufferHooks {
  /** Takes a row that the server refused. */
  reject(rejection: Rejection): void;
  /** So many more rows have landed, and none up to number `through` is left. Throws where the load is to end. */
  written(rows: number, through: number): void;
}

/**
 * Rows and rejects of one load on their way to the database. They gather in memory while the source is slow, and are
 * written in one go: a COPY that waits for a web server would hold a snapshot open, and with it every release.
 */
export class WriteBuffer {
  readonly #writer: RowWriter;
  readonly #hooks: BufferHooks;
  readonly #free: Buffer[] = [];
  #rows = new RowBatch(this.#free);
  #rejections: Rejection[] = [];
  #size = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(writer: RowWriter, hooks: BufferHooks) {
    this.#writer = writer;
    this.#hooks = hooks;
  }

  /** Characters in memory. */
  get size(): number {
    return this.#size;
  }

  addRow(rowNo: number, place: Place, cells: readonly (string | null)[], text: string): void {
    this.#size += this.#rows.add(rowNo, place, cells, text);
  }

  /** A line of JSON that was just accepted. */
  addLine(rowNo: number, line: Line, copy: NdjsonCopy): void {
    this.#size += this.#rows.addLine(rowNo, line, copy);
  }

  addRejection(rejection: Rejection): void {
    this.#rejections.push(rejection);
    this.#size += rejection.text.length;
  }

  /** Begins to write what has gathered, and lets the source go on meanwhile. */
  async flushAside(): Promise<void> {
    await this.#writing;
    this.#writing = this.#write();
    // Looked at by the next one who waits for it.
    this.#writing.catch(() => {});
  }

  /** Waits for what is being written. */
  written(): Promise<void> {
    return this.#writing;
  }

  async flush(): Promise<void> {
    await this.#writing;
    await this.#write();
  }

  async flushRejections(): Promise<void> {
    const rejections = this.#rejections;
    this.#rejections = [];
    if (rejections.length) await this.#writer.copyRejections(rejections);
  }

  async #write(): Promise<void> {
    // Rows may go on gathering meanwhile.
    const rows = this.#rows;
    const through = rows.lastNo;
    this.#rows = new RowBatch(this.#free);
    this.#size = 0;
    const landed = rows.count ? await this.#writer.copyRows(rows, (rejection) => this.#hooks.reject(rejection)) : 0;
    rows.release();
    await this.flushRejections();
    this.#hooks.written(landed, through);
  }
}
