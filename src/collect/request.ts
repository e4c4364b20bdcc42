import { isObject, type JsonDocument, type JsonPart } from "../sources/json/document.ts";
import { parseDocument, parseObject } from "../sources/json/object.ts";

/** What a request holds. */
export interface SentEvents {
  readonly events: readonly { readonly position: string; readonly document: JsonPart }[];
  /** What is no event, as it came. */
  readonly rejected: readonly { readonly position: string; readonly reason: string; readonly text: string }[];
  /** For events that do not say it themselves. */
  readonly sentAt?: unknown;
  /** The write key, where a page could not send a header. */
  readonly key?: unknown;
}

/** Of one request: as many as go into one commit. */
export const MOST_EVENTS = 5_000;

/** A request has too many. */
export class TooManyEvents extends Error {}

/** What a request of several events may say besides them. */
const AROUND = ["events", "sent_at", "key"];

/**
 * The events of a body: one, a list, `{ "events": [ … ], "sent_at", "key" }`, or a line each.
 * @param isLines whether each line is one; undefined where nobody says so
 * @throws TooManyEvents
 */
export function readRequest(body: string, isLines: boolean | undefined): SentEvents {
  if (isLines) return readLines(body);
  const document = parseDocument(body);
  if (typeof document !== "string") return readDocument(document);
  const lines = isLines === undefined && body.trim().includes("\n") ? readLines(body) : undefined;
  if (lines?.events.length) return lines;
  return { events: [], rejected: [{ position: "body", reason: document, text: body }] };
}

function readLines(body: string): SentEvents {
  const found: { readonly position: string; readonly text: string }[] = [];
  let line = 0;
  for (let start = 0; start < body.length; ) {
    line++;
    const end = body.indexOf("\n", start);
    const text = body.slice(start, end < 0 ? body.length : end);
    if (/\S/.test(text)) found.push({ position: `line ${line}`, text });
    if (found.length > MOST_EVENTS) throw new TooManyEvents();
    start = end < 0 ? body.length : end + 1;
  }
  const read = found.map((one) => ({ ...one, read: parseObject(one.text) }));
  return {
    events: read.flatMap(({ position, read }) => (typeof read === "string" ? [] : [{ position, document: read }])),
    rejected: read.flatMap(({ position, text, read }) =>
      typeof read === "string" ? [{ position, reason: read, text }] : [],
    ),
  };
}

function readDocument(document: JsonDocument): SentEvents {
  const { value, source } = document;
  if (Array.isArray(value)) return { events: itemsOf(document, value, source), rejected: [] };
  if (!isObject(value) || !Object.hasOwn(value, "events") || Object.hasOwn(value, "type"))
    return { events: [{ position: "event 1", document }], rejected: [] };
  const unknown = Object.keys(value).filter((name) => !AROUND.includes(name));
  const reason = unknown.length
    ? `${unknown.slice(0, 10).join(", ")}: a request has ${AROUND.join(", ")}`
    : Array.isArray(value.events)
      ? undefined
      : "events: must be a list";
  const { sent_at: sentAt, key } = value;
  if (reason !== undefined) return { events: [], rejected: [{ position: "body", reason, text: source.text }], key };
  const events = itemsOf(document, value.events as readonly unknown[], source.fields().get("events")!);
  return { events, rejected: [], sentAt, key };
}

function itemsOf(
  { exact }: JsonDocument,
  values: readonly unknown[],
  source: JsonDocument["source"],
): SentEvents["events"] {
  if (values.length > MOST_EVENTS) throw new TooManyEvents();
  const sources = source.items();
  return values.map((value, index) => ({
    position: `event ${index + 1}`,
    document: { value, source: sources[index]!, exact },
  }));
}
