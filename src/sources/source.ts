import type { SourceRecord } from "./json/document.ts";

/** Some records, in the order of the source, and what was no record. */
export interface SourcePage {
  /** Counts from 1. */
  readonly number: number;
  readonly records: readonly SourceRecord[];
  /** Pieces that cannot be read as a record: a line that is no JSON, a record that is too long. */
  readonly rejected?: readonly RejectedPiece[];
  /** The days that were asked for, ISO dates, both included: what the page does not hold of them is not there. */
  readonly days?: { readonly start: string; readonly end: string };
}

/** Where a record begins in its file. Lines count from 1, bytes from 0, both after unpacking. */
export interface FilePosition {
  readonly line?: number;
  readonly byte?: number;
}

export interface RejectedPiece extends FilePosition {
  /** For people: "line 17". */
  readonly position: string;
  readonly reason: string;
  /** As the source sent it; its beginning, where it is long. */
  readonly text: string;
}

/** Reads records out of bytes. Throws a UserError for a file that is cut, mis-encoded or hostile as a whole. */
export type FormatReader = (bytes: AsyncIterable<Uint8Array>) => AsyncIterable<SourcePage>;

/** One file of a filesystem, seen but not read. */
export interface SourceFile {
  /** Below the folder that is read, with slashes; what the ledger knows the file by. */
  readonly path: string;
  /** Bytes as stored; undefined where the filesystem does not say. */
  readonly size?: number;
  /** ISO time; undefined where the filesystem does not say. */
  readonly modifiedAt?: string;
  /** The filesystem's own word for the content (an ETag), where it has one. */
  readonly version?: string;
  /** The bytes as stored. May be opened again. */
  open(): Promise<AsyncIterable<Uint8Array>>;
}

/** Somewhere files are. */
export interface Filesystem {
  /** Files that match the glob, by path. */
  list(glob: string): Promise<readonly SourceFile[]>;
  close(): Promise<void>;
}

/** A record longer than this is rejected, with its beginning. */
export const MAX_RECORD_BYTES = 16 * 1024 * 1024;
/** Values nested deeper than this are rejected. */
export const MAX_DEPTH = 200;
