import { pipeline, Readable } from "node:stream";
import { crc32, createDeflateRaw } from "node:zlib";
import { UserError } from "../../model/errors.ts";

/** An archive with larger parts is of another kind, which Excel does not open. */
const MAX_BYTES = 0xffffffff;
/** The first day that a ZIP knows: the same rows make the same bytes. */
const TIME = 0;
const DAY = 0x21;
/** Deflated, its size behind it, its name in UTF-8. */
const HEAD = { version: 20, flags: 0x0808, method: 8 };

interface Written {
  readonly name: Buffer;
  readonly start: number;
  sum: number;
  size: number;
  packed: number;
}

/** Writes a ZIP archive part by part, in constant memory. */
export class ZipWriter {
  readonly #level: number;
  readonly #parts: Written[] = [];
  #end = 0;

  /** @param level of packing, 1 to 9 */
  constructor(level = 3) {
    this.#level = level;
  }

  async *part(name: string, pieces: AsyncIterable<string> | Iterable<string>): AsyncGenerator<Uint8Array> {
    const part: Written = { name: Buffer.from(name), start: this.#end, sum: 0, size: 0, packed: 0 };
    this.#parts.push(part);
    yield this.#put(
      numbers([4, 0x04034b50], ...head(), [4, 0], [4, 0], [4, 0], [2, part.name.length], [2, 0]),
      part.name,
    );
    const packer = createDeflateRaw({ level: this.#level });
    pipeline(Readable.from(metered(pieces, part), { objectMode: false }), packer, () => {});
    for await (const chunk of packer) {
      part.packed += chunk.length;
      yield this.#put(chunk as Buffer);
    }
    yield this.#put(numbers([4, 0x08074b50], ...sums(part)));
  }

  *end(): Generator<Uint8Array> {
    const start = this.#end;
    for (const part of this.#parts) {
      const rest = [2, 2, 2, 2, 4].map((width) => [width, 0] as const);
      const lengths = [[2, part.name.length] as const, ...rest];
      yield this.#put(
        numbers([4, 0x02014b50], [2, HEAD.version], ...head(), ...sums(part), ...lengths, [4, part.start]),
        part.name,
      );
    }
    const count = this.#parts.length;
    yield this.#put(
      numbers([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, this.#end - start], [4, start], [2, 0]),
    );
  }

  #put(...pieces: readonly Uint8Array[]): Uint8Array {
    const bytes = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
    this.#end += bytes.length;
    if (this.#end > MAX_BYTES) throw tooLarge();
    return bytes;
  }
}

async function* metered(pieces: AsyncIterable<string> | Iterable<string>, part: Written): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    const bytes = Buffer.from(piece);
    part.sum = crc32(bytes, part.sum);
    part.size += bytes.length;
    if (part.size > MAX_BYTES) throw tooLarge();
    yield bytes;
  }
}

function tooLarge(): UserError {
  return new UserError({
    message: "the rows are more than an .xlsx file can hold, which is 4 GB",
    hint: "export fewer rows, or --to csv",
    exitCode: 1,
  });
}

/** A number of so many bytes. */
type Field = readonly [width: number, value: number];

function head(): readonly Field[] {
  return [
    [2, HEAD.version],
    [2, HEAD.flags],
    [2, HEAD.method],
    [2, TIME],
    [2, DAY],
  ];
}

function sums({ sum, packed, size }: Written): readonly Field[] {
  return [
    [4, sum],
    [4, packed],
    [4, size],
  ];
}

function numbers(...fields: readonly Field[]): Buffer {
  const bytes = Buffer.alloc(fields.reduce((total, [width]) => total + width, 0));
  let at = 0;
  for (const [width, value] of fields) at = bytes.writeUIntLE(value, at, width);
  return bytes;
}
