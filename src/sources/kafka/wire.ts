/** Reads what Kafka sends: numbers of fixed length, big-endian, and varints. Never beyond the end. */
export class WireReader {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  skip(count: number): void {
    this.at += count;
  }

  int8(): number {
    return this.bytes.readInt8(this.at++);
  }

  int16(): number {
    this.at += 2;
    return this.bytes.readInt16BE(this.at - 2);
  }

  int32(): number {
    this.at += 4;
    return this.bytes.readInt32BE(this.at - 4);
  }

  int64(): bigint {
    this.at += 8;
    return this.bytes.readBigInt64BE(this.at - 8);
  }

  uuid(): string {
    const hex = this.bytes.toString("hex", this.at, this.at + 16);
    this.at += 16;
    return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
  }

  /** Of up to 53 bits. */
  uvarint(): number {
    let sum = 0;
    let scale = 1;
    for (;;) {
      const byte = this.bytes[this.at++];
      if (byte === undefined || scale > 2 ** 49) throw new RangeError("a varint that does not end");
      sum += (byte & 0x7f) * scale;
      if (byte < 0x80) return sum;
      scale *= 128;
    }
  }

  /** With a sign, zigzag. */
  varint(): number {
    const value = this.uvarint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Behind a varint of their length; null where that is -1. Not copied. */
  sized(): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    return this.take(length);
  }

  take(length: number): Buffer {
    const end = this.at + length;
    if (end > this.bytes.length) throw new RangeError("a value that is longer than what holds it");
    const taken = this.bytes.subarray(this.at, end);
    this.at = end;
    return taken;
  }

  /** A list in the compact way; none where it is null. */
  list<T>(item: () => T): T[] {
    const count = this.uvarint() - 1;
    const items: T[] = [];
    for (let index = 0; index < count; index++) items.push(item());
    return items;
  }

  /** What a later version of the protocol adds, which is not read. */
  skipTags(): void {
    for (let count = this.uvarint(); count > 0; count--) {
      this.uvarint();
      this.skip(this.uvarint());
    }
  }
}
