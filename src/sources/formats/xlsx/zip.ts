import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { crc32, createInflateRaw } from "node:zlib";
import { notWhole, unreadable } from "../file-errors.ts";
import type { SpooledFile } from "../spool.ts";

/** A file inside of a ZIP archive, as the archive's directory has it. */
interface Part {
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  /** Of its header in the archive. */
  readonly start: number;
}

/** A part may be this many times larger unpacked, once it is larger than the first bytes of grace. */
const MAX_RATIO = 500;
const GRACE_BYTES = 32 * 1024 * 1024;
/** What ends an archive, and the longest remark behind it. */
const END_BYTES = 22;
const MAX_TAIL = END_BYTES + 0xffff;
const MAX_DIRECTORY = 16 * 1024 * 1024;
const WIDE = 0xffffffff;

/** A ZIP archive whose directory has been read. Sums and sizes are compared when a part is read to its end. */
export class ZipArchive {
  readonly #file: SpooledFile;
  readonly #parts: ReadonlyMap<string, Part>;

  private constructor(file: SpooledFile, parts: ReadonlyMap<string, Part>) {
    this.#file = file;
    this.#parts = parts;
  }

  /** @throws UserError for a file that is cut, encrypted or no archive */
  static async open(file: SpooledFile): Promise<ZipArchive> {
    return new ZipArchive(file, await directoryOf(file));
  }

  has(name: string): boolean {
    return this.#parts.has(name);
  }

  get names(): readonly string[] {
    return [...this.#parts.keys()];
  }

  /** The bytes of a part, unpacked. @throws UserError where it is not there, damaged or a bomb */
  async *read(name: string): AsyncGenerator<Uint8Array> {
    const part = this.#parts.get(name);
    if (!part) throw unreadable(`the workbook lacks its part ${name}`);
    let size = 0;
    let sum = 0;
    for await (const chunk of await this.#unpacked(name, part)) {
      size += chunk.byteLength;
      if (size > Math.max(GRACE_BYTES, part.packed * MAX_RATIO))
        throw unreadable(`${name} unpacks to more than ${MAX_RATIO} times its size`, { hint: "this may be a bomb" });
      sum = crc32(chunk, sum);
      yield chunk;
    }
    if (size !== part.size || sum !== part.crc) throw damaged(name, "its checksum is another one");
  }

  async #unpacked(name: string, { method, packed, start }: Part): Promise<AsyncIterable<Uint8Array>> {
    const header = Buffer.from(await this.#file.bytesAt(start, 30));
    if (header.length < 30 || header.readUInt32LE(0) !== 0x04034b50)
      throw damaged(name, "it is not where it should be");
    const first = start + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
    if (first + packed > this.#file.byteLength) throw damaged(name, "it is cut");
    if (packed === 0) return nothing();
    const stored = createReadStream(this.#file.path, { start: first, end: first + packed - 1 });
    if (method === 0) return stored;
    if (method !== 8) {
      stored.destroy();
      throw unreadable(`${name} is packed in an unusual way`, { expected: "deflate", found: `method ${method}` });
    }
    return inflated(stored, name);
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function* inflated(stored: NodeJS.ReadableStream, name: string): AsyncGenerator<Uint8Array> {
  const engine = createInflateRaw({ chunkSize: 64 * 1024 });
  pipeline(stored, engine, () => {});
  try {
    for await (const chunk of engine) yield chunk as Buffer;
  } catch (error) {
    if (!(error as NodeJS.ErrnoException).code?.startsWith("Z_")) throw error;
    throw damaged(name, (error as Error).message);
  } finally {
    engine.destroy();
  }
}

function damaged(name: string, found: string) {
  return unreadable(`the workbook is damaged: ${name} cannot be read`, {
    found,
    hint: "nothing of it was landed: ask for the file again",
  });
}

async function directoryOf(file: SpooledFile): Promise<ReadonlyMap<string, Part>> {
  const tail = Buffer.from(await file.bytesAt(Math.max(0, file.byteLength - MAX_TAIL), MAX_TAIL));
  const end = tail.lastIndexOf("PK\x05\x06", undefined, "latin1");
  if (end === -1 || end + END_BYTES > tail.length)
    throw notWhole("the directory at its end is missing", { expected: "a workbook ends with the list of its parts" });
  let size = tail.readUInt32LE(end + 12);
  let start = tail.readUInt32LE(end + 16);
  if (size === WIDE || start === WIDE) [size, start] = await wideEnd(file, tail, end);
  if (size > MAX_DIRECTORY || start + size > file.byteLength)
    throw notWhole("the directory at its end leads beyond it");
  return partsIn(Buffer.from(await file.bytesAt(start, size)));
}

/** Size and start of the directory of an archive whose numbers have eight bytes. */
async function wideEnd(file: SpooledFile, tail: Buffer, end: number): Promise<[number, number]> {
  const locator = end - 20;
  if (locator < 0 || tail.readUInt32LE(locator) !== 0x07064b50) throw notWhole("the directory at its end is missing");
  const record = Buffer.from(await file.bytesAt(Number(tail.readBigUInt64LE(locator + 8)), 56));
  if (record.length < 56 || record.readUInt32LE(0) !== 0x06064b50)
    throw notWhole("the directory at its end is missing");
  return [Number(record.readBigUInt64LE(40)), Number(record.readBigUInt64LE(48))];
}

function partsIn(directory: Buffer): ReadonlyMap<string, Part> {
  const parts = new Map<string, Part>();
  for (let at = 0; at + 46 <= directory.length && directory.readUInt32LE(at) === 0x02014b50; ) {
    const nameEnd = at + 46 + directory.readUInt16LE(at + 28);
    const next = nameEnd + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
    const name = directory.toString("utf8", at + 46, nameEnd).replaceAll("\\", "/");
    if (directory.readUInt16LE(at + 8) & 1)
      throw unreadable("the archive is encrypted", { hint: "save the workbook without a password" });
    const extra = directory.subarray(nameEnd, nameEnd + directory.readUInt16LE(at + 30));
    const [size, packed, start] = wideNumbers(extra, [
      directory.readUInt32LE(at + 24),
      directory.readUInt32LE(at + 20),
      directory.readUInt32LE(at + 42),
    ]);
    parts.set(name, {
      method: directory.readUInt16LE(at + 10),
      crc: directory.readUInt32LE(at + 16),
      packed,
      size,
      start,
    });
    at = next;
  }
  return parts;
}

/** Numbers that do not fit stand, in this order, in the extra field 1. */
function wideNumbers(extra: Buffer, [size, packed, start]: [number, number, number]): [number, number, number] {
  let at = 0;
  while (at + 4 <= extra.length && extra.readUInt16LE(at) !== 1) at += 4 + extra.readUInt16LE(at + 2);
  at += 4;
  const whole = (number: number) => {
    if (number !== WIDE || at + 8 > extra.length) return number;
    at += 8;
    return Number(extra.readBigUInt64LE(at - 8));
  };
  return [whole(size), whole(packed), whole(start)];
}
