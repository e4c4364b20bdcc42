import type { CollectDeclaration } from "../model/declarations.ts";
import { parseDocument } from "../sources/json/object.ts";
import type { JsonText } from "../sources/json/text.ts";
import type { Arrived } from "./arrived.ts";
import { bodyHash, readEnvelope, type Sending } from "./event.ts";
import { type EventStreams, reasonOf } from "./event-streams.ts";
import type { SentEvents } from "./request.ts";

/** Of a UTF-16 unit in UTF-8. */
const MAX_CHARACTER_BYTES = 3;

function isLarger(source: JsonText, bytes: number): boolean {
  return source.length * MAX_CHARACTER_BYTES > bytes && Buffer.byteLength(source.text) > bytes;
}

/** The events of a request as they land or are kept, and what is none of it. */
export function arrivedOf(
  streams: EventStreams,
  { maxEventBytes }: Pick<CollectDeclaration, "maxEventBytes">,
  { events, rejected, sentAt }: SentEvents,
  given: Sending,
): readonly Arrived[] {
  const { writeKey } = given;
  const sending = sentAt === undefined ? given : { ...given, sentAt };
  const judged = events.map(({ position, document }): Arrived => {
    const { source } = document;
    const asSent = { position, text: () => source.text, sent: source, sending, size: source.length };
    if (isLarger(source, maxEventBytes))
      return { ...asSent, judged: { reason: `is larger than ${maxEventBytes} bytes (maxEventBytes)` } };
    const event = readEnvelope(document, sending.sentAt);
    if ("reasons" in event) return { ...asSent, judged: { reason: reasonOf(event.reasons) } };
    const whole = streams.judge(event, sending, position, document);
    const isNone = typeof whole === "string";
    const key = {
      writeKey,
      id: event.id,
      hash: bodyHash(event),
      lands: !isNone && whole.judged.cells !== undefined,
    };
    if (isNone) return { ...asSent, judged: { reason: whole }, key };
    return { ...asSent, text: whole.text, judged: whole.judged, key };
  });
  const none = rejected.map(({ position, text, reason }): Arrived => {
    return { position, text: () => text, sent: { text }, sending, size: text.length, judged: { reason } };
  });
  return [...judged, ...none];
}

/** An event that came before, and was kept somewhere else meanwhile. */
export interface Kept {
  /** Where it was kept. */
  readonly position: string;
  readonly text: string;
  /** Of what cannot be judged by its text: why it is no event. */
  readonly reason?: string | undefined;
  readonly sending: Sending;
}

/** The same as it is kept: what no event has is judged once, by what came. */
export function keptOf({ position, sent, sending, judged, key }: Arrived): Kept {
  return { position, text: sent.text, sending, ...(key ? {} : { reason: judged.reason }) };
}

/** What was kept, as it lands. */
export function arrivedAgain(
  streams: EventStreams,
  connector: Pick<CollectDeclaration, "maxEventBytes">,
  { position, text, reason, sending }: Kept,
): Arrived {
  const document = reason ?? parseDocument(text);
  const sent =
    typeof document === "string"
      ? { events: [], rejected: [{ position, text, reason: document }] }
      : { events: [{ position, document }], rejected: [] };
  return arrivedOf(streams, connector, sent, sending)[0]!;
}
