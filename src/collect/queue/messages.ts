import { isUtf8 } from "node:buffer";
import { MOST_PRODUCED, type ProduceDeclaration } from "../../model/declarations.ts";
import { bytesText } from "../../sources/formats/value-record.ts";
import { JsonText } from "../../sources/json/text.ts";
import type { KafkaRecord } from "../../sources/kafka/batches.ts";
import type { Produced } from "../../sources/kafka/producer.ts";
import type { Arrived } from "../arrived.ts";
import { type Kept, keptOf } from "../arriving.ts";

// An event in a topic: its value is the event as it was sent, its headers are what the collector knows besides. docs/events.md tells them
// to those who read or write the topic with something else.

const KEY = "dataform-key";
const RECEIVED_AT = "dataform-received-at";
const SENT_AT = "dataform-sent-at";
const REASON = "dataform-reason";

/** Names of keys are no longer than this, in characters. */
const LONGEST_NAME = 255;

/** Of a record besides its value: headers, their names, lengths. */
const AROUND = 300;

/** @param most bytes of what is no event: of more its beginning is sent */
export function messageOf(event: Arrived, { key }: Pick<ProduceDeclaration, "key">, most: number): Produced {
  const { text, reason, sending } = keptOf(event);
  const { writeKey, receivedAt, sentAt } = sending;
  const whole = Buffer.from(text);
  const isCut = reason !== undefined && whole.length > most;
  const told = isCut ? `${reason}; its first ${most} bytes are kept` : reason;
  const headers = new Map([
    [RECEIVED_AT, new Date(receivedAt).toISOString()],
    ...(writeKey ? [[KEY, writeKey] as const] : []),
    ...(typeof sentAt === "string" ? [[SENT_AT, sentAt] as const] : []),
    ...(told === undefined ? [] : [[REASON, told] as const]),
  ]);
  const value = isCut ? Buffer.from(whole.toString("utf8", 0, most).replace(/\uFFFD$/, "")) : whole;
  return { key: key !== undefined && event.key ? keyOf(event, key) : null, value, headers, timestamp: receivedAt };
}

/** The value of a field, by which events of one value keep their order. */
function keyOf({ sent }: Arrived, name: string): Buffer | null {
  const found = new JsonText(sent.text).fields().get("data")?.fields().get(name)?.text;
  if (found === undefined || found === "null") return null;
  return Buffer.from(found.startsWith('"') ? (JSON.parse(found) as string) : found);
}

/** What is sent at once: a broker takes so much of a partition. */
export function* bundlesOf(messages: readonly Produced[]): Generator<readonly Produced[]> {
  let bundle: Produced[] = [];
  let bytes = 0;
  for (const one of messages) {
    const size = one.value.length + (one.key?.length ?? 0) + AROUND;
    if (bundle.length && bytes + size > MOST_PRODUCED) {
      yield bundle;
      bundle = [];
      bytes = 0;
    }
    bundle.push(one);
    bytes += size;
  }
  if (bundle.length) yield bundle;
}

/** A record of the topic, whoever wrote it. @param position where it stands */
export function keptIn({ value, headers, timestamp }: KafkaRecord, position: string): Kept {
  const said = new Map(headers.map(([name, bytes]) => [name, bytes === null ? "" : bytes.toString()]));
  const writeKey = said.get(KEY) ?? "";
  const sentAt = said.get(SENT_AT);
  const at = Date.parse(said.get(RECEIVED_AT) ?? "");
  const receivedAt = Number.isNaN(at) ? Math.max(0, timestamp) : at;
  const isName = writeKey.length <= LONGEST_NAME && !/[\0\p{Surrogate}]/u.test(writeKey);
  const sending = { writeKey: isName ? writeKey : "", receivedAt, ...(sentAt === undefined ? {} : { sentAt }) };
  const none = (why: string, text: string): Kept => ({ position, text, reason: why, sending });
  if (value === null) return none("has no value, as the tombstone of a key has none", "");
  if (!isUtf8(value)) return none("is not UTF-8", bytesText(value));
  if (!isName) return none(`${KEY}: a name has ${LONGEST_NAME} characters at most`, value.toString());
  return { position, text: value.toString(), reason: said.get(REASON), sending };
}
