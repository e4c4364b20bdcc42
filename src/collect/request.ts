import { isObject, type JsonDocument } from "../sources/json/document.ts";
import { BLANK, parseDocument, parseObject } from "../sources/json/object.ts";

/** What a request holds. */
export interface SentEvents {
  readonly events: readonly { readonly position: string; readonly document: JsonDocument }[];
  /** What is no event, as it came. */
  readonly rejected: readonly { readonly position: string; readonly reason: string; readonly text: string }[];
  /** For events that do not say it themselves. */
  readonly sentAt?: unknown;
  /** The write key, where a page could not send a header. */
  readonly key?: unknown;
}

/** What a request of several events may say besides them. */
const AROUND = ["events", "sent_at", "key"];

/**
 * The events of a body: one, a list, `{ "events": [ … ], "sent_at", "key" }`, or a line each.
 * @param isLines whether each line is one; undefined where nobody says so
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
  const found = body
    .split("\n")
    .map((text, index) => ({ position: `line ${index + 1}`, text, read: parseObject(text) }));
  return {
    events: found.flatMap(({ position, read }) => (typeof read === "string" ? [] : [{ position, document: read }])),
    rejected: found.flatMap(({ position, text, read }) =>
      typeof read === "string" && read !== BLANK ? [{ position, reason: read, text }] : [],
    ),
  };
}

function readDocument(document: JsonDocument): SentEvents {
  const { value, source } = document;
  if (Array.isArray(value)) return { events: itemsOf(document, value, source.items()), rejected: [] };
  if (!isObject(value) || !Object.hasOwn(value, "events") || Object.hasOwn(value, "type"))
    return { events: [{ position: "event 1", document }], rejected: [] };
  const unknown = Object.keys(value).filter((name) => !AROUND.includes(name));
  const reason = unknown.length
    ? `${unknown.join(", ")}: a request has ${AROUND.join(", ")}`
    : Array.isArray(value.events)
      ? undefined
      : "events: must be a list";
  const { sent_at: sentAt, key } = value;
  if (reason !== undefined) return { events: [], rejected: [{ position: "body", reason, text: source.text }], key };
  const events = itemsOf(document, value.events as readonly unknown[], source.fields().get("events")!.items());
  return { events, rejected: [], sentAt, key };
}

function itemsOf(
  { exact, hasDuplicateKeys }: JsonDocument,
  values: readonly unknown[],
  sources: readonly JsonDocument["source"][],
): SentEvents["events"] {
  return values.map((value, index) => ({
    position: `event ${index + 1}`,
    document: { value, source: sources[index]!, exact, hasDuplicateKeys },
  }));
}
