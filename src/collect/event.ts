import { createHash } from "node:crypto";
import { isDateTimeText } from "../land/check/times.ts";
import { EVENT_COLUMNS } from "../model/declarations.ts";
import { isObject, type JsonDocument, type SourceRecord } from "../sources/json/document.ts";
import { JsonText } from "../sources/json/text.ts";

/** What a sender says around the data of an event. Times are texts with a zone, by the sender's clock. */
export interface Envelope {
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly time: string | undefined;
  readonly sentAt: string | undefined;
  readonly data: { readonly value: Readonly<Record<string, unknown>>; readonly source: JsonText };
}

/** What all events of a request have in common. */
export interface Sending {
  /** Name of the key that they were sent with; empty without one. */
  readonly writeKey: string;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
  /** For events that do not say it themselves. */
  readonly sentAt?: string | undefined;
}

const LONGEST_ID = 200;

/** An event of a request: its envelope, or what is wrong with it. */
export function readEnvelope(
  document: JsonDocument,
  sentAt: string | undefined,
): Envelope | { readonly reasons: readonly string[] } {
  const { value, source } = document;
  if (!isObject(value)) return { reasons: ["is not a JSON object"] };
  const reasons = mistakesIn(value);
  if (reasons.length) return { reasons };
  return {
    id: value.id as string,
    type: value.type as string,
    version: (value.version as number | undefined) ?? 1,
    time: value.time as string | undefined,
    sentAt: (value.sent_at as string | undefined) ?? sentAt,
    data: {
      value: (value.data as Readonly<Record<string, unknown>> | undefined) ?? {},
      source: source.fields().get("data") ?? EMPTY,
    },
  };
}

const EMPTY = new JsonText("{}");

/** What an event may say, and what of it is wrong. */
const FIELDS: ReadonlyMap<string, (value: unknown) => string | undefined> = new Map([
  ["id", (value) => (isText(value, LONGEST_ID) ? undefined : `a text of 1 to ${LONGEST_ID} characters`)],
  ["type", (value) => (isText(value, LONGEST_ID) ? undefined : `a text of 1 to ${LONGEST_ID} characters`)],
  ["version", (value) => (Number.isSafeInteger(value) && (value as number) > 0 ? undefined : "a whole number from 1")],
  ["time", isTime],
  ["sent_at", isTime],
  ["data", isData],
]);
const NEEDED = ["id", "type"];

function mistakesIn(event: Readonly<Record<string, unknown>>): string[] {
  const missing = NEEDED.filter((name) => !Object.hasOwn(event, name)).map((name) => `${name}: is missing`);
  const wrong = Object.entries(event).flatMap(([name, value]) => {
    const check = FIELDS.get(name);
    if (!check) return [`${name}: an event has ${[...FIELDS.keys()].join(", ")}; what it is about stands in data`];
    const expected = check(value);
    return expected === undefined ? [] : [`${name}: must be ${expected}`];
  });
  return [...missing, ...wrong];
}

function isData(value: unknown): string | undefined {
  if (!isObject(value)) return "an object";
  const ours = EVENT_COLUMNS.find(({ name }) => Object.hasOwn(value, name));
  return ours && `without ${ours.name}, which the collector says of each event`;
}

function isText(value: unknown, longest: number): boolean {
  return typeof value === "string" && value !== "" && value.length <= longest && !/[\0\p{Surrogate}]/u.test(value);
}

function isTime(value: unknown): string | undefined {
  if (typeof value === "string" && isDateTimeText(value) && !Number.isNaN(Date.parse(value))) return undefined;
  return "a time with a zone: 2026-11-30T09:00:00.123Z";
}

/** What makes two events the same: all of it but when it was sent. Sixteen bytes, in hexadecimal. */
export function bodyHash({ type, version, time, data }: Envelope): string {
  return createHash("sha256")
    .update(`${type}\n${version}\n${time ?? ""}\n`)
    .update(data.source.text)
    .digest("hex")
    .slice(0, 32);
}

/**
 * When an event happened, by the clock of whoever received it. The sender's own time stands as it is while its clock is about right:
 * to take the way's delay out of it would reorder what one sender did.
 * @param allowed milliseconds by which a sender's clock may be off
 */
export function happenedAt(
  { time, sentAt }: Pick<Envelope, "time" | "sentAt">,
  receivedAt: number,
  allowed: number,
): string {
  const received = new Date(receivedAt).toISOString();
  if (time === undefined) return received;
  const off = sentAt === undefined ? Math.min(0, receivedAt - Date.parse(time)) : receivedAt - Date.parse(sentAt);
  if (Math.abs(off) <= allowed) return time;
  return new Date(Date.parse(time) + off).toISOString();
}

/** An event as a record of its table: the fields of its data, and what was said around them. */
export class EventRecord implements SourceRecord {
  readonly value: Readonly<Record<string, unknown>>;
  readonly exact: boolean;
  readonly hasDuplicateKeys: boolean;
  readonly position: string;
  readonly #ours: ReadonlyMap<string, string>;
  readonly #data: JsonText;

  constructor(
    { id, time, sentAt, data }: Envelope,
    { writeKey, receivedAt }: Sending,
    {
      position,
      clockSkew,
      document,
    }: { readonly position: string; readonly clockSkew: number; readonly document: JsonDocument },
  ) {
    const ours = {
      _event_id: id,
      _write_key: writeKey,
      ...(time === undefined ? {} : { _occurred_at: time }),
      ...(sentAt === undefined ? {} : { _sent_at: sentAt }),
      _received_at: new Date(receivedAt).toISOString(),
      _event_at: happenedAt({ time, sentAt }, receivedAt, clockSkew),
    };
    this.value = { ...data.value, ...ours };
    this.exact = document.exact;
    this.hasDuplicateKeys = document.hasDuplicateKeys;
    this.position = position;
    this.#ours = new Map(Object.entries(ours).map(([name, text]) => [name, JSON.stringify(text)]));
    this.#data = data.source;
  }

  /** As it lands, and as it is kept where it does not: it can be tried again then. */
  text(): string {
    const own = this.#data.text.trim().slice(1, -1).trim();
    const ours = [...this.#ours].map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(",");
    return own === "" ? `{${ours}}` : `{${own},${ours}}`;
  }

  fieldText(name: string): string | undefined {
    return this.#ours.get(name) ?? this.#data.fields().get(name)?.text;
  }
}
