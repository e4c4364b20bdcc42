import { isUtf8 } from "node:buffer";
import type { KafkaStream } from "../../model/declarations.ts";
import { head, TOO_LONG } from "../formats/pages.ts";
import { bytesText, ValueRecord } from "../formats/value-record.ts";
import { isObject, type SourceRecord } from "../json/document.ts";
import { parseDocument, parseObject } from "../json/object.ts";
import { MAX_RECORD_BYTES, type RejectedPiece } from "../source.ts";
import type { KafkaRecord } from "./batches.ts";
import { besidesOf, type DecodeKey, plainKey } from "./besides.ts";
import { type Partition, placeOf } from "./partition.ts";
import { type Besides, type Decoded, isRejected, JsonValue, WithBesides } from "./records.ts";
import { unframed } from "./registry.ts";
import { NOT_FRAMED, type Registered, readerOfFile } from "./schemas.ts";

/** Makes of a record of a topic what lands. At once, where no schema has to be fetched. */
export type Decode = (record: KafkaRecord, at: Partition) => Decoded | Promise<Decoded>;

/** Reads a value: a record, or why it is none. */
type DecodeValue = (value: Buffer, position: string) => SourceRecord | string | Promise<SourceRecord | string>;

/** Where schemas are, and the packages that read them. */
export interface Schemas {
  readonly registered: Registered | undefined;
  readonly projectDir: string;
}

/** @throws UserError for a schema of the stream's own that is none */
export async function createDecoder(stream: KafkaStream, { registered, projectDir }: Schemas): Promise<Decode> {
  const decodeValue = await valueDecoder(stream, { registered, projectDir });
  const decodeKey = await keyDecoder(stream, registered);
  const hasBesides = stream.metadata.length > 0 || stream.tombstones === "land";
  const gather = besidesOf(stream, decodeKey);
  const { tombstones } = stream;
  return (record, at) => {
    const { value } = record;
    if (value === null && tombstones === "skip") return undefined;
    const position = `${placeOf(at)} offset ${record.offset}`;
    if (value === null && tombstones === "reject") return { position, reason: TOMBSTONE, text: keyText(record) };
    if (value !== null && value.length > MAX_RECORD_BYTES)
      return { position, reason: TOO_LONG, text: head(value.toString("latin1", 0, 2_000)) };
    const decoded = value === null ? new ValueRecord(position, {}) : decodeValue(value, position);
    if (!hasBesides && !(decoded instanceof Promise)) return ended(decoded, record, position);
    return finish(decoded, hasBesides ? gather(record, at) : undefined, record, position);
  };
}

const TOMBSTONE = "has no value, as the tombstone of a key has none (tombstones: skip, or land)";

type OrPromise<T> = T | Promise<T>;

function finish(
  decoded: OrPromise<SourceRecord | string>,
  besides: OrPromise<Besides | string> | undefined,
  record: KafkaRecord,
  position: string,
): OrPromise<Decoded> {
  if (decoded instanceof Promise || besides instanceof Promise)
    return Promise.all([decoded, besides]).then(([one, other]) => finish(one, other, record, position));
  const found = ended(decoded, record, position);
  if (besides === undefined || isRejected(found)) return found;
  if (typeof besides === "string") return rejected(record, position, besides);
  const taken = [...besides.keys()].find((name) => Object.hasOwn(found.value as object, name));
  if (taken !== undefined) return rejected(record, position, `${taken}: is what metadata has of each record`);
  return new WithBesides(found, besides, record.value === null);
}

function ended(decoded: SourceRecord | string, record: KafkaRecord, position: string): SourceRecord | RejectedPiece {
  return typeof decoded === "string" ? rejected(record, position, decoded) : decoded;
}

/** Kept as it came: a text where it is one, otherwise its bytes. */
function rejected({ value }: KafkaRecord, position: string, reason: string): RejectedPiece {
  const bytes = value ?? Buffer.alloc(0);
  return { position, reason, text: isUtf8(bytes) && !bytes.includes(0) ? bytes.toString() : bytesText(bytes) };
}

function keyText({ key }: KafkaRecord): string {
  if (key === null) return "";
  return isUtf8(key) ? key.toString() : bytesText(key);
}

const decodeJson: DecodeValue = (value, position) => {
  if (!isUtf8(value)) return "is not UTF-8";
  const document = parseObject(value.toString());
  return typeof document === "string" ? document : new JsonValue(position, document);
};

/** What reads values, and keys: the registry's schemas are shared. */
async function valueDecoder(stream: KafkaStream, { registered, projectDir }: Schemas): Promise<DecodeValue> {
  const { format } = stream;
  if (format === "json") return registered ? jsonBehindItsNumber : decodeJson;
  const read = registered ? await registered.reader(format) : await readerOfFile(stream, format, projectDir);
  return (value, position) => {
    const found = read(value);
    return found instanceof Promise ? found.then((one) => recordOf(one, position)) : recordOf(found, position);
  };
}

/** A value that says which JSON Schema it was written by: recordSchema says what it must be. */
const jsonBehindItsNumber: DecodeValue = (value, position) => {
  const framed = unframed(value);
  return framed ? decodeJson(framed.body, position) : NOT_FRAMED;
};

function recordOf(read: { readonly value: unknown } | string, position: string): SourceRecord | string {
  if (typeof read === "string") return read;
  return isObject(read.value) ? new ValueRecord(position, read.value) : "is not a record";
}

async function keyDecoder({ keyFormat }: KafkaStream, registered: Registered | undefined): Promise<DecodeKey> {
  if (keyFormat === "text" || keyFormat === "bytes") return plainKey(keyFormat);
  if (keyFormat === "json") return jsonKey;
  const read = await registered!.reader(keyFormat);
  const keyOf = (found: { readonly value: unknown } | string) => {
    if (typeof found === "string") return `_key: ${found}`;
    // As a field of a record: with every digit.
    const record = new ValueRecord("", { key: found.value });
    return { value: (record.value as { readonly key: unknown }).key, json: record.fieldText("key")! };
  };
  return (key) => {
    const found = read(key);
    return found instanceof Promise ? found.then(keyOf) : keyOf(found);
  };
}

const jsonKey: DecodeKey = (key) => {
  const document = isUtf8(key) ? parseDocument(key.toString()) : "is not UTF-8";
  if (typeof document === "string") return `_key: ${document}`;
  return { value: document.value, json: document.source.text };
};
