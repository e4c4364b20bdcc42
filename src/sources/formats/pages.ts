import type { SourceRecord } from "../json/document.ts";
import { MAX_RECORD_BYTES, type RejectedPiece, type SourcePage } from "../source.ts";

/** Few: what is gone soon costs the garbage collector least. */
const RECORDS_PER_PAGE = 200;
const SIZE_PER_PAGE = 256 * 1024;
/** Characters kept of a piece that is longer than a record may be. */
const HEAD = 1000;

export const TOO_LONG = `is longer than ${MAX_RECORD_BYTES / 1024 / 1024} MB`;

/** Gathers records and rejected pieces into pages of some hundreds, or of about 256 KB. */
export class PageBuilder {
  #records: SourceRecord[] = [];
  #rejected: RejectedPiece[] = [];
  #size = 0;
  #number = 0;

  /** @param size in characters or bytes */
  addRecord(record: SourceRecord, size: number): void {
    this.#records.push(record);
    this.#size += size;
  }

  addRejected(piece: RejectedPiece): void {
    // PostgreSQL cannot store a NUL character.
    this.#rejected.push({ ...piece, text: piece.text.replaceAll("\0", "\ufffd") });
    this.#size += piece.text.length;
  }

  get full(): boolean {
    return this.#records.length + this.#rejected.length >= RECORDS_PER_PAGE || this.#size >= SIZE_PER_PAGE;
  }

  get empty(): boolean {
    return this.#records.length + this.#rejected.length === 0;
  }

  /** The page so far; the builder begins the next. */
  build(): SourcePage {
    const page = { number: ++this.#number, records: this.#records, rejected: this.#rejected };
    this.#records = [];
    this.#rejected = [];
    this.#size = 0;
    return page;
  }
}

/** The beginning of a text that is too long to be kept. */
export function head(text: string): string {
  return text.length > HEAD ? `${text.slice(0, HEAD)}…` : text;
}
