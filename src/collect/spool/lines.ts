import { crc32 } from "node:zlib";
import type { Kept } from "../arriving.ts";

// An event in a spool is a line: a checksum of the rest, and JSON.

const NEWLINE = 0x0a;
/** Of a checksum: hexadecimal digits, and the blank behind them. */
const CHECKSUM = 8;
const DAMAGED = "was damaged on the disk of its collector: its checksum is another one";

interface Line {
  readonly position: string;
  readonly text: string;
  readonly reason?: string;
  readonly writeKey: string;
  readonly receivedAt: number;
  readonly sentAt?: unknown;
}

export function lineOf({ position, text, reason, sending }: Kept): string {
  const { writeKey, receivedAt, sentAt } = sending;
  const line: Line = {
    ...{ position, text, writeKey, receivedAt },
    ...(reason === undefined ? {} : { reason }),
    ...(sentAt === undefined ? {} : { sentAt }),
  };
  const json = JSON.stringify(line);
  return `${checksumOf(json)} ${json}\n`;
}

const checksumOf = (json: string | Buffer) => crc32(json).toString(16).padStart(CHECKSUM, "0");

/** Whole lines of a piece of a spool, and how many bytes they are. @param most events */
export function linesIn(bytes: Buffer, most: number): { readonly kept: readonly Kept[]; readonly length: number } {
  const kept: Kept[] = [];
  let at = 0;
  while (kept.length < most) {
    const end = bytes.indexOf(NEWLINE, at);
    if (end < 0) break;
    kept.push(keptIn(bytes.subarray(at, end)));
    at = end + 1;
  }
  return { kept, length: at };
}

/** What the line keeps. Of one that is damaged what is left of it, as it is: it is no event any more. */
function keptIn(line: Buffer): Kept {
  const json = line.subarray(CHECKSUM + 1);
  if (line.toString("latin1", 0, CHECKSUM) !== checksumOf(json)) return damaged(line);
  const { position, text, reason, writeKey, receivedAt, sentAt } = JSON.parse(json.toString()) as Line;
  const sending = { writeKey, receivedAt, ...(sentAt === undefined ? {} : { sentAt }) };
  return { position, text, reason, sending };
}

function damaged(line: Buffer): Kept {
  const text = line.toString().replaceAll("\0", "\uFFFD");
  return { position: "a line of a spool", text, reason: DAMAGED, sending: { writeKey: "", receivedAt: Date.now() } };
}
