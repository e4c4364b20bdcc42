import type { LoadCursor } from "../../model/load-report.ts";
import type { Client } from "../../postgres/client.ts";
import { type KnownVersion, type LandedFile, readLandedFiles, readVersions, sameContent } from "./file-ledger.ts";
import { type KafkaOffset, kafkaOffsets } from "./kafka-offsets.ts";
import { batchRows, type LedgerKey, readCursor } from "./ledger.ts";

/** What the ledger tells of earlier loads. */
export interface Past {
  /** Where the last load ended. */
  cursor(key: LedgerKey): Promise<LoadCursor | null>;
  /** Rows of the last batch of a kind; undefined before the first one. */
  batchRows(key: LedgerKey, batch: string): Promise<number | undefined>;
  /** The newest version of every file, by path. */
  files(key: LedgerKey): Promise<ReadonlyMap<string, LandedFile>>;
  /** Every version of one path, the oldest first. */
  versions(key: LedgerKey, path: string): Promise<readonly KnownVersion[]>;
  /** How far topics have landed. */
  kafkaOffsets(key: LedgerKey): Promise<readonly KafkaOffset[]>;
  /** Another path with the same content. */
  sameContent(key: LedgerKey, path: string, checksum: string): Promise<string | undefined>;
}

export function pastOf(client: Client): Past {
  return {
    cursor: (key) => readCursor(client, key),
    batchRows: (key, batch) => batchRows(client, key, batch),
    files: (key) => readLandedFiles(client, key),
    versions: (key, path) => readVersions(client, key, path),
    kafkaOffsets: (key) => kafkaOffsets(client, key),
    sameContent: (key, path, checksum) => sameContent(client, key, path, checksum),
  };
}

/** Of a database that has no ledger yet. */
export const noPast: Past = {
  cursor: async () => null,
  batchRows: async () => undefined,
  files: async () => new Map(),
  versions: async () => [],
  kafkaOffsets: async () => [],
  sameContent: async () => undefined,
};
