import type { Client } from "../../postgres/client.ts";
import type { DriftEntry } from "../ledger/drift.ts";
import type { FileVersion } from "../ledger/file-ledger.ts";
import type { FailureEntry, LedgerEntry, StreamWait } from "../ledger/ledger.ts";
import type { Waiting } from "../ledger/ledger-tables.ts";
import type { Past } from "../ledger/past.ts";
import type { Lake } from "../table/archive.ts";
import type { RowWriter } from "../write/write-buffer.ts";
import type { LoadTarget } from "./target.ts";

/** Where the loads of a stream go: a PostgreSQL, or nowhere (`--dry-run`). */
export interface Sink {
  /** What landed before. */
  readonly past: Past;
  /** Makes the ledger ready. */
  prepare(schema: string, wait: Waiting): Promise<void>;
  /** Adds to a table that exists what it lacks, apart from the loads: it is not locked while records are fetched. Returns warnings. */
  evolve(target: LoadTarget, wait: StreamWait): Promise<readonly string[]>;
  /** Forgets the files of a table that is not there (any more): every file is new to it. */
  forgetFiles(target: LoadTarget): Promise<void>;
  /** Makes ready what is known of topics; forgets it of a table that is not there (any more): every record is new to it. */
  readyOffsets(target: LoadTarget): Promise<void>;
  /** Makes the table ready. Returns whether it is new. */
  makeTable(target: LoadTarget): Promise<boolean>;
  /** One load: all of it, or nothing where it fails or `isKept` says no. */
  whole<T>(work: () => Promise<T>, isKept?: (result: T) => boolean): Promise<T>;
  /** The first step of a load: its stream is locked, its table ready. */
  open(target: LoadTarget, wait: StreamWait): Promise<LoadWriter>;
  /** Notes a load that failed, after its end. Returns its number, if it has one. */
  noteFailure(target: Pick<LoadTarget, "key">, failure: FailureEntry): Promise<string | null>;
  /** Notes that the source was asked and had nothing new. */
  noteAsked(target: LoadTarget): Promise<void>;
  /** After the loads: what is old goes, archived where the table says so. Returns warnings. */
  tend(target: LoadTarget, lake: Lake | undefined): Promise<readonly string[]>;
}

/** Takes one load. */
export interface LoadWriter extends RowWriter {
  /** Whether nothing can have landed before. */
  readonly isFirst: boolean;
  /** For what goes to the server without passing the buffer; a rehearsal has none, and judges every record here. */
  readonly server: LoadingServer | undefined;
  /** The last step: what the ledger keeps. Returns the load's number. */
  close(entry: LoadEntry): Promise<string | null>;
}

export interface LoadingServer {
  readonly client: Client;
  /** The number of the load, drawn when it is first asked for. */
  loadId(): Promise<string>;
}

/** What the ledger keeps of one load, but for its number. */
export interface LoadEntry extends Omit<LedgerEntry, "loadId"> {
  readonly drift: readonly DriftEntry[];
  readonly file?: FileVersion;
}
