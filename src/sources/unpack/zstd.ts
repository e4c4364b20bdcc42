import type { Decompress } from "fzstd";
import type { XXHash } from "xxhash-wasm";
import { ByteReader } from "../byte-reader.ts";

/** Larger windows need the memory of a hostile file's choosing; zstd itself refuses them too unless asked. */
const MAX_WINDOW_BYTES = 128 * 1024 * 1024;
const MAX_BLOCK_BYTES = 128 * 1024;

const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a5;

/** Makes the error for a file that is cut (true) or damaged. */
export type Damaged = (cut: boolean, reason: string) => Error;

interface Frame {
  /** As it stands in the file, the magic number included. */
  readonly header: Buffer;
  readonly hasChecksum: boolean;
}

/**
 * Unpacks zstd, any number of frames one after the other, block by block (RFC 8878). Node before 22.15 has no zstd, and
 * later ones drop what follows the first frame of a chunk without a word; so the frames are found here.
 */
export async function* unzstd(bytes: AsyncIterable<Uint8Array>, damaged: Damaged): AsyncGenerator<Uint8Array> {
  const [{ Decompress }, { default: xxhash }] = await Promise.all([import("fzstd"), import("xxhash-wasm")]);
  const { create64 } = await xxhash();
  const reader = new ByteReader(bytes, () => damaged(true, "it ends in the middle of a frame"));
  try {
    while (!(await reader.atEnd())) {
      const frame = await nextFrame(reader, damaged);
      if (frame) yield* blocksOf(frame, { decoder: new Decompress(), hash: create64() }, reader, damaged);
    }
  } finally {
    await reader.close();
  }
}

/** The content of one frame, whose header is read already. */
async function* blocksOf(
  frame: Frame,
  { decoder, hash }: { readonly decoder: Decompress; readonly hash: XXHash<bigint> },
  reader: ByteReader,
  damaged: Damaged,
): AsyncGenerator<Uint8Array> {
  const unpacked: Uint8Array[] = [];
  decoder.ondata = (chunk) => void unpacked.push(chunk);
  let packed = frame.header;
  for (let last = false; !last; packed = Buffer.alloc(0)) {
    const block = await nextBlock(reader, damaged);
    last = block.last;
    const checksum = last && frame.hasChecksum ? await reader.read(4) : Buffer.alloc(0);
    try {
      decoder.push(Buffer.concat([packed, block.bytes, checksum]), last);
    } catch (error) {
      throw damaged(false, (error as Error).message);
    }
    for (const chunk of unpacked.splice(0)) {
      if (frame.hasChecksum) hash.update(chunk);
      if (chunk.byteLength > 0) yield chunk;
    }
    if (checksum.length && checksum.readUInt32LE() !== low32(hash.digest()))
      throw damaged(false, "the checksum is wrong");
  }
}

/** The half of a hash that a frame keeps. */
const low32 = (hash: bigint): number => Number(BigInt.asUintN(32, hash));

/** The header of the next frame; undefined for a frame that is to be skipped, which is then behind. */
async function nextFrame(reader: ByteReader, damaged: Damaged): Promise<Frame | undefined> {
  const magic = await reader.read(4);
  if (magic.readUInt32LE() >>> 4 === SKIPPABLE) {
    await reader.skip((await reader.read(4)).readUInt32LE());
    return undefined;
  }
  if (magic.readUInt32LE() !== MAGIC) throw damaged(false, "something follows the last frame");
  const descriptor = await reader.read(1);
  const flags = descriptor[0]!;
  const singleSegment = (flags & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][flags & 3]!;
  const sizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][flags >> 6]!;
  const rest = await reader.read((singleSegment ? 0 : 1) + dictionaryBytes + sizeBytes);
  if (rest.subarray(singleSegment ? 0 : 1, rest.length - sizeBytes).some((byte) => byte !== 0)) {
    throw damaged(false, "it needs a dictionary");
  }
  const window = singleSegment ? littleEndian(rest.subarray(rest.length - sizeBytes), sizeBytes) : windowOf(rest[0]!);
  if (window > MAX_WINDOW_BYTES) throw damaged(false, `it needs a window of more than ${MAX_WINDOW_BYTES} bytes`);
  return { header: Buffer.concat([magic, descriptor, rest]), hasChecksum: (flags & 4) !== 0 };
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

function littleEndian(bytes: Buffer, length: number): number {
  if (length === 8) return Number(bytes.readBigUInt64LE());
  return bytes.readUIntLE(0, length) + (length === 2 ? 256 : 0);
}

/** A block with its three bytes of header. */
async function nextBlock(reader: ByteReader, damaged: Damaged): Promise<{ bytes: Buffer; last: boolean }> {
  const header = await reader.read(3);
  const bits = header.readUIntLE(0, 3);
  const kind = (bits >> 1) & 3;
  const size = bits >> 3;
  if (kind === 3 || size > MAX_BLOCK_BYTES) throw damaged(false, "a block of an unknown kind or size");
  // A block of kind 1 is one byte, so many times.
  const content = await reader.read(kind === 1 ? 1 : size);
  return { bytes: Buffer.concat([header, content]), last: (bits & 1) !== 0 };
}
