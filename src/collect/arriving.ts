import type { CollectDeclaration } from "../model/declarations.ts";
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
  { maxEventBytes }: CollectDeclaration,
  { events, rejected, sentAt }: SentEvents,
  { writeKey, receivedAt }: Sending,
): readonly Arrived[] {
  const sentWith = typeof sentAt === "string" ? sentAt : undefined;
  const judged = events.map(({ position, document }): Arrived => {
    const { source } = document;
    const asSent = { position, text: () => source.text, size: source.length };
    if (isLarger(source, maxEventBytes))
      return { ...asSent, judged: { reason: `is larger than ${maxEventBytes} bytes (maxEventBytes)` } };
    const event = readEnvelope(document, sentWith);
    if ("reasons" in event) return { ...asSent, judged: { reason: reasonOf(event.reasons) } };
    const whole = streams.judge(event, { writeKey, receivedAt }, position, document);
    const isNone = typeof whole === "string";
    const key = {
      writeKey,
      id: event.id,
      hash: bodyHash(event),
      lands: !isNone && whole.judged.cells !== undefined,
    };
    if (isNone) return { ...asSent, judged: { reason: whole }, key };
    return { position, text: whole.text, size: source.length, judged: whole.judged, key };
  });
  const none = rejected.map(({ position, text, reason }): Arrived => {
    return { position, text: () => text, size: text.length, judged: { reason } };
  });
  return [...judged, ...none];
}
