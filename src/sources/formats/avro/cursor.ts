import { isUtf8 } from "node:buffer";
import { unreadable } from "../file-errors.ts";
import { narrow } from "../value-record.ts";

/** Items that take no bytes, such as nulls: a damaged count must not be followed for hours. */
const MAX_EMPTY_ITEMS = 100_000;

export function damaged(found: string, cause?: unknown): Error {
  return unreadable("the Avro file is damaged", {
    found,
    hint: "nothing of it was landed: ask for the file again",
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Reads Avro's binary encoding out of one unpacked block. Never beyond its end. */
export class AvroCursor {
  readonly #bytes: Buffer;
  #at = 0;
  #empty = 0;
  /** Set where a string is not UTF-8; whoever asks takes it back. */
  badText = false;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get position(): number {
    return this.#at;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Valid as long as the block is. */
  bytes(length: number): Buffer {
    const end = this.#at + length;
    if (length < 0 || end > this.#bytes.length) throw damaged("a value that is longer than its block");
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw damaged("a value that is longer than its block");
    return byte;
  }

  /** A zigzag varint of 64 bits, exactly. */
  long(): number | bigint {
    let sum = 0;
    let scale = 1;
    // Seven bytes hold 49 bits, which a double holds.
    for (let count = 0; count < 7; count++) {
      const byte = this.byte();
      sum += (byte & 0x7f) * scale;
      if (byte < 0x80) return sum % 2 === 0 ? sum / 2 : -(sum + 1) / 2;
      scale *= 128;
    }
    return this.#longer(BigInt(sum));
  }

  #longer(low: bigint): number | bigint {
    let sum = low;
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      sum |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return narrow(BigInt.asIntN(64, (sum >> 1n) ^ -(sum & 1n)));
    }
    throw damaged("a number of more than 64 bits");
  }

  /** A length or a count. */
  length(): number {
    const length = this.long();
    if (typeof length === "bigint" || length < 0) throw damaged("a length that is none");
    return length;
  }

  float(): number {
    return this.bytes(4).readFloatLE();
  }

  double(): number {
    return this.bytes(8).readDoubleLE();
  }

  string(): string {
    const bytes = this.bytes(this.length());
    if (!isUtf8(bytes)) this.badText = true;
    return bytes.toString();
  }

  /** Calls `item` for each item of an array or map, which come in blocks. */
  items(item: () => void): void {
    for (let count = this.long(); count !== 0; count = this.long()) {
      if (typeof count === "bigint") throw damaged("a length that is none");
      // A negative count says that its bytes are counted, too.
      if (count < 0) this.length();
      this.repeat(Math.abs(count), item);
    }
  }

  repeat(count: number, item: () => void): void {
    for (let index = 0; index < count; index++) {
      const before = this.#at;
      item();
      if (this.#at === before && ++this.#empty > MAX_EMPTY_ITEMS) throw damaged("too many items without bytes");
    }
  }
}
