/** Reads exactly so many bytes at a time from chunks of any size. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #cut: () => Error;
  #rest: Uint8Array = new Uint8Array(0);

  /** `cut` makes the error for bytes that end too early. */
  constructor(bytes: AsyncIterable<Uint8Array>, cut: () => Error) {
    this.#chunks = bytes[Symbol.asyncIterator]();
    this.#cut = cut;
  }

  async atEnd(): Promise<boolean> {
    while (this.#rest.byteLength === 0) {
      const next = await this.#chunks.next();
      if (next.done) return true;
      this.#rest = next.value;
    }
    return false;
  }

  async read(count: number): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for (let left = count; left > 0; left -= parts.at(-1)!.byteLength) parts.push(await this.#readSome(left));
    return Buffer.concat(parts);
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0; ) left -= (await this.#readSome(left)).byteLength;
  }

  /** For a reader that stops early. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  /** At least one byte, at most `count`. */
  async #readSome(count: number): Promise<Uint8Array> {
    if (await this.atEnd()) throw this.#cut();
    const part = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(part.byteLength);
    return part;
  }
}
