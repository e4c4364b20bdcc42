import { isUtf8 } from "node:buffer";
import type { KafkaStream } from "../../model/declarations.ts";
import { bytesText } from "../formats/value-record.ts";
import type { KafkaRecord } from "./batches.ts";
import type { Partition } from "./partition.ts";
import type { Besides } from "./records.ts";

/** A key as a value, and as JSON. */
interface DecodedKey {
  readonly value: unknown;
  readonly json: string;
}

/** Reads a key, or says why it cannot be read. */
export type DecodeKey = (key: Buffer) => DecodedKey | string | Promise<DecodedKey | string>;

const NOTHING: DecodedKey = { value: null, json: "null" };

type Column = (record: KafkaRecord, at: Partition) => DecodedKey;

const COLUMNS: Readonly<Record<Exclude<KafkaStream["metadata"][number], "key">, Column>> = {
  headers: ({ headers }) => told(headersOf(headers)),
  timestamp: ({ timestamp }) => (timestamp < 0 ? NOTHING : told(new Date(timestamp).toISOString())),
  topic: (_, { topic }) => told(topic),
  partition: (_, { partition }) => told(partition),
  offset: ({ offset }) => ({ value: Number(offset), json: String(offset) }),
};

function told(value: unknown): DecodedKey {
  return { value, json: JSON.stringify(value) };
}

/**
 * What is known of a record besides its value, as its stream asks for.
 * @returns or why its key cannot be read
 */
export function besidesOf(
  { metadata, tombstones }: Pick<KafkaStream, "metadata" | "tombstones">,
  decodeKey: DecodeKey,
): (record: KafkaRecord, at: Partition) => Besides | string | Promise<Besides | string> {
  const gather = (record: KafkaRecord, at: Partition, key: DecodedKey): Besides => {
    const besides = new Map<string, DecodedKey>();
    for (const one of metadata) besides.set(`_${one}`, one === "key" ? key : COLUMNS[one](record, at));
    if (tombstones === "land") besides.set("_tombstone", told(record.value === null));
    return besides;
  };
  const hasKey = metadata.includes("key");
  return (record, at) => {
    if (!hasKey || record.key === null) return gather(record, at, NOTHING);
    const key = decodeKey(record.key);
    const withKey = (one: DecodedKey | string) => (typeof one === "string" ? one : gather(record, at, one));
    return key instanceof Promise ? key.then(withKey) : withKey(key);
  };
}

/** Keys of plain texts and bytes. */
export function plainKey(format: "text" | "bytes"): DecodeKey {
  return (key) => {
    if (format === "bytes") return told(bytesText(key));
    return isUtf8(key) ? told(key.toString()) : "_key: is not UTF-8 (keyFormat: bytes)";
  };
}

function headersOf(headers: KafkaRecord["headers"]): Readonly<Record<string, unknown>> {
  const all = new Map<string, unknown>();
  for (const [name, value] of headers) {
    const text = value === null ? null : isUtf8(value) ? value.toString() : bytesText(value);
    const before = all.get(name);
    all.set(name, before === undefined ? text : Array.isArray(before) ? [...before, text] : [before, text]);
  }
  return Object.fromEntries(all);
}
