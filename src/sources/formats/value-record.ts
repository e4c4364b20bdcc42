import type { SourceRecord } from "../json/document.ts";
import type { FilePosition } from "../source.ts";

/** A JSON text inside a record, kept as it stands. */
export class RawJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * A record of a format that has values of its own. They are what JSON knows, and `bigint` for a number that a double
 * does not hold, and RawJson.
 */
export class ValueRecord implements SourceRecord, FilePosition {
  readonly position: string;
  readonly line?: number;
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #plain: boolean;

  constructor(position: string, fields: Readonly<Record<string, unknown>>, line?: number) {
    this.position = position;
    this.#fields = fields;
    this.#plain = isPlain(fields);
    if (line !== undefined) this.line = line;
  }

  get value(): unknown {
    return this.#plain ? this.#fields : plainValue(this.#fields);
  }

  text(): string {
    return this.#plain ? JSON.stringify(this.#fields) : exactJson(this.#fields);
  }

  fieldText(name: string): string | undefined {
    return Object.hasOwn(this.#fields, name) ? exactJson(this.#fields[name]) : undefined;
  }
}

/** A number where a double holds it; the same bigint otherwise. */
export function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** A double as JSON can say it: what is no number for JSON is a text that PostgreSQL reads. */
export function doubleValue(value: number): number | string | RawJson {
  // JSON has it, and JavaScript writes it without its sign.
  if (Object.is(value, -0)) return new RawJson("-0");
  return Number.isFinite(value) ? value : String(value);
}

/** Bytes as `bytea` writes and reads them: \x, then two digits for each. */
export function bytesText(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")}`;
}

/** Digits after the point that PostgreSQL's numeric can have. */
export function isScale(scale: number): boolean {
  return Number.isInteger(scale) && scale >= 0 && scale <= 16383;
}

/** A decimal from its digits without point: 12345n at scale 2 is "123.45". */
export function decimalText(unscaled: bigint, scale: number): string {
  if (scale === 0) return String(unscaled);
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  return `${unscaled < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** Big-endian two's complement. */
export function signedInteger(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`));
}

/** JSON with every digit of the numbers. */
function exactJson(value: unknown): string {
  if (typeof value === "bigint") return String(value);
  if (value instanceof RawJson) return value.text;
  if (Array.isArray(value)) return `[${value.map(exactJson).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, field]) => `${JSON.stringify(name)}:${exactJson(field)}`)
    .join(",")}}`;
}

/** Whether JSON has everything that is in the tree. */
function isPlain(value: unknown): boolean {
  if (value === null || typeof value !== "object") return typeof value !== "bigint";
  if (value instanceof RawJson) return false;
  return Array.isArray(value) ? value.every(isPlain) : Object.values(value).every(isPlain);
}

/** The same tree as `JSON.parse` of its JSON would give it. */
function plainValue(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (value instanceof RawJson) return JSON.parse(value.text);
  if (Array.isArray(value)) return value.map(plainValue);
  if (value === null || typeof value !== "object") return value;
  const plain: Record<string, unknown> = Object.create(null);
  for (const [name, field] of Object.entries(value)) plain[name] = plainValue(field);
  return plain;
}
