/**
 * One record of a CSV file, valid only while the callback runs: `bytes` is used again. Field `n` is
 * `bytes[starts[n]..ends[n]]`, quotes included; `quoted[n]` is 1 where it begins with one.
 */
export interface ScannedRecord {
  bytes: Buffer;
  start: number;
  /** Without the line end. */
  end: number;
  /** Of the record's first line, counted from 1. */
  line: number;
  /** Of the record's first byte in the file. */
  offset: number;
  fields: number;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly quoted: Uint8Array;
  /** Why it cannot be a record: bad quoting, too many fields, not UTF-8, a NUL byte, too long. */
  problem: string | undefined;
  /** As the file has it, where the record was written anew. */
  original?: Pick<ScannedRecord, "bytes" | "start" | "end">;
}

export interface ScanResult {
  /** Lines before the header that did not come. */
  readonly linesMissing: number;
  /** Whether the last line had a line end. */
  readonly terminated: boolean;
  /** Fields of the last record. */
  readonly lastFields: number;
  /** Whether the file ends after the first character of a line end of two. */
  readonly cutInLineEnd: boolean;
}
