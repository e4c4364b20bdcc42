/** 64 bits as two unsigned halves: BigInt would be ten times slower. */
interface Word {
  high: number;
  low: number;
}

const word = (text: string): Word => ({
  high: Number.parseInt(text.slice(0, 8), 16),
  low: Number.parseInt(text.slice(8), 16),
});

const P1 = word("9e3779b185ebca87");
const P2 = word("c2b2ae3d27d4eb4f");
const P3 = word("165667b19e3779f9");
const P4 = word("85ebca77c2b2ae63");
const P5 = word("27d4eb2f165667c5");

const STRIPE_BYTES = 32;

/** The checksum of zstd frames: XXH64 with seed 0, fed piece by piece. */
export class Xxh64 {
  readonly #lanes: readonly Word[] = [{ ...P1 }, { ...P2 }, { high: 0, low: 0 }, negative(P1)];
  readonly #pending = Buffer.alloc(STRIPE_BYTES);
  #pendingBytes = 0;
  #total = 0;

  constructor() {
    add(this.#lanes[0]!, P2);
  }

  update(bytes: Uint8Array): void {
    this.#total += bytes.byteLength;
    let at = 0;
    if (this.#pendingBytes > 0) {
      at = Math.min(STRIPE_BYTES - this.#pendingBytes, bytes.byteLength);
      this.#pending.set(bytes.subarray(0, at), this.#pendingBytes);
      this.#pendingBytes += at;
      if (this.#pendingBytes < STRIPE_BYTES) return;
      this.#stripes(this.#pending, 0, STRIPE_BYTES);
    }
    const end = at + Math.floor((bytes.byteLength - at) / STRIPE_BYTES) * STRIPE_BYTES;
    this.#stripes(bytes, at, end);
    this.#pending.set(bytes.subarray(end));
    this.#pendingBytes = bytes.byteLength - end;
  }

  #stripes(bytes: Uint8Array, from: number, to: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const [a, b, c, d] = this.#lanes as readonly [Word, Word, Word, Word];
    for (let at = from; at < to; at += STRIPE_BYTES) {
      round(a, view.getUint32(at + 4, true), view.getUint32(at, true));
      round(b, view.getUint32(at + 12, true), view.getUint32(at + 8, true));
      round(c, view.getUint32(at + 20, true), view.getUint32(at + 16, true));
      round(d, view.getUint32(at + 28, true), view.getUint32(at + 24, true));
    }
  }

  /** The lower half of the hash, which is all that a frame keeps. */
  low32(): number {
    const hash: Word = this.#total < STRIPE_BYTES ? { ...P5 } : this.#merged();
    add(hash, { high: Math.floor(this.#total / 2 ** 32), low: this.#total >>> 0 });
    let at = 0;
    for (; at + 8 <= this.#pendingBytes; at += 8) {
      const lane: Word = { high: 0, low: 0 };
      round(lane, this.#pending.readUInt32LE(at + 4), this.#pending.readUInt32LE(at));
      xor(hash, lane);
      rotate(hash, 27);
      multiply(hash, P1);
      add(hash, P4);
    }
    if (at + 4 <= this.#pendingBytes) {
      const four: Word = { high: 0, low: this.#pending.readUInt32LE(at) };
      multiply(four, P1);
      xor(hash, four);
      rotate(hash, 23);
      multiply(hash, P2);
      add(hash, P3);
      at += 4;
    }
    for (; at < this.#pendingBytes; at++) {
      const one: Word = { high: 0, low: this.#pending[at]! };
      multiply(one, P5);
      xor(hash, one);
      rotate(hash, 11);
      multiply(hash, P1);
    }
    return avalanche(hash).low;
  }

  #merged(): Word {
    const hash: Word = { high: 0, low: 0 };
    for (const [index, lane] of this.#lanes.entries()) {
      const rotated = { ...lane };
      rotate(rotated, [1, 7, 12, 18][index]!);
      add(hash, rotated);
    }
    for (const lane of this.#lanes) {
      const mixed: Word = { high: 0, low: 0 };
      round(mixed, lane.high, lane.low);
      xor(hash, mixed);
      multiply(hash, P1);
      add(hash, P4);
    }
    return hash;
  }
}

function round(lane: Word, high: number, low: number): void {
  const input: Word = { high, low };
  multiply(input, P2);
  add(lane, input);
  rotate(lane, 31);
  multiply(lane, P1);
}

function avalanche(hash: Word): Word {
  shiftXor(hash, 33);
  multiply(hash, P2);
  shiftXor(hash, 29);
  multiply(hash, P3);
  shiftXor(hash, 32);
  return hash;
}

function add(to: Word, other: Word): void {
  const low = to.low + other.low;
  to.high = (to.high + other.high + (low > 0xffffffff ? 1 : 0)) >>> 0;
  to.low = low >>> 0;
}

function xor(to: Word, other: Word): void {
  to.high = (to.high ^ other.high) >>> 0;
  to.low = (to.low ^ other.low) >>> 0;
}

function multiply(to: Word, by: Word): void {
  const { high, low } = to;
  const a = low >>> 16;
  const b = low & 0xffff;
  const c = by.low >>> 16;
  const d = by.low & 0xffff;
  const bd = b * d;
  const middle = a * d + (bd >>> 16);
  const middle2 = b * c + (middle & 0xffff);
  const carry = a * c + Math.floor(middle / 65536) + Math.floor(middle2 / 65536);
  to.high = (carry + Math.imul(high, by.low) + Math.imul(low, by.high)) >>> 0;
  to.low = ((middle2 << 16) | (bd & 0xffff)) >>> 0;
}

function rotate(to: Word, bits: number): void {
  const { high, low } = to;
  to.high = ((high << bits) | (low >>> (32 - bits))) >>> 0;
  to.low = ((low << bits) | (high >>> (32 - bits))) >>> 0;
}

/** hash ^= hash >> bits, for 29 bits and more. */
function shiftXor(hash: Word, bits: number): void {
  const { high, low } = hash;
  if (bits >= 32) hash.low = (low ^ (high >>> (bits - 32))) >>> 0;
  else {
    hash.low = (low ^ ((low >>> bits) | (high << (32 - bits)))) >>> 0;
    hash.high = (high ^ (high >>> bits)) >>> 0;
  }
}

function negative({ high, low }: Word): Word {
  return low === 0 ? { high: -high >>> 0, low: 0 } : { high: ~high >>> 0, low: -low >>> 0 };
}
