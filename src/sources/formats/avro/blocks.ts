import { Readable } from "node:stream";
import { promisify } from "node:util";
import { crc32, inflateRaw } from "node:zlib";
import { ByteReader } from "../../byte-reader.ts";
import { unsnappy } from "../../unpack/snappy.ts";
import { unzstd } from "../../unpack/zstd.ts";
import { notWhole, unreadable } from "../file-errors.ts";
import { AvroCursor, damaged } from "./cursor.ts";

/** A block is held in memory as a whole; writers make them of about 64 kB, a few of some MB. */
const MAX_BLOCK_BYTES = 64 * 1024 * 1024;
const MAX_HEADER_BYTES = 16 * 1024 * 1024;
const SYNC_BYTES = 16;

export interface AvroHeader {
  /** The schema as JSON. */
  readonly schema: string;
  readonly codec: string;
  /** Stands after every block. */
  readonly sync: Buffer;
}

/** Some records, unpacked. */
export interface AvroBlock {
  readonly count: number;
  readonly bytes: Buffer;
}

/** The bytes of a file, to be taken by their number. */
export function createReader(bytes: AsyncIterable<Uint8Array>): ByteReader {
  return new ByteReader(copied(bytes), () => notWhole("it ends inside a block of records"));
}

/** Whoever sends a chunk may use it again, and a block may be in several. */
async function* copied(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) yield Buffer.from(chunk);
}

/** A length or a count between blocks. */
async function readLength(reader: ByteReader): Promise<number> {
  const bytes = [await reader.read(1)];
  while (bytes.at(-1)![0]! >= 0x80 && bytes.length < 10) bytes.push(await reader.read(1));
  return new AvroCursor(Buffer.concat(bytes)).length();
}

export async function readHeader(reader: ByteReader): Promise<AvroHeader> {
  if (await reader.atEnd()) throw notWhole("it is empty");
  const magic = await reader.read(4);
  if (magic.toString("latin1") !== "Obj\u0001")
    throw unreadable("the file is not an Avro file", { expected: "an object container file, which begins with Obj" });
  const entries = new Map<string, Buffer>();
  let size = 0;
  const piece = async () => {
    const length = await readLength(reader);
    size += length;
    if (size > MAX_HEADER_BYTES) throw unreadable("the header of the Avro file is longer than 16 MB");
    return reader.read(length);
  };
  for (let count = await readLength(reader); count > 0; count = await readLength(reader))
    for (let index = 0; index < count; index++) entries.set((await piece()).toString(), await piece());
  return {
    schema: entries.get("avro.schema")?.toString() ?? "",
    codec: entries.get("avro.codec")?.toString() || "null",
    sync: await reader.read(SYNC_BYTES),
  };
}

/** The blocks of records after the header. */
export async function* readBlocks(reader: ByteReader, { codec, sync }: AvroHeader): AsyncGenerator<AvroBlock> {
  const unpack = unpackerOf(codec);
  while (!(await reader.atEnd())) {
    const count = await readLength(reader);
    const size = await readLength(reader);
    if (size > MAX_BLOCK_BYTES) throw tooLarge();
    const packed = await reader.read(size);
    if (!(await reader.read(SYNC_BYTES)).equals(sync)) throw damaged("a block that does not end where it says");
    yield { count, bytes: await unpacked(unpack, packed) };
  }
}

type Unpack = (packed: Buffer) => Promise<Buffer>;

function unpackerOf(codec: string): Unpack {
  if (codec === "null") return async (packed) => packed;
  if (codec === "deflate") return (packed) => promisify(inflateRaw)(packed, { maxOutputLength: MAX_BLOCK_BYTES });
  if (codec === "snappy") return unpackSnappy;
  if (codec === "zstandard") return unpackZstandard;
  throw unreadable(`the Avro file is packed with ${codec.slice(0, 40)}`, {
    expected: "null, deflate, snappy or zstandard",
  });
}

async function unpacked(unpack: Unpack, packed: Buffer): Promise<Buffer> {
  try {
    return await unpack(packed);
  } catch (cause) {
    if ((cause as { code?: string }).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge();
    throw damaged("a block that cannot be unpacked", cause);
  }
}

/** The block, and the CRC-32 of what is in it. */
async function unpackSnappy(packed: Buffer): Promise<Buffer> {
  const bytes = Buffer.from(await unsnappy(packed.subarray(0, -4), within));
  if (crc32(bytes) !== packed.readUInt32BE(packed.length - 4)) throw new Error("its checksum is wrong");
  return bytes;
}

async function unpackZstandard(packed: Buffer): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  const damage = (_cut: boolean, reason: string) => new Error(reason);
  for await (const piece of unzstd(Readable.from([packed]), damage)) {
    size = within(size + piece.length);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function within(size: number): number {
  if (size > MAX_BLOCK_BYTES) throw Object.assign(new Error("too large"), { code: "ERR_BUFFER_TOO_LARGE" });
  return size;
}

function tooLarge(): Error {
  return unreadable("a block of the Avro file is longer than 64 MB", {
    hint: "let it be written with a smaller sync interval",
  });
}
