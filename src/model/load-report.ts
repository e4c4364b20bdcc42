import type { UserErrorDetails } from "./errors.ts";

/** What one run of an ingest did. A stream that failed is data here, not an exception. */
export interface LoadReport {
  readonly version: 1;
  readonly source: string;
  readonly dryRun: boolean;
  readonly startedAt: string;
  readonly finishedAt: string;
  /** Whether every stream was loaded. Rejected records do not fail a load. */
  readonly ok: boolean;
  readonly streams: readonly StreamLoad[];
}

/** Fields that came or did not come against the schema, the most frequent first; and how many more there are of each kind. */
export interface FieldsSeen {
  /** They are in `_extra`. */
  readonly unknownFields: readonly { readonly field: string; readonly records: number }[];
  readonly moreUnknownFields: number;
  /** Fields of the schema that a header, a query or all records of a file lack; in how many loads. */
  readonly missingFields: readonly { readonly field: string; readonly loads: number }[];
  readonly moreMissingFields: number;
}

export interface StreamLoad extends FieldsSeen {
  readonly stream: string;
  /** "raw.marketing_stats" */
  readonly table: string;
  readonly status: "loaded" | "failed";
  /** The row of the ledger `_load`; null in a dry run and where even that could not be written. */
  readonly loadId: string | null;
  readonly pages: number;
  /** Records received, those that had landed before included. */
  readonly records: number;
  /** Rows landed. */
  readonly rows: number;
  readonly rejected: number;
  /** Records skipped because the same record had already landed. */
  readonly skipped: number;
  /** The value the next load begins at; null for a stream without a cursor. The whole of it is in `_load`. */
  readonly cursor: string | null;
  readonly seconds: number;
  /** The most frequent reasons, with how often each was given; many that differ by a value are one, with … in its place. */
  readonly reasons: readonly { readonly reason: string; readonly count: number }[];
  /** Reasons that are left out, and rejects for these. */
  readonly moreReasons: number;
  readonly moreRejects: number;
  readonly error: UserErrorDetails | null;
  readonly warnings: readonly string[];
  /** What became of each file; absent where the source has no files. */
  readonly files?: readonly FileLoad[];
}

export interface FileLoad {
  readonly path: string;
  /** known: its content has landed before. older: not changed since `--since`. waiting: it may still be being written. */
  readonly status: "loaded" | "known" | "older" | "waiting" | "failed";
  /** Counts the contents that landed under this path, from 1. */
  readonly version: number | null;
  readonly rows: number;
  readonly rejected: number;
  readonly loadId: string | null;
  /** Why it waits, or what is odd about it. */
  readonly reason: string | null;
  /** Fields of the schema that it lacks. */
  readonly missingFields: readonly string[];
  readonly error: UserErrorDetails | null;
}

/** Where the next load begins. */
export interface LoadCursor {
  /** The largest value of the cursor field so far, as the source wrote it. */
  readonly value: string | null;
  /** Hashes of the records that carry this value: the source sends them again, they must not land again. */
  readonly seen: readonly string[];
  /** Hashes of rejected records without a readable cursor field. */
  readonly unplaced: readonly string[];
}

/** Told while a load runs, in order. `seconds` is null where nobody knows how long. */
export type LoadEvent =
  | {
      readonly kind: "started";
      readonly stream: string;
      readonly table: string;
      readonly since: string | null;
      readonly file?: string;
    }
  | { readonly kind: "page"; readonly stream: string; readonly page: number; readonly records: number }
  | { readonly kind: "waiting"; readonly stream: string; readonly seconds: number | null; readonly reason: string }
  | {
      readonly kind: "bytes";
      readonly stream: string;
      readonly file: string;
      readonly bytes: number;
      readonly of: number | null;
    }
  | { readonly kind: "copied"; readonly stream: string; readonly rows: number }
  | { readonly kind: "committing"; readonly stream: string }
  | { readonly kind: "finished"; readonly stream: string; readonly load: StreamLoad };
