const LF = 10;
const CR = 13;

/** Counts the line ends in bytes, from front to back: those of LF, of CR, and of CR LF as one. */
export class LineEnds {
  #bytes: Buffer = Buffer.alloc(0);
  /** The first of each at or after the place that was asked for last. */
  #nextLf = -1;
  #nextCr = -1;

  /** Other bytes, from their beginning. */
  begin(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#nextLf = -1;
    this.#nextCr = -1;
  }

  /** @param from no place before the last one that was asked for */
  between(from: number, to: number): number {
    let count = 0;
    if (this.#nextLf < from) this.#nextLf = this.#indexOf(LF, from);
    for (; this.#nextLf < to; this.#nextLf = this.#indexOf(LF, this.#nextLf + 1)) count++;
    if (this.#nextCr < from) this.#nextCr = this.#indexOf(CR, from);
    for (; this.#nextCr < to; this.#nextCr = this.#indexOf(CR, this.#nextCr + 1))
      if (this.#bytes[this.#nextCr + 1] !== LF) count++;
    return count;
  }

  #indexOf(byte: number, from: number): number {
    const found = this.#bytes.indexOf(byte, from);
    return found === -1 ? Number.POSITIVE_INFINITY : found;
  }
}
