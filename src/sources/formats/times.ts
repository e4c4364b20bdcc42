import { narrow } from "./value-record.ts";

const DAY = 86_400n;

/** ISO date of a day counted from 1970-01-01. */
export function dateText(days: number): string {
  return isoOf(BigInt(days) * DAY)?.slice(0, -"T00:00:00".length) ?? String(days);
}

/** ISO time of a moment since 1970-01-01 00:00 UTC, with so many digits after the second and without a zone. */
export function timestampText(units: number | bigint, digits: 3 | 6 | 9): string {
  const [seconds, fraction] = split(units, digits);
  const iso = isoOf(seconds);
  return iso === undefined ? String(units) : `${iso}.${fraction}`;
}

/** Time of day: 03:04:05.000006. */
export function timeText(units: number | bigint, digits: 3 | 6 | 9): string {
  const [seconds, fraction] = split(units, digits);
  if (seconds < 0n || seconds >= DAY) return String(units);
  return `${isoOf(seconds)!.slice(-"00:00:00".length)}.${fraction}`;
}

/** ISO duration of months, days and milliseconds, each a little-endian number of four bytes. */
export function durationText(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [months, days, millis] = [0, 4, 8].map((at) => view.getUint32(at, true));
  return `P${months}M${days}DT${(millis! / 1000).toFixed(3)}S`;
}

/** Whole seconds, rounded down, and the digits after them. */
function split(units: number | bigint, digits: number): [bigint, string] {
  const scale = 10n ** BigInt(digits);
  const whole = BigInt(units);
  const rest = ((whole % scale) + scale) % scale;
  return [(whole - rest) / scale, String(rest).padStart(digits, "0")];
}

/** Undefined beyond the years that a Date knows. */
function isoOf(seconds: bigint): string | undefined {
  const date = new Date(Number(narrow(seconds)) * 1000);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString().slice(0, -".000Z".length);
}

/** Of 16 bytes. */
export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
