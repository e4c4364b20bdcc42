import type { CollectDeclaration } from "../model/declarations.ts";
import type { Arrived } from "./arrived.ts";
import { bodyHash, readEnvelope, type Sending } from "./event.ts";
import { type EventStreams, reasonOf } from "./event-streams.ts";
import type { SentEvents } from "./request.ts";

/** Of a UTF-16 unit in UTF-8. */
const MAX_CHARACTER_BYTES = 3;

function isLarger(text: string, bytes: number): boolean {
  return text.length * MAX_CHARACTER_BYTES > bytes && Buffer.byteLength(text) > bytes;
}

/** The events of a request as they land or are kept, and what is none of it. */
export function arrivedOf(
  streams: EventStreams,
  { maxEventBytes }: CollectDeclaration,
  { events, rejected, sentAt }: SentEvents,
  { writeKey, receivedAt }: Sending,
): readonly Arrived[] {
  const sentWith = typeof sentAt === "string" ? sentAt : undefined;
  const judged = events.map(({ position, document }): Arrived => {
    const asSent = document.source.text;
    if (isLarger(asSent, maxEventBytes))
      return { position, text: asSent, judged: { reason: `is larger than ${maxEventBytes} bytes (maxEventBytes)` } };
    const event = readEnvelope(document, sentWith);
    if ("reasons" in event) return { position, text: asSent, judged: { reason: reasonOf(event.reasons) } };
    const whole = streams.judge(event, { writeKey, receivedAt }, position, document);
    const key = { writeKey, id: event.id, hash: bodyHash(event) };
    if (typeof whole === "string")
      return { position, text: asSent, judged: { reason: whole }, key: { ...key, lands: false } };
    return { position, ...whole, key: { ...key, lands: whole.judged.cells !== undefined } };
  });
  return [...judged, ...rejected.map(({ position, text, reason }) => ({ position, text, judged: { reason } }))];
}
