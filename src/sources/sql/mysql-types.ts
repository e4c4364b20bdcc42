import type { SqlColumn } from "./rows.ts";

/** What the server says of a column before the rows. */
export interface FieldDefinition {
  readonly name: string;
  readonly columnType: number;
  readonly characterSet: number;
  /** MariaDB's word for types that travel as others. */
  readonly extendedFormat?: string;
}

/** A column, and how its bytes become text. */
export interface FieldReader extends SqlColumn {
  text(bytes: Buffer): string;
}

/** The character set that means bytes. */
const BINARY = 63;

const utf8 = (bytes: Buffer) => bytes.toString("utf8");
const ascii = (bytes: Buffer) => bytes.toString("latin1");
const hexadecimal = (bytes: Buffer) => `\\x${bytes.toString("hex")}`;
/** BIT(n): a number in bytes, the largest first. */
const bits = (bytes: Buffer) => BigInt(`0x${bytes.toString("hex") || "0"}`).toString();
const isoTime = (bytes: Buffer) => ascii(bytes).replace(" ", "T");
/** The session is in UTC. */
const isoInstant = (bytes: Buffer) => `${isoTime(bytes)}Z`;

type Reading = Pick<FieldReader, "kind" | "text">;

/** By the number that the protocol gives a type. */
const readings: Readonly<Record<number, Reading>> = {
  0: { kind: "decimal", text: ascii },
  1: { kind: "integer", text: ascii }, // tinyint
  2: { kind: "integer", text: ascii }, // smallint
  3: { kind: "integer", text: ascii }, // int
  4: { kind: "float", text: ascii },
  5: { kind: "float", text: ascii }, // double
  7: { kind: "timestamp", text: isoInstant },
  8: { kind: "integer", text: ascii }, // bigint
  9: { kind: "integer", text: ascii }, // mediumint
  10: { kind: "date", text: ascii },
  11: { kind: "text", text: ascii }, // time: up to 838 hours, so no time of day
  12: { kind: "timestamp", text: isoTime }, // datetime
  13: { kind: "integer", text: ascii }, // year
  16: { kind: "integer", text: bits },
  242: { kind: "binary", text: hexadecimal }, // vector
  245: { kind: "json", text: utf8 },
  246: { kind: "decimal", text: ascii },
  255: { kind: "binary", text: hexadecimal }, // geometry
};

export function columnOf({ name, columnType, characterSet, extendedFormat }: FieldDefinition): FieldReader {
  const reading: Reading =
    extendedFormat === "json"
      ? readings[245]!
      : (readings[columnType] ??
        (characterSet === BINARY ? { kind: "binary", text: hexadecimal } : { kind: "text", text: utf8 }));
  return { name, ...reading };
}
