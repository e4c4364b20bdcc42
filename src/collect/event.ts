import { hash } from "node:crypto";
import { isDateTimeText } from "../land/check/times.ts";
import { EVENT_COLUMNS } from "../model/declarations.ts";
import { isObject, type JsonPart, type SourceRecord } from "../sources/json/document.ts";
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
  /** For events that do not say it themselves, as it was sent. */
  readonly sentAt?: unknown;
}

const LONGEST_ID = 200;

/** An event of a request: its envelope, or what is wrong with it. */
export function readEnvelope(document: JsonPart, sentAt: unknown): Envelope | { readonly reasons: readonly string[] } {
  const { value, source } = document;
  if (!isObject(value)) return { reasons: ["is not a JSON object"] };
  const reasons = mistakesIn(value);
  const expected = sentAt === undefined || Object.hasOwn(value, "sent_at") ? undefined : isTime(sentAt);
  if (expected !== undefined) reasons.push(`sent_at of its request: must be ${expected}`);
  if (reasons.length) return { reasons };
  return {
    id: value.id as string,
    type: value.type as string,
    version: (value.version as number | undefined) ?? 1,
    time: value.time as string | undefined,
    sentAt: (value.sent_at ?? sentAt) as string | undefined,
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
  const mistakes: string[] = [];
  for (const name of NEEDED) if (!Object.hasOwn(event, name)) mistakes.push(`${name}: is missing`);
  for (const name of Object.keys(event)) {
    const check = FIELDS.get(name);
    const expected = check?.(event[name]);
    if (!check)
      mistakes.push(`${name}: an event has ${[...FIELDS.keys()].join(", ")}; what it is about stands in data`);
    else if (expected !== undefined) mistakes.push(`${name}: must be ${expected}`);
  }
  return mistakes;
}

function isData(value: unknown): string | undefined {
  if (!isObject(value)) return "an object";
  const ours = EVENT_COLUMNS.find(({ name }) => Object.hasOwn(value, name));
  return ours && `without ${ours.name}, which the collector says of each event`;
}

function isText(value: unknown, longest: number): boolean {
  if (typeof value !== "string" || value === "" || value.length > longest) return false;
  return value.isWellFormed() && !value.includes("\0");
}

function isTime(value: unknown): string | undefined {
  if (typeof value === "string" && isDateTimeText(value) && !Number.isNaN(Date.parse(value))) return undefined;
  return "a time with a zone: 2026-11-30T09:00:00.123Z";
}

/** What makes two events the same: all of it but when it was sent. Sixteen bytes, in hexadecimal. */
export function bodyHash({ type, version, time, data }: Envelope): string {
  return hash("sha256", `${type}\n${version}\n${time ?? ""}\n${data.source.text}`, "hex").slice(0, 32);
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
  if (time === undefined) return textOf(receivedAt);
  const off = sentAt === undefined ? Math.min(0, receivedAt - Date.parse(time)) : receivedAt - Date.parse(sentAt);
  if (Math.abs(off) <= allowed) return time;
  return new Date(Date.parse(time) + off).toISOString();
}

let last: readonly [moment: number, text: string] = [0, new Date(0).toISOString()];

/** A moment as a text; the events of a request have one. */
function textOf(moment: number): string {
  if (moment !== last[0]) last = [moment, new Date(moment).toISOString()];
  return last[1];
}

/** The data of an event, as a record for its schema. */
export class EventRecord implements SourceRecord {
  readonly value: Readonly<Record<string, unknown>>;
  readonly exact: boolean;
  readonly position: string;
  /** Cells of `EVENT_COLUMNS`: what was said around the data. */
  readonly around: readonly (string | null)[];
  readonly #data: JsonText;

  constructor(
    { id, time, sentAt, data }: Envelope,
    { writeKey, receivedAt }: Sending,
    {
      position,
      clockSkew,
      document,
    }: { readonly position: string; readonly clockSkew: number; readonly document: JsonPart },
  ) {
    this.value = data.value;
    this.exact = document.exact;
    this.position = position;
    const received = textOf(receivedAt);
    const happened = happenedAt({ time, sentAt }, receivedAt, clockSkew);
    this.around = [id, writeKey, time ?? null, sentAt ?? null, received, happened];
    this.#data = data.source;
  }

  text(): string {
    return this.#data.text;
  }

  fieldText(name: string): string | undefined {
    return this.#data.fields().get(name)?.text;
  }

  /** Data and what was said around it, as it is kept where it does not land: it can be tried again then. */
  whole(): string {
    const own = this.text().trim().slice(1, -1).trim();
    const ours = EVENT_COLUMNS.flatMap(({ name }, at) => {
      const cell = this.around[at]!;
      return cell === null ? [] : [`${JSON.stringify(name)}:${JSON.stringify(cell)}`];
    }).join(",");
    return own === "" ? `{${ours}}` : `{${own},${ours}}`;
  }
}
