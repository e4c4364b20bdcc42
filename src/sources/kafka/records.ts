import type { JsonDocument, SourceRecord } from "../json/document.ts";
import type { RejectedPiece } from "../source.ts";

/** What a record of a topic is for landing: a record, a reject, or nothing (undefined). */
export type Decoded = SourceRecord | RejectedPiece | undefined;

export function isRejected(decoded: SourceRecord | RejectedPiece): decoded is RejectedPiece {
  return "reason" in decoded;
}

/** A value of JSON, as its producer wrote it. */
export class JsonValue implements SourceRecord {
  readonly position: string;
  readonly value: unknown;
  readonly exact: boolean;
  readonly hasDuplicateKeys: boolean;
  readonly #source: JsonDocument["source"];

  constructor(position: string, { value, exact, hasDuplicateKeys, source }: JsonDocument) {
    this.position = position;
    this.value = value;
    this.exact = exact;
    this.hasDuplicateKeys = hasDuplicateKeys;
    this.#source = source;
  }

  text(): string {
    return this.#source.text;
  }

  fieldText(name: string): string | undefined {
    return this.#source.fields().get(name)?.text;
  }
}

/** What is known of a record besides its value: by column, as a value and as JSON. */
export type Besides = ReadonlyMap<string, { readonly value: unknown; readonly json: string }>;

/** A record, and what is known besides. As a text both, so that a reject can be tried again. */
export class WithBesides implements SourceRecord {
  readonly position: string;
  readonly value: unknown;
  readonly exact: boolean;
  readonly hasDuplicateKeys: boolean;
  readonly isTombstone: boolean;
  readonly #record: SourceRecord;
  readonly #besides: Besides;

  constructor(record: SourceRecord, besides: Besides, isTombstone: boolean) {
    this.isTombstone = isTombstone;
    this.position = record.position;
    this.exact = record.exact ?? false;
    this.hasDuplicateKeys = record.hasDuplicateKeys ?? false;
    this.#record = record;
    this.#besides = besides;
    const ours = Object.fromEntries([...besides].map(([name, { value }]) => [name, value]));
    this.value = { ...(record.value as object), ...ours };
  }

  text(): string {
    const own = this.#record.text().trim().slice(1, -1).trim();
    const ours = [...this.#besides].map(([name, { json }]) => `${JSON.stringify(name)}:${json}`).join(",");
    return own === "" ? `{${ours}}` : `{${own},${ours}}`;
  }

  fieldText(name: string): string | undefined {
    return this.#besides.get(name)?.json ?? this.#record.fieldText(name);
  }
}
