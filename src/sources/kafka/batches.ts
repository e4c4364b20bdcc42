import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { UserError } from "../../model/errors.ts";
import { unsnappy } from "../unpack/snappy.ts";
import { unzstd } from "../unpack/zstd.ts";
import type { KafkaDriver } from "./driver.ts";
import { WireReader } from "./wire.ts";

/** A record as the broker has it. Its bytes are valid as long as the answer is. */
export interface KafkaRecord {
  readonly offset: bigint;
  /** Milliseconds since 1970; -1 where nobody said. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  /** Null for a tombstone. */
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[];
}

/** A transaction that was aborted: its records from this offset on, to its marker, are none. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

/** What a piece of a partition's log holds. */
export interface ReadLog {
  readonly records: readonly KafkaRecord[];
  /** The place behind all that was read, records that are none included. */
  readonly next: bigint;
  /** Of the leader that wrote the last of it. */
  readonly leaderEpoch: number;
}

/** Unpacked, a batch is held in memory as a whole. */
const MOST_BYTES = 256 * 1024 * 1024;

// docs: "Record Batch" in Kafka's protocol. Attributes of a batch.
const COMPRESSION = 0b111;
const LOG_APPEND_TIME = 1 << 3;
const TRANSACTIONAL = 1 << 4;
const CONTROL = 1 << 5;
const ABORT = 0;
/** Before the length of a batch is counted: its first offset and the length itself. */
const HEAD = 12;

/**
 * Reads the batches of a fetch. An answer may end in the middle of a batch, which is left for the next one; compaction leaves gaps.
 * @param from records before it are left out: a batch is sent as a whole
 * @throws UserError for what no version of Kafka since 0.11 writes
 */
export async function readLog(
  log: Buffer,
  from: bigint,
  aborted: readonly AbortedTransaction[],
  unpack: Unpack,
): Promise<ReadLog> {
  const reader = new WireReader(log);
  const records: KafkaRecord[] = [];
  const isAborted = abortedIn(aborted);
  let next = from;
  let leaderEpoch = -1;
  while (reader.left >= HEAD) {
    const firstOffset = reader.int64();
    const length = reader.int32();
    if (reader.left < length) break;
    const end = reader.at + length;
    leaderEpoch = reader.int32();
    const magic = reader.int8();
    if (magic !== 2) throw oldFormat(magic);
    const batch = readHead(reader, firstOffset);
    next = batch.lastOffset >= next ? batch.lastOffset + 1n : next;
    const isLeftOut = isAborted(batch, reader) || batch.attributes & CONTROL || batch.lastOffset < from;
    if (!isLeftOut) {
      const packed = log.subarray(reader.at, end);
      const bytes = batch.attributes & COMPRESSION ? await unpack(packed, batch.attributes & COMPRESSION) : packed;
      readRecords(new WireReader(bytes), batch, from, records);
    }
    reader.at = end;
  }
  return { records, next, leaderEpoch };
}

interface Head {
  readonly firstOffset: bigint;
  readonly lastOffset: bigint;
  readonly attributes: number;
  readonly firstTimestamp: number;
  readonly maxTimestamp: number;
  readonly producerId: bigint;
  readonly count: number;
}

function readHead(reader: WireReader, firstOffset: bigint): Head {
  reader.skip(4); // CRC-32C: TCP has its own, and the broker has looked at it
  const attributes = reader.int16();
  const lastOffset = firstOffset + BigInt(reader.int32());
  const firstTimestamp = Number(reader.int64());
  const maxTimestamp = Number(reader.int64());
  const producerId = reader.int64();
  reader.skip(6); // epoch of the producer, and its first sequence
  return { firstOffset, lastOffset, attributes, firstTimestamp, maxTimestamp, producerId, count: reader.int32() };
}

/**
 * Tells of each batch, one after the other, whether its transaction was aborted. A producer may have aborted several; a marker may
 * come with a later answer.
 */
function abortedIn(all: readonly AbortedTransaction[]): (batch: Head, reader: WireReader) => boolean {
  const coming = [...all].sort((a, b) => Number(a.firstOffset - b.firstOffset));
  const open = new Set<bigint>();
  return ({ lastOffset, attributes, producerId, count }, { bytes, at }) => {
    while (coming.length && coming[0]!.firstOffset <= lastOffset) open.add(coming.shift()!.producerId);
    if (attributes & CONTROL) {
      if (count > 0 && markerOf(new WireReader(bytes, at)) === ABORT) open.delete(producerId);
      return true;
    }
    return (attributes & TRANSACTIONAL) !== 0 && open.has(producerId);
  };
}

/** Whether a transaction was aborted (0) or committed (1). */
function markerOf(reader: WireReader): number | undefined {
  reader.varint();
  reader.int8();
  reader.varint();
  reader.varint();
  return reader.sized()?.readInt16BE(2);
}

function readRecords(reader: WireReader, batch: Head, from: bigint, records: KafkaRecord[]): void {
  const { firstOffset, attributes, firstTimestamp, maxTimestamp, count } = batch;
  const isAppended = (attributes & LOG_APPEND_TIME) !== 0;
  for (let index = 0; index < count; index++) {
    const length = reader.varint();
    const end = reader.at + length;
    reader.int8();
    const delta = reader.varint();
    const offset = firstOffset + BigInt(reader.varint());
    if (offset >= from) {
      const timestamp = isAppended ? maxTimestamp : firstTimestamp + delta;
      records.push({ offset, timestamp, key: reader.sized(), value: reader.sized(), headers: readHeaders(reader) });
    }
    reader.at = end;
  }
}

const NO_HEADERS: KafkaRecord["headers"] = [];

function readHeaders(reader: WireReader): KafkaRecord["headers"] {
  const count = reader.varint();
  if (count <= 0) return NO_HEADERS;
  const headers: [string, Buffer | null][] = [];
  for (let index = 0; index < count; index++) headers.push([(reader.sized() ?? "").toString(), reader.sized()]);
  return headers;
}

/** Unpacks the records of a batch. `codec` is Kafka's number of it. */
export type Unpack = (packed: Buffer, codec: number) => Promise<Buffer>;

/** Node 20 has no zstd, and the driver none without it; nor has it the frames that Java puts around Snappy. */
export function unpackerOf({ compressionsAlgorithmsByBitmask }: KafkaDriver): Unpack {
  return async (packed, codec) => {
    if (codec === 1) return promisify(gunzip)(packed, { maxOutputLength: MOST_BYTES });
    if (codec === 2) return unpackSnappy(packed);
    if (codec === 4) return unpackZstd(packed);
    const known = compressionsAlgorithmsByBitmask[codec];
    if (!known) throw new Error(`a batch of records is packed in a way that is not known (${codec})`);
    return known.decompressSync(packed);
  };
}

/** What Java writes before blocks of Snappy, each behind its length: eight bytes, and two versions. */
const SNAPPY_FRAMES = Buffer.from("82534e4150505900", "hex");
const SNAPPY_HEAD = 16;

async function unpackSnappy(packed: Buffer): Promise<Buffer> {
  let left = MOST_BYTES;
  const block = (bytes: Buffer) =>
    unsnappy(bytes, (length) => {
      left -= length;
      if (left < 0) throw tooLarge();
      return length;
    });
  if (!packed.subarray(0, SNAPPY_FRAMES.length).equals(SNAPPY_FRAMES)) return Buffer.from(await block(packed));
  const reader = new WireReader(packed, SNAPPY_HEAD);
  const pieces: Uint8Array[] = [];
  while (reader.left > 0) pieces.push(await block(reader.take(reader.int32())));
  return Buffer.concat(pieces);
}

function tooLarge(): Error {
  return new Error(`a batch of records is larger than ${MOST_BYTES} bytes, unpacked`);
}

async function unpackZstd(packed: Buffer): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  const bytes = (async function* () {
    yield packed;
  })();
  for await (const piece of unzstd(bytes, (_, reason) => new Error(reason))) {
    size += piece.length;
    if (size > MOST_BYTES) throw tooLarge();
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function oldFormat(magic: number): UserError {
  return new UserError({
    message: "the topic has records of a format from before Kafka 0.11",
    expected: "record batches (magic 2)",
    found: `magic ${magic}`,
    hint: "copy the topic with a newer producer",
    exitCode: 1,
  });
}
