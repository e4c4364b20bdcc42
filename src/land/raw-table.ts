import type { IngestDeclaration, PartitionDeclaration, RecordSchema, StreamDeclaration } from "../model/ingest.ts";

/** A table that records land in. */
export interface RawTable {
  readonly schema: string;
  readonly name: string;
  readonly recordSchema: RecordSchema;
  readonly partition?: PartitionDeclaration;
}

export function rawTable(
  { schema }: IngestDeclaration,
  { table, recordSchema, partition }: StreamDeclaration,
): RawTable {
  return { schema, name: table, recordSchema, ...(partition ? { partition } : {}) };
}
