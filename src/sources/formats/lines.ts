/** One line of a file, without its line end. */
export interface Line {
  /** Only the beginning, where the line is too long. Valid until the next chunk is pushed. */
  readonly bytes: Buffer;
  /** Counts from 1. */
  readonly line: number;
  /** Of the line's first byte. */
  readonly byte: number;
  readonly tooLong: boolean;
  /** False for a last line that the file ends in. */
  readonly terminated: boolean;
  /** True for a last line that the file ends in between the CR and the LF that end the others. */
  readonly cutInLineEnd: boolean;
}

const LF = 10;
const CR = 13;
/** Bytes kept of a line that is too long. */
const HEAD_BYTES = 4000;

/** Cuts bytes into lines that end with LF or CR LF. Holds one line at most, and of a line that is too long its beginning. */
export class LineSplitter {
  readonly #maxBytes: number;
  /** The line that is still open, in pieces, so that a long one is put together only once. */
  #pieces: Buffer[] = [];
  #length = 0;
  #line = 1;
  /** Of the first byte of the open line. */
  #byte = 0;
  /** Whether every line so far ended with CR LF; undefined before the first one. */
  #isCrLf: boolean | undefined;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  *push(chunk: Uint8Array): Generator<Line> {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let end = buffer.indexOf(LF); end !== -1; end = buffer.indexOf(LF, start)) {
      const piece = buffer.subarray(start, end);
      yield this.#length === 0 ? this.#lineOf(piece, piece.length) : this.#close(piece);
      this.#byte++;
      start = end + 1;
    }
    if (start < buffer.length) this.#keep(buffer.subarray(start));
  }

  /** The last line, where the file ends without a line end. */
  *end(): Generator<Line> {
    const wasCrLf = this.#isCrLf === true;
    if (this.#length > 0)
      yield { ...this.#close(Buffer.alloc(0)), terminated: false, cutInLineEnd: wasCrLf && this.#isCrLf === true };
  }

  #keep(piece: Buffer): void {
    // A copy: whoever sent the chunk may use it again.
    if (this.#length <= this.#maxBytes) this.#pieces.push(Buffer.from(piece));
    this.#length += piece.length;
    if (this.#length > this.#maxBytes && this.#pieces.length > 0)
      this.#pieces = [Buffer.from(Buffer.concat(this.#pieces).subarray(0, HEAD_BYTES))];
  }

  #close(piece: Buffer): Line {
    this.#keep(piece);
    const line = this.#lineOf(Buffer.concat(this.#pieces), this.#length);
    this.#pieces = [];
    this.#length = 0;
    return line;
  }

  #lineOf(bytes: Buffer, length: number): Line {
    const tooLong = length > this.#maxBytes;
    const endsInCr = bytes.at(-1) === CR && !tooLong;
    this.#isCrLf = endsInCr && this.#isCrLf !== false;
    const end = endsInCr ? bytes.length - 1 : bytes.length;
    const line = {
      bytes: bytes.subarray(0, tooLong ? Math.min(end, HEAD_BYTES) : end),
      line: this.#line++,
      byte: this.#byte,
      tooLong,
      terminated: true,
      cutInLineEnd: false,
    };
    this.#byte += length;
    return line;
  }
}
